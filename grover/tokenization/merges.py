"""The table of learnt byte-pair merges, one row per merge."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from grover.runtime.errors import InputError
from grover.tokenization.bpe import Learnt
from grover.tokenization.encoder import BASES, token_texts
from grover.tokenization.pairs import reverse_complement

COLUMNS = ("rank", "left", "right", "token", "count", "tokens")


def merge_table(learnt: Learnt) -> pd.DataFrame:
    """rank (from 1), left, right and token as text; count: how often the two stood side by side; tokens: of the whole sequence after
    the merge."""
    texts = token_texts(learnt.merges)
    return pd.DataFrame(
        {
            "rank": range(1, len(learnt.merges) + 1),
            "left": [texts[left] for left, _ in learnt.merges],
            "right": [texts[right] for _, right in learnt.merges],
            "token": texts[BASES:],
            "count": learnt.counts,
            "tokens": learnt.tokens,
        }
    )


def read_merges(path: Path | str, cycles: int) -> tuple[pd.DataFrame, np.ndarray]:
    """The first `cycles` rows of a table of merges, and their merges as `grover.tokenization.bpe.train` returns them (int32 [cycles, 2]).

    Raises InputError, naming the line, where the rows are not those of a run that learnt byte pairs, or too few.
    """
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, na_filter=False, skip_blank_lines=False)
    except ValueError as error:
        found = str(error).strip()
        raise InputError(
            f"{path}: no table ({found}); one with the columns {', '.join(COLUMNS)} was expected"
        ) from None
    lacking = [name for name in COLUMNS if name not in table]
    if lacking:
        raise InputError(f"{path}, line 1: no column {lacking[0]}; {', '.join(COLUMNS)} were expected")
    ids = {base: token for token, base in enumerate("ACGT")}
    merges = []
    rows = zip(*(table[name] for name in COLUMNS), strict=True)
    for number, (rank, left, right, token, *numbers) in enumerate(rows, 1):
        place = f"{path}, line {number + 1}"  # behind the header
        if rank != str(number):
            raise InputError(
                f"{place}: rank {number} was expected, found {rank!r}; ranks count the merges in their order"
            )
        if token != left + right:
            raise InputError(
                f"{place}: the parts {left!r} and {right!r} make {left + right!r}, but the token is {token!r}"
            )
        for part in (left, right):
            if part not in ids:
                raise InputError(f"{place}: {part!r}, a part of {token!r}, is made by no row before it")
        if token in ids:
            raise InputError(f"{place}: {token!r} is made a second time; each merge makes a token of its own")
        if not all(re.fullmatch("[0-9]+", value) for value in numbers):
            raise InputError(
                f"{place}: count and tokens are {' and '.join(map(repr, numbers))}, but numbers were expected"
            )
        ids[token] = len(ids)
        merges.append((ids[left], ids[right]))
    if len(merges) < cycles:
        raise InputError(
            f"{path}: {len(merges)} merges, but bpe-{cycles} needs {cycles}; raise `vocabulary.cycles` and learn them anew"
        )
    table = table.head(cycles).astype(dict.fromkeys(("rank", "count", "tokens"), np.int64))
    return table, np.array(merges[:cycles], np.int32).reshape(-1, 2)


def check_closed(name: str, tokens: list[str]) -> None:
    """Raise an InputError unless the tokens of a vocabulary learnt on both strands hold the reverse complement of each."""
    known = {*"ACGT", *tokens}
    alone = [token for token in tokens if reverse_complement(token) not in known]
    if alone:
        raise InputError(
            f"{name} ends with {alone[0]} and without its reverse complement {reverse_complement(alone[0])}; with "
            f"`vocabulary.strands: both` take bpe-{len(tokens) - 1} or bpe-{len(tokens) + 1} (the merges are learnt, only the "
            "name changes)"
        )
