"""Random variants: where they are drawn, and what is subtracted, worked out another way."""

import numpy as np
import pandas as pd
import pytest

from grover.genome.bases import decode
from grover.interpretation.null_variants import Null, draw_indels, draw_snvs, indel_kinds, snv_kinds
from grover.interpretation.run_lengths import LONGEST, RunLengths
from grover.interpretation.training_places import draw_places
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.assembly import assembly, random_bases

FOLDS = pd.DataFrame(
    [("c", 0, 3_000, "train"), ("c", 3_000, 4_000, "test"), ("d", 0, 1_000, "train")],
    columns=["chrom", "start", "end", "fold"],
)


@pytest.fixture
def genome(tmp_path):
    return assembly(
        tmp_path,
        [("c", 0, random_bases(0, 1_500)), ("c", 1_600, random_bases(1, 2_400)), ("d", 0, random_bases(2, 1_000))],
    )


def test_places_are_drawn_evenly_from_fold_train(genome):
    starts = draw_places(genome, FOLDS, 100, 4_000, np.random.default_rng(0))
    allowed = np.concatenate([np.arange(0, 1_401), np.arange(1_500, 1_500 + 1_301), np.arange(3_900, 4_801)])
    assert set(starts) <= set(allowed)
    share = np.isin(starts, allowed[:1_401]).mean()
    assert abs(share - 1_401 / len(allowed)) < 0.04
    with pytest.raises(InputError, match="fold train has no stretch of 2,000 bases"):
        draw_places(genome, FOLDS, 2_000, 5, np.random.default_rng(0))


def test_random_variants_are_of_the_assembly_and_of_fold_train(genome):
    for table in (draw_snvs(genome, FOLDS, 300, 5), draw_indels(genome, FOLDS, 200, 5)):
        for row in table.itertuples():
            assert decode(genome.fetch(row.chrom, row.pos - 1, row.pos - 1 + len(row.ref))) == row.ref != row.alt
            assert row.chrom == "d" or row.pos <= 3_000
    snvs = draw_snvs(genome, FOLDS, 3_000, 1)
    assert (snvs["ref"] + snvs["alt"]).nunique() == 12 and (snvs["ref"] + snvs["alt"]).value_counts().min() > 150
    indels = draw_indels(genome, FOLDS, 400, 1)
    sizes = indels["alt"].str.len() - indels["ref"].str.len()
    assert (sizes > 0).sum() == (sizes < 0).sum() == 200 and sizes.abs().max() > 30
    assert indel_kinds(indels, genome).str.endswith("tandem").sum() > 80
    pd.testing.assert_frame_equal(indels, draw_indels(genome, FOLDS, 400, 1))


def scored(table, seed):
    """Scores that consist of an effect of the substitution and one of the change in token number, on each strand, and of noise."""
    rng = np.random.default_rng(seed)
    table = table.assign(tokens_ref=2, tokens_ref_minus=3)
    table["tokens_alt"] = 2 + rng.choice([-1, 0, 0, 0, 1], len(table))
    table["tokens_alt_minus"] = 3 + rng.choice([-1, 0, 0, 0, 1, 4], len(table))
    plus, minus = snv_kinds(table)
    for column, kinds in (("llr_plus", plus), ("llr_minus", minus)):
        effect = kinds.str[:3].map({kind: hash_of(kind) for kind in kinds.str[:3].unique()})
        change = kinds.str[3:].replace("", "0").astype(int)
        table[column] = effect - 2.0 * change + rng.normal(0, 0.1, len(table))
    return table.assign(llr=(table["llr_plus"] + table["llr_minus"]) / 2)


def hash_of(kind):
    return sum(map(ord, kind)) % 7 / 2


def test_centred_scores_have_neither_the_substitution_nor_the_number_of_tokens_left(genome):
    null = Null.of(scored(draw_snvs(genome, FOLDS, 4_000, 0), 0), genome)
    table = scored(draw_snvs(genome, FOLDS, 500, 9), 9)
    found = null.centred(table)
    assert np.abs(found).max() < 0.6 and np.abs(table["llr"] - table["llr"].mean()).max() > 2
    change = table["tokens_alt"] - 2
    assert abs(np.corrcoef(found, change)[0, 1]) < 0.15 < abs(np.corrcoef(table["llr"], change)[0, 1])
    # the mean of what the null has in this cell, both strands pooled
    snvs = scored(draw_snvs(genome, FOLDS, 4_000, 0), 0)
    plus, minus = snv_kinds(snvs)
    row = table.iloc[[0]]
    kinds = [kind.iloc[0] for kind in snv_kinds(row)]
    means = [
        np.concatenate([snvs["llr_plus"][plus == kind], snvs["llr_minus"][minus == kind]]).mean() for kind in kinds
    ]
    assert found[0] == pytest.approx(row["llr"].iloc[0] - np.mean(means))
    assert np.isnan(null.centred(table.assign(alt="AC"))).all()


def test_length_adjusted_scores_are_the_difference_from_the_median_of_their_kind(genome):
    indels = draw_indels(genome, FOLDS, 600, 0)
    sizes = indels["alt"].str.len() - indels["ref"].str.len()
    indels = indels.assign(
        llr=-0.5 * sizes.abs() + np.random.default_rng(0).normal(0, 1, 600), llr_plus=0.0, llr_minus=0.0
    )
    indels = indels.assign(tokens_ref=1, tokens_alt=1, tokens_ref_minus=1, tokens_alt_minus=1)
    null = Null.of(pd.concat([indels, scored(draw_snvs(genome, FOLDS, 200, 0), 0)], ignore_index=True), genome)
    kinds = indel_kinds(indels, genome)
    kind = kinds[kinds == "-1 unique"].index
    found = null.length_adjusted(indels, genome)
    np.testing.assert_allclose(found[kind], indels["llr"][kind] - np.median(indels["llr"][kind]))
    assert kinds[sizes == -1].isin(["-1 unique", "-1 tandem"]).all()
    assert np.isnan(null.length_adjusted(indels.assign(alt=indels["ref"]), genome)).all()


def test_run_lengths_are_those_of_counting_by_hand(genome):
    vocabulary = Vocabulary.from_merges("bpe", np.array([[0, 0], [3, 3], [4, 1], [5, 2], [1, 2]], np.int32))
    runs = RunLengths.of(genome, FOLDS, vocabulary, 3, pieces=4)
    expected = np.zeros_like(runs.counts)
    expected[0, 0] = 1
    for start in draw_places(genome, FOLDS, 1_000, 4, np.random.default_rng([3, 2])):
        sizes = [len(vocabulary.tokens[i]) for i in vocabulary.encode(genome.codes[start : start + 1_000])][3:-3]
        for first in range(len(sizes)):
            for number in range(1, LONGEST + 1):
                if first + number <= len(sizes) and sum(sizes[first : first + number]) <= LONGEST:
                    expected[number, sum(sizes[first : first + number])] += 1
    # the first and last tokens of a piece are left out by their boundaries
    assert abs(runs.counts - expected).sum() <= 4 * 2 * LONGEST
    assert runs.shares(12).sum() == pytest.approx(1) and runs.shares(0)[0] == 1 and not runs.shares(65).any()
    assert (runs.shares(12)[runs.shares(12) > 0] >= 0.01).all()
