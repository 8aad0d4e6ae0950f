"""Configurations of five kinds of assembly, from a server of this machine, as the workflow reads them and their files."""

import contextlib
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from grover.assembly_setup.servers import Servers
from grover.assembly_setup.setup import find_assembly
from grover.commands.application import application
from grover.config.benchmark_table import read_tasks
from grover.config.files import checksums, installed
from grover.config.track_table import read_track_rows
from grover.finetuning.predictors import fitting
from grover.genome.aliases import read_aliases
from grover.genome.assembly import read_segments
from grover.genome.contig_table import read_contig_table
from grover.genome.encoding import GenomeFiles, SideFiles, encode_genome
from grover.genome.fasta import read_contigs
from grover.genome.folds import block_folds, contig_folds
from grover.planning.defaults import complete_for_genome
from grover.planning.fitted import pretraining_seconds
from grover.planning.plan import Machine
from grover.runtime.errors import InputError
from grover.sources.download import fetch
from tests.fakes import genome_servers as servers

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Addresses of a server that has all fixtures."""
    root = tmp_path_factory.mktemp("site")
    servers.ncbi(root)
    servers.ensembl(root)
    servers.ucsc(root)
    with servers.serve(root) as address:
        yield servers.mirrors(address)


@pytest.fixture
def new(site, tmp_path, monkeypatch):
    """Type `grover new ...` in an empty folder; return the configuration as it is read, what was printed, and the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def new(*words, fails=False):
        options = [word for mirror in site for word in ("--mirror", mirror)]
        typed = ["new", *options, "-o", "own.yaml", "--cores", "2", "--no-plan", *map(str, words)]
        done = CliRunner().invoke(application, typed, prog_name="grover")
        if fails:
            assert done.exit_code == 1, done.output
            return "".join(line for line in done.stderr.splitlines(True) if not line.startswith(("fetch ", "read ")))
        assert done.exit_code == 0, done.output
        return yaml.safe_load(Path("own.yaml").read_text()), done.stdout

    return new


