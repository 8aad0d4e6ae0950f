"""Section of the report: the vocabulary atlas."""

import numpy as np
import pandas as pd

from grover.annotation.enrichment import LEVEL, coverage, most_tied
from grover.report.figures import atlas as figures
from grover.report.figures.atlas import LONGEST, OBSERVED, label, name_category
from grover.report.parts import (
    Picture,
    Results,
    Section,
    Table,
    bases,
    count,
    formatted,
    listed,
    with_interval,
)
from grover.report.published import beside_published
from grover.report.sections.points import vocabulary_plot
from grover.report.style import cut

TITLE = "Vocabulary atlas"
FILES = ("summary.json", "tokens.parquet", "kmers.parquet", "enrichment.parquet")
NEEDS = tuple(f"atlas/{OBSERVED}/{name}" for name in FILES)
MERGES = "vocabulary/merges.tsv"
MOST_EXCESS = 10
LONGEST_SHOWN = 24
LONE = 1e-3  # bases that make up a larger share of the tokens are tokens of one base
# what the table compares with the paper: label, key of the summary, format
NUMBERS = (
    ("bases per token", "mean_length", "{:.2f}".format),
    ("tokens of five bases", "five_mers", str),
    ("tokens of six bases", "six_mers", str),
    ("longest tokens", "longest", lambda tokens: shorten(tokens)),
    ("longest runs of a base", "longest_runs", lambda tokens: shorten(tokens, 4)),
    ("tokens that begin with A or T", "starts_with_at_types", "{:.1%}".format),
    ("the same, by occurrence", "starts_with_at", "{:.1%}".format),
    ("token CG", "has_cg", lambda value: "yes" if value else "no"),
    ("tokens of one base", "lone_bases", lambda shares: lone_bases(shares)),
    ("occurrences of the median token", "median_count", "{:,.0f}".format),
    ("the same, per million tokens", "median_per_million", "{:,.0f}".format),
    ("tokens above 140 per million", "frequent_per_million", "{:.1%}".format),
)


def section(results: Results) -> Section:
    genomes = [OBSERVED, *sorted(name.split("/")[1] for name in results.find("atlas/markov-*/summary.json"))]
    summaries = {name: results.json(f"atlas/{name}/summary.json") for name in genomes}
    tokens = {name: results.table(f"atlas/{name}/tokens.parquet") for name in genomes}
    places = {name: results.table(f"atlas/{name}/enrichment.parquet") for name in genomes}
    merges = read_merges(results, summaries)
    vocabulary = summaries[OBSERVED]["vocabulary"]
    paper = beside_published(results, vocabulary)

    findings = [*compare_lengths(tokens, summaries), *compare_places(places)]
    parts: list = [
        f"What the tokens of {vocabulary} are like and where they lie. Each number is compared with null genomes: the same "
        "segments, filled by a Markov chain. Order 1 draws each base by the one before it and keeps dinucleotides; order 5 draws it "
        "by the five before it and keeps 6-mers. "
        f"{'A vocabulary of the same size is learnt from each' if merges else 'Each is cut by the same vocabulary'}. "
        "What null genomes show too is no evidence of grammar.",
        findings,
        Table(
            numbers_table(summaries, paper),
            f"The tokens of {vocabulary}" + (" beside those of the paper (hg19, 600 cycles)." if paper else "."),
            NEEDS[0],
        ),
        explain(summaries, merges, paper),
        Picture(
            "atlas_frequencies",
            figures.frequencies(tokens),
            "How often the tokens occur, by rank and by length (one dot per token); how many tokens have each length; "
            "how many of the bases they cover. Single bases that are hardly ever tokens lie below the axes.",
            NEEDS[1],
        ),
        *vocabulary_plot(tokens[OBSERVED], NEEDS[1]),
        Picture(
            "atlas_composition",
            figures.composition(tokens),
            "First bases of the tokens, each token once (left) and by occurrence (middle); bases that lie in tokens up "
            "to each GC content (right).",
            NEEDS[1],
        ),
        Picture(
            "atlas_balance",
            figures.balance(tokens, results.table(NEEDS[2]), summaries),
            describe_balance(summaries[OBSERVED]["balance"]),
            NEEDS[2],
        ),
    ]
    if merges:
        cycles = int(vocabulary.removeprefix("bpe-"))
        drawn = figures.compression(merges, {name: summaries[name]["mean_length"] for name in merges}, cycles)
        parts.append(
            Picture(
                "atlas_compression",
                drawn,
                "Left: bases per token as the merges are learnt. Right: the length of the token that each merge makes, one dot "
                "per merge, with all merges of the run. Long tokens come only from what is repeated.",
                MERGES,
            )
        )
    unexplained = excess_table(tokens[OBSERVED])
    parts.append(
        Table(unexplained, describe_excess(tokens), NEEDS[1])
        if len(unexplained)
        else "No token occurs more often than dinucleotides explain."
    )
    if len(places[OBSERVED]):
        parts += locate_parts(tokens, places)
    return Section(
        "atlas", TITLE, parts, findings, vocabulary, lead="atlas_compression" if merges else "atlas_composition"
    )


