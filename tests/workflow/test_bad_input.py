"""Through the whole workflow: one clear sentence before any long work, a non-zero exit, nothing half-written."""

import gzip

import pytest
import yaml

pytestmark = pytest.mark.workflow

BASES = "ACGTTGCATTAGGCATCA" * 3000


@pytest.fixture
def own(installation):
    """A configuration on a small genome of the user's own; returns a function that writes it with changes and runs."""
    (installation.work / "genome.fa").write_text(f">chr1\n{BASES}\n>chr2\n{BASES[::-1]}\n")
    config = yaml.safe_load((installation.root / "config/test.yaml").read_text())
    del config["simulate"]
    config["sources"] = {
        "genome": {"url": "genome.fa"},
        "motifs": {"url": "motifs.meme"},
        "ctcf_peaks": {"url": "peaks.narrowPeak", "minimum": 20},
    }
    (installation.work / "motifs.meme").write_text(
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF DEMO0001.1 demo\n"
        "letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n 1 0 0 0\n 0 0 0 1\n"
    )
    (installation.work / "peaks.narrowPeak").write_text("chr1\t100\t300\t.\t0\t.\t1\t-1\t-1\t100\n")

    def run(*arguments, **changes):
        (installation.root / "config/own.yaml").write_text(yaml.safe_dump(config | changes))
        return installation.snakemake(*arguments, config="config/own.yaml")

    run.installation, run.config = installation, config
    return run


def finished_stages(run) -> set[str]:
    """What lies in the run's folder beside logs and links to sources."""
    folder = run.installation.work / "results/test"
    kept = {"logs", "benchmark", "sources", "config.json"}
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in kept
    }


def test_an_unknown_key(own):
    done = own(vocabulery={})
    assert done.returncode != 0
    assert "config/own.yaml: unknown key `vocabulery`; did you mean `vocabulary`?" in done.stdout
    assert "Traceback" not in done.stdout and not finished_stages(own)


def test_a_missing_file(own, installation):
    own.config["sources"]["ctcf_peaks"]["url"] = "nowhere/peaks.narrowPeak"
    done = own()
    assert done.returncode != 0
    missing = installation.work / "nowhere/peaks.narrowPeak"
    assert f"sources.ctcf_peaks: {missing} does not exist; correct the path" in done.stdout
    assert "Traceback" not in done.stdout and not finished_stages(own)


def test_a_source_that_nothing_reads(own):
    own.config["sources"]["gens"] = {"url": "genome.fa"}
    done = own()
    assert done.returncode != 0 and "nothing reads the source `gens`; correct its name" in done.stdout


def test_a_genome_alone_is_enough_and_what_is_left_out_is_said(own):
    own.config["sources"] = {"genome": {"url": "genome.fa"}}
    done = own("--dry-run")
    assert done.returncode == 0, done.stdout
    assert "task ctcf is left out: `sources` has no ctcf_peaks, motifs" in done.stdout
    assert "rule pretrain:" in done.stdout and "rule finetune:" not in done.stdout


def test_a_checksum_that_does_not_match(own):
    own.config["sources"]["genome"]["md5"] = "0" * 32
    done = own("genome")
    assert done.returncode != 0 and "md5" in done.stdout and "0" * 32 in done.stdout
    assert not (own.installation.work / "results/test/sources/genome").exists() or not any(
        (own.installation.work / "results/test/sources/genome").iterdir()
    )


def test_peaks_of_other_chromosome_names_are_told_before_any_long_work_and_the_mapping_is_offered(own):
    (own.installation.work / "peaks.narrowPeak").write_text("1\t100\t300\t.\t0\t.\t1\t-1\t-1\t100\n")
    # on one core, since on a second one byte pairs of so small a genome may be done before the check is
    done = own("--cores", "1")
    assert done.returncode != 0 and "add-chr" in done.stdout and "peaks.narrowPeak" in done.stdout
    # all words of three letters are written in a second and need no genome
    long_work = ("vocabulary/merges", "vocabulary/bpe", "tokens", "models/b", "models/k", "finetuning")
    assert not any(name.startswith(long_work) for name in finished_stages(own))


