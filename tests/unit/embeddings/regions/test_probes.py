"""Probes: planted signals are found beyond GC content, noise covers chance, and scikit-learn gives the same numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

from grover.config.names import REPRESENTATIONS
from grover.config.sections.embeddings import Probes
from grover.embeddings.regions.probe_fits import Known, linear
from grover.embeddings.regions.probe_scores import beyond, chance, partial, resampled, score
from grover.embeddings.regions.probes import Representation, columns, make_target, probe, representations
from grover.embeddings.regions.tables import check_places, given_properties, read_annotation
from grover.embeddings.vectors import Writer, open_embeddings
from grover.runtime.errors import InputError
from grover.statistics import bootstrap

N = 1200
REGIONS = pd.DataFrame({"chrom": "chr1", "start": np.arange(N) * 1000, "end": np.arange(N) * 1000 + 900})
FOLDS = np.array(["train", "train", "train", "valid", "test", "gap"], dtype=object)[np.arange(N) // 20 % 6]
BLOCKS = bootstrap.blocks(REGIONS.assign(sequence=""), 100_000)


@pytest.fixture(scope="module")
def hidden():
    return np.random.default_rng(1).normal(size=N)


@pytest.fixture(scope="module")
def gc():
    return np.random.default_rng(2).normal(size=N)


def run(values, kind, signal, gc, trees=10, **options):
    rng = np.random.default_rng(0)
    target = make_target(pd.Series(values), kind, FOLDS, BLOCKS, **options)
    noise = rng.normal(size=(N, 7))
    features = {
        ("chosen", "mean", 2): (np.column_stack([signal, noise]), True),
        ("chosen", "mean", 1): (noise, False),
        ("chosen-random", "mean", 2): (noise, True),
        ("kmers", "", None): (np.column_stack([gc, rng.normal(size=(N, 12))]), True),
        ("gc", "", None): (gc[:, None], True),
    }
    found = [Representation(*key, forest, lambda x=x: x.astype(np.float32)) for key, (x, forest) in features.items()]
    table = probe(target, REGIONS, found, gc[:, None], Probes(bootstrap=100, trees=trees), 0)
    return columns(table, "track", kind, ["gc"]).set_index(["model", "layer", "probe"]).sort_index()


def test_a_planted_category_is_found_beyond_gc_and_by_both_probes(hidden, gc):
    names = np.array(["low", "none", "high"])[np.digitize(hidden + 0.5 * gc, [-0.5, 0.5])]
    table = run(names, "category", hidden + 3, gc)
    for name in ("linear", "forest"):
        row = table.loc[("chosen", 2, name)]
        assert row["value"] > 0.75 and row["low"] < row["value"] < row["high"]
        assert row["gain_low"] > 0 and row["over_gc_low"] > 0 and row["over_random_low"] > 0 and row["partial"] > 0.2
        assert row["auprc"] > row["chance"] + 0.2 and row["note"] == "" and row["metric"] == "auroc"
    baseline = table.xs("gc").iloc[1]
    assert baseline["value"] > 0.52 and np.isnan(baseline["over_gc"]) and baseline["gain"] == pytest.approx(0, abs=0.1)
    assert np.isnan(table.xs("kmers").iloc[1]["gain"]) and len(table) == 9


def test_a_planted_presence_quantity_and_strand_are_found(hidden, gc):
    assert run(hidden > 0, "presence", hidden, gc).loc[("chosen", 2, "linear"), "value"] > 0.97
    quantity = run(2 * hidden + 1, "quantity", hidden, gc).loc[("chosen", 2, "linear")]
    assert quantity["value"] > 0.97 and quantity["metric"] == "r2" and quantity["partial"] > 0.97
    strand = np.where(np.abs(hidden) < 0.3, "", np.where(hidden > 0, "+", "-"))
    row = run(strand, "strand", hidden, gc).loc[("chosen", 2, "linear")]
    assert row["value"] > 0.97 and row["n_test"] == ((strand != "") & (FOLDS == "test")).sum()


def test_to_be_ahead_of_who_guesses_worse_than_a_coin_is_no_gain():
    np.testing.assert_allclose(beyond(0.7, 0.4, "auroc"), 0.2)
    np.testing.assert_allclose(beyond(np.array([0.45, 0.6]), np.array([0.3, 0.7]), "auroc"), [0, -0.1])
    np.testing.assert_allclose(beyond(-0.2, 0.1, "r2"), -0.1)


def test_noise_covers_chance():
    rng = np.random.default_rng(9)
    features = rng.normal(size=(N, 8)).astype(np.float32)
    found, given = [Representation("chosen", "mean", 1, False, lambda: features)], rng.normal(size=(N, 1))
    rows = []
    for _ in range(12):
        target = make_target(pd.Series(rng.choice(["a", "b", "c"], N)), "category", FOLDS, BLOCKS)
        rows.append(probe(target, REGIONS, found, given, Probes(bootstrap=60, trees=100), 0).iloc[0])
    table = pd.DataFrame(rows)
    assert ((table["low"] < 0.5) & (table["high"] > 0.5)).sum() >= 9 and abs(table["value"].mean() - 0.5) < 0.03
    assert abs(table["partial"].mean()) < 0.03 and abs((table["auprc"] - table["chance"]).mean()) < 0.03
    target = make_target(pd.Series(rng.normal(size=N)), "quantity", FOLDS, BLOCKS)
    assert probe(target, REGIONS, found, given, Probes(bootstrap=100, trees=100), 0)["value"].iloc[0] < 0.05


def test_what_only_gc_explains_leaves_no_partial_correlation():
    rng = np.random.default_rng(3)
    gc = rng.normal(size=2000)
    told, signal = gc + 0.3 * rng.normal(size=2000), rng.normal(size=2000)
    for truth, predicted in ((gc > 0, told), (gc + rng.normal(size=2000), told), (np.abs(gc) + signal > 1, told**2)):
        assert abs(partial(truth.astype(float), predicted, gc[:, None])) < 0.08
    assert partial((gc + signal > 0).astype(float), told + signal, gc[:, None]) > 0.5


def test_rare_categories_are_left_out_and_named(hidden):
    names = np.where(hidden > 0, "many", "none").astype(object)
    names[np.flatnonzero(FOLDS == "train")[:9]] = "few"
    # enough of them, but all in one place of fold test
    names[np.flatnonzero(FOLDS == "train")[9:40]] = names[np.flatnonzero(FOLDS == "test")[:20]] = "together"
    target = make_target(pd.Series(names), "category", FOLDS, BLOCKS)
    assert target.note == "too few regions: few, together" and target.classes == 2
    assert (target.fold == "train").sum() == 560 and set(target.values[target.fold != ""]) == {0, 1}


def test_a_track_with_too_few_regions_has_rows_without_values(hidden, gc):
    table = run(np.full(N, "same"), "category", hidden, gc)
    assert len(table) == 9 and table["value"].isna().all() and table["note"].eq("too few regions").all()
    assert run(np.full(N, np.nan), "quantity", hidden, gc)[["value", "gain", "partial"]].isna().all(axis=None)
    assert run(np.full(N, ""), "strand", hidden, gc)["n_test"].eq(0).all()


def test_categories_in_few_blocks_of_fold_test_are_left_out(hidden):
    test = np.flatnonzero(FOLDS == "test")
    for blocks, note in ((9, "too few regions: few"), (10, "")):
        names = np.where(hidden > 0, "many", "none").astype(object)
        names[np.flatnonzero(FOLDS == "train")[:20]] = "few"
        within = [test[BLOCKS[test] == block][0] for block in np.unique(BLOCKS[test])[:blocks]]
        names[within] = "few"
        assert make_target(pd.Series(names), "category", FOLDS, BLOCKS).note == note


def test_a_quantity_with_too_few_regions_keeps_its_metric():
    assert make_target(pd.Series(np.full(N, np.nan)), "quantity", FOLDS, BLOCKS).metric == "r2"


def test_a_track_whose_rows_lie_in_no_region_is_said_to_be_empty(hidden, gc):
    empty = {"category": "none", "presence": False, "strand": "", "quantity": np.nan}
    for kind, nothing in empty.items():
        table = run(np.full(N, nothing), kind, hidden, gc, where="class=LINE")
        assert table["note"].eq("empty: no region with class=LINE").all() and table["value"].isna().all()
        assert table["metric"].eq("r2" if kind == "quantity" else "auroc").all()
    few = pd.Series(np.arange(N) < 3)
    assert make_target(few, "presence", FOLDS, BLOCKS, where="class=LINE").note == "too few regions"


def test_training_regions_are_thinned_evenly(hidden):
    target = make_target(pd.Series(hidden), "quantity", FOLDS, BLOCKS, maximum_train=100)
    kept = np.flatnonzero(target.fold == "train")
    assert len(kept) == 100 and kept[0] < 20 and kept[-1] > N - 80 and (target.fold == "test").sum() == 200


@pytest.mark.parametrize("classes", [2, 4])
def test_the_logistic_probe_is_that_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    x = rng.normal(size=(300, 6)) * [1, 2, 3, 1, 1, 0.1] + [0, 5, 0, 0, 0, 0]
    x[:, 4] = x[:, 0] + 0.1 * x[:, 4]
    y = np.argmax(x[:, :classes] / [1, 2, 3, 1][:classes] + rng.gumbel(size=(300, classes)), axis=1)
    known = Known(x[:250].astype(np.float32), y[:250], x[:0].astype(np.float32), y[:0], classes)
    found = linear(known, x[250:].astype(np.float32))
    scaled = (x - x[:250].mean(axis=0)) / x[:250].std(axis=0)
    expected = LogisticRegression(C=1 / (250 * 0.01), tol=1e-8, max_iter=10_000).fit(scaled[:250], y[:250])
    assert found == pytest.approx(expected.predict_proba(scaled[250:]), abs=0.005)


def test_the_strength_of_the_ridge_probe_is_the_best_on_valid():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(140, 60)), rng.normal(size=60)
    y = x @ weights + 12 * rng.normal(size=140)
    train, valid, test = slice(0, 60), slice(60, 120), slice(120, 140)
    found = linear(Known(x[train], y[train], x[valid], y[valid], 0), x[test])
    scaled = (x - x[train].mean(axis=0)) / x[train].std(axis=0)
    models = [Ridge(alpha=60 * strength).fit(scaled[train], y[train]) for strength in (10, 1, 0.1, 0.01, 1e-3, 1e-4)]
    best = min(models, key=lambda model: ((model.predict(scaled[valid]) - y[valid]) ** 2).sum())
    assert found == pytest.approx(best.predict(scaled[test]), rel=1e-3, abs=1e-3)


def test_features_that_do_not_vary_do_no_harm():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.full(100, 1e4), np.zeros(100), rng.normal(size=100)]).astype(np.float32)
    y = (x[:, 2] > 0).astype(np.int64)
    assert linear(Known(x[:60], y[:60], x[60:80], y[60:80], 2), x[80:])[:, 1].round() == pytest.approx(y[80:])


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    truth, weights = rng.integers(0, 4, 80), rng.random((80, 4)).round(1) + 0.1
    probability = weights / weights.sum(1, keepdims=True)
    auroc, auprc = score(truth, probability)
    each = [average_precision_score(truth == name, probability[:, name]) for name in range(4)]
    assert auroc == pytest.approx(roc_auc_score(truth, probability, multi_class="ovr"))
    assert auprc == pytest.approx(np.mean(each), rel=1e-12)
    two = truth > 1
    assert score(two, probability[:, :2])[0] == pytest.approx(roc_auc_score(two, probability[:, 1]))
    predicted = truth + rng.normal(size=80)
    assert score(truth.astype(float), predicted)[0] == pytest.approx(r2_score(truth, predicted))
    assert chance(truth, 4) == 0.25 and chance(two.astype(int), 2) == two.mean() and np.isnan(chance(truth, 0))


def test_resampled_scores_are_those_of_the_repeated_regions():
    rng = np.random.default_rng(4)
    block = rng.integers(0, 12, 150)
    truth, quantity = rng.integers(0, 3, 150), rng.normal(size=150) + 1e4
    probability, predicted = rng.dirichlet(np.ones(3), 150), quantity + rng.normal(size=150)
    drawn = bootstrap.draw(12, 20, seed=1)
    areas, fits = resampled(drawn, block, truth, probability), resampled(drawn, block, quantity, predicted)
    for counts, area, fit in zip(drawn, areas, fits, strict=True):
        rows = np.repeat(np.arange(150), counts[block])
        assert area == pytest.approx(roc_auc_score(truth[rows], probability[rows], multi_class="ovr"))
        assert fit == pytest.approx(r2_score(quantity[rows], predicted[rows]))
    assert np.isnan(resampled(drawn, block, np.full(150, 7.3), predicted)).all()


def test_partial_correlation_is_that_of_the_inverse_of_all_correlations():
    rng = np.random.default_rng(5)
    given = rng.permutation(100).astype(float)
    truth, predicted = given + 40 * rng.normal(size=100), np.exp((given + 30 * rng.normal(size=100)) / 20)
    rank = given - given.mean()
    table = np.column_stack([rankdata(truth), rankdata(predicted), rank, rank**2, rank**3])
    inverse = np.linalg.inv(np.corrcoef(table.T))
    expected = -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])
    assert partial(truth, predicted, given[:, None]) == pytest.approx(expected)
    # a property that never varies takes nothing away
    assert partial(truth, predicted, np.column_stack([given, np.zeros(100)])) == pytest.approx(expected)
    assert np.isnan(partial(truth, given**3, given[:, None]))
    names, probability = rng.integers(0, 3, 100), rng.dirichlet(np.ones(3), 100)
    each = [partial((names == name).astype(float), probability[:, name], given[:, None]) for name in range(3)]
    assert partial(names, probability, given[:, None]) == pytest.approx(np.mean(each))


def test_tables_that_do_not_go_together_are_named(tmp_path):
    annotation, regions = tmp_path / "annotation.parquet", tmp_path / "regions.parquet"
    pd.DataFrame({"gene": [True, False]}).to_parquet(annotation)
    assert len(read_annotation(annotation, regions, 2)) == 2
    pd.DataFrame(index=range(4)).to_parquet(tmp_path / "none.parquet", index=False)
    assert read_annotation(tmp_path / "none.parquet", regions, 4).shape == (4, 0)
    with pytest.raises(InputError, match=r"annotation.parquet has 2 rows and .*regions.parquet has 3; annotate"):
        read_annotation(annotation, regions, 3)
    metadata = {"name": "chosen", "layers": [1], "shard": 0, "shards": 1, "regions": ""}
    table = {"region": np.arange(2), "chrom": np.array(["chr1", "chr1"]), "start": np.array([0, 9])}
    with Writer(tmp_path / "0.parquet", metadata) as file:
        file.write(table | {"end": np.array([5, 20]), "tokens": np.array([1, 2], np.int32)})
    embeddings = open_embeddings([tmp_path / "0.parquet"])["chosen"]
    places = pd.DataFrame({"chrom": "chr1", "start": [0, 9], "end": [5, 20]})
    check_places(embeddings, places, regions)
    for other in (places.iloc[:1], places.assign(start=[0, 8])):
        with pytest.raises(InputError, match=r"0.parquet and .*regions.parquet do not contain the same regions"):
            check_places(embeddings, other, regions)


def test_repeats_are_given_where_they_are_known():
    gc = pd.DataFrame({"gc": [0.4, 0.5]})
    alone = given_properties(gc, pd.DataFrame({"gene": [True, False]}))
    both = given_properties(gc, pd.DataFrame({"repeat_share": [0.0, 1.0]}))
    assert list(alone) == ["gc"] and alone.to_numpy().tolist() == [[0.4], [0.5]]
    assert list(both) == ["gc", "repeats"] and both.to_numpy().tolist() == [[0.4, 0.0], [0.5, 1.0]]


def test_a_model_without_cls_is_probed_by_its_mean(tmp_path):
    said = {"layers": [3], "hidden": 4, "shard": 0, "shards": 1, "regions": ""}
    rows = {"region": np.arange(2), "chrom": np.array(["chr1", "chr1"]), "start": np.array([0, 9])}
    files = {"external": ["mean_3"], "chosen": ["cls_3", "mean_3"], "composition": ["word2vec", "kmers"]}
    for name, vectors in files.items():
        with Writer(tmp_path / f"{name}.parquet", said | {"name": name}) as file:
            file.write(rows | {column: np.ones((2, 4), np.float16) for column in vectors})
    found = open_embeddings([tmp_path / f"{name}.parquet" for name in files])
    composition = found.pop("composition")
    made = representations(found, composition, np.array([0.4, 0.5]))
    poolings = {name: [each.pooling for each in made if each.model == name] for name in found}
    assert poolings == {"external": ["mean"], "chosen": ["cls", "mean"]}
    assert tuple(each.model for each in made if each.model not in found) == REPRESENTATIONS
    assert all(len(each.features()) == 2 for each in made)