def read_merges(results: Results, summaries: dict[str, dict]) -> dict[str, pd.DataFrame]:
    """All merges that were learnt from each genome, by genome; empty where the vocabulary is not of byte pairs learnt here."""
    if not summaries[OBSERVED]["vocabulary"].startswith("bpe-") or not results.find(MERGES):
        return {}
    names = {name: f"atlas/{name}/merges.tsv" for name in summaries} | {OBSERVED: MERGES}
    return {name: results.table(path) for name, path in names.items()}


def numbers_table(summaries: dict[str, dict], paper: bool) -> pd.DataFrame:
    """One row a number: the paper's value where `paper` asks for it, then that of each genome."""
    published = summaries[OBSERVED]["published"]
    return pd.DataFrame(
        {"number": [name for name, _, _ in NUMBERS]}
        | ({"paper": [published.get(key, "–") for _, key, _ in NUMBERS]} if paper else {})
        | {label(name): [show(summary[key]) for _, key, show in NUMBERS] for name, summary in summaries.items()}
    )


def shorten(tokens: list[str], most: int = 3) -> str:
    """At most `most` tokens as text: runs as base and length (A16), long ones cut."""
    shown = [
        f"{token[0]}{len(token)}" if len(set(token)) == 1 else cut(token, LONGEST_SHOWN + 1) for token in tokens[:most]
    ]
    return ", ".join([*shown, "…"] if len(tokens) > most else shown)


def lone_bases(shares: dict[str, float]) -> str:
    """`T (0.3%)`: the bases that make up at least one in a thousand tokens by themselves."""
    return ", ".join(f"{base} ({share:.1%})" for base, share in shares.items() if share >= LONE) or "none"


def explain(summaries: dict[str, dict], merges: dict[str, pd.DataFrame], paper: bool) -> list[str]:
    """Why the numbers are what they are, and where they stand beside the paper's, why they are not those."""
    own = summaries[OBSERVED]
    read = f"his run read {bases(own['bases'])} in {count(own['segments'], 'segment')} with {own['gc']:.1%} G and C."
    sentences = [f"T{read}"]
    if paper:
        sentences = [
            f"The paper read all of hg19, about 2.9 Gb with 41\u00a0% G and C; t{read} Occurrences grow with the genome: 100,000 "
            "times on hg19 are 140 per million tokens."
        ]
    if merges:
        first = "; ".join(f"{', '.join(table['token'].head(8))} ({label(name)})" for name, table in merges.items())
        sentences.append(
            "Which bases begin tokens, which are tokens themselves and whether CG becomes a token is settled by the first merges, "
            f"and these by composition. The first merges are {first}."
            + (
                " A Markov chain of order 1 with the dinucleotides of hg19 begins with AA, TT, TG, AG. As in the paper, 97\u00a0% of its "
                "tokens begin with A or T, G is a token and CG is none. Another composition may begin otherwise."
                if paper
                else ""
            )
        )
    nulls = {label(name): summary for name, summary in summaries.items() if name != OBSERVED}
    if nulls:
        reached = "; ".join(
            f"{name} gives {summary['mean_length']:.2f} bases per token, {summary['five_mers']} tokens of five and "
            f"{summary['six_mers']} of six bases ({summary['starts_with_at_types']:.1%} begin with A or T) and "
            f"{'a' if summary['has_cg'] else 'no'} token CG"
            for name, summary in nulls.items()
        )
        sentences.append(
            f"How far short k-mers alone go: {reached}. Where this is near the genome it shows no grammar."
        )
    return sentences


