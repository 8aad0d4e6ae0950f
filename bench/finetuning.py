"""Prediction and fine-tuning on sequences of mixed lengths: ours beside `transformers.Trainer`.

Both run the same classifier, `BertModel` under a linear layer on the mean of its states. They have the same weights and precision, and
the same sequences of 20 to 250 tokens. The peer is measured at its best (batches padded to their longest; for prediction the sequences
sorted by length beforehand, for training grouped by length; the fastest of several batch sizes) and at its defaults (`ratio_default`:
batches of 8 in the order of the data, padded to their longest). A rate is in examples per second; of ours 32 make a training step, and
three seeds are trained as in the rule: side by side on the cores of a CPU, as one network on a GPU. `--together one` trains them as one
network on a CPU, too, and `none` one after the other, as the peer does. The making of the Trainer
and a first run on other sequences are not timed. `difference` is the largest one between predicted logits, as a share of the largest
logit, and `identical` says whether it is within `tolerance`; `spread` is the standard deviation of the logits, likewise. Memory is that
of a process that predicts and trains.

  python bench/finetuning.py --size small --examples 512
  python bench/finetuning.py --size base --device cuda --examples 16384 --train 4096
"""

import argparse
import tempfile
import time
from copy import deepcopy

import numpy as np
import support
import torch

from grover.config.sections.pretraining import SIZES, Architecture
from grover.runtime.machine import cores
from grover.tokenization.vocabulary import CLS, PAD, SEP

REPEATS = 3
BATCH = 32  # of our training
PREDICTION_BATCHES = (8, 16, 32)  # of the peer
TRAINING_BATCHES = (16, 32)
DEFAULT_BATCH = 8  # of TrainingArguments
SHORTEST, LONGEST = 20, 250
RATE = 1e-4
SEED = 1
SEEDS = 3  # of our training, beside as many trainings of the peer one after the other
VOCABULARY = 609
TOLERANCE = {"fp32": 1e-4, "bf16": 0.02}  # bfloat16 keeps 8 bits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small", help="of the network")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="bf16")
    parser.add_argument("--examples", type=int, default=256, help="to predict in a timed run")
    parser.add_argument("--train", type=int, default=96, help="examples to train on in a timed run")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument(
        "--together", choices=("rule", "one", "none"), default="rule", help="how three seeds are trained"
    )
    parser.add_argument("--worker", choices=("ours", "best", "default", "tune"), help=argparse.SUPPRESS)
    parser.add_argument("--prediction-batch", type=int, default=DEFAULT_BATCH, help=argparse.SUPPRESS)
    parser.add_argument("--training-batch", type=int, default=DEFAULT_BATCH, help=argparse.SUPPRESS)
    options = support.arguments(parser)
    if options.worker:
        return work(options)

    given = [
        f"--{key}={getattr(options, key)}"
        for key in ("size", "device", "precision", "examples", "train", "threads", "together")
    ]

    def worker(name: str, prediction: int = DEFAULT_BATCH, training: int = DEFAULT_BATCH) -> dict:
        batches = f"--prediction-batch={prediction}", f"--training-batch={training}"
        found = support.measure(__file__, *given, "--worker", name, *batches)
        answer = found.pop("answer")
        if name != "tune":
            print(
                f"{name}: {answer['predict']:,.1f} examples/s predicted, {answer['train']:,.1f} trained on", flush=True
            )
        return found | answer | {"peak_mb": answer.get("device_mb") or found["peak_mb"]}

    tried = worker("tune")
    best = {job: int(max(tried[job], key=tried[job].get)) for job in ("predict", "train")}
    print(f"best batch sizes of the peer: {best['predict']} to predict, {best['train']} to train", flush=True)
    runs = [(worker("ours"), worker("best", best["predict"], best["train"]), worker("default")) for _ in range(REPEATS)]
    ours, peer, default = zip(*runs, strict=True)
    rate, peer_rate, default_rate = (support.median(found, "predict") for found in (ours, peer, default))
    learnt, peer_learnt, default_learnt = (support.median(found, "train") for found in (ours, peer, default))
    logits = np.array(ours[0]["logits"])
    largest = np.abs(logits).max()
    difference = max(np.abs(logits - np.array(other[0]["logits"])).max() / largest for other in (peer, default))
    support.finish(
        {
            "ours": round(rate, 1),
            "peer": round(peer_rate, 1),
            "peer_default": round(default_rate, 1),
            "unit": "examples/s predicted",
            "ratio": round(rate / peer_rate, 2),
            "ratio_default": round(rate / default_rate, 2),
            "train_ours": round(learnt, 1),
            "train_peer": round(peer_learnt, 1),
            "train_peer_default": round(default_learnt, 1),
            "train_unit": "examples/s trained on",
            "train_ratio": round(learnt / peer_learnt, 2),
            "train_ratio_default": round(learnt / default_learnt, 2),
            "identical": bool(difference <= TOLERANCE[options.precision]),
            "difference": float(f"{difference:.2g}"),
            "tolerance": TOLERANCE[options.precision],
            "spread": float(f"{logits.std(0).mean() / largest:.2g}"),
            "peak_mb": round(support.median(ours, "peak_mb")),
            "peer_peak_mb": round(support.median(peer, "peak_mb")),
            "peer_batch": best["predict"],
            "peer_rates": tried["predict"],
            "train_peer_batch": best["train"],
            "train_peer_rates": tried["train"],
            "size": options.size,
            "device": torch.cuda.get_device_name() if options.device == "cuda" else "cpu",
            "precision": options.precision,
            "together": options.together,
            "tokens": f"{SHORTEST} to {LONGEST}",
            "examples": options.examples,
            "train_examples": options.train,
            "warm_up_seconds": round(support.median(ours, "warm_up_seconds"), 1),
        },
        ["torch", "transformers", "accelerate", "numpy"],
        options.record,
    )


