import os
import signal
import socket

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from grover.network import training
from grover.network.attention import attend
from grover.network.bert import bert_config, load_language_model, new_language_model, save
from grover.network.checkpoints import Checkpoints
from grover.network.device import choose_device
from grover.network.distributed import ALONE, Processes, together
from grover.network.forward import logits_at
from grover.network.packed import Layout, pack
from grover.network.training import Execution, Interrupted, Optimisation, Recording, train
from grover.pretraining import preflight
from grover.pretraining.masking import Masking
from grover.pretraining.pretrain import Settings, masked_batch, pretrain, steps_for
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary
from tests.fakes.networks import architecture

CPU = torch.device("cpu")
TINY = architecture(layers=1, hidden=16, heads=2, intermediate=32, positions=40, dropout=0.1)
STEADY = architecture(1, 16, 2, 32, 40, dropout=0.0)


@pytest.fixture(autouse=True)
def one_thread():
    """Threads that wait for one another take most of the time of networks this small where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def heard_ctrl_c():
    """SIGINT raises KeyboardInterrupt, even where these tests run in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def corpus():
    """Tokens in a fixed order, so that neighbours determine a token."""
    tokens = (np.arange(4000) % 4 + 5).astype(np.uint16)
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3900, 300)
    return tokens, pd.DataFrame({"first": first, "length": rng.integers(20, 33, 300)})


def run(corpus, steps=4, seed=0, architecture=TINY, processes=ALONE, **recording):
    model = new_language_model(bert_config(architecture, 9), seed)
    settings = Settings(16, Optimisation(steps, 1e-2, warmup=0.1), Masking(0.2))
    return model, pretrain(
        model,
        *corpus,
        settings,
        Execution(CPU, seed=seed, processes=processes, precision="auto"),
        Recording(**{"checkpoints": None, "minutes": 15} | recording),
    )


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


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


def one_number(value: float):
    """A model of one weight, its only batch, and a loss of so much at each step."""
    model = torch.nn.Linear(1, 1)
    return model, [{"targets": torch.zeros(1), "tokens": 1}], lambda m, b: m.weight.sum() * 0 + value


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


# -- checkpoints -------------------------------------------------------------------------------------------------------


class Killed(Exception):
    """Stands for SIGKILL: nothing of the training runs after it."""


def dying(checkpoints: Checkpoints, at: int) -> Checkpoints:
    """The same checkpoints, but the process dies as soon as that of step `at` is written."""
    save = checkpoints.save

    def save_and_die(step, state):
        save(step, state)
        if step == at:
            raise Killed

    checkpoints.save = save_and_die
    return checkpoints


@pytest.mark.parametrize("at", [1, 6])
def test_a_killed_training_goes_on_to_the_same_weights_bit_for_bit(corpus, tmp_path, at):
    alone, whole = run(corpus, steps=9)
    with pytest.raises(Killed):
        run(corpus, steps=9, checkpoints=dying(Checkpoints(tmp_path), at), minutes=0)
    resumed, curve = run(corpus, steps=9, checkpoints=Checkpoints(tmp_path), minutes=0)
    assert same(alone, resumed)
    kept = ["step", "loss", "learning_rate", "gradient_norm", "tokens"]
    pd.testing.assert_frame_equal(curve[kept], whole[kept], check_exact=True)
    assert Checkpoints(tmp_path).steps() == [9, 8]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_ends_the_step_leaves_a_checkpoint_and_the_rest_is_the_same(
    corpus, tmp_path, capsys, number, heard_ctrl_c
):
    before = signal.getsignal(number)
    alone, _ = run(corpus, steps=12)
    seen = []

    def watch(row):
        seen.append(row["step"])
        if row["step"] == 5:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted) as interrupted:
        run(corpus, steps=12, checkpoints=Checkpoints(tmp_path), watch=watch)
    assert 5 <= interrupted.value.step <= 8 and interrupted.value.done_here == interrupted.value.step
    assert interrupted.value.signals == {number.name}
    resumed, curve = run(corpus, steps=12, checkpoints=Checkpoints(tmp_path))
    assert same(alone, resumed) and curve["step"].tolist() == list(range(1, 13))
    assert f"resumed at step {interrupted.value.step} of 12" in capsys.readouterr().err
    assert signal.getsignal(number) == before