def compare_lengths(tokens: dict[str, pd.DataFrame], summaries: dict[str, dict]) -> list[str]:
    """What the nulls lack: long tokens, and how much of the genome they cover."""
    nulls = [name for name in tokens if name != OBSERVED]
    if not nulls:
        return []
    own, summary = tokens[OBSERVED], summaries[OBSERVED]
    means = listed([f"{summaries[name]['mean_length']:.2f}" for name in nulls])
    reach = listed([f"{summaries[name]['longest_length']} ({label(name)})" for name in nulls])
    beyond = own[(own["length"] > max(summaries[name]["longest_length"] for name in nulls)) & (own["count"] > 0)]
    if not len(beyond):
        return [f"No token is longer than those of null genomes, which have up to {reach} bases."]
    share = (beyond["count"] * beyond["length"]).sum() / (own["count"] * own["length"]).sum()
    return [
        f"The longest token has {count(summary['longest_length'], 'base')} ({shorten(summary['longest'], 1)}), those of null genomes "
        f"{reach}.",
        f"The {count(len(beyond), 'token')} longer than in null genomes cover {share:.1%} of the genome.",
        f"The genome has {summary['mean_length']:.2f} bases per token, null genomes {means}.",
    ]


def compare_places(places: dict[str, pd.DataFrame]) -> list[str]:
    """How many tests of enrichment are significant, in the genome and in the nulls."""
    tested = {name: table["q"].dropna() for name, table in places.items()}
    own = tested.pop(OBSERVED)
    if not len(own):
        return []
    nulls = [f"{(q < LEVEL).mean():.2%} ({label(name)})" for name, q in tested.items() if len(q)]
    chance = [f"{(places[name]['p'].dropna() < LEVEL).mean():.1%}" for name, q in tested.items() if len(q)]
    beside = (
        f"; in null genomes, where every one is an error, {listed(nulls)} (p below {LEVEL}: {listed(chance)})"
        if nulls
        else ""
    )
    return [
        f"Of {len(own):,} tests of a token and a category of the annotation, {(own < LEVEL).mean():.1%} have q below {LEVEL}{beside}."
    ]


def describe_balance(balance: dict[str, dict]) -> str:
    """Return a caption that says whether the tokens are used more evenly than the k-mers of about as many rows."""
    own = balance["tokens"]
    near = min(
        (name for name in balance if name != "tokens"),
        key=lambda name: abs(np.log(balance[name]["rows"] / own["rows"])),
    )
    kmers = balance[near]
    return (
        "Frequency of the rows over their mean (left; a flat line uses all alike), evenness (entropy over its maximum) and "
        f"Gini coefficient. The {own['rows']:,} tokens are used "
        f"{'more' if own['evenness'] > kmers['evenness'] else 'less'} evenly ({own['evenness']:.3f}, Gini {own['gini']:.2f}) "
        f"than the {kmers['rows']:,} {near} ({kmers['evenness']:.3f}, {kmers['gini']:.2f}), which need about "
        "as many rows."
    )


def excess(tokens: pd.DataFrame) -> pd.Series:
    """Occurrences over those that dinucleotides explain."""
    return tokens["count"] / tokens["expected"].where(tokens["expected"] > 0)


