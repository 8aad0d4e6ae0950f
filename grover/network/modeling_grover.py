"""A BERT encoder with a linear classifier on the mean of its states, for `transformers` 4.48 and later.

This file is copied beside the weights of such a classifier. It needs torch and transformers alone.
`AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)` runs it. Without that consent transformers refuses
the folder, since it does not know the `model_type`. BERT's own classifier reads the state of [CLS] and cannot express this one.
"""

from typing import Any

import torch
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel, BertPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class GroverClassifierConfig(BertConfig):
    """The configuration of the encoder and of its classifier.

    `type_vocab_size` is not stored. BERT's classes expect another one than 1, so that they refuse the weights.
    """

    model_type = "grover_classifier"

    def __init__(self, **settings: Any):
        super().__init__(**{"type_vocab_size": 1} | settings)

    def to_diff_dict(self) -> dict[str, Any]:
        """Return what is stored."""
        return {name: value for name, value in super().to_diff_dict().items() if name != "type_vocab_size"}


class GroverForSequenceClassification(BertPreTrainedModel):
    """Logits of sequences of tokens, [CLS] and [SEP] included."""

    config_class = GroverClassifierConfig

    def __init__(self, config: Any):
        super().__init__(config)
        self.padding: int = config.pad_token_id
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(config.classifier_dropout or 0.0)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Return logits [rows, classes] and, where `labels` (int64 [rows]) are given, the mean cross-entropy.

        The classifier reads the mean over all tokens but the padding, which `attention_mask` or, without one, [PAD] marks.
        """
        mask = input_ids.ne(self.padding) if attention_mask is None else attention_mask.bool()
        states = self.bert(input_ids, attention_mask=mask.long(), token_type_ids=token_type_ids).last_hidden_state
        counted = mask.unsqueeze(-1)
        mean = (states.float() * counted).sum(1) / counted.sum(1).clamp(min=1)
        logits = self.classifier(self.dropout(mean.to(self.classifier.weight.dtype)))
        loss = None if labels is None else cross_entropy(logits.float(), labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)