def work(options: argparse.Namespace) -> None:
    """In a process of its own: predict and train after a warm-up on others."""
    torch.set_num_threads(options.threads)
    inputs, labels = draw(max(options.examples, options.train), 2)
    warm = draw(2 * DEFAULT_BATCH, 3)
    if options.worker == "tune":
        return support.report(
            lambda: tune(options, inputs, labels), lambda: predict_peer(options, network(options), *warm)
        )
    predict, train = (predict_ours, train_ours) if options.worker == "ours" else (predict_peer, train_peer)
    model, peer_like = network(options), network(options)

    def run() -> dict:
        logits, seconds = predict(options, model, inputs[: options.examples], labels[: options.examples])
        spent = train(options, model, inputs[: options.train], labels[: options.train])
        return {
            "logits": logits.tolist(),
            "predict": options.examples / seconds,
            "train": options.train / spent,
            "device_mb": torch.cuda.max_memory_allocated() / 1e6 if options.device == "cuda" else 0,
        }

    # what is compiled or allocated once, on a copy, since training changes the weights
    support.report(run, lambda: (predict(options, peer_like, *warm), train(options, peer_like, *warm)))


def tune(options: argparse.Namespace, inputs: list[np.ndarray], labels: np.ndarray) -> dict:
    """Rates of the peer by batch size."""
    rates = {"predict": {}, "train": {}}
    for batch in PREDICTION_BATCHES:
        options.worker, options.prediction_batch = "best", batch
        _, seconds = predict_peer(options, network(options), inputs[: options.examples], labels[: options.examples])
        rates["predict"][str(batch)] = round(options.examples / seconds, 1)
    for batch in TRAINING_BATCHES:
        options.training_batch = batch
        seconds = train_peer(options, network(options), inputs[: options.train], labels[: options.train])
        rates["train"][str(batch)] = round(options.train / seconds, 1)
    return rates


