"""What jobs took: files that Snakemake wrote, and what sacct says of jobs that were tried again."""

import os
import re
import subprocess
import sys
from datetime import datetime

import pandas as pd
import pytest

from grover.planning.usage import finished_jobs, runs_in, summarise
from grover.runtime.errors import InputError
from grover.runtime.starts import note_start
from tests.fakes.slurm import program

# as Snakemake 9.27 wrote them, without and with --benchmark-extended
PLAIN = """\
s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time
175.67\t0:02:55\t1417.91\t3695.64\t1352.08\t1380.52\t0.02\t0.50\t91.77\t161.66
"""
SHORT = """\
s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time
0.36\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA
"""
HEADER, VALUES = PLAIN.splitlines()
FURTHER = {
    "jobid": "0",
    "rule_name": "pretrain",
    "wildcards": "{}",
    "params": "{'options': '--device cuda'}",
    "threads": "4",
    "cpu_usage": "179.52",
    "resources": "{'tmpdir': '/tmp', 'runtime': 10, 'mem_mb': 4000, 'gres': 'gpu:a100:2', 'gpu': 0, 'nodes': 2}",
    "input_size_mb": "{}",
}
EXTENDED = "\t".join([HEADER, *FURTHER]) + "\n" + "\t".join([VALUES, *FURTHER.values()]) + "\n"
START = datetime(2026, 11, 1)
# JobIDRaw,JobName,Comment,State,End,ElapsedRaw,TotalCPU,CPUTimeRAW,ReqMem,MaxRSS,AllocTRES
SACCT = """\
7|id-1|rule_pretrain_wildcards_bpe-60|FAILED|2026-11-03T10:00:00|100|01:30.500|200|350M||billing=2,cpu=2,gres/gpu=2,mem=350M,node=1
7.batch|batch||FAILED|2026-11-03T10:00:00|100|01:30.500|200||330.50M|cpu=2,mem=350M,node=1
8|id-1|rule_pretrain_wildcards_bpe-60|REQUEUED|2026-11-03T11:00:00|3600|01:00:00|7200|700M||cpu=2,gres/gpu=2,node=1
8.batch|batch||CANCELLED|2026-11-03T11:00:00|3600|0:10|7200||300M|cpu=2
8|id-1|rule_pretrain_wildcards_bpe-60|COMPLETED|2026-11-03T13:00:00|7200|1-00:00:00|14400|700M||cpu=2,gres/gpu:a100=2,node=1
8.batch|batch||COMPLETED|2026-11-03T13:00:00|7200|0:10|14400||310M|cpu=2
8.0|python||COMPLETED|2026-11-03T13:00:00|7200|0:10|14400||650M|cpu=2
9|id-1|rule_pretrain_wildcards_kmer-3|COMPLETED|2026-11-03T13:00:00|50|00:40|100|700M||cpu=2,node=1
10|id-1|rule_pretrain_wildcards_kmer-4|RUNNING|Unknown|50|00:40|100|700M||cpu=2,node=1
11|id-0|rule_pretrain_wildcards_kmer-3|COMPLETED|2026-10-31T23:00:00|50|00:40|100|700M||cpu=2,node=1
11.batch|batch||COMPLETED|2026-10-31T23:00:00|50|00:40|100||9999M|cpu=2
12|id-1|rule_report|COMPLETED|2026-11-03T13:00:00|50|00:40|100|700M||cpu=2,node=1
"""


