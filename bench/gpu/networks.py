"""Checks of fine-tuning, embedding and prediction."""

import time
from dataclasses import replace

import numpy as np
import torch

from bench.gpu.scale import SEED, VOCABULARY, Scale
from grover.embeddings.embed import embed_sequences
from grover.finetuning.cnn import ConvolutionalNetwork
from grover.network.bert import bert_config
from grover.network.classifier import Classifier, Schedule, fit, logits
from grover.network.inference import evaluating
from grover.network.masked import masked_logits
from grover.network.packed import pack
from grover.network.stacked import Training, fit_together

CPU = torch.device("cpu")
COSINE = 0.995  # of vectors in bfloat16 with those in float32
NATS = 0.02
SHARE = 0.05  # of the largest logit


def finetuning(scale: Scale) -> dict:
    """Fine-tuning of each pooling: examples per second, and a loss that is a number."""
    inputs, found = scale.sequences(), {}
    labels = np.array([int(tokens[0] % 2) for tokens in inputs])
    for pooling in ("mean", "cls", "last"):
        torch.manual_seed(SEED)
        network = Classifier(bert_config(scale.architecture, VOCABULARY), 2, pooling)
        started = time.perf_counter()
        curve = fit(network, inputs, labels, Schedule(3, max(4, scale.examples // 16), 1e-4, 0.1), scale.execution())
        seconds = time.perf_counter() - started
        found[pooling] = {
            "examples_per_second": round(3 * len(inputs) / seconds, 1),
            "steps_per_second": round(len(curve) / seconds, 1),
            "loss": [round(float(loss), 4) for loss in curve["loss"].iloc[[0, -1]]],
        }
    return found | {"passed": all(np.isfinite(each["loss"]).all() for each in found.values())}


def stacked(scale: Scale) -> dict:
    """Three seeds trained as one network beside one by one: examples per second of each, and the loss that they end with."""
    inputs, seeds = scale.sequences(), (1, 2, 3)
    labels = np.array([int(tokens[0] % 2) for tokens in inputs])
    schedule = Schedule(3, max(4, scale.examples // 16), 1e-4, 0.1)

    def networks() -> list[Classifier]:
        made = []
        for seed in seeds:
            torch.manual_seed(seed)
            # without dropout, which a GPU draws for all at once
            shape = bert_config(scale.architecture.model_copy(update={"dropout": 0.0}), VOCABULARY)
            made.append(Classifier(shape, 2, "mean", dropout=0.0))
        return made

    def together(trained: list[Classifier]) -> None:
        given = zip(trained, seeds, strict=True)
        fit_together(
            [Training(each, inputs, labels, seed, np.ones(2)) for each, seed in given], schedule, scale.execution()
        )

    def alone(trained: list[Classifier]) -> None:
        for each, seed in zip(trained, seeds, strict=True):
            fit(each, inputs, labels, schedule, replace(scale.execution(), seed=seed))

    rates, losses = {}, {}
    for name, train in {"together": together, "alone": alone}.items():
        train(networks())  # what is allocated once
        trained = networks()
        started = time.perf_counter()
        train(trained)
        if scale.on_gpu:
            torch.cuda.synchronize()
        rates[name] = round(len(seeds) * schedule.epochs * len(inputs) / (time.perf_counter() - started), 1)
        scores = [torch.from_numpy(logits(each, inputs, scale.device, "fp32")) for each in trained]
        losses[name] = [float(torch.nn.functional.cross_entropy(each, torch.from_numpy(labels))) for each in scores]
    apart = max(abs(one - other) for one, other in zip(*losses.values(), strict=True))
    return {
        "examples_per_second": rates,
        "ratio": round(rates["together"] / rates["alone"], 2),
        "nats_apart": round(apart, 4),
        "passed": apart < NATS,
    }


def embedding(scale: Scale) -> dict:
    """Embeddings of all layers beside those of a CPU in float32."""
    inputs = scale.sequences()[: max(4, scale.examples // 16)]
    encoder = scale.model().bert
    started = time.perf_counter()
    ours = embed_sequences(encoder, inputs, (), scale.device, "bf16")
    seconds = time.perf_counter() - started
    exact = embed_sequences(encoder, inputs, (), CPU, "fp32")
    cosines = {key: _cosine(ours[key], exact[key]) for key in exact}
    lowest = min(cosines, key=lambda key: cosines[key])
    return {
        "sequences_per_second": round(len(inputs) / seconds, 1),
        "lowest_cosine": round(cosines[lowest], 5),
        "at": f"{lowest[0]} of layer {lowest[1]}",
        "passed": cosines[lowest] > COSINE,
    }


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(1) / lengths).min())


def prediction(scale: Scale) -> dict:
    """Masked tokens, as evaluation and variants read them, beside a CPU in float32; and the convolutional network."""
    table, model = scale.windows().iloc[: max(4, scale.batch // 8)], scale.model()
    ids, lengths = pack(scale.tokens, table["first"].to_numpy(), table["length"].to_numpy())
    positions = np.arange(1, len(ids), 7)
    answers = []
    for device, precision in ((scale.device, "bf16"), (CPU, "fp32")):
        with evaluating(model, device):
            answers.append(masked_logits(model, ids, lengths, positions, device, precision).log_softmax(1).cpu())
    off = float((answers[0] - answers[1]).abs().mean())

    rng = np.random.default_rng(SEED)
    bases = [rng.integers(0, 4, 200).astype(np.uint8) for _ in range(scale.examples)]
    labels = np.array([int(each[0] > 1) for each in bases])
    network = ConvolutionalNetwork(2, SEED)
    started = time.perf_counter()
    fit(network, bases, labels, Schedule(3, 64, 2e-3, 0.1), scale.execution())
    seconds = time.perf_counter() - started
    scores = [
        logits(network, bases, device, precision) for device, precision in ((scale.device, "bf16"), (CPU, "fp32"))
    ]
    cnn = float(np.abs(scores[0] - scores[1]).max() / np.abs(scores[1]).max())
    return {
        "masked_tokens_differ_by": round(off, 5),
        "cnn_examples_per_second": round(3 * len(bases) / seconds, 1),
        "cnn_differs_by": round(cnn, 4),
        "passed": off < NATS and cnn < SHARE,
    }
