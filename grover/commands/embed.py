"""`grover embed`: vectors of inputs, the mean over the tokens of each and its [CLS], of chosen layers."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import Module
from transformers import BertModel

from grover.commands.models import Model
from grover.commands.options import Computation, Regions, Result
from grover.commands.regions import ALONE, Chunk, Surroundings
from grover.commands.session import session
from grover.commands.skipped import TOO_LONG
from grover.commands.streaming import Reader, write_table
from grover.config.sections.embeddings import WindowContext
from grover.embeddings.embed import choose_layers, embed_windows
from grover.embeddings.region_table import core_length, cut_windows, ranges_in_stretches
from grover.embeddings.vectors import POOLINGS
from grover.external_models.adapters import ExternalModel
from grover.external_models.embedding import embed_with
from grover.external_models.network import ExternalNetwork
from grover.genome.bases import decode
from grover.network.inference import threads_for
from grover.runtime.errors import InputError
from grover.tokenization.vocabulary import Vocabulary

SYNCHRONISED = 8  # tokens behind a cut, beyond which byte pairs are cut as without it (docs/decisions.md, 188)


@dataclass(frozen=True)
class Embedder:
    """The encoder of a model of this project.

    layers: which are kept; window: its tokens, of which `context` on either side belong to the neighbourhood; long: what is done with
    long input (tile, centre, refuse).
    """

    encoder: BertModel
    vocabulary: Vocabulary
    layers: list[int]
    window: int
    context: int
    long: str
    device: torch.device
    precision: str

    @property
    def surroundings(self) -> Surroundings:
        """Enough bases for the context, whatever the tokens, and for the cut to be that of the whole sequence."""
        step = self.vocabulary.k if self.vocabulary.kind == "kmer" else 1
        return Surroundings((self.context + SYNCHRONISED) * int(self.vocabulary.spans.max()), step)

    def read(self, chunk: Chunk) -> tuple[Chunk, dict[str, np.ndarray]]:
        """Return the number of tokens of each input, and its vectors by pooling and layer."""
        most = core_length(self.window, self.context)
        tokens, offsets, first, last = self._tokens(chunk)
        if self.long == "refuse" and (last - first > most).any():
            chunk = chunk.with_status(last - first > most, TOO_LONG)
            tokens, offsets, first, last = self._tokens(chunk)
        if self.long == "centre":
            spare = np.maximum(last - first - most, 0)
            first, last = first + spare // 2, last - (spare - spare // 2)
        found = np.zeros((len(self.layers), len(POOLINGS), 0, self.encoder.config.hidden_size), np.float32)
        if len(chunk.places):
            windows = cut_windows(first, last, offsets, self.window, self.context)
            found = embed_windows(self.encoder, tokens, windows, self.layers, self.device, self.precision)
        columns = {"tokens": chunk.column((last - first).astype(np.int32))}
        for layer, of_layer in zip(self.layers, found, strict=True):
            columns |= {f"{name}_{layer}": chunk.column(of) for name, of in zip(POOLINGS, of_layer, strict=True)}
        return chunk, columns

    def _tokens(self, chunk: Chunk) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        if not len(chunk.places):
            return np.zeros(0, np.uint16), np.zeros(1, np.int64), chunk.first, chunk.last
        ends = np.cumsum([len(codes) for codes in chunk.stretches])
        starts = ends - [len(codes) for codes in chunk.stretches]
        threads = threads_for(self.device, len(ends))
        tokens, offsets = self.vocabulary.encode_windows(np.concatenate(chunk.stretches), starts, ends, threads)
        return tokens, offsets, *ranges_in_stretches(tokens, offsets, chunk.first, chunk.last, self.vocabulary)


@dataclass(frozen=True)
class ExternalEmbedder:
    """A model from elsewhere, which reads each input alone; only its last layer is kept."""

    external: ExternalModel
    network: ExternalNetwork
    long: str
    device: torch.device
    precision: str

    surroundings: Surroundings = ALONE

    def read(self, chunk: Chunk) -> tuple[Chunk, dict[str, np.ndarray]]:
        """Return the number of tokens of each input, and its vectors by pooling."""
        if self.long == "refuse" and self.external.limit and len(chunk.places):
            read = self.external.tokenise([decode(codes) for codes in chunk.codes])
            chunk = chunk.with_status(np.array([len(ids) > self.external.limit for ids in read]), TOO_LONG)
        texts = [decode(codes) for codes in chunk.codes]
        found = [*embed_with(self.network, self.external, texts, self.device, self.precision)]
        columns = {"tokens": chunk.column(np.concatenate([tokens for _, tokens in found]))}
        for name in self.external.poolings:
            vectors = np.concatenate([of[name] for of, _ in found])
            columns[f"{name}_{self.external.layers}"] = chunk.column(vectors)
        return chunk, columns


def embedder(model: Model, layers: str, context: int | None, long: str, device: torch.device, precision: str) -> Reader:
    """Return what embeds inputs with a model.

    layers: numbers separated by commas, from 0, or -1 for the last, -2 for the one before it; or `all`. context: tokens, None for as many
    as the workflow takes.
    """
    if model.outside:
        external = model.external()
        if layers not in ("-1", str(external.layers)):
            raise InputError(
                f"--layers {layers}: of a model from elsewhere only the last layer ({external.layers}) is read"
            )
        if long == "centre":
            raise InputError(
                "--long centre: a model from elsewhere reads long input in pieces (tile), or skips it (refuse)"
            )
        return ExternalEmbedder(external, external.make(1, 0).to(device).eval(), long, device, precision)
    encoder = model.encoder()
    Module.to(encoder, device)
    window = model.longest
    if context is None:
        context = min(WindowContext().context, 3 * window // 8)
    model.check_context(context, window)
    numbers = _numbers(layers, encoder.config.num_hidden_layers)
    return Embedder(
        encoder, model.vocabulary, choose_layers(encoder, numbers), window, context, long, device, precision
    )


def _numbers(layers: str, last: int) -> list[int]:
    if layers == "all":
        return []
    try:
        numbers = [int(text) for text in layers.split(",")]
    except ValueError:
        raise InputError(f"--layers {layers}: expected numbers separated by commas, such as 0,6,-1, or all") from None
    if unknown := [number for number in numbers if not -last - 1 <= number <= last]:
        raise InputError(
            f"--layers {layers}: there is no layer {unknown[0]}; expected 0 (the input of the first) to {last}, or -1 to {-last - 1}"
        )
    return [last + 1 + number if number < 0 else number for number in numbers]


def run(
    model: Model, layers: str, context: int | None, long: str, asked: Regions, computation: Computation, result: Result
) -> None:
    """Run the subcommand."""
    with session(computation, result) as here:
        reader = embedder(model, layers, context, long, here.device, here.precision)
        about = {"command": "embed", "layers": layers, "context": context, "long": long}
        write_table(here, model, reader, asked, result, about)