def test_a_sigint_that_is_ignored_stays_ignored(corpus, tmp_path, heard_ctrl_c):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what is to run in the background
    run(corpus, steps=3, checkpoints=Checkpoints(tmp_path), watch=lambda row: os.kill(os.getpid(), signal.SIGINT))
    assert Checkpoints(tmp_path).steps() == [3]


def test_without_checkpoints_ctrl_c_ends_at_once(corpus, heard_ctrl_c):
    with pytest.raises(KeyboardInterrupt):
        run(corpus, steps=9, watch=lambda row: os.kill(os.getpid(), signal.SIGINT))


@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (5, 5), (6, 3), (9, 5), (10, 5), (11, 4)])
def test_a_curve_has_at_most_so_many_rows_and_ends_with_the_last_step(steps, rows, monkeypatch):
    assert training.POINTS == 500
    monkeypatch.setattr(training, "POINTS", 5)
    model, batches, loss = one_number(0)
    curve = train(
        model,
        lambda step: batches,
        loss,
        Optimisation(steps, learning_rate=4e-4, warmup=0.1),
        Execution(CPU, precision="fp32", seed=0),
    )
    assert len(curve) == rows <= 5 and curve["step"].iloc[-1] == steps == curve["tokens"].iloc[-1]


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_taken(corpus, tmp_path, capsys):
    alone, _ = run(corpus, steps=9)
    with pytest.raises(Killed):
        run(corpus, steps=9, checkpoints=dying(Checkpoints(tmp_path), 6), minutes=0)
    newest = Checkpoints(tmp_path).path(6)
    newest.write_bytes(newest.read_bytes()[:-100] + bytes(100))
    resumed, _ = run(corpus, steps=9, checkpoints=Checkpoints(tmp_path), minutes=0)
    said = capsys.readouterr().err
    assert f"{newest} is damaged" in said and "resumed at step 5" in said and same(alone, resumed)
    for step in Checkpoints(tmp_path).steps():
        Checkpoints(tmp_path).path(step).write_bytes(b"")
    with pytest.raises(InputError, match="every checkpoint is damaged"):
        run(corpus, steps=9, checkpoints=Checkpoints(tmp_path))


def test_a_finished_training_is_not_repeated_but_by_other_code_or_for_fewer_steps(corpus, tmp_path, capsys):
    first, _ = run(corpus, steps=4, checkpoints=Checkpoints(tmp_path / "a", code="x"))
    again, curve = run(corpus, steps=4, seed=0, checkpoints=Checkpoints(tmp_path / "a", code="x"))
    assert same(first, again) and len(curve) == 4 and "resumed at step 4 of 4" in capsys.readouterr().err
    run(corpus, steps=4, checkpoints=Checkpoints(tmp_path / "a", code="y"))
    assert "finished by other code; kept in" in capsys.readouterr().err
    fewer, _ = run(corpus, steps=3, checkpoints=Checkpoints(tmp_path / "a", code="y"))
    assert "beyond the steps asked for" in capsys.readouterr().err and same(fewer, run(corpus, steps=3)[0])
    longer, _ = run(corpus, steps=6, checkpoints=Checkpoints(tmp_path / "a", code="z"))
    assert "resumed at step 3 of 6; the code has changed since then" in capsys.readouterr().err


# -- several processes -------------------------------------------------------------------------------------------------


