"""Small made-up artefacts of a whole run, so that the report can be tested without one."""

import json
import runpy
from pathlib import Path

import numpy as np
import pandas as pd


def writer(stage: str):
    """The function that writes the artefacts of one stage."""
    return runpy.run_path(str(Path(__file__).with_name(f"{stage}.py")))["write"]


EMBEDDINGS = ("tokens", "contexts", "enrichment", "region_map", "regions", "strands")
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"ACGT"]


def write(folder: Path, variants: bool = True) -> list[Path]:
    """Write the artefacts that the report reads below `folder` and return their paths."""
    rng = np.random.default_rng(0)
    files: list[Path] = []

    def place(name: str) -> Path:
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.append(path)
        return path

    def parquet(name: str, table: pd.DataFrame) -> None:
        table.to_parquet(place(name), index=False)

    def text(name: str, table: pd.DataFrame, header: bool = True) -> None:
        table.to_csv(place(name), sep="\t", index=False, header=header)

    _genome(rng, text)
    tokens = _vocabulary(rng, parquet, text)
    _atlas(rng, tokens, parquet, text, place)
    _stability(parquet)
    lengths = np.where(rng.random(3000) < 0.5, 126, rng.integers(20, 127, 3000)).astype(np.int16)
    windows = pd.DataFrame(
        {"segment": np.zeros(3000, np.int32), "first": np.cumsum(lengths).astype(np.int64), "length": lengths}
    )
    windows["random"] = rng.choice(["train", "test"], 3000, p=[0.8, 0.2])
    windows["region"] = rng.choice(["train", "valid", "test", "gap"], 3000, p=[0.66, 0.1, 0.2, 0.04])
    parquet("corpus/bpe-300/windows.parquet", windows)
    _pretraining(rng, parquet, place)
    _selection(parquet, place)
    files += writer("benchmarks")(Path(folder))
    for stage in EMBEDDINGS:
        files += writer(stage)(Path(folder), rng)
    writer("sites")(rng, parquet, text, place)
    files += writer("base_tracks")(Path(folder), rng)
    files += writer("variants")(Path(folder), rng) if variants else []
    files += writer("transfer")(Path(folder), np.random.default_rng(3))
    sidecar = {
        "command": ["train_bpe.py", "--cycles", "300"],
        "arguments": {},
        "inputs": {},
        "outputs": {},
        "code": "0123456789abcdef",
        "seconds": 3.2,
        "started": "2026-01-02T03:04:05Z",
        "git": "abc",
        "versions": {"numpy": "2.0"},
        "hardware": {"cores": 2, "cpu": "Some CPU", "gpus": []},
    }
    (Path(folder) / "vocabulary/merges.tsv.provenance.json").write_text(json.dumps(sidecar))
    return files


def _genome(rng, text) -> None:
    lengths = np.array([1_200_000, 900_000, 700_000, 400_000])
    gaps = np.array([50_000, 40_000, 20_000, 10_000])
    text(
        "genome/contigs.tsv",
        pd.DataFrame(
            {
                "contig": [f"chr{i + 1}" for i in range(4)] + ["chrM"],
                "length": [*lengths, 16_000],
                "kept": [*(lengths - gaps - 50), 0],
                "segments": [3, 3, 2, 1, 0],
                "not_acgt": [*gaps, 0],
                "too_short": [50, 50, 50, 50, 0],
                "outside_regions": 0,
                "status": ["kept"] * 4 + ["excluded"],
                "aliases": "",
            }
        ),
    )
    starts = np.sort(rng.integers(0, 1_000_000, 10))
    text(
        "genome/segments.bed",
        pd.DataFrame(
            {
                "chrom": "chr1",
                "start": starts,
                "end": starts + rng.integers(5_000, 400_000, 10),
                "name": [f"s{i}" for i in range(10)],
            }
        ),
        header=False,
    )
    folds = [
        (f"chr{i + 1}", at, at + 50_000, rng.choice(["train", "valid", "test"], p=[0.7, 0.1, 0.2]))
        for i, length in enumerate(lengths)
        for at in range(0, int(length), 50_000)
    ]
    text("genome/folds.bed", pd.DataFrame(folds), header=False)
    text(
        "genome/inputs.tsv",
        pd.DataFrame({"key": ["repeats"], "file": ["rmsk.txt.gz"], "rows": [3000], "rows_in_segments": [2990]}),
    )


