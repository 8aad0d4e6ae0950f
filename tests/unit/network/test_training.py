"""The training loop: the loss, its curve, and the folder that it leaves."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from grover.network import device as device_module
from grover.network.bert import bert_config, load_language_model, new_language_model, save
from grover.network.checkpoints import Checkpoints
from grover.network.device import choose_device, computes_in_bf16, precision_to_train
from grover.network.distributed import Processes
from grover.network.forward import logits_at
from grover.network.packed import Layout, pack
from grover.network.training import Execution, Optimisation, Recording, train
from grover.pretraining import preflight
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import masked_batch
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture
from tests.fakes.trainings import CPU, STEADY, TINY, one_number, run, same

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_loss_does_not_depend_on_the_cut_into_micro_batches(corpus, monkeypatch):
    whole, curve = run(corpus, architecture=STEADY)
    monkeypatch.setitem(preflight.TOKENS_AT_ONCE, "cpu", 70)
    parts, again = run(corpus, architecture=STEADY)
    np.testing.assert_allclose(curve["loss"], again["loss"], rtol=1e-4)
    assert curve["tokens"].tolist() == again["tokens"].tolist()
    for one, other in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_the_first_loss_is_that_of_the_plain_model(corpus):
    reference = new_language_model(bert_config(STEADY, 9), 0).eval()
    _, curve = run(corpus, steps=1, architecture=STEADY)
    tokens, windows = corpus
    rows = np.random.Generator(np.random.Philox(key=[0, 0])).permutation(300)[:16]
    nats, targets = 0.0, 0
    for row in rows:
        first, length = windows.iloc[row]
        ids, lengths = pack(tokens, np.array([first]), np.array([length]))
        batch = masked_batch(ids, lengths, np.array([row]), 9, Masking(0.2), 0, 0)
        labels = torch.full((1, len(ids)), -100)
        labels[0, batch["positions"]] = batch["targets"]
        if len(batch["targets"]):
            with torch.no_grad():
                nats += float(reference(batch["input_ids"][None], labels=labels).loss) * len(batch["targets"])
        targets += len(batch["targets"])
    assert curve["loss"][0] == pytest.approx(nats / targets, rel=1e-5)
    assert curve["tokens"][0] == windows["length"].iloc[rows].sum()


def test_training_is_repeatable_and_learns(corpus):
    one, curve = run(corpus, steps=10)
    two, again = run(corpus, steps=10)
    assert curve["loss"].tolist() == again["loss"].tolist() and same(one, two)
    learnt = run(corpus, steps=150, architecture=STEADY)[1]
    assert learnt["loss"].iloc[-1] < 0.5 < 1.38 < learnt["loss"].iloc[0]  # ln 4 is what frequencies yield
    assert list(curve.columns) == ["step", "loss", "learning_rate", "gradient_norm", "tokens", "seconds"]


def test_learning_rate_rises_and_falls():
    rates = [Optimisation(100, 1.0, 0.1).rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1.0 == max(rates)
    assert rates[99] == pytest.approx(1 / 90) and all(a >= b for a, b in zip(rates[9:], rates[10:], strict=False))


def test_a_loss_that_is_no_number_stops_with_a_sentence(tmp_path):
    model, batches, loss = one_number(float("nan"))
    with pytest.raises(InputError, match="loss became nan .* at step 1 of 3"):
        train(
            model,
            lambda step: batches,
            loss,
            Optimisation(3, learning_rate=4e-4, warmup=0.1),
            Execution(CPU, precision="auto", seed=0),
        )


def test_a_loss_that_rises_stops_and_names_the_last_good_checkpoint(tmp_path):
    model, batches, _ = one_number(0)
    steps = iter(range(1000))

    def rising(m, b):
        return m.weight.sum() * 0 + (2.0 if next(steps) < 60 else 4.0)

    with pytest.raises(
        InputError, match=rf"mean loss of the last 50 steps .* step 8\d of 300 .* {tmp_path}/step-0000000\d\d.pt"
    ):
        train(
            model,
            lambda step: batches,
            rising,
            Optimisation(300, learning_rate=4e-4, warmup=0.1),
            Execution(CPU, precision="auto", seed=0),
            Recording(Checkpoints(tmp_path), 0),
        )


def test_the_folder_opens_without_our_code(tmp_path):
    vocabulary = Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]], np.int32))
    vocabulary.save(tmp_path / "vocabulary")
    model = new_language_model(bert_config(TINY, vocabulary.size), 1).eval()
    save(model, model.config, tmp_path / "model", tmp_path / "vocabulary")
    ids = torch.tensor([[2, 5, 6, 4, 8, 3]])
    expected = model(ids).logits
    torch.testing.assert_close(AutoModelForMaskedLM.from_pretrained(tmp_path / "model")(ids).logits, expected)
    torch.testing.assert_close(load_language_model(tmp_path / "model")(ids).logits, expected)
    layout = Layout.of(np.array([ids.shape[1]]))
    torch.testing.assert_close(logits_at(model, ids[0], layout, torch.tensor([3])), expected[0, 3:4])
    assert AutoModel.from_pretrained(tmp_path / "model").config.hidden_size == 16
    assert AutoTokenizer.from_pretrained(tmp_path / "model")("AATC")["input_ids"] == [2, 10, 6, 3]


def test_more_gpus_asked_for_than_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="4 processes on this node want a GPU each, but torch finds 2; set `gpus: 2`"):
        choose_device("cuda", processes=Processes(3, 8, 3, 4))


def test_devices_and_precisions_that_are_not_there():
    assert choose_device("cpu").type == "cpu"
    if not torch.cuda.is_available():
        assert choose_device("auto").type == "cpu"
        with pytest.raises(InputError, match="no GPU"):
            choose_device("cuda")
    with pytest.raises(InputError, match="multiple of heads"):
        bert_config(architecture(hidden=10, heads=3), 9)


def test_auto_trains_encoders_in_bf16_where_the_processor_does_and_scores_in_fp32(
    corpus, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(device_module, "computes_bf16", lambda instructions: True)
    device_module._say_bf16.cache_clear()
    auto, half, single = (run(corpus, precision=precision)[0] for precision in ("auto", "bf16", "fp32"))
    assert same(auto, half) and not same(auto, single)
    assert (
        capsys.readouterr().err.count("precision: auto trains in bf16, for which this processor has instructions") == 1
    )
    assert not computes_in_bf16(CPU, "auto") and precision_to_train(CPU, "fp32") == "fp32"
    assert precision_to_train(torch.device("cuda", 0), "auto") == "auto"
    monkeypatch.setattr(device_module, "computes_bf16", lambda instructions: False)
    assert same(run(corpus, precision="auto")[0], single)
    # a training that goes on in another format says so
    checkpoints = Checkpoints(tmp_path)
    run(corpus, steps=2, precision="fp32", checkpoints=checkpoints)
    run(corpus, steps=4, precision="bf16", checkpoints=checkpoints)
    assert "resumed at step 2 of 4; from here on it is computed in bf16" in capsys.readouterr().err
