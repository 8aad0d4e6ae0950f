"""Run the notebooks of the documentation and keep their outputs (`make notebook`)."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent


def main() -> None:
    os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # of tqdm, with a path of this machine
    for path in sorted(HERE.rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(
            notebook, timeout=600, record_timing=False, resources={"metadata": {"path": path.parent}}
        ).execute()
        nbformat.write(notebook, path)
        print(path)


if __name__ == "__main__":
    main()