def _vocabulary(rng, parquet, text) -> pd.DataFrame:
    texts = list(
        dict.fromkeys("".join(rng.choice(list("ACGT"), rng.integers(2, 9), p=[0.3, 0.2, 0.2, 0.3])) for _ in range(300))
    )
    tokens = pd.DataFrame({"id": range(len(TOKENS) + len(texts)), "token": TOKENS + texts})
    tokens["length"] = [0] * 5 + [len(token) for token in tokens["token"][5:]]
    tokens["count"] = [0] * 5 + list((60_000 / np.arange(1, len(texts) + 5) ** 0.7).astype(int))
    tokens["share"] = tokens["count"] / tokens["count"].sum()
    parquet("vocabulary/bpe-300/statistics.parquet", tokens)
    parquet("vocabulary/kmer-4/statistics.parquet", tokens[tokens["length"].isin([0, 1, 4])])
    counts = (tokens["length"] * tokens["count"]).sum() / np.arange(1, len(texts) + 1) ** 0.75
    merges = {
        "rank": range(len(texts)),
        "left": "A",
        "right": "T",
        "token": texts,
        "count": (counts * 0.75 / (counts / counts[0]).sum()).astype(int),
        "tokens": (3_000_000 / np.arange(1, len(texts) + 1) ** 0.2).astype(int),
    }
    text("vocabulary/merges.tsv", pd.DataFrame(merges))
    return tokens


def _atlas(rng, tokens, parquet, text, place) -> None:
    categories = [("repeat_class", name) for name in ("LINE", "SINE", "Satellite")] + [("gene", "gene")]
    for genome, longest in (("observed", 8), ("markov-1", 5), ("markov-5", 6)):
        cut = tokens[(tokens["id"] > 4) & (tokens["length"] <= longest)].reset_index(drop=True)
        cut = cut.assign(
            rank=range(1, len(cut) + 1),
            first=cut["token"].str[0],
            **{pair: cut["token"].str.count(f"[{pair.upper()}]") / cut["length"] for pair in ("gc", "ag", "ac")},
            expected=cut["count"] / 1.3 ** cut["length"],
        )
        parquet(f"atlas/{genome}/tokens.parquet", cut)
        kmers = [pd.DataFrame({"k": k, "kmer": "A" * k, "count": rng.integers(5, 90, 4**k)}) for k in (4, 5, 6)]
        parquet(f"atlas/{genome}/kmers.parquet", pd.concat(kmers))
        places = cut[["id", "token", "length", "count"]].merge(
            pd.DataFrame(categories, columns=["track", "category"]), how="cross"
        )
        places["log2"] = rng.normal(0, 1 if genome == "observed" else 0.1, len(places))
        places["expected"], places["share"] = 0.1, np.clip(0.1 * 2 ** places["log2"], 0, 1)
        places["inside"] = (places["count"] * places["share"]).astype(int)
        places["low"], places["high"] = places["log2"] - 0.4, places["log2"] + 0.4
        places["p"] = places["q"] = np.exp(-3 * places["log2"].abs())
        # a category that is too rare for a test
        places.loc[places["category"] == "Satellite", ["low", "high", "p", "q"]] = np.nan
        parquet(f"atlas/{genome}/enrichment.parquet", places)
        long = cut.loc[cut["length"] == cut["length"].max(), "token"].tolist()
        balance = {"rows": 300, "evenness": 0.88, "gini": 0.6}
        summary = {
            "vocabulary": "bpe-300",
            "segments": 9,
            "bases": 3_080_000,
            "gc": 0.42,
            "mean_length": 3.9,
            "five_mers": 50,
            "six_mers": 60,
            "longest": long,
            "longest_length": longest,
            "longest_runs": ["AAAA", "TT"],
            "starts_with_at_types": 0.61,
            "starts_with_at": 0.6,
            "has_cg": genome == "observed",
            "lone_bases": {"A": 0.0, "C": 0.0, "G": 0.02, "T": 0.0},
            "median_count": 120.0,
            "median_per_million": 560.0,
            "frequent_per_million": 0.98,
            "balance": {name: balance for name in ("tokens", "4-mers", "5-mers", "6-mers")}
            | {"4-mers": balance | {"rows": 256}},
            "published": {"mean_length": "4.07"},
        }
        place(f"atlas/{genome}/summary.json").write_text(json.dumps(summary))
        if genome != "observed":
            left = 3_000_000 / np.arange(1, len(cut) + 1) ** 0.2
            text(f"atlas/{genome}/merges.tsv", cut[["token", "count"]].assign(tokens=left.astype(int)))


