"""Checks of fine-tuning, embedding and prediction."""

import time

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
