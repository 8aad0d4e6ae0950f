"""Copy a trained model of a run to resources/models/, from where the package ships it (`make ship-model`).

What is shipped is what was scored: weights and tokenizer are the files of the run, byte by byte. The card of the run gets two sections:
what linear probes on the embeddings predict, and the licence. So the folder contains all that is known of the model.
"""

import argparse
import shutil
from pathlib import Path

import pandas as pd
import yaml

from grover.config.names import CHOSEN, random_of
from grover.network.folder import CONFIG, TOKENIZER, WEIGHTS
from grover.pretraining.cards import table
from grover.pretraining.trained_on import TRAINED_ON
from grover.runtime.files import write_text

SHIPPED = Path(__file__).parent / "models"
MOST_BYTES = 5_000_000
CARD, METRICS, PROBES = "README.md", "metrics.json", "probes.tsv"
LICENCE = "mit"
BASELINES = ("gc", "kmers")
COLUMNS = [
    "track",
    "model",
    "pooling",
    "layer",
    "probe",
    "metric",
    "value",
    "low",
    "high",
    "gain",
    "gain_low",
    "gain_high",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run, results/NAME")
    parser.add_argument("model", help="folder of the model in it, models/MODEL")
    parser.add_argument("name", help="name of the shipped model")
    options = parser.parse_args()
    source, place = options.run / "models" / options.model, SHIPPED / options.name
    probes = read_probes(options.run, options.model)
    files = [source / file for file in (WEIGHTS, CONFIG, *TOKENIZER, METRICS, TRAINED_ON)]
    written = {
        PROBES: probes.to_csv(sep="\t", index=False),
        CARD: card((source / CARD).read_text(), probes, options.model, options.name),
    }
    size = sum(path.stat().st_size for path in files) + sum(len(text.encode()) for text in written.values())
    if size > MOST_BYTES:
        raise SystemExit(
            f"error: {source}: its files have {size:,} bytes, more than {MOST_BYTES:,}; store the weights with `pretraining.weights: fp16`"
        )
    place.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, place / path.name)
    for name, text in written.items():
        write_text(place / name, text)
    print(f"{place}: {size:,} bytes")


def read_probes(run: Path, model: str) -> pd.DataFrame:
    """Probes of the deepest layer, mean over the tokens, of the model and its random initialisation, and of the baselines."""
    probes = pd.read_parquet(run / "embeddings/probes.parquet")
    if model not in set(probes["model"]):
        if (run / "models" / CHOSEN / WEIGHTS).resolve() != (run / "models" / model / WEIGHTS).resolve():
            raise SystemExit(f"error: {run} has no probes of {model}; name it in `embeddings.models`")
        model = CHOSEN
    ours = probes["model"].isin([model, random_of(model)]) & (probes["pooling"] == "mean")
    deepest = probes["layer"] == probes["layer"][ours].max()
    return probes.loc[probes["model"].isin(BASELINES) | (ours & deepest), COLUMNS].reset_index(drop=True)


def card(text: str, probes: pd.DataFrame, model: str, name: str) -> str:
    """The card of the run under the name of the shipped model, with the probes and the licence."""
    _, head, body = text.split("---\n", 2)
    settings = {"license": LICENCE} | yaml.safe_load(head)
    for entry in settings.get("model-index", []):
        entry["name"] = name
    body = body.replace(f"# DNA language model {model}", f"# DNA language model {name}", 1)
    body = body.replace(
        "## What it must not be used for", f"{probe_section(probes)}\n\n## What it must not be used for", 1
    )
    licence = "## Licence\n\nMIT, as the project. The assembly and its annotation are public data of UCSC, ENCODE, Ensembl and others.\n"
    return f"---\n{yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)}---\n{body.rstrip()}\n\n{licence}"


def probe_section(probes: pd.DataFrame) -> str:
    """The table of tracks: the model beside GC, k-mers (linear probe and forest) and random initialisation, on fold test."""
    rows, ahead = [], 0
    for track, group in probes.groupby("track", sort=False):
        linear = group[group["probe"] == "linear"].set_index("model")
        ours = linear[~linear.index.isin(BASELINES) & ~linear.index.str.endswith("-random")].iloc[0]
        random = linear[linear.index.str.endswith("-random")].iloc[0]
        forest = group[(group["probe"] == "forest") & (group["model"] == "kmers")].iloc[0]
        ahead += bool(ours["gain_low"] > 0)
        rows.append(
            [
                f"{track} ({ours['metric']})",
                f"{ours['value']:.3f} ({ours['low']:.3f} to {ours['high']:.3f})",
                f"{linear.loc['gc', 'value']:.3f}",
                f"{linear.loc['kmers', 'value']:.3f}",
                f"{forest['value']:.3f}",
                f"{random['value']:.3f}",
                f"{ours['gain']:+.3f} ({ours['gain_low']:+.3f} to {ours['gain_high']:+.3f})",
            ]
        )
    header = ["track", "this model", "GC", "k-mers", "k-mers, forest", "random initialisation", "model minus k-mers"]
    return "\n\n".join(
        [
            "## What its embeddings predict",
            "Linear probes on the mean of the last layer's states over regions of fold test, which neither the model nor the probes were "
            f"trained on. 95 % intervals are a bootstrap over blocks of the genome. On {ahead} of {len(rows)} tracks the interval of the "
            "difference from linear probes on k-mer counts is above 0.",
            table(header, rows),
        ]
    )


if __name__ == "__main__":
    main()
