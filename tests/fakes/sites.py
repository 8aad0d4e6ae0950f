"""Made-up importance of bases, motifs and dependency maps; `tests/fakes/results.py` says how each table is written."""

import json

import numpy as np
import pandas as pd

from grover.interpretation.dependency_pairs import describe_pairs


def write(rng, parquet, text, place) -> None:
    """Write what the report reads of single sites."""
    for task, chrom in (("ctcf", "chr1"), ("promoters", "")):
        bases, tests = _importance(rng, task, chrom)
        parquet(f"interpretation/{task}/base_importance.parquet", bases)
        text(f"interpretation/{task}/faithfulness.tsv", tests)
    site = {"chrom": "chr1", "start": 5_061, "end": 5_079, "strand": "+", "partner": "right"}
    site |= {"partner_start": 5_084, "partner_end": 5_097}
    truth = {"sites": [site], "partner": {"consensus": "TTACGCAATCGGA", "side": "right"}}
    place("simulated/truth.json").write_text(json.dumps(truth))
    parquet("interpretation/maps.parquet", _dependency_pairs(rng))
    place("models/bpe-300/trained_on.bed").write_text("chr1\t90020\t90040\nchr1\t90520\t95000\n")
    _motifs(parquet, text)


def _importance(rng, task, chrom) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three sites of 140 bases, whose partner at 84 to 97 is important, by two methods; and tests of them over one seed."""
    bases = []
    for example, (method, height) in enumerate(
        [("ism", 1.0), ("ism", 0.6), ("ism", 0.8), ("ig", 1.0), ("ig", 0.6), ("ig", 0.8)]
    ):
        importance = np.abs(rng.normal(0, 0.05, 140)) + (np.abs(np.arange(140) - 90) < 7) * height
        site = {"task": task, "method": method, "example": example % 3, "label": 1, "answer": height, "chrom": chrom}
        q = np.where(importance > 0.5, 0.01, 0.8) if method == "ism" else np.nan
        columns = {"pos": 5_000 + 9_000 * (example % 3) + np.arange(140), "offset": np.arange(140), "strand": "+"}
        values = {"importance": importance, "signed": -importance, "p": q, "q": q, "resolution": 1, "error": np.nan}
        ref = rng.choice(list("ACGT"), 140)
        bases.append(pd.DataFrame(columns | values).assign(ref=ref, **site))
    tests = []
    for method, lead in (("ism", 1.0), ("ig", 0.5), ("random", 0.0), ("rarity", 0.1)):
        for test, sign in (("deletion", -1), ("insertion", 1)):
            tests += [
                (test, method, "", x, sign * (x + lead * x * (1 - x)), -1.0, 1.0, 3) for x in (0.0, 0.1, 0.5, 1.0)
            ]
            if lead >= 0.5:
                tests.append((f"{test} gain", method, "random", np.nan, lead, lead - 0.2, lead + 0.2, 3))
    tests += [("seeds", "ism", "", *[np.nan] * 4, 0), ("methods", "ism", "ig", np.nan, 0.7, 0.6, 0.8, 3)]
    tests += [
        ("randomisation", "ism", part, x, 0.3 - x / 10, 0.0, 0.4, 3) for x, part in ((1, "classifier"), (2, "layer 1"))
    ]
    columns = ["test", "method", "against", "x", "value", "low", "high", "n"]
    return pd.concat(bases, ignore_index=True), pd.DataFrame(tests, columns=columns).assign(task=task)


def _motifs(parquet, text) -> None:
    """Motifs of a task with one supported and one other motif, and of a task without any."""
    columns = [
        "motif",
        "consensus",
        "width",
        "sites",
        "label",
        "class",
        "sign",
        "auroc",
        "auroc_low",
        "auroc_high",
        "p",
        "q",
    ]
    columns += [
        "insertion",
        "insertion_low",
        "insertion_high",
        "insertion_windows",
        "offset",
        "orientation",
        "opposite",
    ]
    columns += ["supported", "task", "match", "match_p", "match_q"]
    rows = [
        ("motif-1", "TTACG", 5, 37, 1, "bound", 1, 0.62, 0.59, 0.65, 1e-6, 2e-6, 5.9, 5.6, 6.3, 60, 23, "+", -0.3, True)
        + ("ctcf", "MA1.1", 0.001, 0.002),
        (
            "motif-2",
            "GATGAC",
            6,
            8,
            1,
            "bound",
            -1,
            0.51,
            0.47,
            0.56,
            0.6,
            0.6,
            *[np.nan] * 3,
            0,
            -5,
            "-",
            np.nan,
            False,
        )
        + ("ctcf", "MA1.1", 0.8, 0.8),
    ]
    table = pd.DataFrame(rows, columns=columns)
    text("interpretation/ctcf/motifs.tsv", table)
    text("interpretation/splice/motifs.tsv", table.iloc[:0])
    logos = [
        (motif, position, base, 0.85 if base == letter else 0.05, sign * (base == letter))
        for motif, consensus, sign in zip(table["motif"], table["consensus"], table["sign"], strict=True)
        for position, letter in enumerate(consensus)
        for base in "ACGT"
    ]
    logo_columns = ["motif", "position", "base", "probability", "contribution"]
    profiles = [
        ("motif-1", offset, strand, effect, effect - 0.5, effect + 0.5, 20)
        for strand in "+-"
        for offset, effect in ((-20, 0.1), (0, 2.0), (20, 5.0))
    ]
    profile_columns = ["motif", "offset", "orientation", "effect", "low", "high", "windows"]
    for task, kept in (("ctcf", slice(None)), ("splice", slice(0))):
        parquet(f"interpretation/{task}/motif_logos.parquet", pd.DataFrame(logos[kept], columns=logo_columns))
        parquet(f"interpretation/{task}/motif_profiles.parquet", pd.DataFrame(profiles[kept], columns=profile_columns))


def _dependency_pairs(rng) -> pd.DataFrame:
    """Two loci of 40 bases; in the first the bases 10 to 19 depend on the bases 25 to 34."""
    near = np.exp(-np.abs(np.subtract.outer(np.arange(40), np.arange(40))) / 5)
    tables = []
    for locus, start in enumerate((5_000, 90_000)):
        observed, random = (near * rng.uniform(0.5, 1.5, near.shape) for _ in range(2))
        if locus == 0:
            observed[10:20, 25:35] += 2
        null = np.stack([near * rng.uniform(0.5, 1.5, near.shape) for _ in range(4)])
        place = {"locus": locus, "chrom": "chr1", "start": start, "end": start + 40}
        table = describe_pairs(observed, null, random).assign(**place)
        tables.append(table[[*place, *table.columns.drop(list(place))]])
    return pd.concat(tables, ignore_index=True)