def run_start(raw):
    """What the first jobs of a run do: fetch and verify, encode, make folds; return shares of the folds and names of the tasks."""
    config, _ = complete_for_genome(raw, "own.yaml", ROOT)
    for key, source in config.sources.items():
        given = checksums(source, config.data)
        assert given or key == "genes"
        fetch(source.url, Path("fetched", Path(source.url).name), retries=0, **given)
    fasta = Path("fetched", Path(config.sources["genome"].url).name)
    made = GenomeFiles(*(Path(name) for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")))
    aliases = Path(config.genome.aliases) if config.genome.aliases else None
    encode_genome(read_contigs(fasta), made, config.genome, side=SideFiles(aliases=aliases, fasta=fasta))
    kept, known = read_segments(made.segments), read_contig_table(made.contigs)
    lengths = {name: known.lengths[name] for name in kept["chrom"].unique()}
    folds = config.folds
    if folds.method == "contigs":
        table = contig_folds(lengths, folds.valid, folds.test)
    else:
        table = block_folds(kept, lengths, folds.block, folds.gap, folds.valid, folds.test, config.seed)
    assert sum(lengths.values()) == config.genome.bases
    bases = (table["end"] - table["start"]).groupby(table["fold"]).sum() / config.genome.bases
    tasks, _ = fitting(read_tasks(installed(config.benchmarks.table, ROOT)), config, ROOT)
    return config, lengths, bases, set(tasks)


def test_a_bacterium_of_ncbi(new):
    raw, said = new("GCF_000005845.2", "--hours", "1")
    config, lengths, folds, tasks = run_start(raw)
    assert raw["sources"]["genome"]["file"] == f"{servers.BACTERIUM}_genomic.fna.gz"
    assert list(lengths) == ["NC_000913.3"] and not tasks
    assert "Escherichia coli str. K-12 substr. MG1655 (E. coli), ASM584v2 (GCF_000005845.2)" in said
    assert config.folds.circular == ["NC_000913.3"] and config.folds.copies == 50
    assert folds["test"] == pytest.approx(0.2, abs=0.05) and folds["valid"] == pytest.approx(0.1, abs=0.05)
    assert {"U00096.3", "NC_000913.3"} < set(read_aliases(Path("own.aliases.txt")).of("U00096.3"))
    assert config.device == "cpu" and config.run == "own"


def test_a_bacterium_with_coding_sequences_has_the_task_of_start_codons(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    row = "NC_000913.3\tRefSeq\tCDS\t{0}\t{1}\t.\t+\t0\tID=cds-{0};locus_tag=b{0}\n"
    servers.ncbi(tmp_path / "site", genes="".join(row.format(start, start + 59) for start in range(101, 110_000, 90)))
    with servers.serve(tmp_path / "site") as address:
        typed = ["new", servers.ACCESSION, "-o", "own.yaml", "--no-plan", "--mirror", f"ncbi={address}"]
        done = CliRunner().invoke(application, typed, prog_name="grover")
        assert done.exit_code == 0, done.output
        tasks = run_start(yaml.safe_load(Path("own.yaml").read_text()))[-1]
    tracks = [row["track"] for row in read_track_rows("own.tracks.tsv")]
    assert tracks[-1] == "coding_sequence" and not {"exon", "rRNA"} & {*tracks}  # one of the contig, and no RNA gene
    assert tasks == {"start-codon"} and "tasks: start-codon; the genes have 0 introns and 1,222 rows CDS" in done.stdout


@pytest.mark.parametrize("accession", ["GCF_000005845", servers.BACTERIUM])
def test_an_accession_without_version_or_with_the_name(new, accession):
    assert f"/{servers.BACTERIUM}/" in new(accession)[0]["sources"]["genome"]["url"]


def test_a_fungus_of_ensembl(new):
    raw, _ = new("ensembl:saccharomyces_cerevisiae")
    config, lengths, folds, tasks = run_start(raw)
    assert raw["sources"]["genome"]["url"].endswith("/dna/Saccharomyces_cerevisiae.R64-1-1.dna_sm.toplevel.fa.gz")
    assert raw["sources"]["genes"]["url"].endswith("/Saccharomyces_cerevisiae.R64-1-1.62.gff3.gz")
    assert set(servers.YEAST) - set(lengths) == {"Mito"}
    assert config.folds.method == "contigs" and "IV" not in [*config.folds.valid, *config.folds.test]
    assert folds["test"] == pytest.approx(0.2, abs=0.02) and folds["valid"] == pytest.approx(0.1, abs=0.02)
    assert tasks == {"donors", "acceptors", "splice"}


def test_a_mammal_of_ucsc(new):
    raw, _ = new("ucsc:hg38")
    config, lengths, _, tasks = run_start(raw)
    assert len(lengths) == 24 and "include" not in raw["genome"]  # the default patterns suit UCSC's names
    held_out = {*config.folds.valid, *config.folds.test}
    assert config.folds.method == "contigs" and not held_out & {"chrX", "chrY", "chr1"}
    assert config.embeddings.assembly == "hg38" and "splice" in tasks
    assert raw["sources"]["genes"]["confirmed"] is False


def test_an_assembly_of_ucsc_without_a_list_of_checksums(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = servers.ucsc(tmp_path / "site", "ce2")
    (folder / "md5sum.txt").unlink()
    with servers.serve(tmp_path / "site") as address:
        asked = Servers({"ucsc": address})
        with pytest.raises(InputError, match="has neither ce2.fa.gz nor ce2.2bit"):
            find_assembly("ucsc:ce2", None, asked)
        (folder / "ce2.2bit").write_bytes(b"2bit")
        found, _ = find_assembly("ucsc:ce2", None, asked)
    assert found.sources["genome"].url.endswith("/ce2.2bit") and found.sources["genome"].checksum is None


def test_a_bare_fasta(new):
    servers.put(Path("my genome.fa"), servers.fasta({"a": 40_000, "b": 30_000, "c": 90_000}))
    servers.put(Path("genes.gff3"), servers.spliced(["other"], 3))
    said = new("my genome.fa", "--genes", "genes.gff3", fails=True)
    assert "12 of 12 rows are on contigs that the assembly does not have, such as other (it has a)" in said
    servers.put(
        Path("genes.gff3"), servers.spliced(["a"], 3).replace("\t900\t", "\t90000\t").replace("\t600\t", "\t90000\t")
    )
    assert "ends at 90,000, but the contig has 40,000 bases" in new("my genome.fa", "--genes", "genes.gff3", fails=True)
    servers.put(Path("genes.gff3"), servers.spliced(["a"], 3))
    raw, _ = new("my genome.fa", "--genes", "genes.gff3")
    _, lengths, _, tasks = run_start(raw)
    assert len(lengths) == 3 and raw["folds"]["method"] == "blocks" and not tasks
    assert raw["sources"]["genome"]["url"] == str(Path("my genome.fa").absolute())


def test_names_with_and_without_chr_are_renamed(new):
    servers.put(Path("genome.fa"), servers.fasta({"chr1": 60_000, "chr2": 50_000}))
    servers.put(Path("genes.gff3.gz"), servers.spliced(["1", "2"], 3))
    raw, _ = new("genome.fa", "--genes", "genes.gff3.gz")
    assert raw["sources"]["genes"]["rename"] == "add-chr"


def test_a_draft_of_many_scaffolds(new):
    lengths = {f"scaffold_{number}": 80 + number * 37 % 300 for number in range(5000)}
    servers.put(Path("draft.fa"), servers.fasta(lengths))
    raw, said = new("draft.fa")
    config, kept, folds, _ = run_start(raw)
    assert kept == lengths and config.folds.method == "blocks" and "folds: 5,000 whole contigs as blocks: 10%" in said
    assert "note: 100% of the bases are on contigs shorter than a window" in said
    assert folds["test"] == pytest.approx(0.2, abs=0.01)


def test_the_hours_are_those_of_the_planner(new):
    raw, _ = new("GCF_000005845.2", "--hours", "3")
    for hours in (0.3, 3):
        again, _ = new("GCF_000005845.2", "--hours", str(hours), "--force")
        seconds = pretraining_seconds(again, Machine(2), ROOT)
        assert seconds <= 1.01 * hours * 1800
    assert raw["selection"]["method"] == "sweep"


def test_a_gpu_of_a_type(new):
    raw, said = new("GCF_000005845.2", "--device", "cuda", "--gpu", "H100")
    assert raw["device"] == "cuda" and raw["budget"] == {"gpu": "H100"} and "on 1 H100 (speed assumed)" in said


def test_a_folder_as_it_is_downloaded_elsewhere(new, site):
    online, _ = new("GCF_000005845.2")
    address = site[0].partition("=")[2]
    above = f"{address}/genomes/all/GCF/000/005/845/{servers.BACTERIUM}"
    names = [f"{servers.BACTERIUM}_{end}" for end in ("genomic.fna.gz", "genomic.gff.gz", "assembly_report.txt")]
    for name in [*names, "md5checksums.txt"]:
        fetch(f"{above}/{name}", Path("folder", name))
    local, _ = new("folder", "--force")
    assert local["sources"]["genome"]["md5"] == online["sources"]["genome"]["md5"]
    assert local["genome"] == online["genome"] and local["folds"] == online["folds"]
    run_start(local)
    Path("folder", names[2]).rename("report")
    assert "note: no *_assembly_report.txt of NCBI beside the genome" in new("folder", "--force")[1]
    Path("folder", names[0]).write_bytes(b"damaged")
    assert "but " in new("folder", "--force", fails=True)


def test_a_folder_with_the_files_of_ensembl(new, tmp_path):
    release = servers.ensembl(tmp_path / "site").parents[2]
    Path("folder").mkdir()
    for place, name in (
        ("fasta/saccharomyces_cerevisiae/dna", "CHECKSUMS"),
        ("gff3/saccharomyces_cerevisiae", "CHECKSUMS.gff3"),
    ):
        for file in (release / place).iterdir():
            if "chromosome" not in file.name:
                Path("folder", name if file.name == "CHECKSUMS" else file.name).write_bytes(file.read_bytes())
    raw, _ = new("folder")
    assert "sum" in raw["sources"]["genome"] and ".dna_sm." in raw["sources"]["genome"]["url"]
    assert "sum" in raw["sources"]["genes"] and raw["sources"]["genes"]["url"].endswith(".62.gff3.gz")
    servers.put(Path("folder/other.fa"), ">x\nACGT\n")
    Path("folder/Saccharomyces_cerevisiae.R64-1-1.dna_sm.toplevel.fa.gz").unlink()
    assert "several files may be the genome" in new("folder", "--force", fails=True)


def test_what_is_there_is_not_replaced_and_nothing_is_read_before_that_is_known(new):
    new("GCF_000005845.2")
    Path("page.fa").write_text("<html>")
    for what in ("GCF_000005845.2", "page.fa", "GCF_999999999.1"):
        said = new(what, fails=True)
        assert "own.yaml is there already; choose another name with -o, or give --force" in said
    Path("page.yaml").write_text("")
    done = CliRunner().invoke(application, ["new", "page.fa", "--no-plan"], prog_name="grover")
    assert done.exit_code == 1 and "page.yaml is there already" in done.stderr


def test_bf16_is_written_where_it_is_asked_for(new):
    plain, said = new("GCF_000005845.2", "--hours", "0.1")
    half, faster = new("GCF_000005845.2", "--hours", "0.1", "--precision", "bf16", "--force")
    assert "precision" not in plain and half["precision"] == "bf16"
    assert "on 2 cores at the speed of fp32" in said and "on 2 cores at the speed of bf16" in faster
    assert half["pretraining"]["steps"] > plain["pretraining"]["steps"]


def test_a_small_genome_does_not_use_all_hours(new):
    assert "note: pretraining ends after 100 passes" in new("GCF_000005845.2", "--hours", "100")[1]
    assert "note: pretraining ends" not in new("GCF_000005845.2", "--hours", "0.1", "--force")[1]


def test_yeast_with_few_introns_also_has_start_codons(new):
    servers.put(Path("yeast.fa"), servers.fasta({"a": 120_000, "b": 90_000}))
    row = "a\tx\tCDS\t{0}\t{1}\t.\t+\t0\tID=cds{0};Parent=transcript:{0}\n"
    coding = "".join(row.format(start, start + 59) for start in range(3001, 113_000, 90))
    servers.put(Path("genes.gff3"), servers.spliced(["a"], 280) + coding)
    raw, said = new("yeast.fa", "--genes", "genes.gff3")
    tasks = read_tasks(Path(raw["benchmarks"]["table"]))
    assert {"donors", "acceptors", "splice", "start-codon"} <= set(tasks)
    assert "tasks: donors, acceptors, splice, start-codon; the genes have 280 introns and 1,223 rows CDS" in said


def test_away_from_the_project_paths_are_absolute(new):
    """The printed commands are typed at the root of the project, where relative paths name other files."""
    raw, said = new("GCF_000005845.2")
    files = [raw["genome"]["aliases"], raw["benchmarks"]["table"]]
    assert files == [str(Path(name).absolute()) for name in ("own.aliases.txt", "own.benchmarks.tsv")]
    assert f"--configfile {Path('own.yaml').absolute()} " in Path("own.yaml").read_text()


def test_a_folder_that_cannot_be_written_is_one_sentence(new):
    servers.put(Path("genome.fa"), servers.fasta({"a": 40_000}))
    Path("file").write_text("")
    said = new("genome.fa", "-o", "file/own.yaml", fails=True)
    assert said.count("\n") == 1 and "file/own.yaml cannot be written in " in said and "with -o" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing.fa"], "no file or folder of this name, and no accession"),
        (
            ["GCF_000005845.7"],
            "NCBI has no assembly GCF_000005845.7, but GCF_000005845.1_ASM584v1, GCF_000005845.2_ASM584v2",
        ),
        (["GCF_999999999.1"], "NCBI has no assembly GCF_999999999.1; look for it at https://www.ncbi.nlm.nih.gov"),
        (["GCF_000005845.1"], "md5checksums.txt cannot be fetched: the server answered 404"),
        (
            ["ensembl:homo_sapien"],
            "Ensembl has no species homo_sapien in release-115, nor Ensembl Genomes in release-62",
        ),
        (["ucsc:hg99"], "the names of assemblies are those of https://genome.ucsc.edu"),
        (["ucsc:../x"], "no name of an assembly at UCSC"),
        (["ensembl:../x"], "no name of a species at Ensembl"),
        (["GCF_000005845.2", "--mirror", "ebi=http://x"], "the sites are ncbi, ensembl, ensemblgenomes, ucsc"),
        (["GCF_000005845.2", "--mirror", "ncbi=x"], "expected an http or https address in place of https://ftp.ncbi"),
        (["GCF_000005845.2", "--device", "cuda", "--gpu", "X9"], "GPU type 'X9' is unknown"),
    ],
)
def test_mistakes_are_one_sentence(new, words, sentence):
    said = new(*words, fails=True)
    assert sentence in said and said.count("\n") == 1 and not Path("own.yaml").exists()


def test_a_package_without_the_workflow_asks_for_its_folder(new, tmp_path):
    said = new("GCF_000005845.2", "--workflow", tmp_path, fails=True)
    assert said.endswith(
        "is not the folder of the workflow (resources/defaults.tsv is missing); name it with --workflow FOLDER\n"
    )


def test_proteins_and_empty_folders_are_refused(new):
    Path("p.fa").write_text(">p\n" + "MKVLWQER" * 9000 + "\n")
    assert "give the FASTA of the genome, not of proteins" in new("p.fa", fails=True)
    Path("empty").mkdir()
    assert "no FASTA or 2bit there" in new("empty", fails=True)
    servers.put(Path("tiny.fa"), servers.fasta({"a": 500}))
    assert "500 bases are too few for a language model and its folds" in new("tiny.fa", fails=True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["page.fa"], "page.fa is a web page (HTML)"),
        (["cut.fa.gz"], "cut.fa.gz is a truncated or damaged gzip file"),
        (["nothing.fa.gz"], "nothing.fa.gz is empty; give the assembly as FASTA"),
        (["genes.gff3"], "genes.gff3 is no FASTA"),
        (["genome.fa", "--genes", "page.fa"], "page.fa is a web page (HTML)"),
        (["genome.fa", "--genes", "table.csv"], "table.csv, line 1: no row of a GFF3 or GTF"),
        (["genome.fa", "-o", "my genome.yaml"], "the run is called 'my genome'; begin the name with a letter"),
        (["genome.fa", "-o", "."], "is a folder; name a file in it with -o"),
    ],
)
def test_files_that_are_something_else_are_one_sentence(new, words, sentence):
    servers.put(Path("genome.fa"), servers.fasta({"a": 120_000}))
    servers.put(Path("genes.gff3"), servers.spliced(["a"], 3))
    Path("page.fa").write_text("<!DOCTYPE html><html>404</html>")
    Path("cut.fa.gz").write_bytes(servers.put(Path("whole.fa.gz"), servers.fasta({"a": 9000})).read_bytes()[:900])
    Path("nothing.fa.gz").write_text("")
    Path("table.csv").write_text("a,b\n1,2\n")
    said = new(*words, fails=True)
    assert sentence in said and said.count("\n") == 1 and not Path("own.yaml").exists()