def draw(number: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Random sequences of token ids, without specials, and labels."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(SHORTEST, LONGEST + 1, number)
    return [generator.integers(5, VOCABULARY, length) for length in lengths], generator.integers(0, 2, number)


def network(options: argparse.Namespace) -> torch.nn.Module:
    """The classifier, its weights by the seed; a large linear layer makes answers differ between sequences."""
    from grover.network.bert import bert_config
    from grover.network.classifier import Classifier

    torch.manual_seed(SEED)
    model = Classifier(bert_config(Architecture(**SIZES[options.size]), VOCABULARY), 2, "mean")
    torch.nn.init.normal_(model.classifier.weight, std=1.0)
    return model.to(options.device)


def synchronise(options: argparse.Namespace) -> float:
    """The time, after all that a GPU still has to do."""
    if options.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def predict_ours(options: argparse.Namespace, model, inputs: list, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits, and seconds."""
    from grover.network.classifier import logits

    started = synchronise(options)
    found = logits(model, inputs, torch.device(options.device), options.precision)
    return found, synchronise(options) - started


def train_ours(options: argparse.Namespace, model, inputs: list, labels: np.ndarray) -> float:
    """One epoch with each seed; returns the seconds of all by their number."""
    from grover.network.classifier import Schedule, fit
    from grover.network.cores import side_by_side
    from grover.network.stacked import Training, fit_together
    from grover.network.training import Execution

    device, schedule = torch.device(options.device), Schedule(1, BATCH, RATE, warmup=0.1)

    def train(seed: int) -> None:
        fit(deepcopy(model), inputs, labels, schedule, Execution(device, options.precision, seed))

    started = synchronise(options)
    if options.together == "one" or (options.together == "rule" and options.device == "cuda"):
        trainings = [Training(deepcopy(model), inputs, labels, seed, np.ones(2)) for seed in range(SEEDS)]
        fit_together(trainings, schedule, Execution(device, options.precision, 0))
    else:
        side_by_side(train, range(SEEDS), options.threads if options.together == "rule" else 1)
    return (synchronise(options) - started) / SEEDS


class Padded(torch.nn.Module):
    """The same classifier as anybody would write it for `Trainer`: padded rows under a mask, their mean, a linear layer."""

    def __init__(self, model):
        super().__init__()
        self.bert, self.dropout, self.classifier = model.bert, model.dropout, model.classifier

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor) -> dict:
        states = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[:, :, None]
        logits = self.classifier(self.dropout((states * mask).sum(1) / mask.sum(1)))
        return {"loss": torch.nn.functional.cross_entropy(logits.float(), labels), "logits": logits}


def predict_peer(options: argparse.Namespace, model, inputs: list, labels: np.ndarray) -> tuple[np.ndarray, float]:
    """Logits in the order of the inputs, and seconds."""
    order = np.argsort([len(tokens) for tokens in inputs]) if options.worker == "best" else np.arange(len(inputs))
    with tempfile.TemporaryDirectory() as folder:
        trainer = make_trainer(options, model, folder, [], False)
        sorted_rows = rows([inputs[row] for row in order], labels[order])
        started = synchronise(options)
        found = trainer.predict(sorted_rows).predictions
        seconds = synchronise(options) - started
    logits = np.empty_like(found)
    logits[order] = found
    return logits, seconds


def train_peer(options: argparse.Namespace, model, inputs: list, labels: np.ndarray) -> float:
    """One epoch; returns its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return make_trainer(options, model, folder, rows(inputs, labels), True).train().metrics["train_runtime"]


def rows(inputs: list[np.ndarray], labels: np.ndarray) -> list[dict]:
    """The data as `Trainer` takes them."""
    return [
        {"input_ids": torch.tensor([CLS, *tokens, SEP]), "labels": torch.tensor(int(label))}
        for tokens, label in zip(inputs, labels, strict=True)
    ]


def collate(rows: list[dict]) -> dict:
    """Rows padded to their longest."""
    ids = torch.nn.utils.rnn.pad_sequence([row["input_ids"] for row in rows], True, PAD)
    return {
        "input_ids": ids,
        "attention_mask": (ids != PAD).long(),
        "labels": torch.stack([row["labels"] for row in rows]),
    }


def make_trainer(options: argparse.Namespace, model, folder: str, data: list[dict], training: bool):
    """`Trainer` with the settings of this run; what is not named is its default."""
    from transformers import Trainer, TrainingArguments

    best = {
        "per_device_train_batch_size": options.training_batch,
        "per_device_eval_batch_size": options.prediction_batch,
    }
    if training:
        # would also silently permute what `predict` returns
        best["train_sampling_strategy"] = "group_by_length"
    arguments = TrainingArguments(
        folder,
        **(best if options.worker == "best" else {}),
        num_train_epochs=1,
        learning_rate=RATE,
        warmup_steps=0.1,
        weight_decay=0.01,
        adam_beta2=0.98,
        adam_epsilon=1e-6,
        bf16=options.precision == "bf16",
        use_cpu=options.device == "cpu",
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=SEED,
    )
    return Trainer(model=Padded(model), args=arguments, train_dataset=data, data_collator=collate)


if __name__ == "__main__":
    main()
