"""Section of the report: motifs of the fine-tuned models."""

import pandas as pd

from grover.report.figures import motifs as figures
from grover.report.parts import Picture, Results, Section, Table, count, formatted, listed, with_interval

TITLE = "Motifs"
TABLE = "interpretation/*/motifs.tsv"
NEEDS = (TABLE,)
SHOWN = 6  # motifs of a task with a logo
SIGNIFICANT = 0.05  # of a match among the known motifs


def section(results: Results) -> Section:
    """Write a table and one figure for each task, and one finding for all."""
    parts: list = [
        "Motifs are discovered on fold train from the contributions of single bases, and tested on fold test. A motif is supported where "
        "two tests agree. Its class has better matches (q at most 0.05). Its consensus, written into sequences without it, raises the "
        "logit more than its shuffled bases. For a motif against a class, both are the reverse."
    ]
    supported, without, first = [], [], ""
    for name in results.find(TABLE):
        task = name.split("/")[1]
        table = results.table(name)
        found = table[table["supported"]] if len(table) else table
        if len(found):
            first = first or task
            supported.append(f"{task}: {listed([_named(row) for _, row in found.iterrows()])}")
        else:
            without.append(task)
        parts += _task(results, task, table)
    return Section("motifs", TITLE, parts, findings=_findings(supported, without), lead=f"motifs_{first}")


def _task(results: Results, task: str, table: pd.DataFrame) -> list:
    """Sentence, table and figure of one task."""
    folder = f"interpretation/{task}"
    number = int(table["supported"].sum()) if len(table) else 0
    if table.empty:
        return [f"{task}: no motif was found."]
    sentence = (
        f"{task}: {count(len(table), 'motif')} from contributions, {number} supported by both tests on fold test."
    )
    shown = table.sort_values(["supported", "sites"], ascending=False, kind="stable").head(SHOWN)
    logos, profiles = (results.table(f"{folder}/motif_{name}.parquet") for name in ("logos", "profiles"))
    return [
        sentence,
        Table(
            _rows(table),
            f"Motifs of {task}. AUROC: best match per sequence of fold test, the class against all others, 95 % interval over blocks. "
            "Insertion: change of the logit by the consensus, minus that by its shuffled bases, at the usual place (bases right of the "
            "middle) and strand. Match: most similar known motif.",
            f"{folder}/motifs.tsv",
        ),
        Picture(
            f"motifs_{task}",
            figures.motif_rows(shown, logos, profiles),
            f"Motifs of {task}. Left: mean contribution of each base to the logit. Right: change of the logit by the consensus, minus that "
            "by its shuffled bases, by place and strand, for supported motifs.",
            f"{folder}/motif_logos.parquet",
        ),
    ]


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    """The table as the report shows it, all cells as text."""
    frame = pd.DataFrame(
        {
            "motif": table["motif"],
            "consensus": table["consensus"],
            "windows": table["sites"],
            "class": [_class(row) for _, row in table.iterrows()],
            "AUROC": [
                "–" if pd.isna(row[0]) else with_interval(*row)
                for row in table[["auroc", "auroc_low", "auroc_high"]].to_numpy()
            ],
            "q": table["q"],
            "insertion": [
                "–" if pd.isna(row[0]) else with_interval(*row, digits=2)
                for row in table[["insertion", "insertion_low", "insertion_high"]].to_numpy()
            ],
            "place": [f"{row.offset}, {row.orientation}" for row in table.itertuples()],
            "match": [
                "none" if pd.isna(row.match) or not row.match_q <= SIGNIFICANT else f"{row.match} (q {row.match_q:.2g})"
                for row in table.itertuples()
            ],
            "supported": table["supported"],
        }
    )
    return formatted(frame, {"q": "{:.2g}"})


def _named(row: pd.Series) -> str:
    known = f", like {row['match']}" if pd.notna(row["match"]) and row["match_q"] <= SIGNIFICANT else ""
    return f"{row['consensus']} ({_class(row)}{known})"


def _class(row: pd.Series) -> str:
    """The class whose logit the motif raises, or lowers."""
    return str(row["class"]) if row["sign"] > 0 else f"against {row['class']}"


def _findings(supported: list[str], without: list[str]) -> list[str]:
    parts = [f"Motifs supported by both tests: {'; '.join(supported)}."] if supported else []
    return parts + ([f"No motif is supported by both tests in {listed(without)}."] if without else [])