def excess_table(tokens: pd.DataFrame) -> pd.DataFrame:
    """The tokens that occur most often over what dinucleotides explain."""
    table = tokens.assign(excess=excess(tokens)).sort_values("excess", ascending=False)
    table = table[table["excess"] > 1].head(MOST_EXCESS)
    columns = ["token", "length", "count", "expected", "excess"]
    return formatted(table.assign(**{name: table[name].map(amount) for name in columns[-2:]})[columns])


def amount(value: float) -> str:
    """A number that may be large or small: `9,360,000`, `0.0121`."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def describe_excess(tokens: dict[str, pd.DataFrame]) -> str:
    largest = [f"{amount(excess(table).max())} ({label(name)})" for name, table in tokens.items()]
    return (
        "The tokens that dinucleotides explain least: how often they occur, and how often their bases would occur in this "
        f"order in a first-order Markov sequence. The largest excess is {listed(largest)}."
    )


def locate_parts(tokens: dict[str, pd.DataFrame], places: dict[str, pd.DataFrame]) -> list:
    """Figures and table of where the tokens lie."""
    observed = places[OBSERVED]
    tested = set(observed.loc[observed["q"].notna(), ["track", "category"]].itertuples(index=False, name=None))
    places = {
        name: table[[pair in tested for pair in zip(table["track"], table["category"], strict=True)]]
        for name, table in places.items()
    }
    parts: list = [
        "A token lies in a category of the annotation if its middle base does. Expected is the category's share of the "
        "sequence. Intervals and tests come from a jackknife over at most 200 blocks of the genome, since neighbouring "
        "occurrences are alike. The q-value corrects for all tests of a genome (Benjamini and Hochberg). The same annotation lies "
        "over null genomes, which cannot follow it: what is found there is error. A category of another composition draws "
        "tokens by their composition alone, as CpG islands do those of G and C."
    ]
    if not tested:
        return [*parts, "This genome is too small, or its categories too rare, for a test."]
    tied = most_tied(places[OBSERVED])
    if len(tied):
        parts.append(
            Picture(
                "atlas_enrichment",
                figures.enrichment(places, tied),
                "Left: the tokens most tied to each category. Right: of the tokens frequent enough for a test, the share that "
                "stands out, in the genome and in null genomes.",
                NEEDS[3],
            )
        )
    shares = {name: coverage(table, LONGEST) for name, table in places.items()}
    overall = {name: bases_by_length(table) for name, table in tokens.items()}
    parts.append(
        Picture(
            "atlas_coverage",
            figures.coverage(shares, overall),
            "Bases of each category by the length of the tokens that cover them, compared with the whole of the same genome. Red "
            "lengths cover more than elsewhere, blue ones less, and blank ones do not exist.",
            NEEDS[3],
        )
    )
    if len(tied):
        parts.append(
            Table(
                tied_table(tied),
                "The five tokens most tied to each category: share of their occurrences inside, and log2 of that over the "
                "expected share with its 95 % interval.",
                NEEDS[3],
            )
        )
    return parts


def bases_by_length(tokens: pd.DataFrame) -> pd.Series:
    """Share of the bases that tokens of each length cover; the last length stands for all longer ones."""
    covered = (tokens["count"] * tokens["length"]).groupby(tokens["length"].clip(upper=LONGEST)).sum()
    return covered / covered.sum()


def tied_table(tied: pd.DataFrame, q: str = "{:.1e}") -> pd.DataFrame:
    """The tokens most tied to categories as text; `q` is the format of that column."""
    return formatted(
        pd.DataFrame(
            {
                "category": [name_category(*names) for names in zip(tied["track"], tied["category"], strict=True)],
                "token": tied["token"],
                "occurrences": tied["count"],
                "inside": tied["share"],
                "expected": tied["expected"],
                "log2": [with_interval(row.log2, row.low, row.high, digits=2) for row in tied.itertuples()],
                "q": tied["q"],
            }
        ),
        {"inside": "{:.1%}", "expected": "{:.2%}", "q": q},
    )