def test_too_few_peaks(own):
    done = own()
    assert done.returncode != 0 and "has 1 of its 1 rows in the kept segments, at least 20 are needed" in done.stdout


def test_a_row_with_an_unknown_builder(own):
    table = own.installation.root / "config/test.benchmarks.tsv"
    table.write_text(table.read_text().replace("motif-bound", "motif-bond"))
    done = own("--dry-run")
    assert done.returncode != 0 and "task ctcf: builder 'motif-bond' is unknown; choose one of prom300" in done.stdout


def test_external_models_are_looked_at_before_the_first_job(own):
    folder = own.installation.work / "external"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    benchmarks = own.config["benchmarks"] | {"external_models": {"nt": {"model": str(folder)}}}
    done = own("--dry-run", benchmarks=benchmarks)
    assert done.returncode != 0 and f"{folder}: the weights are missing there" in done.stdout
    (folder / "model.safetensors").write_text("")
    (folder / "config.json").write_text('{"auto_map": {"AutoModel": "modeling_x.Model"}}')
    (folder / "modeling_x.py").write_text("")
    done = own("--dry-run", benchmarks=benchmarks)
    assert done.returncode != 0 and "(modeling_x.py); read it and consent with remote_code: true" in done.stdout
    benchmarks["external_models"]["nt"]["model"] = "no folder"
    done = own("--dry-run", benchmarks=benchmarks)
    assert done.returncode != 0 and "is no folder here and no id of the hub" in done.stdout
    benchmarks["external_models"]["nt"]["model"] = "owner/model"
    done = own("--dry-run", benchmarks=benchmarks)
    assert done.returncode == 0 and "rule fetch_external" in done.stdout  # an id of the Hub is downloaded by a job


def test_a_data_set_that_leaks_stops_before_training(own):
    rows = "".join(f"{BASES[i : i + 60]},{i % 2}\n" for i in range(40))
    for fold in ("train", "valid", "test"):
        (own.installation.work / f"{fold}.csv").write_text("sequence,label\n" + rows)
        own.config["sources"][fold] = {"url": f"{fold}.csv"}
    del own.config["sources"]["ctcf_peaks"], own.config["sources"]["motifs"], own.config["interpretation"]["tasks"]
    table = own.installation.root / "config/test.benchmarks.tsv"
    table.write_text(table.read_text().splitlines()[1] + "\nready\tcsv\ttrain,valid,test\t.\t.\t0\t.\n")
    done = own(
        "results/test/benchmarks/ready/passed.txt",
        selection={"method": "fixed", "vocabulary": "bpe-20"},
        vocabulary={"cycles": 20, "candidates": ["bpe-20"]},
    )
    assert done.returncode != 0 and "ready" in done.stdout and "duplicates" in done.stdout, done.stdout
    assert not (own.installation.work / "results/test/benchmarks/ready/card.json").exists()


def test_a_truncated_gzip_leaves_no_genome(own):
    packed = gzip.compress(f">chr1\n{BASES}\n".encode())
    (own.installation.work / "genome.fa").write_bytes(packed[: len(packed) // 2])
    done = own("genome")
    assert done.returncode != 0 and "genome.fa" in done.stdout and "truncated" in done.stdout
    assert not any(name.startswith("genome/") for name in finished_stages(own))


def test_a_gpu_that_is_not_there_is_known_before_any_long_work(installation):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    text = (installation.root / "config/test.yaml").read_text()
    (installation.root / "config/test.yaml").write_text(text + "\ndevice: cuda\n")
    done = installation.snakemake()
    assert done.returncode != 0 and "rule check_device" in done.stdout
    assert "cuda" in done.stdout and "error:" in done.stdout
    assert not list(installation.work.glob("results/test/models/*/model.safetensors"))
