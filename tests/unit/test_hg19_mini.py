"""The model that the package ships reproduces, opened by plain transformers, the scores of its card on the held-out part of the 26 Mb."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch.nn.functional import cross_entropy
from transformers import AutoModelForMaskedLM, AutoTokenizer

from grover.config.sections.genome import Extraction, Windows
from grover.genome import encoding
from grover.genome.assembly import Genome
from grover.genome.bases import decode
from grover.genome.contig_table import read_contig_table
from grover.genome.fasta import read_contigs
from grover.genome.folds import block_folds, fold_of
from grover.genome.token_windows import places_of
from grover.intervals.formats import read_bed
from grover.intervals.overlaps import overlaps
from grover.network.shipped import shipped_models
from grover.pretraining import corpus, evaluation
from grover.pretraining.masking import Masking
from grover.pretraining.trained_on import read_trained_on, with_checksums
from grover.tokenization.genome_tokens import TokenisedGenome, tokenise
from grover.tokenization.vocabulary import CLS, PAD, SEP, Vocabulary

ROOT = Path(__file__).parents[2]
CONFIG = yaml.safe_load((ROOT / "config/hg19-mini.yaml").read_text())
FOLDER = shipped_models()["hg19-mini"]
SCORES = json.loads((FOLDER / "metrics.json").read_text())

needs_data = pytest.mark.skipif("GROVER_DATA" not in os.environ, reason="GROVER_DATA is not set")


def test_the_folder_is_small_and_its_card_has_its_scores():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000
    card = (FOLDER / "README.md").read_text()
    assert f"{SCORES['splits']['region']['model']['loss']:.3f}" in card
    assert read_bed(FOLDER / "trained_on.bed")["end"].max() > 1_000_000


@pytest.mark.slow
@pytest.mark.data
@needs_data
def test_plain_transformers_reproduces_the_card(tmp_path):
    places = [tmp_path / name for name in ("sequence.npy", "segments.bed", "softmask.bed", "contigs.tsv")]
    fasta = Path(os.environ["GROVER_DATA"]) / CONFIG["sources"]["genome"]["file"]
    sizes = encoding.SideFiles(sizes=ROOT / CONFIG["genome"]["sizes"])
    encoding.encode_genome(read_contigs(fasta), encoding.GenomeFiles(*places), Extraction(), side=sizes)
    genome, vocabulary = Genome(*places[:2]), Vocabulary.load(FOLDER)
    tokens, index = tmp_path / "tokens.npy", tmp_path / "index.npy"
    tokenise(genome.codes, genome.bounds, vocabulary, tokens, index)
    tokenised = TokenisedGenome(tokens, index, vocabulary)
    windows = held_out(genome, tokenised, places[3])
    trained_on = read_trained_on(FOLDER / "trained_on.bed")
    assert not overlaps(places_of(windows, genome, tokenised), trained_on).any()
    pd.testing.assert_frame_equal(with_checksums(trained_on, genome), trained_on)

    masking = Masking(SCORES["mask_ratio"], mask=1.0, span=SCORES["mask_span"])
    masked = evaluation.mask_tokens(tokenised.tokens, windows, vocabulary.size, masking, CONFIG["seed"])
    model = AutoModelForMaskedLM.from_pretrained(FOLDER, dtype=torch.float32).eval()
    losses, first = [], []
    with torch.inference_mode():
        for shown, lengths, at in masked.batches:
            rows = np.split(shown, np.cumsum(lengths)[:-1])
            ids = torch.full((len(rows), int(lengths.max())), PAD, dtype=torch.long)
            for row, each in zip(ids, rows, strict=True):
                row[: len(each)] = torch.from_numpy(each.astype(np.int64))
            logits = model(input_ids=ids, attention_mask=(ids != PAD).long()).logits[ids != PAD][torch.from_numpy(at)]
            targets = torch.from_numpy(masked.targets[sum(map(len, first)) :][: len(at)])
            losses.append(cross_entropy(logits, targets, reduction="none").numpy())
            first.append((logits.argmax(1) == targets).numpy())
    card = SCORES["splits"]["region"]
    assert len(masked.targets) == card["masked_tokens"]
    assert np.concatenate(losses).mean() == pytest.approx(card["model"]["loss"], abs=0.005)
    assert np.concatenate(first).mean() == pytest.approx(card["model"]["top1"], abs=0.003)


@needs_data
def test_its_tokenizer_is_that_of_plain_transformers():
    fasta = Path(os.environ["GROVER_DATA"]) / CONFIG["sources"]["genome"]["file"]
    _, sequence = next(iter(read_contigs(fasta)))
    text = bytes(sequence[:1_000_000]).decode().upper().replace("N", "")[:2_000]
    ids = AutoTokenizer.from_pretrained(FOLDER)(text)["input_ids"]
    vocabulary = Vocabulary.load(FOLDER)
    assert ids[0] == CLS and ids[-1] == SEP
    assert "".join(vocabulary.tokens[number] for number in ids[1:-1]) == text
    codes = np.array(["ACGT".index(base) for base in text], np.uint8)
    assert decode(codes) == text and ids[1:-1] == vocabulary.encode(codes).tolist()


def held_out(genome: Genome, tokenised: TokenisedGenome, contigs: Path) -> pd.DataFrame:
    """The windows that the card's scores are of."""
    cutting = Windows(**CONFIG["corpus"])
    bounds = tokenised.tokens_at(genome.bounds)
    windows = corpus.lay_windows(bounds, cutting.shortest, cutting.longest, cutting.passes, CONFIG["seed"])
    known = read_contig_table(contigs)
    lengths = {chrom: known.lengths[chrom] for chrom in genome.segments["chrom"].unique()}
    folds = block_folds(genome.segments, lengths, **CONFIG["folds"], seed=CONFIG["seed"])
    placed = places_of(windows, genome, tokenised)
    windows["region"] = fold_of(folds, placed["chrom"], placed["start"].to_numpy(), placed["end"].to_numpy())
    return evaluation.choose_windows(windows, "region", SCORES["splits"]["region"]["windows"], CONFIG["seed"])
