"""DNA language models: from an assembly to a trained, evaluated and explained model.

Each subpackage is one stage or one layer, and imports only from those above it in the list of `tests/unit/test_layout.py`.
The package knows nothing of Snakemake. Modules belong in a subpackage; only `__main__.py` stands here.
"""
