"""What a change reruns: its stage and what follows, nothing else. docs/explanation/reruns.md lists the same."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from grover.runtime.version import version
from tests.installation import Installation, install

pytestmark = pytest.mark.workflow

SCORING = {"score_task", "write_classifier_cards", "gather_benchmarks", "write_reproduction"}
# the reproduction table and the report read the configuration
REPORT = {"write_report", "write_configuration", "write_reproduction"}
CODE = {"write_report"}
PROBES = {"annotate_regions", "probe_track", "gather_probes", "measure_clusters"}
TOKENS = {"gather_tokens", "token_components"}
ENRICHED = {"enrich_tokens", "compare_contexts", *TOKENS}
TRACKS = PROBES | ENRICHED | {"describe_tokens", "stratify_predictions"}
# what is made of the shards of the embeddings
AFTER_EMBEDDING = {*TOKENS, "compare_contexts", "project_regions", *(PROBES - {"annotate_regions"})}
EMBEDDING = {"choose_regions", "embed", "train_word2vec", "compose_regions", "compare_strands", *PROBES, *ENRICHED}
BASE_TRACKS = {"base_tracks", "export_hub"}
# the hub has the importance as a track
IMPORTANCE = {"interpret_importance", "mutate_train_sites", "check_faithfulness", "discover_motifs", "export_hub"}
# the null and the scores depend on the model, what is read of the VCF does not
VARIANTS = {"score_null_variants", "score_variants", "gather_variants", "variant_baselines"}
# data sets and baselines are the same whichever vocabulary is chosen
AFTER_CHOICE = {
    "finetune",
    *SCORING,
    *IMPORTANCE,
    *EMBEDDING,
    *AFTER_EMBEDDING,
    *VARIANTS,
    *BASE_TRACKS,
    "dependency_maps",
}
EVALUATION = {
    "evaluate_pretraining",
    "stratify_predictions",
    "write_model_card",
    "publish_card",
    "compare_vocabularies",
}
EVALUATED_TOKENS = {"publish_accuracy", *TOKENS}
AFTER_PRETRAINING = {
    *EVALUATION,
    *EVALUATED_TOKENS,
    "next_kmer",
    "choose_vocabulary",
    "publish_chosen",
    *AFTER_CHOICE,
}


@contextmanager
def changed(path: Path, change):
    """Apply `change` to the text of a file for a while; put back text and time stamp."""
    before, status = path.read_text(), path.stat()
    after = change(before)
    assert after != before
    path.write_text(after)
    try:
        yield
    finally:
        path.write_text(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def setting(section: str, key: str, value):
    def change(text: str) -> str:
        config = yaml.safe_load(text)
        config.setdefault(section, {})[key] = value
        return yaml.safe_dump(config)

    return change


def test_a_second_run_does_nothing(finished):
    done = finished.snakemake()
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout
    assert finished.planned() == set()


def test_a_checkout_that_touches_every_file_reruns_nothing(finished):
    for path in finished.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path)
    assert finished.planned() == set()


def test_another_place_of_the_installation_reruns_nothing(finished):
    elsewhere = finished.root.rename(finished.root.with_name("elsewhere"))
    try:
        assert Installation(elsewhere, finished.work).planned() == set()
    finally:
        elsewhere.rename(finished.root)


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("report", "palette", "tol-bright", REPORT),
        ("report", "title", "Another title", REPORT),
        ("atlas", "promoter_flank", 400, {"describe_tokens", "stratify_predictions"} | ENRICHED | REPORT),
        ("evaluation", "span", 5, EVALUATION | EVALUATED_TOKENS | REPORT),
        ("atlas", "stability_windows", 150, {"measure_stability"} | REPORT),
        ("atlas", "null_bases", 150_000, {"tokenise_null_genome", "describe_tokens"} | REPORT),
        ("embeddings", "projected", 100, {"project_regions"} | REPORT),
        ("embeddings", "shifts", 21, {"enrich_tokens", *TOKENS} | REPORT),
        ("embeddings", "layers", [1], {"embed", "compare_strands", *AFTER_EMBEDDING} | REPORT),
        ("pretraining", "learning_rate", 0.002, {"pretrain"} | AFTER_PRETRAINING | REPORT),
        (
            "finetuning",
            "epochs",
            2,
            {"finetune", "score_variants", "gather_variants", "variant_baselines"} | IMPORTANCE | SCORING | REPORT,
        ),
        ("benchmarks", "baselines", ["gc", "tfidf-forest", "adjacency", "pwm"], {"run_baseline"} | SCORING | REPORT),
        (
            "benchmarks",
            "block",
            50_000,
            {"check_faithfulness", "discover_motifs", "variant_baselines"} | SCORING | REPORT,
        ),
        ("selection", "trees", 11, {"next_kmer_baselines", "compare_vocabularies"} | REPORT),
        (
            "selection",
            "rule",
            "bits-per-base",
            {"choose_vocabulary", "publish_chosen", "publish_accuracy", "publish_card"} | AFTER_CHOICE | REPORT,
        ),
        ("interpretation", "flank", 50, VARIANTS | REPORT),
        ("interpretation", "null_snvs", 110, VARIANTS | REPORT),
        ("interpretation", "negative", ["none"], {"gather_variants", "variant_baselines"} | REPORT),
        (
            "interpretation",
            "maximum_variants",
            10,
            {"read_variants", "score_variants", "gather_variants", "variant_baselines"} | REPORT,
        ),
        ("interpretation", "examples", 4, {"interpret_importance", "check_faithfulness", "export_hub"} | REPORT),
        ("interpretation", "train_examples", 4, {"mutate_train_sites", "discover_motifs"} | REPORT),
        ("interpretation", "steps", 3, {"interpret_importance", "check_faithfulness", "export_hub"} | REPORT),
        ("interpretation", "faithfulness_examples", 3, {"check_faithfulness"} | REPORT),
        ("interpretation", "track_context", 6, BASE_TRACKS | REPORT),
        ("interpretation", "hub_email", "me@example.org", {"export_hub"} | REPORT),
        ("interpretation", "motif_sites", 4, {"discover_motifs"} | REPORT),
        ("interpretation", "map_passes", 3, {"dependency_maps"} | REPORT),
    ],
)
def test_a_setting_reruns_its_stage_and_what_follows(finished, section, key, value, expected):
    with changed(finished.root / "config/test.yaml", setting(section, key, value)):
        assert finished.planned() == expected


@pytest.mark.parametrize(
    ("section", "values", "first"),
    [
        ("pretraining", {"layers": 2, "heads": 1}, "pretrain"),  # before 1 and 2
        ("pretraining", {"mask_span": 1}, "pretrain"),  # before 0, as is mask_keep; and 1 is the number of nodes
    ],
)
def test_values_that_other_settings_have_too_rerun_as_any_others(finished, section, values, first):
    def change(text: str) -> str:
        config = yaml.safe_load(text)
        config[section] |= values
        return yaml.safe_dump(config)

    with changed(finished.root / "config/test.yaml", change):
        assert first in finished.planned()


@pytest.mark.parametrize(
    ("module", "function", "expected"),
    [
        ("interpretation/cutting.py", "def cut(", IMPORTANCE | CODE),
        ("interpretation/faithfulness.py", "def curves(", {"check_faithfulness"} | CODE),
        ("interpretation/motif_alignment.py", "def group(", {"discover_motifs"} | CODE),
        ("embeddings/regions/probes.py", "def probe(", {"probe_track", "gather_probes"} | CODE),
        ("annotation/enrichment.py", "def enrich(", {"describe_tokens"} | CODE),
        ("interpretation/likelihoods.py", "def ask_each(", VARIANTS | CODE),
        ("pretraining/evaluation.py", "def predict(", EVALUATION | EVALUATED_TOKENS | {"write_reproduction"} | CODE),
    ],
)
def test_a_changed_function_reruns_the_stages_that_reach_it(finished, module, function, expected):
    with changed(finished.root / "grover" / module, lambda text: with_statement(text, function)):
        assert finished.planned() == expected


def with_statement(text: str, function: str) -> str:
    """The text of a module with one more statement in a function, which is given as it begins."""
    start = text.index(function)
    line = text.index("\n", text.index(":\n", start))
    return f"{text[:line]}\n    assert True\n{text[line + 1 :]}"


def jobs(dry_run: str) -> set[tuple[str, ...]]:
    """Rules that a dry run would start, with the vocabulary of each job that is of one."""
    found = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", dry_run, re.MULTILINE)
    return {(rule, *re.findall(r"wildcards: name=(\S+)", details)) for rule, details in found} - {("all",)}


def test_a_new_candidate_trains_its_own_model_alone(finished):
    candidates = ["bpe-60", "kmer-3", "bpe-40"]
    with changed(finished.root / "config/test.yaml", setting("vocabulary", "candidates", candidates)):
        done = finished.snakemake("--dry-run")
    names = jobs(done.stdout)
    own = {
        "build_vocabulary",
        "tokenise_genome",
        "make_windows",
        "pretrain",
        "list_trained_on",
        "next_kmer",
        *EVALUATION,
    } - {
        "compare_vocabularies",
        "publish_card",
    }
    shared = {
        "check_sources",  # of ready sequences against what each model reads
        "next_kmer_baselines",
        "compare_vocabularies",
        "choose_vocabulary",
        "publish_chosen",
        "publish_accuracy",
        "publish_card",
        "measure_stability",
    }
    shared |= AFTER_CHOICE | REPORT
    assert names == {(rule, "bpe-40") for rule in own} | {(rule,) for rule in shared}


def test_values_of_a_task_are_compared_by_name_too(finished):
    with changed(finished.root / "config/test.benchmarks.tsv", lambda text: text.replace("\t120\t0\t", "\t120\t3\t")):
        done = finished.snakemake("--dry-run", "results/test/benchmarks/promoters/dataset.parquet")
    reason = re.search(r"^rule build_dataset:\n(?:    .*\n)*?    reason: (.*)$", done.stdout, re.MULTILINE)
    assert "Params have changed" in reason[1] and "maximum=0" in reason[1] and "maximum=3" in reason[1], done.stdout


def test_a_new_task_is_a_row_and_leaves_the_others_alone(finished):
    row = "splice\tsplice\tgenes\tunused\t80\t0\tkind=both\n"
    with changed(finished.root / "config/test.benchmarks.tsv", lambda text: text + row):
        done = finished.snakemake("--dry-run")
    own = {
        "build_dataset",
        "audit_dataset",
        "run_baseline",
        "finetune",
        "score_task",
        "write_classifier_cards",
    }
    found = set(re.findall(r"^(?:local)?rule (\w+):", done.stdout, re.MULTILINE))
    # loci of dependency maps are sites of all tasks in turn
    shared = {"check_sources", "dependency_maps", "gather_benchmarks", "write_reproduction", "write_report", "all"}
    assert found == own | shared, done.stdout
    assert set(re.findall(r"wildcards: task=([\w-]+)", done.stdout)) == {"splice"}


def test_a_killed_shard_of_the_embeddings_costs_itself_alone(finished):
    # what a killed job leaves: no shard, and nothing yet of what is made of all shards
    run = finished.work / "results/test"
    names = ("embeddings/chosen/shards/1.parquet", "embeddings/clusters.parquet", "report.html")
    lacking = [run / name for name in names]
    kept = [path.rename(path.with_suffix(".kept")) for path in lacking]
    try:
        done = finished.snakemake("--dry-run")
        assert finished.planned() == {"embed", *AFTER_EMBEDDING} | CODE
        parts = re.findall(r"^rule embed:\n(?:    .*\n)*?    wildcards: (.*)$", done.stdout, re.MULTILINE)
        assert parts == ["model=chosen, shard=1"]
    finally:
        for path, place in zip(kept, lacking, strict=True):
            path.rename(place)


def test_more_cycles_train_no_kmers_anew(finished):
    with changed(finished.root / "config/test.yaml", setting("vocabulary", "cycles", 61)):
        names = jobs(finished.snakemake("--dry-run").stdout)
    assert {("train_bpe",), ("build_vocabulary", "bpe-60"), ("pretrain", "bpe-60"), ("next_kmer", "bpe-60")} <= names
    assert {job for job in names if job[1:] == ("kmer-3",)} == {("write_model_card", "kmer-3")}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("grover/runtime/files.py", '"""Write', '"""Writes'),
        (
            "grover/runtime/cli.py",
            "def command(**arguments: Any) -> None:",
            "def command(**arguments: Any) -> None:\n        assert True",
        ),
        ("workflow/scripts/pretrain.py", 'help="folder to keep checkpoints in', 'help="folder of the checkpoints'),
        ("grover/config/sections/pretraining.py", '"Highest learning rate."', '"The highest learning rate."'),
    ],
    ids=["docstring of a module that all stages use", "command wrapper", "help text", "description of a setting"],
)
def test_words_and_the_command_wrapper_rerun_nothing(finished, file, old, new):
    assert old in (finished.root / file).read_text()
    with changed(finished.root / file, lambda text: "# a comment\n" + text.replace(old, new)):
        assert finished.planned() == set()


def test_another_sentence_of_the_report_reruns_the_report_alone(finished):
    section = finished.root / "grover/report/sections/strands.py"
    old, new = "The model reads one of", "It reads one of"
    assert old in section.read_text()
    with changed(section, lambda text: text.replace(old, new)):
        assert finished.planned() == CODE


@pytest.mark.parametrize(
    ("field", "expected"),
    [("size: Literal", REPORT), ("steps: int", {"pretrain"} | AFTER_PRETRAINING | REPORT)],
    ids=["of a group that no script takes", "of a group that pretrain takes"],
)
def test_a_new_setting_reruns_what_reads_the_whole_configuration_and_the_rules_that_take_it(finished, field, expected):
    sections = finished.root / "grover/config/sections/pretraining.py"
    toy = '    toy: int = setting(1, "A toy.")\n'
    with changed(sections, lambda text: text.replace(f"    {field}", f"{toy}    {field}", 1)):
        assert finished.planned() == expected


def test_a_changed_table_of_tracks_reruns_the_annotation(finished):
    def as_presence(text: str) -> str:
        return text.replace("noise\tnoise\tbed\tcategory\tname", "noise\tnoise\tbed\tpresence\t-")

    with changed(finished.root / "config/test.tracks.tsv", as_presence):
        assert finished.planned() == {"check_sources"} | TRACKS | CODE


def test_a_changed_annotation_file_reruns_its_readers_and_no_training(finished):
    track = finished.work / "results/test/simulated/noise.bed.gz"
    before = track.stat()
    content = track.read_bytes()
    track.write_bytes(content + content)
    try:
        assert finished.planned() == {"check_sources"} | TRACKS | CODE
    finally:
        track.write_bytes(content)
        os.utime(track, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_frozen_stage_keeps_its_model_when_only_code_changed_and_says_so(finished):
    with changed(finished.root / "grover/pretraining/pretrain.py", lambda text: with_statement(text, "def pretrain(")):
        assert "pretrain" in finished.planned()
        with changed(finished.root / "config/test.yaml", lambda text: text + "\nfreeze: [pretrain]\n"):
            done = finished.snakemake("--dry-run")
            assert "rule pretrain:" not in done.stdout
            assert "frozen: pretrain would rerun for results/test/models/bpe-60/model.safetensors" in done.stdout


def test_another_version_says_what_it_would_make_anew_and_keeps_what_a_release_has_trained(finished, tmp_path):
    newer = install(tmp_path).root
    with_version = re.sub('version = ".*"', 'version = "9.8.7"', (newer / "pyproject.toml").read_text(), count=1)
    (newer / "pyproject.toml").write_text(with_version)
    trained = newer / "grover/pretraining/pretrain.py"
    trained.write_text(with_statement(trained.read_text(), "def pretrain("))

    def why(*settings: str) -> str:
        command = [
            sys.executable,
            newer / "workflow/scripts/why.py",
            "--configfile",
            newer / "config/test.yaml",
            *settings,
        ]
        environment = os.environ | {"PYTHONPATH": str(newer)}
        done = subprocess.run(command, cwd=finished.work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = why()
    assert re.search(r"^pretrain\n   reason: Params have changed", said, re.M), said
    made = f"results/test: files there were made with grover {version()}, and this is 9.8.7, which makes these anew: "
    anew = re.search(rf"^{re.escape(made)}(.*); to keep what (\S+) has trained", said, re.M)
    assert anew and "pretrain" in anew[1].split(", ") and "encode_genome" not in anew[1], said
    assert f"set freeze_release: v{anew[2]} " in said and anew[2] == version()
    assert re.search(r"^\d\d jobs: 0.00 GPU hours, 0.\d\d CPU hours, .* by estimate; ", said, re.M), said
    release = version().rpartition(".")[0]
    said = why("--config", f"freeze_release=v{release}")
    assert not re.search(r"^pretrain$", said, re.M), said
    assert "frozen: pretrain would rerun for results/test/models/bpe-60/model.safetensors" in said
    assert re.search(r"^pretrain$", why("--config", "freeze_release=v9.8"), re.M)
    assert "made with grover" not in finished.snakemake("--dry-run").stdout


@pytest.mark.parametrize("damage", ["", '{"code": ', "[]"])
def test_a_damaged_sidecar_stops_no_frozen_workflow(finished, damage):
    sidecar = finished.work / "results/test/models/bpe-60/model.safetensors.provenance.json"
    frozen = changed(finished.root / "config/test.yaml", lambda text: text + "\nfreeze: [pretrain]\n")
    with frozen, changed(sidecar, lambda text: damage):
        done = finished.snakemake("--dry-run")
        assert done.returncode == 0 and "rule pretrain:" not in done.stdout, done.stdout
        assert done.stdout.count(f"{sidecar.relative_to(finished.work)} is damaged") == 1


def test_finished_outputs_can_be_accepted_after_a_change_of_code(finished):
    tokens = finished.work / "results/test/tokens/bpe-60/tokens.npy"
    before = tokens.read_bytes()
    with changed(finished.root / "grover/genome/encoding.py", lambda text: with_statement(text, "def encode_genome(")):
        assert {"encode_genome", "tokenise_genome", "pretrain"} <= finished.planned()
        done = finished.snakemake("--touch")
        assert done.returncode == 0, done.stdout
        assert finished.planned() == set() and tokens.read_bytes() == before
    assert finished.snakemake("--touch").returncode == 0
    assert finished.planned() == set()


def test_every_artefact_has_provenance_that_matches_it(finished):
    from grover.runtime.files import checksum

    run = finished.work / "results/test"
    records = [json.loads(path.read_text()) for path in run.rglob("*.provenance.json")]
    assert len(records) > 25
    for record in records:
        assert record["versions"]["numpy"] and record["seconds"] >= 0 and record["hardware"]["cores"] >= 1
        for path, stamp in record["outputs"].items():
            assert checksum(finished.work / path) == stamp["sha256"], path
