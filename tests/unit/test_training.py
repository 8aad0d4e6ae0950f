import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from grover import pretraining
from grover.batching import by_length, pad
from grover.device import autocast, choose_device
from grover.errors import InputError
from grover.masking import Masking
from grover.model import Architecture, load_language_model, logits_at, new_language_model, save
from grover.pretraining import pretrain
from grover.training import Optimisation, train
from grover.vocabulary import Vocabulary

CPU = torch.device("cpu")
TINY = Architecture(layers=1, hidden=16, heads=2, intermediate=32, positions=40, dropout=0.1)


@pytest.fixture
def corpus():
    """Tokens that follow one another in a fixed order, so that neighbours tell everything."""
    tokens = (np.arange(4000) % 4 + 5).astype(np.uint16)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3900, 300)
    return tokens, pd.DataFrame({"first": first, "length": rng.integers(20, 33, 300)})


def run(corpus, steps=4, seed=0, architecture=TINY, **changes):
    model = new_language_model(architecture.config(9), seed)
    settings = {
        "batch": 16,
        "optimisation": Optimisation(steps, 1e-2),
        "masking": Masking(0.2),
        "device": CPU,
        "seed": seed,
    } | changes
    return model, pretrain(model, *corpus, **settings)


def test_the_loss_does_not_depend_on_the_cut_into_micro_batches(corpus, monkeypatch):
    steady = Architecture(1, 16, 2, 32, 40, dropout=0.0)
    whole, curve = run(corpus, architecture=steady)
    monkeypatch.setitem(pretraining.MICRO_BATCH, "cpu", 70)
    parts, again = run(corpus, architecture=steady)
    np.testing.assert_allclose(curve["loss"], again["loss"], rtol=1e-4)
    assert curve["tokens"].tolist() == again["tokens"].tolist()
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_the_first_loss_is_that_of_the_plain_model(corpus):
    steady = Architecture(1, 16, 2, 32, 40, dropout=0.0)
    reference = new_language_model(steady.config(9), 0).eval()
    _, curve = run(corpus, steps=1, architecture=steady)
    tokens, windows = corpus
    rows = np.random.default_rng([0, 0]).permutation(300)[:16]
    ids = pad([tokens[f : f + n] for f, n in windows.iloc[rows].to_numpy()])
    batch = pretraining.masked_batch(ids, rows, 9, Masking(0.2), 0, 0)
    labels = torch.full(batch["input_ids"].shape, -100).flatten()
    labels[batch["positions"]] = batch["targets"]
    with torch.no_grad():
        out = reference(
            batch["input_ids"], attention_mask=batch["input_ids"] != 0, labels=labels.view(batch["input_ids"].shape)
        )
    assert curve["loss"][0] == pytest.approx(float(out.loss), rel=1e-5)


def test_training_is_repeatable_and_learns(corpus):
    one, curve = run(corpus, steps=10)
    two, again = run(corpus, steps=10)
    assert curve["loss"].tolist() == again["loss"].tolist()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    learnt = run(corpus, steps=150, architecture=Architecture(1, 16, 2, 32, 40, dropout=0.0))[1]
    assert learnt["loss"].iloc[-1] < 0.5 < 1.38 < learnt["loss"].iloc[0]  # ln 4 is what frequencies yield
    assert list(curve.columns) == ["step", "loss", "learning_rate", "tokens", "seconds"]


def test_learning_rate_rises_and_falls():
    rates = [Optimisation(100, 1.0, 0.1).rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1.0 == max(rates)
    assert rates[99] == pytest.approx(1 / 90) and all(a >= b for a, b in zip(rates[9:], rates[10:], strict=False))


def test_a_loss_that_is_no_number_stops_with_a_sentence():
    model = torch.nn.Linear(1, 1)
    batch = {"input_ids": torch.ones(1, 1, dtype=torch.long), "targets": torch.zeros(1)}
    with pytest.raises(InputError, match="loss became nan at step 1"):
        train(model, lambda step: [batch], lambda m, b: m.weight.sum() * float("nan"), Optimisation(3), CPU)


def test_several_processes_are_refused(corpus, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="several processes"):
        run(corpus)


def test_windows_longer_than_the_positions_are_refused(corpus):
    tokens, windows = corpus
    with pytest.raises(InputError, match="39 tokens .* 40 positions"):
        run((tokens, windows.assign(length=39)))
    with pytest.raises(InputError, match="no window"):
        run((tokens, windows.iloc[:0]))


def test_grouping_keeps_every_row_and_the_limit():
    lengths = np.random.default_rng(0).integers(20, 511, 64)
    groups = by_length(lengths, 2048)
    assert sorted(np.concatenate(groups)) == list(range(64))
    assert all(len(group) * (lengths[group].max() + 2) <= 2048 for group in groups)


def test_the_folder_opens_without_our_code(tmp_path):
    vocabulary = Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]], np.int32))
    vocabulary.save(tmp_path / "vocabulary")
    model = new_language_model(TINY.config(vocabulary.size), 1).eval()
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    ids = torch.tensor([[2, 5, 6, 4, 8, 3]])
    expected = model(ids).logits
    torch.testing.assert_close(AutoModelForMaskedLM.from_pretrained(tmp_path / "model")(ids).logits, expected)
    torch.testing.assert_close(load_language_model(tmp_path / "model")(ids).logits, expected)
    torch.testing.assert_close(logits_at(model, ids, torch.tensor([3])), expected[0, 3:4])
    assert AutoModel.from_pretrained(tmp_path / "model").config.hidden_size == 16
    assert AutoTokenizer.from_pretrained(tmp_path / "model")("AATC")["input_ids"] == [2, 10, 6, 3]


def test_devices_and_precisions_that_are_not_there():
    assert choose_device("cpu").type == "cpu"
    if not torch.cuda.is_available():
        assert choose_device("auto").type == "cpu"
        with pytest.raises(InputError, match="no GPU"):
            choose_device("cuda")
    with pytest.raises(InputError, match="unknown"):
        choose_device("tpu")
    with pytest.raises(InputError, match="unknown"):
        autocast(CPU, "fp8")
    with pytest.raises(InputError, match="multiple of heads"):
        Architecture(hidden=10, heads=3).config(9)
