"""Nothing that the check of the sources takes fails in the script that uses it, and what is refused is named with its place.

The situations are those of public bug reports, written by hand, and files that hypothesis makes of valid ones.
"""

import gzip
import json
import lzma
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.situations import BASES, PEAKS, Situations


@pytest.fixture(scope="module")
def situations(tmp_path_factory) -> Situations:
    return Situations(tmp_path_factory.mktemp("situations"))


def at(chrom: str, pos: int, size: int = 1) -> str:
    return BASES[chrom][pos - 1 : pos - 1 + size]


FORMAT = "##fileformat=VCFv4.2\n"
NAMES = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
RECORDS = f"""chr1\t100\tsnv\t{at("chr1", 100)}\tC\t.\t.\t.
chr1\t110\tmulti\t{at("chr1", 110)}\tG,T,*\t.\t.\t.
chr1\t120\tdel\t{at("chr1", 120)}\t<DEL>\t.\t.\tEND=400;SVTYPE=DEL
chr1\t130\tindel\t{at("chr1", 130, 4).lower()}\tT\t.\t.\t.
chr1\t140\tnoalt\t{at("chr1", 140)}\t.\t.\t.\t.
chr2\t20\tins\t{at("chr2", 20)}\tGACGT\t.\t.\t.
chr2\t30\taltN\t{at("chr2", 30)}\tN\t.\t.\t.
"""
VCF = FORMAT + NAMES + RECORDS
OTHER = "".join(f"chr1\t{pos}\t.\t{'ACGT'['CGTA'.index(at('chr1', pos))]}\tA\t.\t.\t.\n" for pos in range(100, 150))
HEAD = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
ROWS = " 0.97 0.01 0.01 0.01\n 0.01 0.97 0.01 0.01\n"
MATRIX = "letter-probability matrix: alength= 4 w= 2 nsites= 5 E= 0\n"
MEME = f"{HEAD}MOTIF g0\n{MATRIX}{ROWS}"
CSV = "sequence,label,fold\nACGT,0,train\nGGCC,1,train\nACG,0,valid\nTT,1,valid\nAC,0,test\nNN,1,test\n"
BPE = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": {"type": "Whitespace"},
    "post_processor": None,
    "decoder": None,
    "model": {
        "type": "BPE",
        "dropout": None,
        "unk_token": "[UNK]",
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "vocab": {text: n for n, text in enumerate(["[UNK]", "A", "C", "G", "N", "T", "AA", "AC", "NN", "AAAC", "TG"])},
        "merges": ["A A", "A C", "N N", "AA AC", "T G"],
    },
}
SPECIAL = {"id": 0, "content": "[UNK]", "special": True, "single_word": False, "lstrip": False, "rstrip": False}
METASPACE = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
SPLIT = {"type": "Split", "pattern": {"Regex": ".{1,128}"}, "behavior": "Isolated", "invert": False}
CUT = {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0}
REPLACE = {"type": "Replace", "pattern": {"String": "T"}, "content": "U"}
UNIGRAM = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["A", -1.0]]}
PIECES = {"type": "WordPiece", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "A": 1}, "max_input_chars_per_word": 100}
WORDS = {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"[UNK]": 0, "AAAAAA": 1}}
OTHERWISE = "it cuts sequence not by its merges alone"


def tokenizer(**changes) -> str:
    return json.dumps(BPE | changes)


def model(**changes) -> str:
    return json.dumps(BPE | {"model": BPE["model"] | changes})


def lower() -> str:
    vocab = {text.lower(): number for text, number in BPE["model"]["vocab"].items()}
    changed = BPE["model"] | {"vocab": vocab, "merges": [merge.lower() for merge in BPE["model"]["merges"]]}
    return json.dumps(BPE | {"model": changed, "normalizer": {"type": "Lowercase"}})


