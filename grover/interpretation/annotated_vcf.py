"""Scores written into a VCF: the original records, each with fields of INFO that have one value per alternative allele.

Records stay as they are but for INFO. Tabix needs each contig in one piece and sorted by position, so a file that is not is sorted; contigs
keep the order in which they first occur.
"""

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pysam

from grover.intervals.formats import VARIANT, VCF
from grover.intervals.lines import find_header, rows_below_header
from grover.runtime.text import open_text

RUN = 200_000  # records that are sorted in memory
TABIX = 1 << 29  # bases of a contig that an index of tabix takes
# column of the table of variants, by the field of INFO: its type and description
FIELDS = {
    "GROVER_LLR": (
        "llr",
        "Float",
        "Pseudo-log-likelihood ratio, alternative minus reference, nats, mean of both strands",
    ),
    "GROVER_STRAND_GAP": ("strand_gap", "Float", "Absolute difference of GROVER_LLR between the strands, nats"),
    "GROVER_LLR_JOINT": (
        "llr_joint",
        "Float",
        "Log-likelihood ratio with all tokens masked at once, all segmentations, nats",
    ),
    "GROVER_LLR_CENTRED": (
        "llr_centred",
        "Float",
        "GROVER_LLR minus the mean of random substitutions of the same kind",
    ),
    "GROVER_LLR_LENGTH": (
        "llr_length_adjusted",
        "Float",
        "GROVER_LLR minus the median of random indels of equal length and context",
    ),
    "GROVER_COSINE": ("cosine", "Float", "Cosine distance of the mean embeddings of both alleles"),
    "GROVER_L2": ("l2", "Float", "Euclidean distance of the mean embeddings of both alleles"),
    "GROVER_DELTA_LOGIT": (
        "delta_logit",
        "Float",
        "Change of the margin of the fine-tuned model: logit(1) - logit(0), or one class against others",
    ),
    "GROVER_TOKENS_REF": (
        "tokens_ref",
        "Integer",
        "Tokens of the reference between the boundaries that both alleles share",
    ),
    "GROVER_TOKENS_ALT": (
        "tokens_alt",
        "Integer",
        "Tokens of the alternative between the boundaries that both alleles share",
    ),
    "GROVER_STATUS": ("status", "String", "Why an allele has no score, or ok"),
}
REQUIRED = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")


class Record(NamedTuple):
    """A line of the file, with the order of its contig and its position."""

    contig: int
    pos: int
    line: str


def write_annotated(source: Path, target: Path, tables: Iterable[pd.DataFrame], about: Mapping[str, str]) -> None:
    """Write `target`, a VCF in blocks of gzip, of the records of `source` that the tables have, and its index `target.tbi`.

    Beyond 512 Mb of a contig the index is CSI, which htslib recognises by its content.

    tables: of `record`, in the order of the file, and the columns of `FIELDS`. about: values of further lines of the header by name.
    """
    contigs: dict[str, int] = {}
    tables = iter(tables)
    head = next(tables, pd.DataFrame())
    given = [name for name, (column, *_) in FIELDS.items() if column in head]
    with pysam.BGZFile(str(target), "w", None) as stream, ExitStack() as open_files:
        records = _sorted(_records(source, chain([head], tables), contigs), open_files)
        first = list(islice(records, 1))  # by which all contigs are known
        for line in _header(source, contigs, about, given):
            stream.write(f"{line}\n".encode())
        reach = 0
        for record in chain(first, records):
            reach = max(reach, record.pos + len(record.line))  # no REF is longer than its line
            stream.write(f"{record.line}\n".encode())
    pysam.tabix_index(str(target), preset="vcf", force=True, csi=reach >= TABIX, index=f"{target}.tbi")


