"""Write the cards of all models that were fine-tuned on one benchmark."""

import pandas as pd

from grover.finetuning.classifier_card import Facts, render
from grover.network.folder import read_config
from grover.runtime.cli import Input, Inputs, Outputs, main
from grover.runtime.errors import InputError
from grover.runtime.files import folder, write_text
from grover.runtime.json_files import read_json
from grover.runtime.provenance import read
from grover.tokenization.vocabulary import Vocabulary


def write_classifier_cards(dataset_card: Input, scores: Input, models: Inputs, cards: Outputs) -> None:
    """Write a Hugging Face model card (Markdown with a YAML head) for each model.

    --models and --cards are given as often as there are models, in the same order. A model is the model.safetensors of its folder, with
    metrics.json beside it. Labels and checksums come from DATASET_CARD, scores from SCORES.
    """
    if len(models) != len(cards):
        raise InputError(f"{len(models)} --models but {len(cards)} --cards; give one of each per model")
    dataset = read_json(dataset_card)
    table = pd.read_parquet(scores)
    for model, card in zip(models, cards, strict=True):
        metrics = read_json(folder(model) / "metrics.json")
        facts = Facts(
            name=metrics["model"],
            vocabulary=Vocabulary.load(folder(model)),
            config=read_config(folder(model)),
            metrics=metrics,
            dataset=dataset,
            scores=table[table["model"] == metrics["model"]],
            record=read(model),
        )
        write_text(card, render(facts))


if __name__ == "__main__":
    main(write_classifier_cards)
