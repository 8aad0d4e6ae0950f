"""A bundle installs without a network and runs the whole workflow; an image built from one does, on a read-only root."""

import gzip
import hashlib
import os
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.installation import ROOT
from workflow.scripts.bundle import bundle as collect

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(os.getuid() != 0, reason="only root makes a network namespace and an image"),
]
# one interface, which is down
ISOLATED = ["unshare", "--net"]
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
# root makes the file system read-only, fails to write twice, and becomes the ordinary user
READ_ONLY = """mount -o remount,bind,ro / && ! touch /etc/x && ! touch /opt/grover/x &&
exec setpriv --reuid grover --regid grover --clear-groups --inh-caps=-all --bounding-set=-all -- "$@" """
PLACE = "/opt/grover"
SNAKEMAKE = [
    "snakemake",
    "--snakefile",
    f"{PLACE}/Snakefile",
    "--configfile",
    f"{PLACE}/config/own.yaml",
    "--cores",
    "2",
]
SNAKEMAKE += ["--config", f"downloads={PLACE}/downloads"]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """The address of a server of this machine, and the folder with its one file."""
    folder = tmp_path_factory.mktemp("served")
    draw = random.Random(0)
    lengths = {"chr1": 280_000, "chr2": 200_000, "chr3": 120_000}
    rows = "".join(
        f"{contig}\t{start}\t{start + 5000}\t{draw.choice('AB')}\n"
        for contig, length in lengths.items()
        for start in range(0, length, 5000)
    )
    (folder / "noise.bed.gz").write_bytes(gzip.compress(rows.encode(), mtime=0))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}", folder
        served.shutdown()


@pytest.fixture(scope="module")
def made(server, tmp_path_factory) -> Path:
    """The bundle of config/test.yaml, with one source that is downloaded."""
    address, served = server
    settings = yaml.safe_load((ROOT / "config/test.yaml").read_text())
    digest = hashlib.sha256((served / "noise.bed.gz").read_bytes()).hexdigest()
    settings["sources"]["noise"] = {"url": f"{address}/noise.bed.gz", "sha256": digest}
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "own.yaml").write_text(yaml.safe_dump(settings))
    collect(output=folder / "grover", configfile=[folder / "own.yaml"])
    return folder / "grover"


@pytest.fixture(autouse=True)
def emptied(tmp_path) -> Iterator[None]:
    """Remove gigabytes after each test, which pytest would keep."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


def run(command: list, folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run a program with nothing of the environment of the tests."""
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=PLAIN | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_a_bundle_installs_and_runs_the_whole_workflow_without_a_network(made, tmp_path):
    assert (made / "downloads/noise/noise.bed.gz").is_file()
    interfaces = run([*ISOLATED, "cat", "/proc/net/dev"], tmp_path).stdout
    assert [line.split(":")[0].strip() for line in interfaces.splitlines()[2:]] == ["lo"]
    done = run([*ISOLATED, "bash", made / "install.sh", tmp_path / "installed"], tmp_path)
    assert done.returncode == 0, done.stdout
    command = done.stdout.splitlines()[-1].split()
    assert command[0] == str(tmp_path / "installed/.venv/bin/snakemake")
    work = tmp_path / "work"
    work.mkdir()
    done = run([*ISOLATED, *command, "--cores", "2"], work, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "download_source" not in done.stdout
    assert (work / "results/test/report.html").is_file()
    done = run([*ISOLATED, tmp_path / "installed/.venv/bin/grover", "info", "hg19-mini"], work, HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(not shutil.which("buildah") or not shutil.which("debootstrap"), reason="make image-programs")
def test_an_image_runs_the_whole_workflow_as_an_ordinary_user_on_a_read_only_root(made, tmp_path):
    storage = tmp_path / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/storage"\nrunroot = "{tmp_path}/run"\n')
    own = partial(run, folder=tmp_path, CONTAINERS_STORAGE_CONF=str(storage), HOME=str(tmp_path))
    for name in ("work", "tmp"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)

    done = own(["bash", ROOT / "envs/image.sh", made, tmp_path / "grover.oci.tar"])
    assert done.returncode == 0, done.stdout
    assert "bedtools" in (tmp_path / "grover.debian.txt").read_text()
    assert "torch==" in (tmp_path / "grover.python.txt").read_text()
    done = own(["buildah", "from", "--name", "tried", f"oci-archive:{tmp_path / 'grover.oci.tar'}"])
    assert done.returncode == 0, done.stdout
    volumes = [f"--volume={tmp_path / name}:/{name}" for name in ("work", "tmp")]
    command = [
        "buildah",
        "run",
        "--isolation=chroot",
        "--user=root",
        "--cap-add=CAP_SYS_ADMIN",
        *volumes,
        "tried",
        "--",
    ]
    done = own([*command, "sh", "-c", READ_ONLY, "sh", *SNAKEMAKE])
    assert done.returncode == 0 and "download_source" not in done.stdout, done.stdout
    assert done.stdout.count("Read-only file system") == 2
    assert (tmp_path / "work/results/test/report.html").stat().st_uid == 1000