@pytest.fixture
def unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def process(rank, world, port, corpus, folder):
    """One of several processes; the first stores what it comes to."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    processes = Processes(rank, world, rank, world)
    with together(processes, CPU):
        model, curve = run(corpus, steps=6, architecture=STEADY, processes=processes)
    if processes.first:
        torch.save(model.state_dict(), folder / "weights.pt")
        curve.to_parquet(folder / "curve.parquet")


def test_two_processes_have_the_loss_curve_of_one(corpus, tmp_path, unused_port):
    torch.multiprocessing.spawn(process, (2, unused_port, corpus, tmp_path), nprocs=2)
    alone, curve = run(corpus, steps=6, architecture=STEADY)
    together_curve = pd.read_parquet(tmp_path / "curve.parquet")
    np.testing.assert_allclose(together_curve["loss"], curve["loss"], rtol=1e-4)
    assert together_curve["tokens"].tolist() == curve["tokens"].tolist()
    for name, tensor in torch.load(tmp_path / "weights.pt").items():
        torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=1e-2, atol=1e-3)


def late(rank, world, port, corpus, folder):
    """A process that goes on from checkpoints; the second one sees an old listing of them."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    checkpoints = Checkpoints(folder)
    if rank:
        checkpoints.steps = lambda: [3]
    processes = Processes(rank, world, rank, world)
    with together(processes, CPU):
        run(corpus, steps=6, architecture=STEADY, processes=processes, checkpoints=checkpoints)


def test_all_processes_go_on_from_what_the_first_one_sees(corpus, tmp_path, unused_port):
    with pytest.raises(Killed):
        run(corpus, steps=6, architecture=STEADY, checkpoints=dying(Checkpoints(tmp_path), 4), minutes=0)
    torch.multiprocessing.spawn(late, (2, unused_port, corpus, tmp_path), nprocs=2)
    assert Checkpoints(tmp_path).steps()[0] == 6
    alone, _ = run(corpus, steps=6, architecture=STEADY)
    for name, tensor in Checkpoints(tmp_path).load()[1]["model"].items():
        torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=1e-2, atol=1e-3)


def test_the_windows_and_masks_of_a_step_do_not_depend_on_the_number_of_processes(corpus, monkeypatch):
    """What the processes of a step get, together, is what one gets."""
    seen = {}

    def collect(model, batches, loss, optimisation, execution, recording):
        processes = execution.processes
        for step in (0, 7, 18):  # the last one spans two epochs
            seen.setdefault((processes.world, step), []).extend(
                (ids.tolist(), [p - begin for p in batch["positions"].tolist() if begin <= p < begin + len(ids)])
                for batch in batches(step)
                for begin, ids in zip(
                    batch["layout"].bounds.tolist(), batch["input_ids"].split(batch["layout"].lengths), strict=False
                )
            )
        return pd.DataFrame()

    monkeypatch.setattr("grover.pretraining.pretrain.train", collect)
    for world in (1, 2, 3):
        for rank in range(world):
            run(corpus, processes=Processes(rank, world))
    for step in (0, 7, 18):
        assert len(seen[1, step]) == 16
        assert sorted(seen[1, step]) == sorted(seen[2, step]) == sorted(seen[3, step])
    assert sorted(seen[1, 0]) != sorted(seen[1, 7])


def test_a_batch_of_fewer_windows_than_processes_is_refused(corpus):
    with pytest.raises(InputError, match="batch of 16 windows cannot be dealt to 17 processes"):
        run(corpus, processes=Processes(0, 17))


# -- before the first step ---------------------------------------------------------------------------------------------


def test_windows_longer_than_the_positions_are_refused(corpus):
    tokens, windows = corpus
    with pytest.raises(InputError, match="39 tokens .* 40 positions"):
        run((tokens, windows.assign(length=39)))
    with pytest.raises(InputError, match="no window"):
        run((tokens, windows.iloc[:0]))


def test_a_window_that_cannot_fit_into_memory_is_refused_before_allocation(corpus, monkeypatch):
    monkeypatch.setattr(preflight, "free_memory", lambda device: 50_000)
    with pytest.raises(InputError, match="one window of 34 tokens needs about .* GB .* free on cpu"):
        run(corpus)
    # with a little more, fewer windows are computed at once
    parameters = sum(parameter.numel() for parameter in new_language_model(bert_config(TINY, 9), 0).parameters())
    monkeypatch.setattr(preflight, "free_memory", lambda device: (parameters * 16 + 100 * 34 * 16 * 2) / 0.9)
    model = new_language_model(bert_config(TINY, 9), 0)
    assert preflight.fitting_tokens(model, 32, CPU, "fp32") == 64