def test_without_network_the_sentence_names_the_folder_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("grover.sources.download.time.sleep", lambda seconds: None)
    with servers.serve(tmp_path) as address, contextlib.suppress(OSError):
        pass  # its port is free now
    for what, file in (
        ("GCF_000005845.2", "md5checksums.txt"),
        ("ensembl:x", "CHECKSUMS"),
        ("ucsc:hg38", "md5sum.txt"),
    ):
        options = [word for mirror in servers.mirrors(address) for word in ("--mirror", mirror)]
        done = CliRunner().invoke(application, ["new", what, "--no-plan", *options], prog_name="grover")
        assert done.exit_code == 1 and done.stderr.count("\n") == 1, done.output
        assert " does not answer (" in done.stderr and file in done.stderr
        assert "into one folder and run `grover new FOLDER`" in done.stderr and "--mirror" in done.stderr


def test_a_collection_of_ensembl_genomes(tmp_path, monkeypatch):
    """The current release is that of the index where the file VERSION is missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers.ensembl(tmp_path / "site", "kluyveromyces_lactis_gca_000002515", "fungi_ascomycota1_collection")
    (tmp_path / "site/ensemblgenomes/VERSION").unlink()
    for release in (9, 61, 62):
        (tmp_path / f"site/ensemblgenomes/release-{release}").mkdir()
    with servers.serve(tmp_path / "site") as address:
        options = [word for mirror in servers.mirrors(address) for word in ("--mirror", mirror)]
        typed = ["new", "ensembl:Kluyveromyces lactis gca_000002515", "--no-plan", *options]
        done = CliRunner().invoke(application, typed, prog_name="grover")
    assert done.exit_code == 0, done.output
    raw = yaml.safe_load(Path("kluyveromyces_lactis_gca_000002515.yaml").read_text())
    assert "/fungi_ascomycota1_collection/kluyveromyces_lactis_gca_000002515/dna/" in raw["sources"]["genome"]["url"]


def test_names_that_yaml_takes_for_numbers_stay_names(new):
    chromosomes = [str(number) for number in range(1, 12)]
    lengths = dict.fromkeys(chromosomes, 20_000) | {"no": 9_000, "1e5": 900, "MT": 900}
    servers.put(Path("genome.fa"), servers.fasta(lengths))
    raw, _ = new("genome.fa")
    _, kept, _, _ = run_start(raw)
    assert list(kept) == chromosomes and raw["genome"]["exclude"] == ["no", "1e5", "MT"]
    assert raw["folds"]["valid"] and {*raw["folds"]["valid"], *raw["folds"]["test"]} < {*chromosomes}
