"""`grover variants` gives what the stages give, in every format, and goes on after an interruption."""

import gzip
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pysam
import pytest

from grover.commands import variants as command
from grover.config.sections.interpretation import VariantReading, VariantShards, VariantWindow
from grover.interpretation.variant_scoring import VariantScorer
from tests.fakes.interpreting import CONTIGS, dataset, grover, world
from workflow.scripts.read_variants import read_variants
from workflow.scripts.score_null_variants import score_null_variants
from workflow.scripts.score_variants import score_variants

NULL = SimpleNamespace(null_snvs=60, null_indels=30)
SCORES = [
    "llr",
    "llr_plus",
    "llr_minus",
    "llr_joint",
    "llr_centred",
    "llr_length_adjusted",
    "cosine",
    "l2",
    "delta_logit",
]


def records() -> list[str]:
    """Substitutions, an insertion, a deletion, two alleles in one record, a symbolic one, and one at the edge."""
    text, rows = CONTIGS["chr1"], []
    for pos in (60, 131, 240, 500):
        rows.append(f"chr1\t{pos}\trs{pos}\t{text[pos - 1]}\t{'ACGT'['TGCA'.index(text[pos - 1])]}\t.\t.\tAF=0.1")
    rows.append(f"chr1\t300\t.\t{text[299]}\t{text[299]}GATT\t.\t.\t.")
    rows.append(f"chr1\t350\t.\t{text[349:353]}\t{text[349]}\t.\t.\t.")
    other = [base for base in "ACGT" if base != text[400]]
    rows.append(f"chr1\t401\t.\t{text[400].lower()}\t{other[0]},{other[1]}\t.\t.\t.")
    rows.append(f"chr1\t450\t.\t{text[449]}\t<DEL>\t.\t.\t.")
    rows.append(f"chr2\t5\t.\t{CONTIGS['chr2'][4]}\t{'ACGT'['TGCA'.index(CONTIGS['chr2'][4])]}\t.\t.\t.")
    return rows


def vcf(path, rows, rename=lambda row: row):
    path.write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"{rename(row)}\n" for row in rows)
    )
    return path


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = world(tmp_path_factory.mktemp("variants"))
    vcf(folder / "x.vcf", records())
    genome = {
        name: folder / "genome" / file for name, file in (("sequence", "sequence.npy"), ("segments", "segments.bed"))
    }
    folds = folder / "folds.bed"
    folds.write_text("chr1\t0\t1820\ttrain\nchr2\t0\t500\ttest\n")
    run = {"device": "cpu", "precision": "fp32"}
    read_variants(
        folder / "x.vcf", **genome, contigs=folder / "genome/contigs.tsv", folds=folds, table=folder / "alleles.parquet",
        counts=folder / "alleles.json", reading=VariantReading(), effect_field="CLNSIG", seed=0,
    )  # fmt: skip
    model = folder / "pretrained/model.safetensors"
    score_null_variants(
        model, **genome, folds=folds, table=folder / "null.parquet", run_lengths=folder / "run_lengths.npy",
        window=VariantWindow(), null=NULL, seed=0, **run,
    )  # fmt: skip
    score_variants(
        model, folder / "alleles.parquet", folder / "null.parquet", folder / "run_lengths.npy", **genome,
        table=folder / "stage.parquet", shard=0, jobs=VariantShards(variant_shards=1), window=VariantWindow(), **run,
        classifier=folder / "bound/model.safetensors", dataset=folder / "dataset.parquet",
    )  # fmt: skip
    return folder


def options(folder, *more, model="pretrained", fasta="genome.fa"):
    return ["variants", "-m", folder / model, "-f", folder / fasta, "--device", "cpu", "--max-skipped", "0.3", *more]


def test_all_scores_are_those_of_the_stages(here):
    beside = ["--null", here, "--classifier", here / "bound", "--dataset", here / "dataset.parquet"]
    grover(*options(here, here / "x.vcf", *beside, "-o", here / "all.parquet"))
    found, stage = (pd.read_parquet(here / f"{name}.parquet") for name in ("all", "stage"))
    assert found["status"].tolist() == stage["status"].tolist() == ["ok"] * 8 + ["symbolic", "contig_edge"]
    assert (
        found["llr"].notna().sum() == found["delta_logit"].notna().sum() == 8
        and found["llr_centred"].notna().sum() == 6
    )
    for name in SCORES:
        np.testing.assert_allclose(found[name], stage[name], atol=1e-5)
    same = ["chrom", "pos", "ref", "alt", "record", "id", "original_pos", "original_ref", "original_alt", "tokens_ref"]
    assert (found[same] == stage[same]).all(axis=None)


