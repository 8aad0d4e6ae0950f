"""How much context changes tokens: against pairs of occurrences one by one, NumPy's singular values and the definitions."""

import json

import numpy as np
import pandas as pd
import pytest

from grover.embeddings.tokens import contexts
from grover.embeddings.tokens.states import open_contexts, read_sums
from grover.embeddings.vectors import Writer
from grover.report.parts import Picture, Results, Table
from grover.report.sections import contexts as section
from grover.report.style import to_svg
from grover.runtime.errors import InputError
from tests.fakes.contexts import write as write_artefacts

LAYERS, TOKENS, WIDTH = (0, 1), 9, 12
METADATA = {"name": "chosen", "model": "a" * 64, "initial": "pretrained", "layers": list(LAYERS), "hidden": WIDTH}
METADATA |= {"shards": 2, "regions": "b" * 64}
STATISTICS = pd.DataFrame({"id": range(TOKENS), "token": ["[PAD]", *"ACGT", "AA", "CG", "TT", "AAA"]})
STATISTICS["length"] = [0, 1, 1, 1, 1, 2, 2, 2, 3]
OCCURRENCES = np.array([0, 60, 40, 2, 1, 0, 30, 50, 4])


def write_shard(folder, part: int, ids: np.ndarray, states: np.ndarray, **changed):
    """The sums and the contexts of some occurrences; states: [layers, occurrences, width]."""
    unit = states / np.linalg.norm(states, axis=2, keepdims=True)
    sums = {"layers": np.array(changed.get("layers", LAYERS))}
    for key, values in (("sum", states), ("unit", unit)):
        sums[key] = np.zeros((len(LAYERS), TOKENS, values.shape[2]))
        for layer in range(len(LAYERS)):
            np.add.at(sums[key][layer], ids, values[layer])
    sums["count"] = sums["used"] = np.bincount(ids, minlength=TOKENS)
    files = folder / f"{part}.tokens.npz", folder / f"{part}.contexts.parquet"
    said = METADATA | {"shard": part} | changed
    np.savez(files[0], **sums, grover=np.array(json.dumps(said)))
    with Writer(files[1], said) as writer:
        columns = {"token": ids.astype(np.int32), "chrom": np.full(len(ids), "chr1"), "start": np.arange(len(ids)) * 9}
        columns |= {"end": columns["start"] + 2, "region": np.zeros(len(ids), np.int64)}
        for layer in range(len(LAYERS)):
            columns[f"state_{LAYERS[layer]}"] = states[layer].astype(np.float16)
        # two row groups, as a long genome has many
        for rows in (slice(0, len(ids) // 2), slice(len(ids) // 2, None)):
            writer.write({name: values[rows] for name, values in columns.items()})
    return files


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    rng = np.random.default_rng(0)
    ids = rng.permutation(np.repeat(np.arange(TOKENS), OCCURRENCES))
    # every token has its own mean, with more of it in some than in others, and all lean the same way
    means = rng.normal(size=(TOKENS, WIDTH)) * np.linspace(0, 3, TOKENS)[:, None] + 0.5
    states = np.stack([means[ids] + rng.normal(size=(len(ids), WIDTH)) * spread for spread in (0.3, 1.0)])
    states = states.astype(np.float16).astype(np.float64)
    folder = tmp_path_factory.mktemp("parts")
    half = len(ids) // 3
    parts = [
        write_shard(folder, i, ids[rows], states[:, rows]) for i, rows in enumerate((slice(half), slice(half, None)))
    ]
    sums, stored = (list(files) for files in zip(*parts, strict=True))
    return ids, states, sums, stored


@pytest.fixture(scope="module")
def table(made):
    _, _, sums, stored = made
    return contexts.change(read_sums(sums), open_contexts(stored), STATISTICS, minimum=4)


def pairwise(states: np.ndarray) -> float:
    """Mean cosine of all pairs of rows, one by one."""
    cosines = [
        first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        for i, first in enumerate(states)
        for second in states[i + 1 :]
    ]
    return float(np.mean(cosines))


def test_self_similarity_is_the_mean_cosine_of_all_pairs(made, table):
    ids, states, _, _ = made
    for row in table.itertuples():
        assert row.self_similarity == pytest.approx(pairwise(states[row.layer, ids == row.id]), abs=1e-9)
    for layer in LAYERS:
        part = table[table["layer"] == layer]
        assert part["baseline"].unique() == pytest.approx([pairwise(states[layer])], abs=1e-9)
    assert np.allclose(table["adjusted"], table["self_similarity"] - table["baseline"])


def test_similarity_with_the_mean_taken_away_is_that_of_all_pairs_around_it(made, table):
    ids, states, _, _ = made
    for row in table.itertuples():
        around = states[row.layer] - states[row.layer].mean(0)
        assert row.centred_similarity == pytest.approx(pairwise(around[ids == row.id]), abs=1e-9)
    # a direction that all states share hides nothing
    rng = np.random.default_rng(0)
    two = rng.normal(size=(20, 5)) + 1e6 * np.ones(5)
    assert contexts.similarity_around(two, two.mean(0)) == pytest.approx(pairwise(two - two.mean(0)), abs=1e-6)
    assert np.isnan(contexts.similarity_around(two[:1], two[1]))


def test_tokens_with_few_occurrences_are_left_out_and_counted(made, table):
    assert table["id"].unique().tolist() == [1, 2, 6, 7, 8]
    assert table[table["layer"] == 0]["count"].tolist() == [60, 40, 30, 50, 4]
    assert (table["count"] == table["used"]).all()


def test_averages_are_those_of_all_occurrences(made):
    ids, states, sums, _ = made
    averages = read_sums(sums).averages()
    assert averages.shape == (2, TOKENS, WIDTH) and averages.dtype == np.float32
    assert np.allclose(averages[1, 7], states[1, ids == 7].mean(0), atol=1e-6)
    assert not averages[:, 5].any()


def test_explained_variance_is_that_of_singular_values(made, table):
    ids, states, _, _ = made
    for row in table.itertuples():
        rows = states[row.layer, ids == row.id]
        for value, matrix in ((row.explained, rows), (row.explained_centred, rows - rows.mean(0))):
            singular = np.linalg.svd(matrix, compute_uv=False)
            assert value == pytest.approx(singular[0] ** 2 / (singular**2).sum(), rel=1e-5)


@pytest.mark.parametrize("shape", [(5, 80), (80, 5), (90, 70), (70, 90)])
def test_large_and_small_matrices_have_the_same_largest_singular_value(shape):
    matrix = np.random.default_rng(1).normal(size=shape) + 0.2
    singular = np.linalg.svd(matrix, compute_uv=False)
    assert contexts.singular_share(matrix) == pytest.approx(singular[0] ** 2 / (singular**2).sum(), rel=1e-5)
    assert np.isnan(contexts.singular_share(matrix[:1])) and np.isnan(contexts.singular_share(matrix * 0))


def test_the_baseline_of_the_explained_variance_is_that_of_occurrences_of_any_tokens(made, table):
    ids, states, _, _ = made
    rng = np.random.default_rng(3)
    samples = [states[1, rng.choice(len(ids), 40)] for _ in range(40)]
    expected = np.mean([contexts.singular_share(sample) for sample in samples])
    row = table[(table["layer"] == 1) & (table["id"] == 2)].iloc[0]
    assert row["explained_baseline"] == pytest.approx(expected, abs=0.05)
    assert row["explained_adjusted"] == row["explained"] - row["explained_baseline"]
    # of four contexts one vector explains more than of sixty
    ordered = table[table["layer"] == 1].set_index("id")["explained_baseline"]
    assert ordered[8] > ordered[1]


def test_the_first_rank_is_the_token_that_context_changes_most(table):
    for _, part in table.groupby("layer"):
        assert part.sort_values("adjusted")["rank_change"].tolist() == [1, 2, 3, 4, 5]


def test_parts_in_any_order_are_the_same(made, table):
    _, _, sums, stored = made
    other = contexts.change(read_sums(sums[::-1]), open_contexts(stored[::-1]), STATISTICS, 4)
    pd.testing.assert_frame_equal(other, table)


def test_accuracy_and_repeat_share_join_by_token(table):
    accuracy = pd.DataFrame({"id": [1, 1, 2], "accuracy": [0.2, 0.9, 0.4], "split": ["region", "random", "region"]})
    places = pd.DataFrame(
        {"id": [1, 1, 7], "track": ["repeats", "repeat_class", "repeats"], "category": ["any", "LINE", "any"]}
    )
    joined = contexts.join(table, accuracy, places.assign(share=[0.3, 0.8, 0.5])).query("layer == 0").set_index("id")
    assert joined.loc[[1, 2], "accuracy"].tolist() == [0.2, 0.4] and np.isnan(joined.loc[7, "accuracy"])
    assert joined.loc[[1, 7], "repeat_share"].tolist() == [0.3, 0.5] and np.isnan(joined.loc[2, "repeat_share"])
    assert contexts.join(table, None, None)[["accuracy", "repeat_share"]].isna().all(axis=None)


def test_associations_are_spearman_of_the_change_with_each_property():
    rng = np.random.default_rng(2)
    made = pd.DataFrame({"layer": 3, "adjusted": rng.random(40), "count": rng.integers(5, 900, 40), "length": 3})
    made["repeat_share"] = np.append(made["adjusted"][:30], [np.nan] * 10)
    made["accuracy"] = np.append(rng.random(5), [np.nan] * 35)
    found = contexts.associations(made).set_index("property")
    # all tokens have one length, and too few an accuracy
    assert found.index.tolist() == ["repeat share", "frequency"]
    assert found.loc["repeat share", "spearman"] == pytest.approx(-1) and found.loc["repeat share", "n"] == 30
    expected = made["adjusted"].rank().corr(made["count"].rank())
    assert found.loc["frequency", "spearman"] == pytest.approx(-expected)
    assert found.loc["frequency", "low"] < -expected < found.loc["frequency", "high"]


def test_shards_of_different_models_or_layers_are_refused(made, tmp_path):
    ids, states, sums, stored = made
    other, theirs = write_shard(tmp_path, 1, ids, states[:, :, :8], hidden=8)
    with pytest.raises(InputError, match="hidden is 8 and 12"):
        read_sums([sums[0], other])
    with pytest.raises(InputError, match="hidden is 8 and 12"):
        open_contexts([stored[0], theirs])
    for read, files in ((open_contexts, stored), (read_sums, sums)):
        with pytest.raises(InputError, match="shard 1 of 2 is missing"):
            read(files[:1])
    for key, value in (("layers", [0, 2]), ("model", "c" * 64)):
        with pytest.raises(InputError, match=f"no shards of the same embeddings of chosen: {key} is"):
            read_sums([sums[0], write_shard(tmp_path, 1, ids, states, **{key: value})[0]])
    random_model = [write_shard(tmp_path, part, ids, states, name="chosen-random") for part in (0, 1)]
    for read, files, others in zip(
        (read_sums, open_contexts), (sums, stored), zip(*random_model, strict=True), strict=True
    ):
        with pytest.raises(InputError, match="those of chosen and chosen-random; give the shards of one model"):
            read([*files, *others])
    with pytest.raises(InputError, match="shard 0 of 2 is missing"):
        read_sums(sums[1:])
    np.savez(tmp_path / "old.npz", **{key: np.load(sums[0])[key] for key in ("layers", "count", "sum", "used", "unit")})
    with pytest.raises(InputError, match="contains no sums of tokens; expected .* their metadata"):
        read_sums([tmp_path / "old.npz"])
    with pytest.raises(InputError, match="contains no sums of tokens"):
        read_sums([stored[0]])
    narrow = [write_shard(tmp_path, part, ids, states[:, :, :8], hidden=8)[1] for part in (0, 1)]
    with pytest.raises(InputError, match="give sums and contexts of the same model"):
        contexts.change(read_sums(sums), open_contexts(narrow), STATISTICS, 4)
    longer = pd.DataFrame({"id": [300], "token": "A", "length": 1})
    with pytest.raises(InputError, match="the vocabulary has the id 300, but the sums have 9 tokens"):
        contexts.change(read_sums(sums), open_contexts(stored), longer, 4)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    files = write_artefacts(folder, np.random.default_rng(0))
    return section.section(Results(folder, files)), folder, files


def test_the_section_says_what_context_changes(page):
    made, _, _ = page
    drawn = [part.name for part in made.parts if isinstance(part, Picture)]
    assert drawn == [f"contexts_{name}" for name in ("self_similarity", "explained", "change", "ambiguity")]
    assert all(len(to_svg(part.figure)) < 300_000 for part in made.parts if isinstance(part, Picture))
    said = " ".join(made.findings).replace("\u2212", "-")
    assert "It falls for 100% of the tokens." in said and "With random initialisation" in said
    shown = [sentence for part in made.parts if isinstance(part, list) for sentence in part]
    assert sorted(shown) == sorted(made.findings)
    assert "Context changes tokens less the more of their occurrences lie in repeats (Spearman" in said
    assert "No association is established between change by context and accuracy (Spearman" in said
    assert "paper" not in said  # the genome is not hg19
    separated = "separates the two groups of contexts of 30 of 90 tokens (q below 0.05), and of 0 of 90 with random initialisation"
    assert separated in said and "80% of the difference remains" in said


def test_on_the_genome_of_the_paper_its_findings_stand_beside(page):
    _, folder, _ = page
    own = pd.read_parquet(folder / "embeddings/chosen/contexts.parquet")
    assert "the paper's value is 3.5%" in section.describe_explained({section.MODEL: own}, True)
    repeats = section.associations(own).query("property == 'repeat share' and high < 0").itertuples()
    assert "lie in repeats, as the paper reports (" in section.describe_association(next(repeats), True)


def test_the_paper_agrees_only_where_the_median_falls_among_layers_with_context_and_one_layer_has_no_depth():
    made = pd.DataFrame({"id": [1, 2, 3] * 2, "layer": [1] * 3 + [4] * 3, "adjusted": [0.2, 0.3, 0.4, 0.1, 0.5, 0.6]})
    first = pd.DataFrame({"id": [1, 2, 3], "layer": 0, "adjusted": 0.9})  # where occurrences differ by position alone
    said = section.describe_depth({section.MODEL: pd.concat([first, made]).assign(centred_similarity=0.5)}, True)
    assert "in layer 4 after 0.30 in layer 1" in said
    assert said.endswith("It falls for 33% of the tokens; the paper reports a fall with depth.")
    one = made[made["layer"] == 4].assign(centred_similarity=0.5)
    assert section.describe_depth({section.MODEL: one, section.RANDOM: one}, False) == (
        "The median adjusted self-similarity is 0.50 (middle half of the tokens 0.30 to 0.55) in layer 4; around the mean state 0.50. "
        "With random initialisation it is 0.50 (middle half of the tokens 0.30 to 0.55) in layer 4; around the mean state 0.50."
    )


def test_the_tables_rank_tokens_and_hold_one_row_an_ambiguous_token(page):
    made, _, _ = page
    related, ranked, ambiguous = (part.frame for part in made.parts if isinstance(part, Table))
    assert (
        related.columns.tolist() == ["layer", "repeat share", "accuracy", "frequency", "length"] and len(related) == 5
    )
    assert len(ranked) == 20 and ranked["rank"].iloc[0] == "1" and ranked["rank"].iloc[-1] == "90"
    assert float(ranked["adjusted"].iloc[0]) < float(ranked["adjusted"].iloc[-1])
    assert len(ambiguous) == 15 and ambiguous["token"].is_unique


def test_the_section_does_without_random_model_annotation_and_accuracy(page, tmp_path):
    _, folder, files = page
    table = pd.read_parquet(folder / "embeddings/chosen/contexts.parquet").assign(repeat_share=np.nan, accuracy=np.nan)
    place = tmp_path / "embeddings/chosen"
    place.mkdir(parents=True)
    table.to_parquet(place / "contexts.parquet")
    np.save(place / "token_counts.npy", np.load(files[0]))
    made = section.section(Results(tmp_path, place.iterdir()))
    assert [part.name for part in made.parts if isinstance(part, Picture)] == [
        "contexts_self_similarity",
        "contexts_explained",
    ]
    assert "was not measured" in made.parts[-1] and "random" not in " ".join(made.findings)


def test_ambiguity_that_is_not_there_is_said(page, tmp_path):
    _, folder, files = page
    place = tmp_path / "embeddings/chosen"
    place.mkdir(parents=True)
    for path in files[:3]:
        (place / path.name).write_bytes(path.read_bytes())
    table = pd.read_parquet(files[2])
    table[~(table["q"] < 0.05)].to_parquet(place / "ambiguity.parquet")
    made = section.section(Results(tmp_path, place.iterdir()))
    assert "separates the two groups of contexts of 0 of 60 tokens" in " ".join(made.findings)
    table.head(0).to_parquet(place / "ambiguity.parquet")
    assert (
        section.section(Results(tmp_path, place.iterdir())).parts[-1]
        == "No token has enough contexts for groups among them."
    )
