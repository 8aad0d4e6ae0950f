"""Check a GPU, as `make test-gpu` does: what it computes, how fast, and how trainings on it end.

Prints one line of JSON per check and a table, and keeps both in bench/results/gpu/. Exits with 1 where a check fails. All of it should
take eight minutes on an H200 (estimated); a check that would begin after seven is left out, which counts as a failure. With
`--device cpu` the same checks run with a tiny network.

  python -m bench.gpu
  python -m bench.gpu --device cpu --only attention --only resume
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch

from bench.gpu import kernels, networks, trainings
from bench.gpu.scale import Scale, full, tiny
from bench.support import RESULTS, machine
from grover.network.device import choose_device
from grover.runtime.failures import one_sentence

LIMIT = 420  # seconds after which no further check begins
CHECKS: dict[str, Callable[[Scale], dict]] = {
    "machine": kernels.machine,
    "attention": kernels.attention,
    "proof": kernels.proof,
    "speed": trainings.speed,
    "resume": trainings.resume,
    "processes": trainings.processes,
    "finetuning": networks.finetuning,
    "stacked": networks.stacked,
    "embedding": networks.embedding,
    "prediction": networks.prediction,
    "memory": trainings.memory,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--only", choices=CHECKS, action="append", help="one check; repeat for several")
    parser.add_argument("--results", type=Path, default=RESULTS / "gpu", help="folder to keep the result in")
    options = parser.parse_args()
    with one_sentence():
        device = choose_device(options.device)
    scale = full(device) if device.type == "cuda" else tiny(device)
    found = run(scale, options.only or list(CHECKS))
    keep(found, options.results, torch.cuda.get_device_name() if scale.on_gpu else "CPU")
    print(table(found))
    sys.exit(0 if all(each["passed"] for each in found) else 1)


def run(scale: Scale, names: list[str]) -> list[dict]:
    """Run the checks, print each as a line of JSON, and return what they found; a failure is one of the findings."""
    begun, found = time.perf_counter(), []
    for name in names:
        started = time.perf_counter()
        if started - begun > LIMIT:
            answer = {"passed": False, "error": f"left out after {LIMIT} s"}
        else:
            try:
                answer = CHECKS[name](scale)
            except Exception as error:
                answer = {
                    "passed": False,
                    "error": f"{type(error).__name__}: {error}",
                    "trace": traceback.format_exc()[-2000:],
                }
        found.append({"check": name, "seconds": round(time.perf_counter() - started, 1)} | answer)
        print(json.dumps(found[-1]), flush=True)
    return found


def keep(found: list[dict], folder: Path, device: str) -> Path:
    """Write the findings of a device with the date, and their table beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{'-'.join(device.lower().split())}.json"
    where = {"device": device, "date": date.today().isoformat(), "machine": machine(), "torch": torch.__version__}
    path.write_text(json.dumps(where | {"checks": found}, indent=2) + "\n")
    path.with_suffix(".md").write_text(table(found) + "\n")
    return path


def table(found: list[dict]) -> str:
    """The findings as a table of Markdown."""
    rows = ["| check | passed | seconds | found |", "|---|---|---|---|"]
    for each in found:
        rest = {key: value for key, value in each.items() if key not in ("check", "passed", "seconds", "trace")}
        said = json.dumps(rest).replace("|", "/")
        rows.append(f"| {each['check']} | {'yes' if each['passed'] else 'NO'} | {each['seconds']} | {said[1:-1]} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