BED = "chr1\t100\t200\nchr1\t300\t400\n"
BEDGRAPH = "chr1\t100\t200\t1.5\nchr1\t300\t400\t2\n"
TABLE = "chrom\tstart\tend\tmark\nchr1\t100\t200\t1\n"
GTF = 'chr1\tx\tgene\t101\t400\t.\t+\t.\tgene_id "A"; gene_name "a;b";\n'
GTF += 'chr1\tx\texon\t101\t400\t.\t+\t.\tgene_id "A"; transcript_id "A.1";\n'
GFF3 = "##gff-version 3\nchr1\tx\tgene\t101\t400\t.\t+\t.\tID=gene-A;Name=a%20b\nchr1\tx\tCDS\t101\t400\t.\t+\t0\tID=cds-1;Parent=gene-A\n"
DIGITS = "must be a whole number, written out in digits"
SITUATIONS: list[tuple[str, str, str | bytes, str | None]] = [
    ("vcf", "plain", VCF, None),
    ("vcf", "gzip", gzip.compress(VCF.encode()), None),
    ("vcf", "xz", lzma.compress(VCF.encode()), None),
    ("vcf", "no fileformat", NAMES + RECORDS, None),
    ("vcf", "no header", RECORDS, None),
    ("vcf", "contig lines", FORMAT + "##contig=<ID=chr1,length=2000>\n##contig=<ID=chr2>\n" + NAMES + RECORDS, None),
    ("vcf", "CRLF", VCF.replace("\n", "\r\n"), None),
    ("vcf", "BOM", "\ufeff" + VCF, None),
    ("vcf", "blanks", VCF.replace("\t", " "), None),
    ("vcf", "telomere", VCF + "chr1\t0\t.\tN\tA\t.\t.\t.\n", None),
    ("vcf", "POS 0", VCF + "chr1\t0\t.\tA\tC\t.\t.\t.\n", "line 10: POS is 0, but VCF counts positions from 1"),
    ("vcf", "header only", FORMAT + NAMES, "no record below the header"),
    ("vcf", "another assembly", FORMAT + NAMES + OTHER, "line 3: REF is "),
    (
        "vcf",
        "beyond the contig",
        VCF + "chr2\t501\t.\tA\tC\t.\t.\t.\n",
        "line 10: the record lies beyond chr2 (500 bases)",
    ),
    ("vcf", "a contig that is not there", VCF + "chr3\t20\t.\tA\tC\t.\t.\t.\n", None),
    ("vcf", "IUPAC", VCF + "chr1\t600\t.\tR\tA\t.\t.\t.\n", "line 10: REF is R"),
    ("vcf", "MT", VCF.replace("chr", "") + "MT\t20\t.\tA\tC\t.\t.\t.\n", "set `rename: add-chr`"),
    ("vcf", "a BED", BED, "line 1: expected 5 columns separated by tabs, found 3"),
    (
        "vcf",
        "symbolic alleles alone",
        FORMAT + NAMES + RECORDS.splitlines(True)[2],
        "none of its 1 records has an allele to score",
    ),
    ("meme", "plain", MEME, None),
    ("meme", "no w", MEME.replace(" w= 2 nsites= 5 E= 0", "") + "\nURL http://x\n", None),
    ("meme", "bare", MEME.replace(" alength= 4 w= 2 nsites= 5 E= 0", ""), None),
    ("meme", "text before", "********\nMEME - Motif discovery tool\n********\n" + MEME, None),
    ("meme", "blank line first", "\n" + MEME, None),
    ("meme", "BOM", "\ufeff" + MEME, None),
    ("meme", "tight", MEME.replace("= ", "="), None),
    ("meme", "Latin-1", MEME.replace("MOTIF g0", "MOTIF g0 Müller").encode("latin-1"), None),
    ("meme", "rounded", MEME.replace("0.97 0.01 0.01 0.01", "0.33 0.33 0.16 0.16", 1), None),
    ("meme", "another motif has no matrix", MEME + "\nMOTIF g1\n", None),
    (
        "meme",
        "log-odds beside it",
        MEME.replace("MOTIF g0\n", "MOTIF g0\n\nlog-odds matrix: alength= 4 w= 1\n 1 2 3 4\n\n"),
        None,
    ),
    (
        "meme",
        "no matrix",
        MEME.replace("g0", "g1") + "\nMOTIF g0\n",
        "line 12: motif g0 has no letter-probability matrix",
    ),
    ("meme", "twice", MEME + "\nMOTIF g0\n" + MATRIX + ROWS, "lines 7, 12: 'g0' names 2 motifs"),
    ("meme", "counts", MEME.replace("0.97 0.01 0.01 0.01", "50 0 0 0", 1), "line 9: motif g0: .* these are counts"),
    ("meme", "RNA", MEME.replace("ACGT", "ACGU"), "line 3: the alphabet is ACGU"),
    ("meme", "order", MEME.replace("ACGT", "TGCA"), "line 3: the alphabet is TGCA"),
    ("meme", "JASPAR", ">MA0001.1 X\nA [ 1 2 3 ]\n", "no line begins with 'MEME version'"),
    ("tokenizer", "plain", tokenizer(), None),
    ("tokenizer", "BOM", "\ufeff" + tokenizer(), None),
    ("tokenizer", "pairs", model(merges=[merge.split() for merge in BPE["model"]["merges"]]), None),
    ("tokenizer", "special", tokenizer(added_tokens=[SPECIAL | {"normalized": False}]), None),
    ("tokenizer", "truncation", tokenizer(truncation=CUT), None),
    ("tokenizer", "no content", tokenizer(added_tokens=[{"id": 0, "special": True}]), "added token 1 is "),
    ("tokenizer", "empty content", tokenizer(added_tokens=[SPECIAL | {"content": ""}]), "added token 1 is "),
    ("tokenizer", "added text", tokenizer(added_tokens=["[UNK]"]), "added token 1 is "),
    ("tokenizer", "byte level", tokenizer(pre_tokenizer=BYTES), OTHERWISE),
    ("tokenizer", "metaspace", tokenizer(pre_tokenizer=METASPACE), OTHERWISE),
    ("tokenizer", "split", tokenizer(pre_tokenizer=SPLIT), OTHERWISE),
    ("tokenizer", "replace", tokenizer(normalizer=REPLACE), OTHERWISE),
    ("tokenizer", "lower case", lower(), "A, C, G, T not in the vocabulary"),
    ("tokenizer", "ignore_merges", model(ignore_merges=True), "its model has `ignore_merges` True"),
    ("tokenizer", "merges null", model(merges=None), "no list of `merges`"),
    ("tokenizer", "model null", tokenizer(model=None), "no `model` with a `vocab`"),
    ("tokenizer", "Unigram", tokenizer(model=UNIGRAM), "is a Unigram tokenizer"),
    ("tokenizer", "WordPiece", tokenizer(model=PIECES), "is a WordPiece tokenizer"),
    ("tokenizer", "WordLevel", tokenizer(model=WORDS), "is a WordLevel tokenizer"),
    ("tokenizer", "list", "[]", "no `model` with a `vocab`"),
    ("tokenizer", "number", "9", "no `model` with a `vocab`"),
    ("tokenizer", "tokenizer_config", '{"model_max_length": 512}', "no `model` with a `vocab`"),
    ("tokenizer", "empty", "", "line 1: no JSON"),
    ("tokenizer", "vocab.txt", "[PAD]\n[UNK]\nAAAAAA\n", "line 1: no JSON"),
    ("csv", "plain", CSV, None),
    ("csv", "tabs, CRLF, BOM", "\ufeff" + CSV.replace(",", "\t").replace("\n", "\r\n"), None),
    ("csv", "xz", lzma.compress(CSV.encode()), None),
    ("csv", "-1 and 1", CSV.replace(",0,", ",-1,"), None),
    ("csv", "1 and 1.0", CSV.replace("TT,1", "TT,1.0"), None),
    ("csv", "empty sequence", CSV.replace("TT,1", ",1"), "line 5: the sequence is empty"),
    ("csv", "empty label", CSV.replace("TT,1", "TT,"), "line 5: the label is missing"),
    ("csv", "one label in test", CSV.replace("NN,1", "NN,0"), "fold test holds 0 1 examples"),
    ("csv", "RNA", CSV.replace("TT", "UU"), "line 5: the sequence holds 'U'"),
    ("csv", "semicolons", CSV.replace(",", ";"), "separate the columns by commas or tabs"),
    ("csv", "no column", CSV.replace("label", "class"), "no column 'label' among sequence, class, fold"),
    ("bed", "plain", BED, None),
    ("bed", "commented", "#chr1\t1\t2\n" + BED.replace("\n", "\n#chr1\t1\t2\n"), None),
    ("bed", "Latin-1", "chr1\t100\t200\tMüller\n".encode("latin-1"), None),
    ("bed", "scientific", BED + "chr1\t1e3\t1100\n", f"line 3: start {DIGITS}, not '1e3'"),
    ("bed", "empty cell", BED + "chr1\t\t1100\n", f"line 3: start {DIGITS}, not ''"),
    ("bed", "negative", BED + "chr1\t-5\t1100\n", "line 3: the start is negative"),
    ("bed", "beyond the end", BED + "chr2\t400\t501\n", "line 3: the end lies beyond chr2 (500 bases)"),
    ("bed", "HTML", "<!DOCTYPE html>\n<html><head>", "is a web page"),
    ("narrowPeak", "plain", PEAKS, None),
    ("narrowPeak", "a BED", BED, "line 1: expected 10 columns"),
    ("bedgraph", "missing values", BEDGRAPH + "chr1\t500\t600\tNA\nchr1\t700\t800\t.\n", None),
    ("bedgraph", "overlap", BEDGRAPH + "chr1\t350\t450\t3\n", "two intervals with a value overlap at chr1:350"),
    ("bedgraph", "text", BEDGRAPH + "chr1\t500\t600\thigh\n", "line 3: value must be a number"),
    ("gtf", "plain", GTF, None),
    ("gtf", "without quotes", GTF.replace('"', ""), None),
    ("gtf", "GFF3", GFF3, None),
    ("gtf", "GFF3 and sequence", GFF3 + "###\n##FASTA\n>chr1\nACGT\n", None),
    ("gtf", "both", GTF + GFF3, None),
    ("gtf", "Latin-1", GTF.replace("a;b", "\xe9").encode("latin-1"), None),
    (
        "gtf",
        "blanks",
        GTF.replace("\t", " "),
        "line 1: the columns of GTF and GFF3 are separated by tabs, not by blanks",
    ),
    (
        "gtf",
        "other attributes",
        GTF.replace("gene_id", "x").replace("transcript_id", "y"),
        "line 1: no row names its gene",
    ),
    ("gtf", "a BED", BED, "line 1: expected 9 columns separated by tabs, found 3"),
    ("tss", "GFF3", GFF3, None),
    ("tss", "a BED of intervals", BED, "line 1: expected a BED6 row of one base"),
    ("table", "plain", TABLE, None),
    ("table", "BOM", "\ufeff" + TABLE, None),
    ("table", "no mark", TABLE.replace("mark", "x"), "has no column mark for track t"),
]