def _header(source: Path, contigs: Mapping[str, int], about: Mapping[str, str], fields: Iterable[str]) -> Iterator[str]:
    """The header of the file with our fields, the contigs that it does not name, and the names of the columns."""
    lines, names = _given_header(source)
    yield from lines or ["##fileformat=VCFv4.2"]
    named = {line.partition("ID=")[2].partition(",")[0].strip(">") for line in lines if line.startswith("##contig=")}
    yield from (f"##contig=<ID={name}>" for name in contigs if name not in named)
    yield from (f"##{name}={value}" for name, value in about.items())
    for name in fields:
        _, kind, description = FIELDS[name]
        yield f'##INFO=<ID={name},Number=A,Type={kind},Description="{description}">'
    yield "\t".join([*REQUIRED, *names[len(REQUIRED) :]])


def _given_header(source: Path) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    with open_text(source) as stream:
        for line in stream:
            if not line.startswith("#"):
                break
            if line.startswith("#CHROM"):
                return lines, line.split()
            if line.startswith("##") and not line.startswith(("##INFO=<ID=GROVER_", "##GROVER_")):
                lines.append(line.rstrip())
    return lines, list(REQUIRED)


def _records(source: Path, tables: Iterable[pd.DataFrame], contigs: dict[str, int]) -> Iterator[Record]:
    """The records that the tables have, with the fields in INFO. `contigs` gets a number for each."""
    lines = enumerate(_rows(source))
    for number, info in _infos(tables):
        cells = next(cells for row, cells in lines if row == number)
        kept = [part for part in cells[7].split(";") if part not in ("", ".") and not part.startswith("GROVER_")]
        cells[7] = ";".join([*kept, info])
        yield Record(contigs.setdefault(cells[0], len(contigs)), int(cells[1]), "\t".join(cells))


def _rows(source: Path) -> Iterator[list[str]]:
    """The cells of each record, of a VCF or of a table with a header, of which a missing one is a dot."""
    header = find_header(source, VARIANT)
    places = [header[1].index(name) if name in header[1] else -1 for name in VCF] if header else []
    for _, line in rows_below_header(source, VARIANT):
        cells = line.split("\t")
        if header:
            cells = [cells[place] if place >= 0 else "." for place in places]
        yield [cell.strip(" ") for cell in cells] + ["."] * (len(VCF) - len(cells))


def _infos(tables: Iterable[pd.DataFrame]) -> Iterator[tuple[int, str]]:
    """Number of each record and its fields of INFO. The alleles of a record may stand in two tables."""
    rest = pd.DataFrame()
    for table in chain(tables, [None]):
        whole = pd.concat([rest, table]) if table is not None else rest
        if not len(whole):
            continue
        last = whole["record"].iloc[-1]
        ready = whole if table is None else whole[whole["record"] != last]
        rest = whole[whole["record"] == last]
        if not len(ready):
            continue
        record = ready["record"].to_numpy()
        begins = np.flatnonzero(np.append(True, record[1:] != record[:-1]))
        texts = {name: _texts(ready[column], kind) for name, (column, kind, _) in FIELDS.items() if column in ready}
        for begin, end in zip(begins, [*begins[1:], len(ready)], strict=True):
            yield (
                int(record[begin]),
                ";".join(f"{name}={','.join(values[begin:end])}" for name, values in texts.items()),
            )


def _texts(column: pd.Series, kind: str) -> list[str]:
    if kind == "Float":
        return ["." if np.isnan(value) else f"{value:.6g}" for value in column.to_numpy(np.float64)]
    return column.astype(str).to_list()


def _sorted(records: Iterator[Record], open_files: ExitStack) -> Iterator[Record]:
    """Records by contig and position; sorted runs of many are kept on disk, so that memory does not grow with their number."""
    runs: list[Iterable[Record]] = []
    while run := list(islice(records, RUN)):
        run.sort(key=lambda record: record[:2])
        if len(run) < RUN:
            runs.append(run)
            break
        file = open_files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))  # noqa: SIM115 (closed by the stack)
        file.writelines(f"{record.contig}\t{record.pos}\t{record.line}\n" for record in run)
        file.seek(0)
        runs.append(_read_run(file))
    yield from heapq.merge(*runs, key=lambda record: record[:2])


def _read_run(lines: Iterable[str]) -> Iterator[Record]:
    for line in lines:
        contig, pos, rest = line.rstrip("\n").split("\t", 2)
        yield Record(int(contig), int(pos), rest)
