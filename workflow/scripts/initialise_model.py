"""Write the randomly initialised model of the size and vocabulary of a pretrained one, as a folder of its own."""

from grover.config.options import Seed
from grover.network.bert import load_config, new_language_model, save
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder


def initialise_model(like: Input, model: Output, seed: Seed) -> None:
    """Write the Hugging Face folder of MODEL (its model.safetensors) with the configuration and the tokenizer of the folder of LIKE."""
    config = load_config(folder(like))
    save(new_language_model(config, seed), config, model.parent, folder(like))


if __name__ == "__main__":
    main(initialise_model)
