"""Part of the section on benchmarks: what the cards of the datasets say, in a table of all and a page for each."""

import pandas as pd

from grover.report.parts import Table, count, formatted, listed

MATCHED = "genomic-matched"
FOLDS = ("train", "valid", "test")
FOUND = {"intervals": "by their places", "search": "found by a search of the genome"}
CALLS = {"half": "from a probability of 0.5 on", "valid": "from the threshold on that is best on fold valid"}


def audit_table(cards: list[dict]) -> pd.DataFrame:
    """Return the audits of all tasks, one row each."""
    rows = [
        {
            "task": card["task"],
            "train / valid / test": " / ".join(f"{sum(card['counts'].get(fold, {}).values()):,}" for fold in FOLDS),
            "clean": sum(card["clean"].get("test", {}).values()),
            "same": card["duplicates"]["across"].get("train-test", {}).get("either_strand", 0),
            "similar": card["near_duplicates"].get("train-test", 0),
            "overlap": card["overlaps"].get("train-test", 0),
            "seen": f"{card['pretraining']['share_of_test_bases']:.1%}" if card["pretraining"]["known"] else None,
            "GC": card["telling"].get("gc"),
            "repeats": card["telling"].get("repeats"),
            "length": card["telling"].get("length"),
        }
        for card in cards
    ]
    return formatted(pd.DataFrame(rows).astype(object), default="{:.2f}")


def describe(card: dict, source: str) -> list:
    """Return the page of a dataset: what it is made of and what the audit found, as text and tables."""
    length = f"of {card['length']:,} bases" if card["length"] else "of the length that they are given in"
    tokens = f", in tokens of {card['vocabulary']}" if card["vocabulary"] else ""
    clauses = [
        f"{card['examples']:,} sequences {length}, made by builder `{card['builder']}` from {listed(card['sites'])}",
        f"negatives: {card['negatives']}{tokens}{matched(card)}" if card["negatives"] != "." else "",
        f"options: {', '.join(f'{key} {value}' for key, value in card['options'].items())}" if card["options"] else "",
    ]
    dropped = "; ".join(f"{reason} {number:,}" for reason, number in card["dropped"].items()) or "none"
    made = f"{'; '.join(filter(None, clauses))}. {card['sites_found']:,} sites were found; left out: {dropped}. {called(card)}"
    counts = pd.DataFrame(card["counts"]).T.rename_axis("fold").reset_index().rename_axis(columns=None)
    balance = pd.DataFrame(card["balance"]).T.rename_axis("label").reset_index().rename_axis(columns=None)
    titles = {"gc": "GC", "gc_sd": "its standard deviation", "repeats": "share in repeats", "length": "bases"}
    balance = balance.rename(columns=titles)
    return [
        made,
        Table(formatted(counts), "Examples by fold and label.", source),
        audit_sentences(card),
        Table(formatted(balance.astype(object), {"bases": "{:,.1f}"}, "{:.3f}"), "Means of each label.", source),
        telling_sentence(card["telling"]),
    ]


def matched(card: dict) -> str:
    """Clause on the annotation by which windows of the genome were chosen; empty where there are none."""
    if card["negatives"] != MATCHED:
        return ""
    like = "GC alone" if card["repeats"] == "none" else f"GC and repeats ({card['repeats']})"
    off = "without a blacklist" if card["blacklist"] == "none" else f"off the blacklist ({card['blacklist']})"
    return f", like their positives in {like}, {off}"


def called(card: dict) -> str:
    """How a probability becomes a label."""
    if len(card["labels"]) > 2:
        return "The label of the highest probability is called."
    return f"Label {card['labels'][1]} is called {CALLS[card['call']]}."


def audit_sentences(card: dict) -> str:
    """What the audit found between folds, and in the pretraining windows."""
    across = {pair: values["either_strand"] for pair, values in card["duplicates"]["across"].items()}
    near = {pair: number for pair, number in card["near_duplicates"].items() if "-" in pair}
    within = sum(card["duplicates"]["within"].values())
    bar = f"near-duplicates (similarity from {card['near_duplicates']['similarity']} on, by {card['near_duplicates']['k']}-mers)"
    found = [
        f"Between folds there are {between_folds('duplicates on either strand', across)}",
        between_folds(bar, near),
        between_folds("overlapping intervals", card["overlaps"]),
    ]
    clean, whole = (sum(card[key].get("test", {}).values()) for key in ("clean", "counts"))
    seen = card["pretraining"]
    share = (
        f"{seen['share_of_test_bases']:.1%} of the bases of fold test lie in pretraining windows "
        f"({FOUND.get(seen['how'], seen['how'])})"
        if seen["known"]
        else "Whether pretraining has seen fold test is not known"
    )
    return (
        f"{'; '.join(found)}; {count(within, 'sequence')} repeat within a fold. {share}. "
        f"{clean:,} of {whole:,} test examples are clean. {stops(card['limits'])}"
    )


def stops(limits: dict[str, float]) -> str:
    """What the audit would not have let pass."""
    bars = [f"{value:.0%} {name.replace('_', '-')}" for name, value in limits.items()]
    return f"More than {listed(bars)} would have stopped the run (`benchmarks.limits`)."


def between_folds(what: str, numbers: dict[str, int]) -> str:
    """`no duplicates`, or `duplicates: 54 (train-valid), 42 (train-test)`."""
    some = [f"{number:,} ({pair})" for pair, number in numbers.items() if number]
    return f"{what}: {', '.join(some)}" if some else f"no {what}"


def telling_sentence(telling: dict) -> str:
    """What single numbers tell of the label."""
    names = {"gc": "GC content", "repeats": "the share in repeats", "length": "length"}
    known = [f"{names[key]} {telling[key]:.2f}" for key in names if telling.get(key) is not None]
    return (
        f"How well one number alone tells the labels apart (AUROC, 0.5 is chance): {listed(known)}."
        if known
        else "No number alone was tried."
    )