def _stability(parquet) -> None:
    columns = ["disturbance", "kept", "q05", "q25", "median", "q75", "q95", "q99", "largest", "never"]
    none = [np.nan] * 7
    rows = {
        "bpe-300": [
            ("cut-left", 0.999, 0, 1, 2, 4, 8, 11, 50, 0.0),
            ("cut-right", 0.999, 0, 1, 2, 3, 6, 9, 21, 0.0),
            ("shift", 0.999, 0, 0, 2, 4, 7, 11, 49, 0.0),
            ("mutation-left", 0.998, 0, 1, 3, 4, 6, 10, 19, 0.0),
            ("mutation-right", 0.998, 0, 1, 3, 5, 8, 11, 46, 0.0),
            ("reverse-complement", 0.76, *none, np.nan),
        ],
        "kmer-4": [
            ("cut-left", 0.25, 0, 0, *none[:4], 0, 0.75),
            ("cut-right", 0.25, 0, 0, *none[:4], 0, 0.75),
            ("shift", 0.0, *none, 1.0),
            ("mutation-left", 1.0, 0, 0, 1, 2, 3, 3, 3, 0.0),
            ("mutation-right", 1.0, 0, 1, 2, 3, 3, 3, 3, 0.0),
            ("reverse-complement", 0.25, *none, np.nan),
        ],
    }
    table = pd.concat([pd.DataFrame(values, columns=columns).assign(vocabulary=name) for name, values in rows.items()])
    table["kept_low"], table["kept_high"], table["near"] = table["kept"] - 0.01, table["kept"], table["kept"] - 0.01
    table["within_50"] = table["within_100"] = 1 - table["never"]
    parquet(
        "atlas/stability.parquet",
        table.assign(windows=10_000, length=2_000, chance=0.24, tokens_kept=table["kept"], tokens_changed=1.6),
    )