def ended(path, time: str, seconds: int = 0):
    """Let a benchmark file have the local time of an End in SACCT."""
    os.utime(path, (datetime.fromisoformat(time).timestamp() + seconds,) * 2)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with three benchmark files, on a machine without SLURM."""
    folder = tmp_path / "results/demo/benchmark"
    folder.mkdir(parents=True)
    for name, text in {"pretrain.bpe-600": PLAIN, "pretrain.kmer-4": PLAIN, "report": SHORT}.items():
        (folder / f"{name}.tsv").write_text(text)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder.parent


def test_benchmark_files_by_rule(run):
    table = summarise(finished_jobs(run, START))
    assert table[["run", "rule", "jobs", "source"]].values.tolist() == [
        [str(run), "pretrain", 2, "benchmark"],
        [str(run), "report", 1, "benchmark"],
    ]
    first, second = table.to_dict("records")
    assert first["wall_hours"] == pytest.approx(2 * 175.67 / 3600) and first["cpu_hours"] == pytest.approx(
        2 * 161.66 / 3600
    )
    assert first["peak_mb"] == 1417.91
    # what a plain file does not say is left open, and so is what was not measured
    assert pd.isna([first[key] for key in ("retries", "core_hours", "gpu_hours", "requested_mb")]).all()
    assert pd.isna([second["cpu_hours"], second["peak_mb"]]).all()


def test_an_extended_benchmark_file_says_what_was_asked_for(run):
    (run / "benchmark/pretrain.bpe-600.tsv").write_text(EXTENDED)
    jobs = finished_jobs(run, START)
    (job,) = jobs[jobs["job"] == "bpe-600"].to_dict("records")
    assert (job["requested_mb"], job["core_seconds"], job["gpu_seconds"]) == (4000, 4 * 175.67, 4 * 175.67)


def test_older_files_are_left_out(run):
    os.utime(run / "benchmark/report.tsv", (START.timestamp() - 5,) * 2)
    assert set(finished_jobs(run, START)["rule"]) == {"pretrain"}
    assert list(summarise(finished_jobs(run, datetime(2100, 1, 1)))) == list(summarise(finished_jobs(run, START)))


def test_accounting_counts_every_attempt_and_takes_the_place_of_the_files(run, tmp_path):
    note_start(run / "starts.tsv", "slurm", "id-1")
    program(tmp_path / "bin", "sacct", f"/bin/cat << END\n{SACCT}END")
    (run / "benchmark/pretrain.kmer-4.tsv").unlink()
    for name in ("pretrain.bpe-600", "report"):  # written in the last seconds of their jobs
        path = run / f"benchmark/{name}.tsv"
        ended(path.rename(path.with_name(path.name.replace("600", "60"))), "2026-11-03T13:00:00", -1)
    first, second = summarise(finished_jobs(run, START)).to_dict("records")
    assert (first["rule"], first["jobs"], first["retries"], first["source"]) == ("pretrain", 2, "2", "sacct")
    assert first["wall_hours"] == pytest.approx((100 + 3600 + 7200 + 50) / 3600)
    assert first["cpu_hours"] == pytest.approx((90.5 + 3600 + 86400 + 40) / 3600)
    assert first["core_hours"] == pytest.approx((200 + 7200 + 14400 + 100) / 3600)
    assert first["gpu_hours"] == pytest.approx(2 * (100 + 3600 + 7200) / 3600)
    assert (first["peak_mb"], first["requested_mb"]) == (650, 700)
    assert second["rule"] == "report" and second["jobs"] == 1 and pd.isna(second["peak_mb"])


def test_a_job_that_slurm_does_not_know_counts_beside_its_rule(run, tmp_path):
    note_start(run / "starts.tsv", "slurm", "id-1")
    program(tmp_path / "bin", "sacct", f"/bin/cat << END\n{SACCT}END")
    (run / "benchmark/report.tsv").unlink()
    # kmer-3 on SLURM, then again on another day without it; bpe-600 and kmer-4 without it
    (run / "benchmark/pretrain.kmer-3.tsv").write_text(PLAIN)
    ended(run / "benchmark/pretrain.kmer-3.tsv", "2026-11-04T13:00:00")
    first, second = summarise(finished_jobs(run, START)).to_dict("records")
    assert (first["jobs"], first["retries"], first["source"]) == (2 + 3, "2", "benchmark,sacct")
    assert first["wall_hours"] == pytest.approx((100 + 3600 + 7200 + 50 + 3 * 175.67) / 3600)
    assert (second["rule"], second["jobs"], second["source"]) == ("report", 1, "sacct")


def test_several_wildcards_are_one_job_however_they_are_joined(run, tmp_path):
    line = "7|id-1|rule_finetune_wildcards_chosen-random_ctcf|COMPLETED|2026-11-03T10:00:00|100|0:10|200|350M||cpu=2"
    note_start(run / "starts.tsv", "slurm", "id-1")
    program(tmp_path / "bin", "sacct", f"echo '{line}'")
    (run / "benchmark/finetune.ctcf.chosen-random.tsv").write_text(PLAIN)
    ended(run / "benchmark/finetune.ctcf.chosen-random.tsv", "2026-11-03T09:59:58")
    jobs = finished_jobs(run, START)
    assert jobs.loc[jobs["rule"] == "finetune", "source"].tolist() == ["sacct"]


def test_gpus_are_what_the_job_asked_for_where_the_accounting_does_not_track_them(run, tmp_path):
    note_start(run / "starts.tsv", "slurm", "id-1")
    program(tmp_path / "bin", "sacct", f"/bin/cat << END\n{re.sub(',gres/gpu[^,]*', '', SACCT)}END")
    (run / "benchmark/pretrain.bpe-60.tsv").write_text(EXTENDED)  # two GPUs on each of two nodes
    ended(run / "benchmark/pretrain.bpe-60.tsv", "2026-11-03T12:59:59")
    jobs = finished_jobs(run, START)
    accounted = jobs[jobs["source"] == "sacct"].groupby("rule")["gpu_seconds"].sum()
    assert accounted.to_dict() == {"pretrain": pytest.approx(4 * (100 + 3600 + 7200 + 50)), "report": 0}


@pytest.mark.parametrize(
    "text", ["exit 1", "exit 0", "echo '7|id-1||FAILED|2026-11-03T10:00:00|100|0:10|200|350M||cpu=2'"]
)
def test_empty_accounting_and_one_without_the_names_of_rules(run, tmp_path, text):
    note_start(run / "starts.tsv", "slurm", "id-1")
    program(tmp_path / "bin", "sacct", text)
    assert set(finished_jobs(run, START)["source"]) == {"benchmark"}


def test_the_command(run):
    command = [sys.executable, "-m", "grover", "usage"]
    done = subprocess.run(
        [*command, run.parent, "--since", "2026-11-01", "--by", "run"], capture_output=True, text=True
    )
    header, row = done.stdout.splitlines()
    assert header.split("\t")[:3] == ["run", "jobs", "retries"] and row.split("\t")[:3] == [str(run), "3", ""]
    done = subprocess.run([*command, run / "benchmark"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith(
        f"error: {run}/benchmark: no run there; expected a folder of results"
    )


def test_a_run_and_a_folder_of_runs_are_found(run):
    assert runs_in(run) == runs_in(run.parent) == [run]
    with pytest.raises(InputError, match=r"none: No such file or directory; expected a folder of results"):
        runs_in(run / "none")
    with pytest.raises(InputError, match="no folder `benchmark` there"):
        finished_jobs(run.parent, START)