def test_a_fine_tuned_model_gives_the_change_of_its_logit_alone(here):
    grover(
        *options(here, here / "x.vcf", "--dataset", here / "dataset.parquet", "-o", here / "logit.tsv", model="bound")
    )
    found, stage = pd.read_csv(here / "logit.tsv", sep="\t"), pd.read_parquet(here / "stage.parquet")
    assert "llr" not in found and found["status"].tolist() == stage["status"].tolist()
    np.testing.assert_allclose(found["delta_logit"], stage["delta_logit"], atol=1e-5)


def test_a_window_or_a_data_set_is_needed_and_one_class_of_several(here):
    done = grover(*options(here, here / "x.vcf", model="bound"), code=1)
    assert "name the data set of its task as --dataset, or the length of its examples as --window" in done.stderr
    three = options(here, here / "x.vcf", "--window", 40, model="three")
    done = grover(*three, code=1)
    assert "has 3 classes (none, one, two); name one of them as --class" in done.stderr
    assert "the classes of" in grover(*three, "--class", "four", code=1).stderr
    lines = grover(*three, "--class", "two").stdout.splitlines()
    assert len(lines) == 11 and "delta_logit" in lines[0]
    done = grover(*options(here, here / "x.vcf", "--class", "two"), code=1)
    assert "is pretrained and has no classes" in done.stderr
    done = grover(*options(here, here / "x.vcf", "--classifier", here / "pretrained", "--window", 40), code=1)
    assert "this model is pretrained" in done.stderr


def test_a_data_set_of_another_assembly_is_refused(here, tmp_path):
    dataset().assign(chrom="elsewhere").to_parquet(tmp_path / "other.parquet")
    done = grover(*options(here, here / "x.vcf", "--dataset", tmp_path / "other.parquet", model="bound"), code=1)
    assert "its sites are on elsewhere, none of which" in done.stderr


def test_the_vcf_has_an_index_and_its_fields_alone(here):
    grover(*options(here, here / "x.vcf", "-o", here / "out.vcf.gz"))
    stage = pd.read_parquet(here / "stage.parquet")
    with pysam.VariantFile(str(here / "out.vcf.gz")) as file:
        assert "GROVER_DELTA_LOGIT" not in file.header.info and "GROVER_LLR" in file.header.info
        assert "GROVER_LLR_JOINT" not in file.header.info
        assert "pretrained, sha256" in str(file.header)
        (row,) = file.fetch("chr1", 400, 401)
        expected = stage.loc[stage["original_pos"] == 401, "llr"]
        assert row.info["GROVER_LLR"] == pytest.approx(tuple(expected), rel=1e-4)
        assert next(iter(file.fetch("chr2"))).info["GROVER_STATUS"] == ("contig_edge",)


def test_bcf_table_and_standard_input_give_the_same(here):
    with_header = vcf(here / "h.vcf", records())
    known = [
        f'INFO=<ID={name},Number=1,Type={kind},Description="x">' for name, kind in (("AF", "Float"), ("END", "Integer"))
    ]
    known += ['ALT=<ID=DEL,Description="x">', "contig=<ID=chr1>", "contig=<ID=chr2>"]
    text = with_header.read_text().replace("#CHROM", "".join(f"##{line}\n" for line in known) + "#CHROM", 1)
    with_header.write_text(text)
    with (
        pysam.VariantFile(str(with_header)) as source,
        pysam.VariantFile(str(here / "x.bcf"), "wb", header=source.header) as target,
    ):
        for record in source:
            target.write(record)
    table = "chrom\tpos\tref\talt\n" + "".join(
        "\t".join(np.array(row.split("\t"))[[0, 1, 3, 4]]) + "\n" for row in records()
    )
    (here / "x.tsv").write_text(table)
    outputs = [
        grover(*options(here, here / "x.bcf")),
        grover(*options(here, here / "x.tsv")),
        grover(*options(here, "-"), input=(here / "x.vcf").read_bytes()),
    ]
    tables = [[line.split("\t") for line in done.stdout.splitlines()] for done in outputs]
    place = tables[0][0].index("llr")
    assert [row[place] for row in tables[0]] == [row[place] for row in tables[1]] == [row[place] for row in tables[2]]
    assert "skipped: 2 of 10 inputs: 1 symbolic (symbolic; the first is chr1:449-450" in outputs[0].stderr


