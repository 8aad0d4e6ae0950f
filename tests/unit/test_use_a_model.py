"""The code of docs/how-to/use-a-model.md, run as a reader runs it: in the folder of the results, without the project."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import softmax

from grover.genome.bases import encode
from grover.network.bert import bert_config, load_language_model, new_language_model, save
from grover.network.classifier import logits, new_classifier
from grover.network.classifier_folder import save_classifier
from grover.tokenization.vocabulary import Vocabulary, overlapping_kmers
from tests.fakes.networks import architecture

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/use-a-model.md"
# what the blocks leave, printed as the last line
PRINT = 'import json; print(json.dumps([pretrained.tolist(), probabilities.tolist(), classify(["TTGACC"])[0], text]))'
INTERPRETERS = [
    pytest.param(sys.executable, id="main"),
    pytest.param(ROOT / ".venv-external/bin/python", id="4.48", marks=pytest.mark.external),
]


@pytest.mark.parametrize("python", INTERPRETERS)
def test_its_code_gives_our_numbers(tmp_path, python):
    if not Path(python).is_file():
        pytest.skip("no .venv-external, which `make external` builds; `make test-external` runs this test with it")
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    pretrained, tuned = (tmp_path / re.search(r'folder = "(.*)"', block)[1] for block in blocks[:2])
    vocabulary = Vocabulary.from_merges("bpe-2", np.array([[0, 0], [4, 3]]))
    vocabulary.save(tmp_path / "vocabulary")
    config = bert_config(architecture(1, 16, 2, 32, 40, 0.1), vocabulary.size)
    save(new_language_model(config, 0), config, pretrained, tmp_path / "vocabulary")
    classifier = new_classifier(pretrained, 2, "mean", True, 0)
    save_classifier(classifier, tuned, pretrained, "promoters", ["no", "yes"])
    blocks[0] += "pretrained = logits\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", "\n".join(["import sys", "sys.modules['grover'] = None", *blocks, PRINT])],
        cwd=tmp_path,
        env=environment | {"HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found, probabilities, scores, text = json.loads(done.stdout.splitlines()[-1])
    sequences = ["ACGTTAGCCATTGACCAGT", "TTGACC"]
    tokens = [vocabulary.encode(encode(sequence)) for sequence in sequences]
    with torch.no_grad():
        expected = load_language_model(pretrained)(torch.tensor([[2, *tokens[0].tolist(), 3]])).logits
    np.testing.assert_allclose(found, expected, atol=1e-5)
    ours = softmax(logits(classifier, tokens, torch.device("cpu"), "fp32"), axis=1)
    np.testing.assert_allclose(probabilities, ours, atol=1e-5)
    assert {each["label"]: each["score"] for each in scores} == pytest.approx(
        dict(zip(["no", "yes"], ours[1], strict=True)), abs=1e-5
    )
    assert text == overlapping_kmers(sequences[0], 3)