@pytest.mark.parametrize(
    ("kind", "content", "sentence"),
    [(kind, content, sentence) for kind, _, content, sentence in SITUATIONS],
    ids=[f"{kind}: {name}" for kind, name, *_ in SITUATIONS],
)
def test_check_and_use_agree(situations, tmp_path, kind, content, sentence):
    path = tmp_path / "given"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    check, use = situations.outcomes(kind, path)
    if sentence is None:
        assert (check, use) == (None, None)
        return
    before, *after = sentence.split(".*")
    assert before in check and all(part in check for part in after)
    assert check.startswith(str(path)) and "\n" not in check
    assert use is not None


VALID = {"vcf": VCF, "meme": MEME + "\nMOTIF g1 second\n" + MATRIX + ROWS, "csv": CSV, "bedgraph": BEDGRAPH}
PIECES_OF_TEXT = [
    "\t",
    " ",
    ",",
    "\n",
    "\r",
    "#",
    ".",
    "-",
    "0",
    "1.0",
    "nan",
    "N",
    "g0",
    "\u00e9",
    "\ufeff",
    '"',
    "<DEL>",
    "w= 3",
]


@st.composite
def nasty(draw, kind: str) -> bytes:
    """A valid file after a few edits: pieces put in or taken out, lines repeated, taken out or moved."""
    text = VALID[kind]
    for _ in range(draw(st.integers(1, 3))):
        lines = text.split("\n")
        place, line = draw(st.integers(0, len(text))), draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["insert", "delete", "repeat", "remove", "move"])):
            case "insert":
                text = text[:place] + draw(st.sampled_from(PIECES_OF_TEXT)) + text[place:]
            case "delete":
                text = text[:place] + text[place + draw(st.integers(1, 4)) :]
            case "repeat":
                text = "\n".join([*lines[: line + 1], *lines[line:]])
            case "remove":
                text = "\n".join([*lines[:line], *lines[line + 1 :]])
            case "move":
                text = "\n".join([*lines[line:], *lines[:line]])
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "latin-1", "utf-8-sig"])), "replace")


@pytest.mark.parametrize(("kind", "examples"), [("vcf", 20), ("meme", 40), ("csv", 60), ("bedgraph", 30)])
def test_what_the_check_takes_does_not_fail_in_its_use(situations, tmp_path_factory, kind, examples):
    path = Path(tmp_path_factory.mktemp("nasty")) / "given"
    taken = []

    @settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(nasty(kind))
    def hold(content):
        path.write_bytes(content)
        check, use = situations.outcomes(kind, path)
        assert check is not None or use is None, use
        assert check is None or str(path) in check
        taken.append(check is None)

    hold()
    assert 2 < sum(taken) < len(taken) - 2