def test_what_does_not_fit_after_all_is_tried_with_half_as_many_tokens(corpus, monkeypatch, capsys):
    import grover.pretraining.pretrain as module

    true, tried = module.prove_step, []

    def short(model, batch, *rest, **parts):
        tried.append(len(batch["input_ids"]))
        if tried[-1] > 70:
            raise torch.OutOfMemoryError
        true(model, batch, *rest, **parts)

    monkeypatch.setitem(preflight.TOKENS_AT_ONCE, "cpu", 256)
    monkeypatch.setattr(module, "prove_step", short)
    run(corpus, steps=1)
    assert [tokens > limit for tokens, limit in zip(tried, (128, 64, 32), strict=True)] == [True] * 3 and tried[
        -1
    ] <= 64
    assert "out of memory with 256 tokens at once" in capsys.readouterr().err
    monkeypatch.setattr(module, "prove_step", lambda *a, **b: (_ for _ in ()).throw(torch.OutOfMemoryError))
    with pytest.raises(InputError, match="out of memory on cpu with one window of 34 tokens"):
        run(corpus)


def flipped(true):
    return lambda attention, states, layout: true(attention, states, layout).flip(1)


def zeroed(true):
    return lambda attention, states, layout: true(attention, states, layout) * 0


def borderless(true):
    return lambda attention, states, layout: true(attention, states, Layout.of(np.array([len(states)])))


@pytest.mark.parametrize("broken", [flipped, zeroed, borderless])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_kernel_that_computes_something_else_is_found_before_the_first_step(corpus, broken, precision):
    wide = architecture(2, 128, 4, 256, 40, dropout=0.0)
    model = new_language_model(bert_config(wide, 9), 0)
    tokens, windows = corpus
    ids, lengths = pack(tokens, windows["first"].to_numpy()[:6], windows["length"].to_numpy()[:6])
    batch = masked_batch(ids, lengths, np.arange(6), 9, Masking(0.2), 0, 0)
    preflight.prove_step(model, batch, CPU, precision)
    assert all(parameter.grad is None for parameter in model.parameters())
    with pytest.raises(InputError, match="a kernel of this machine is wrong"):
        preflight.prove_step(model, batch, CPU, precision, attention=broken(attend))


def test_the_smallest_limit_of_the_control_groups_counts(tmp_path):
    for place, limit in (("slurm", "max"), ("slurm/job_7", "16000000000"), ("slurm/job_7/step_0", "20000000000")):
        (tmp_path / place).mkdir()
        (tmp_path / place / "memory.max").write_text(limit + "\n")
    (tmp_path / "memory/slurm/job_8").mkdir(parents=True)
    (tmp_path / "memory/slurm/job_8/memory.limit_in_bytes").write_text("5000000000")
    assert sorted(preflight.memory_limits("0::/slurm/job_7/step_0/user\n", tmp_path)) == [16 * 10**9, 20 * 10**9]
    assert list(preflight.memory_limits("5:cpu:/slurm\n3:memory:/slurm/job_8/step_0\n", tmp_path)) == [5 * 10**9]


def test_windows_of_other_tokens_are_refused(corpus):
    tokens, windows = corpus
    with pytest.raises(InputError, match="a window ends at token 3,9.. of 2,000; the windows belong to other tokens"):
        run((tokens[:2000], windows))


def test_a_budget_in_bases_becomes_steps(corpus):
    tokens, windows = corpus
    lengths = np.array([0, 0, 0, 0, 0, 1, 2, 3, 4])
    bases = sum(lengths[tokens[first : first + length]].sum() for first, length in windows.to_numpy())
    assert steps_for(bases, tokens, windows, lengths, 15) == 20


# -- storing -----------------------------------------------------------------------------------------------------------


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
