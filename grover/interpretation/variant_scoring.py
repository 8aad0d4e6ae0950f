"""Scores of the alleles of a file, block by block, by a masked language model, by a fine-tuned classifier, or by both."""

from dataclasses import dataclass

import pandas as pd
import torch

from grover.genome.assembly import Genome
from grover.interpretation.null_variants import Null
from grover.interpretation.site_logits import SiteClassifier, score_sites
from grover.interpretation.variants import Scorer

CENTRED = ["llr_centred", "llr_length_adjusted"]


@dataclass(frozen=True)
class VariantScorer:
    """What alleles are scored with.

    `scorer`: the masked language model, for `llr` and what comes with it; `null`: random variants, for `CENTRED`; `classifier`: for
    `delta_logit`. Each may be absent.
    """

    genome: Genome
    device: torch.device
    precision: str
    scorer: Scorer | None = None
    null: Null | None = None
    classifier: SiteClassifier | None = None

    def score(self, alleles: pd.DataFrame) -> pd.DataFrame:
        """Return the alleles, as `grover.interpretation.vcf.Variants` yields them, with the columns of what they are scored with.

        Without a language model `status` says which alleles the classifier cannot read; with one it says that of the language model.
        """
        found = alleles
        if self.scorer is not None:
            found = alleles.drop(columns="status").join(self.scorer.score(alleles))
        if self.null is not None:
            centred, adjusted = self.null.centred(found), self.null.length_adjusted(found, self.genome)
            found = found.assign(llr_centred=centred, llr_length_adjusted=adjusted)
        if self.classifier is not None:
            sites = score_sites(found, self.classifier, self.genome, self.device, self.precision)
            found = found.assign(delta_logit=sites["delta_logit"])
            if self.scorer is None:
                found = found.assign(status=sites["status"])
        return found
