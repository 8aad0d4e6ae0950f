"""Keys of the configuration that have a new name."""

# old dotted path: new name
RENAMED = {
    "benchmarks.floors": "benchmarks.baselines",
    "benchmarks.rivals": "benchmarks.external_models",
    "embeddings.rivals": "embeddings.external_models",
    "embeddings.tokens": "embeddings.window_tokens",
    "embeddings.regions": "embeddings.maximum_regions",
    "embeddings.parts": "embeddings.shards",
    "evaluation.floor_tokens": "evaluation.baseline_tokens",
    "evaluation.mask_share": "evaluation.mask_ratio",
    "evaluation.windows": "evaluation.maximum_windows",
    "interpretation.task": "interpretation.tasks",
    "pretraining.mask_share": "pretraining.mask_ratio",
}
