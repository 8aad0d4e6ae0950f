"""Open model folders as anybody does, with torch and transformers alone; run as a program by tests, under several interpreters.

Reads a list of questions from the JSON file of the first argument: folder, texts, class of transformers, consent. Writes for each what came
of it to the second.
"""

import json
import sys

import torch
import transformers
from transformers import pipeline


def opened(folder: str, texts: list[str], kind: str, consent: bool | None) -> dict:
    given = {} if consent is None else {"trust_remote_code": consent}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    said = {"shape": list(inputs["input_ids"].shape), "ids": inputs["input_ids"].tolist()}
    if kind == "pipeline":
        classify = pipeline("text-classification", model=folder, top_k=None, **given)
        said["scores"] = classify(texts, padding=True, truncation=True, batch_size=len(texts))
        return said
    model = getattr(transformers, kind).from_pretrained(folder, **given).eval()
    with torch.no_grad():
        said["logits"] = model(**inputs).logits.tolist()
        said["alone"] = [
            model(**tokenizer(text, truncation=True, return_tensors="pt")).logits[0].tolist() for text in texts
        ]
    return said | {"class": type(model).__name__, "labels": model.config.id2label}


def answer(question: dict) -> dict:
    try:
        return opened(**question)
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    sys.modules["grover"] = None  # what imports it fails
    with open(sys.argv[1]) as stream:
        questions = json.load(stream)
    with open(sys.argv[2], "w") as stream:
        json.dump(
            {"version": transformers.__version__, "answers": [answer(question) for question in questions]}, stream
        )
