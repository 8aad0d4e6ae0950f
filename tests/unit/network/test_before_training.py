"""What is refused or proven before the first step."""

import numpy as np
import pytest
import torch

from grover.network.bert import bert_config, new_language_model
from grover.network.distributed import ALONE, Processes
from grover.pretraining import preflight
from grover.pretraining.pretrain import steps_for
from grover.runtime.errors import InputError
from tests.fakes.trainings import CPU, TINY, run

pytestmark = pytest.mark.usefixtures("one_thread")


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
    monkeypatch.setattr(preflight, "free_memory", lambda device: (parameters * 16 + 100 * 40 * 16 * 2) / 0.9)
    model = new_language_model(bert_config(TINY, 9), 0)
    assert preflight.fitting_tokens(model, 32, CPU, "fp32") == 64


def test_a_training_on_cpus_has_a_process_for_each_core_and_windows_and_memory_for_it(monkeypatch, capsys):
    shape, gpu = bert_config(TINY, 9), torch.device("cuda", 0)

    def chosen(threads: int, here: Processes = ALONE, batch: int = 16, device: torch.device = CPU) -> int:
        return preflight.fitting_processes(shape, 34, batch, "fp32", device, threads, here)

    monkeypatch.setattr(preflight, "free_memory", lambda device: 10**12)
    assert [chosen(1), chosen(8), chosen(8, batch=3), chosen(8, device=gpu)] == [1, 8, 3, 1]
    assert chosen(8, Processes(1, 2, 1, 2)) == 1  # several were started on this machine
    assert "pretrain: 8 processes share each step, one per core\n" in capsys.readouterr().err
    parameters = sum(parameter.numel() for parameter in new_language_model(shape, 0).parameters())
    each = preflight.PROGRAM + preflight.memory_needed(shape, parameters, 2048, 34, "fp32", CPU)
    monkeypatch.setattr(preflight, "free_memory", lambda device: 3.5 * each / preflight.SHARE)
    assert [chosen(8), chosen(2), chosen(8, Processes(1, 2))] == [3, 2, 8]  # several nodes choose the same
    assert (
        "3 processes share each step, one per core, as many as fit into memory; 8 cores are there"
        in capsys.readouterr().err
    )
    monkeypatch.setattr(preflight, "free_memory", lambda device: 1000)
    assert chosen(8) == 1


def test_what_does_not_fit_after_all_is_tried_with_half_as_many_tokens(corpus, monkeypatch, capsys):
    import grover.pretraining.pretrain as module

    true, tried = module.prove_memory, []

    def short(model, batch, *rest, **parts):
        tried.append(len(batch["input_ids"]))
        if tried[-1] > 70:
            raise torch.OutOfMemoryError
        true(model, batch, *rest, **parts)

    monkeypatch.setitem(preflight.TOKENS_AT_ONCE, "cpu", 256)
    monkeypatch.setattr(module, "prove_memory", short)
    run(corpus, steps=1)
    # the largest packs: seven, three and one of the longest windows
    assert tried == [7 * 34, 3 * 34, 34]
    assert "out of memory with 256 tokens at once" in capsys.readouterr().err
    monkeypatch.setattr(module, "prove_memory", lambda *a, **b: (_ for _ in ()).throw(torch.OutOfMemoryError))
    with pytest.raises(InputError, match="out of memory on cpu with one window of 34 tokens"):
        run(corpus)


def test_without_compiler_or_headers_nothing_is_compiled(monkeypatch, tmp_path, capsys):
    import grover.pretraining.pretrain as module

    gpu = torch.device("cuda", 0)
    monkeypatch.setattr(torch, "compile", lambda function, dynamic: "compiled")
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path))
    assert module._fastest(False, gpu) is module._fastest(True, CPU) is module.after_attention
    monkeypatch.setattr(module.shutil, "which", lambda name: name == "gcc")
    assert module._fastest(True, gpu) is module.after_attention
    assert f"{tmp_path}/Python.h is not found, so torch.compile is left out" in capsys.readouterr().err
    (tmp_path / "Python.h").touch()
    assert module._fastest(True, gpu) == "compiled"
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    assert module._fastest(True, gpu) is module.after_attention
    assert "no C compiler is found" in capsys.readouterr().err


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


def test_on_a_gpu_as_many_classifiers_are_one_network_as_fit_into_half_of_its_memory(tmp_path, monkeypatch):
    gpu, tokens, shape = torch.device("cuda", 0), preflight.stacked.TOKENS_AT_ONCE["cuda"], bert_config(TINY, 9)
    parameters = sum(parameter.numel() for parameter in new_language_model(shape, 0).parameters())
    monkeypatch.setattr(preflight, "load_config", lambda folder: shape)
    computed = preflight.memory_needed(shape, 0, tokens, shape.max_position_embeddings, "fp32", gpu)
    for number, expected in ((0.5, 1), (3.5, 3), (8.5, 8)):
        monkeypatch.setattr(preflight, "free_memory", lambda device, n=number: 2 * (computed + n * 16 * parameters))
        assert preflight.stacked_beside(tmp_path, gpu, "fp32") == expected
    assert preflight.stacked_beside(tmp_path, CPU, "fp32") == 1
