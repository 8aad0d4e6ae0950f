"""Terms of the report with a sentence each, and their first mention in a text as a link to it."""

import re
from html import escape

from markupsafe import Markup

TERMS = {
    "95 % interval": "The interval of a percentile bootstrap over blocks of the genome and over seeds, or as the text says.",
    "AUPRC": "Area under the precision-recall curve, from the share of positives (chance) to 1.",
    "AUROC": "Area under the ROC curve: the probability that a positive scores above a negative. 0.5 is chance, 1 is perfect.",
    "baseline": "A predictor without the pretrained model being fine-tuned, such as k-mer counts, a motif or a small CNN.",
    "bits per base": "Loss in bits over the bases that the masked tokens span. Four equally likely bases cost 2 bits.",
    "BPE": "Byte-pair encoding: the most frequent pair of neighbouring tokens becomes a token, cycle after cycle.",
    "decoy": "A site with the planted motif whose partner lies on the other side, or is reversed, and decides nothing.",
    "Holm": "A correction of p-values for the number of tests: the chance of one false difference or more among all tasks is 5 %.",
    "in-silico mutagenesis": "Every base is substituted by each other base; the change of the model's answer is its importance.",
    "k-mer": "A stretch of k bases.",
    "linear probe": "A linear model that predicts an annotation from an embedding, fitted on fold train and scored on fold test.",
    "llr": "Pseudo-log-likelihood ratio of the alternative to the reference allele, in nats.",
    "MCC": "Matthews correlation coefficient: 1 is perfect, 0 is chance, -1 is always wrong.",
    "nats": "Unit of log-likelihood with the natural logarithm; 1 nat is 1.44 bits.",
    "null genome": "A random genome with the k-mer frequencies of this one, from a Markov chain; it has no other structure.",
    "perplexity": "exp(loss): the number of equally likely tokens that the model is as uncertain as.",
    "random initialisation": "The same network with random weights instead of pretrained ones.",
    "R²": "Share of the variance that a prediction explains; 0 is the mean alone, negative is worse.",
    "Spearman": "Rank correlation, from -1 to 1.",
}
ALIASES = {
    "baselines": "baseline",
    "k-mers": "k-mer",
    "linear probes": "linear probe",
    "null genomes": "null genome",
    "decoys": "decoy",
}
_NAMES = sorted([*TERMS, *ALIASES], key=len, reverse=True)
_PATTERN = re.compile(
    r"(?<![\w-])(" + "|".join(re.escape(name).replace(r"\ ", "[ \u00a0]") for name in _NAMES) + r")(?![\w-])"
)


def anchor(term: str) -> str:
    """Return the id of a term in the page."""
    return "term-" + re.sub("[^a-z0-9]+", "-", term.lower().replace("²", "2")).strip("-")


def gloss(text: str, seen: set[str]) -> Markup:
    """Return a text as HTML in which the first mention of each term not yet in `seen` is a link with its explanation."""

    def link(found: re.Match) -> str:
        name = found[0].replace("\u00a0", " ")
        term = ALIASES.get(name, name)
        if term in seen:
            return found[0]
        seen.add(term)
        return f'<a class="term" href="#{anchor(term)}" data-tip="{escape(TERMS[term])}">{found[0]}</a>'

    # Markup of a section has links of its own
    return text if isinstance(text, Markup) else Markup(_PATTERN.sub(link, escape(text, quote=False)))  # noqa: S704
