"""Every command of README and docs can be typed: targets, subcommands, scripts, options and configurations exist."""

import shutil
from pathlib import Path

import pytest

from tests.installation import install
from tests.page_commands import ELSEWHERE, PLACEHOLDERS, ROOT, Command, check, commands, snakemake_options

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "config/README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
# what is not checked, each with its reason; a key is how a command begins
UNCHECKED = {
    "git clone": "the address is that of the reader",
    "sha256sum MANIFEST.sha256": "a file of the bundle",
    "bash install.sh": "a script of the bundle",
    "podman load": "reads an image of the bundle",
    "apptainer build": "reads an image of the bundle",
    "curl -O https://hgdownload.soe.ucsc.edu": "downloads a chromosome",
    "python workflow/scripts/count_cpg.py": "the page writes this script",
}

NOT_OF_THE_DEMO = {"transfer"}  # needs the finished run of another species: tests/workflow/test_transfer.py


@pytest.fixture(scope="module")
def found() -> list[Command]:
    return [command for page in PAGES for command in commands(str(page.relative_to(ROOT)), page.read_text())]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with the files that the pages name."""
    for name in ("config", "workflow", "bench"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in PLACEHOLDERS:
        shutil.copy(ROOT / "config/test.yaml", tmp_path / name)
    (tmp_path / "results").mkdir()
    (tmp_path / "genes.gff3.gz").touch()
    monkeypatch.setenv("DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unchecked(command: Command) -> bool:
    text = " ".join([Path(command.words[0]).name, *command.words[1:]])
    return any(text.startswith(start) for start in UNCHECKED)


def test_every_command_of_a_page_can_be_typed(found, folder):
    mistakes = []
    for command in found:
        try:
            if not unchecked(command):
                check(command)
        except AssertionError as error:
            mistakes.append(str(error))
    assert not mistakes, "\n".join(mistakes)
    assert len(found) > 150


def test_no_reason_is_left_over(found):
    texts = [" ".join([Path(command.words[0]).name, *command.words[1:]]) for command in found]
    assert all(any(text.startswith(start) for text in texts) for start in UNCHECKED)


@pytest.mark.workflow
def test_the_targets_of_the_pages_are_targets_of_the_workflow(found, tmp_path):
    """In one dry run of the demo, to which the files of other runs are mapped."""
    targets: set[str] = set()
    for command in found:
        if Path(command.words[0]).name == "snakemake" and not unchecked(command):
            targets |= set(snakemake_options(command).targets)
    targets -= NOT_OF_THE_DEMO
    assert len(targets) > 10
    mapped = {"/".join(["results/demo", *target.split("/")[2:]]) if "/" in target else target for target in targets}
    done = install(tmp_path).snakemake("--dry-run", *sorted(mapped), "--quiet", config="config/demo.yaml")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "line, mistake",
    [
        ("grover embed --modle hg19-mini -f genome.fa", "No such option: --modle"),
        ("grover embed -m hg19-mini", "--fasta"),
        ("grover embed -m hg19-mini -f genome.fa --strands minus", "minus"),
        ("grover embedd -m hg19-mini", "no subcommand embedd"),
        ("make dosc", "No rule to make target"),
        ("apptainer exec grover.sif grover embed --modle hg19-mini", "No such option: --modle"),
        ('make plan CONFIG=my.yaml ARGS="--gpuu H100"', "No such option: --gpuu"),
        ("snakemake --configfil config/demo.yaml --cores 2", "unrecognized arguments: --configfil"),
        ("snakemake --configfile config/dmo.yaml --cores 2", "no such configuration"),
        ("snakemake --configfile config/demo.yaml --config colour=blue --cores 2", "colour"),
        ("python bench/encode.py --window 1", "--window"),
        ("python bench/encod.py", "no script bench/encod.py"),
        (".venv/bin/python workflow/scripts/why.py --configfiles my.yaml", "--configfiles"),
        (".venv/bin/python -m pytest tests/unit/no_such", "no such tests"),
        ("curl https://example.org", "no check for curl"),
    ],
)
def test_a_mistake_is_found(line, mistake, folder):
    with pytest.raises(AssertionError, match=mistake):
        for command in commands("page", f"```bash\n{line}\n```\n"):
            check(command)


def test_lines_of_the_shell_are_taken_apart():
    text = "```bash\nA=1 cat x.bed | grover score -m m \\\n  -f f > out.tsv && cd y   # words\n```\nRun `grover new --force`."
    assert [(command.words, command.whole) for command in commands("page", text)] == [
        (("cat", "x.bed"), True),
        (("grover", "score", "-m", "m", "-f", "f"), True),
        (("cd", "y"), True),
        (("grover", "new", "--force"), False),
    ]
    assert ELSEWHERE.sub("", "/software/grover/0.3.0/workflow/scripts/why.py") == "workflow/scripts/why.py"