def test_an_interrupted_command_goes_on_to_the_same_file(here, monkeypatch):
    monkeypatch.setattr(command, "ALLELES", 3)
    whole, halved = (
        options(here, here / "x.vcf", "-o", here / "w.vcf.gz"),
        options(here, here / "x.vcf", "-o", here / "h.vcf.gz"),
    )
    grover(*whole)
    score, calls = VariantScorer.score, []

    def once(self, alleles):
        calls.append(len(alleles))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return score(self, alleles)

    monkeypatch.setattr(VariantScorer, "score", once)
    assert "rows are kept; go on with --resume" in grover(*halved, code=130).stderr
    grover(*halved, "--resume")
    assert (here / "w.vcf.gz").read_bytes() == (here / "h.vcf.gz").read_bytes() and (here / "h.vcf.gz.tbi").exists()
    assert calls[0] + sum(calls[2:]) == 10 and not list(here.glob(".partial-*"))


def test_wrong_names_and_another_assembly_are_refused(here):
    bare = vcf(here / "bare.vcf", records(), lambda row: row.removeprefix("chr"))
    done = grover(*options(here, bare), code=1)
    assert f"{bare} names its contigs 1, 2" in done.stderr and "add --rename add-chr" in done.stderr
    assert grover(*options(here, bare, "--rename", "add-chr")).stdout.count("\n") == 11
    other = vcf(
        here / "other.vcf", [row.replace("\tA\t", "\tC\t") for row in records()[:4]] + ["chr1\t70\t.\tAC\tA\t.\t.\t."]
    )
    assert "give the variants of this assembly" in grover(*options(here, other), code=1).stderr
    done = grover(*options(here, "-"), input=b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n", code=1)
    assert "standard input" in done.stderr and "standard-input" not in done.stderr
    assert grover(*options(here, here / "x.vcf", "--max-skipped", "0.01"), code=3).stdout.count("\n") == 11


def test_a_damaged_file_is_one_sentence_and_an_allele_that_is_ref_has_no_score(here, tmp_path):
    packed = gzip.compress((here / "x.vcf").read_bytes())
    (tmp_path / "x.vcf.gz").write_bytes(packed[:10] + b"\xff" * 20 + packed[30:])
    done = grover(*options(here, tmp_path / "x.vcf.gz"), code=1)
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'x.vcf.gz'} ") and "damaged" in done.stderr
    base = CONTIGS["chr1"][600]
    same = vcf(tmp_path / "same.vcf", [*records()[:4], f"chr1\t601\t.\t{base}\t{base}\t.\t.\t."])
    grover(*options(here, same, "-o", tmp_path / "same.parquet"))
    last = pd.read_parquet(tmp_path / "same.parquet").iloc[-1]
    assert last["status"] == "no_change" and np.isnan(last["llr"])


def test_the_data_set_of_the_run_is_found(here, tmp_path):
    folder = tmp_path / "run/finetuning/bound"
    folder.mkdir(parents=True)
    (folder / "chosen").symlink_to(here / "bound")
    (tmp_path / "run/benchmarks/bound").mkdir(parents=True)
    dataset().to_parquet(tmp_path / "run/benchmarks/bound/dataset.parquet")
    arguments = options(here, here / "x.vcf", "-o", tmp_path / "x.parquet")
    arguments[2] = folder / "chosen"
    grover(*arguments)
    stage = pd.read_parquet(here / "stage.parquet")
    np.testing.assert_allclose(pd.read_parquet(tmp_path / "x.parquet")["delta_logit"], stage["delta_logit"], atol=1e-5)