def _pretraining(rng, parquet, place) -> None:
    steps = np.arange(1, 601)
    loss = 4.6 + 1.6 * np.exp(-steps / 120) + rng.normal(0, 0.08, 600)
    parquet(
        "models/bpe-300/training.parquet",
        pd.DataFrame(
            {
                "step": steps,
                "loss": loss,
                "learning_rate": 1e-3 * np.minimum(steps / 60, (600 - steps) / 540),
                "tokens": steps * 4000,
                "seconds": steps * 0.4,
            }
        ),
    )

    def scores(loss: float) -> dict:
        return {
            "loss": loss,
            "top1": 0.1,
            "topk": 0.6,
            "perplexity": np.exp(loss),
            "perplexity_share": 0.2,
            "bits_per_base": loss / 2.8,
        }

    baselines = {"frequency": 5.7, "neighbours": 4.9, "untrained": 6.2}

    def split(seen: float, loss: float) -> dict:
        return {
            "windows": 400,
            "masked_tokens": 6000,
            "seen_share": seen,
            "block": 25_000,
            "model": scores(loss),
            "baselines": {name: scores(value) for name, value in baselines.items()},
            "gains": {
                name: {"difference": loss - value, "low": loss - 0.1 - value, "high": loss + 0.1 - value}
                for name, value in baselines.items()
            },
        }

    def bits(value: float) -> dict:
        return {"bits_per_base": value, "low": value - 0.02, "high": value + 0.02}

    spans = {
        "bases": 12_000,
        "span": 6,
        "span_bases": 8_000,
        "n": 4_000,
        "windows": 400,
        "window_bases": 126,
        "margin": 16,
    }
    place("models/bpe-300/metrics.json").write_text(
        json.dumps(
            {
                "split": "region",
                "vocabulary": "bpe-300",
                "kind": "bpe",
                "vocabulary_size": 309,
                "parameters": 812_345,
                "mask_ratio": 0.15,
                "mask_span": 1,
                "baseline_tokens": 900_000,
                "training_tokens": 1_200_000,
                "top": 60,
                "splits": {"region": split(0.0, 4.7), "random": split(0.7, 4.6)},
                "common_spans": {
                    **bits(1.86),
                    **spans,
                    "seen_share": 0.0,
                    "baselines": {name: bits(value / 2.8) for name, value in baselines.items()},
                    "valid": bits(1.85),
                },
            }
        )
    )
    parquet(
        "models/bpe-300/token_accuracy.parquet",
        pd.concat(
            pd.DataFrame(
                {
                    "id": range(9, 39),
                    "token": ["AT" * (i % 5 + 1) for i in range(30)],
                    "n": 50,
                    "accuracy": np.linspace(0.9, 0, 30),
                    "auc": np.linspace(0.99, 0.6, 30),
                    "loss": np.linspace(0.5, 7, 30),
                    "split": name,
                }
            )
            for name in ("region", "random")
        ),
    )
    strata = [
        (name, track, category, predictor, n, loss + shift)
        for name in ("region", "random")
        for track, category, n, shift in (
            ("repeat_class", "SINE", 900, -0.6),
            ("repeat_class", "Satellite", 8, -2.0),
            ("repeat_class", "none", 4000, 0.1),
            ("gene", "gene", 2500, 0.0),
            ("soft_mask", "lower case", 3000, -0.3),
        )
        for predictor, loss in {"model": 4.7, **baselines}.items()
    ]
    table = pd.DataFrame(strata, columns=["split", "track", "category", "predictor", "n", "loss"])
    table["gain"] = np.where(table["predictor"] == "model", np.nan, -0.2)
    parquet(
        "models/bpe-300/strata.parquet",
        table.assign(
            share=table["n"] / 6000,
            top1=0.1,
            perplexity=np.exp(table["loss"]),
            bits_per_base=table["loss"] / 2.8,
            low=table["gain"] - 0.1,
            high=table["gain"] + 0.1,
        ),
    )


def _selection(parquet, place) -> None:
    rows = [
        (name, kind, k, min(0.9, share * 4.0**-k), bits)
        for k in range(2, 7)
        for name, kind, share, bits in (
            ("bpe-100", "model", 1.9, 1.93),
            ("bpe-300", "model", 2.2, 1.9),
            ("kmer-4", "model", 1.7, np.nan),
            ("chance", "baseline", 1.0, np.nan),
            ("majority", "baseline", 1.4, np.nan),
            ("markov-5", "baseline", 1.9, np.nan),
            ("tfidf-forest", "baseline", 1.5, np.nan),
            ("last token of bpe-300", "baseline", 1.6, np.nan),
        )
    ]
    table = pd.DataFrame(rows, columns=["vocabulary", "kind", "k", "accuracy", "bits_per_base"]).assign(n=4000, seeds=3)
    table["seen"] = np.where(table["kind"] == "model", 0.0, np.nan)
    table = table.assign(low=table["accuracy"] * 0.9, high=table["accuracy"] * 1.1)
    bits = {"bits_low": table["bits_per_base"] - 0.01, "bits_high": table["bits_per_base"] + 0.01}
    parquet("selection/next_kmer.parquet", table.assign(**bits))
    place("selection/chosen.txt").write_text("bpe-300\nIt has the best mean rank.\n")
