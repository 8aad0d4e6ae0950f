"""Part of a section of the report: whether regions of one category lie together."""

import pandas as pd

from grover.report.parts import Table, count, formatted
from grover.report.sections.representations import CLS, KMERS, MEAN, RANDOM_MEAN, WORD2VEC, at_last_layer

SOURCE = "embeddings/clusters.parquet"
MARGIN = 0.02  # purity above chance, or above that by k-mers, that is worth a sentence


def cluster_parts(clusters: pd.DataFrame, own: str) -> list:
    """Purity of neighbours of the mean embedding beside k-mers, for all regions and those with few repeats."""
    table = at_last_layer(clusters, own)
    table = table[table["purity"].notna() & table["representation"].isin([MEAN, CLS, RANDOM_MEAN, WORD2VEC, KMERS])]
    if table.empty:
        return ["No track has enough regions of two categories to ask whether they lie together."]
    number = int(table["neighbours"].iloc[0])
    everywhere = table[table["repeats"] == "all"].pivot(index="track", columns="representation", values="purity")
    order = [name for name in (KMERS, WORD2VEC, RANDOM_MEAN, CLS, MEAN) if name in everywhere]
    keys = ["track", "repeats"]
    wide = table.pivot(index=keys, columns="representation", values=["purity", "silhouette"])
    wide = wide.loc[list(dict.fromkeys(zip(table["track"], table["repeats"], strict=True)))]
    first = table.drop_duplicates(keys).set_index(keys).loc[wide.index]
    columns = {
        "track": [name.replace("_", " ") for name, _ in wide.index],
        "regions": [{"few": "few repeats"}.get(name, name) for _, name in wide.index],
        "n": first["n"].to_numpy(int),
        "chance": first["purity_expected"].to_numpy(float),
        **{name: wide[("purity", name)].to_numpy(float) for name in order},
        **({"silhouette, mean": wide[("silhouette", MEAN)].to_numpy(float)} if MEAN in order else {}),
    }
    return [
        *cluster_sentence(everywhere, first),
        Table(
            formatted(pd.DataFrame(columns), default="{:.3f}"),
            f"Purity: share of the {number} nearest regions (cosine, deepest layer kept, far away in the genome) of the same category; "
            "all categories count the same. The silhouette is 1 where categories lie apart and 0 where they overlap. Few repeats: only "
            "regions that hold hardly any repeat, so that repeats cannot carry what is seen.",
            SOURCE,
        ),
    ]


def cluster_sentence(everywhere: pd.DataFrame, first: pd.DataFrame) -> list[str]:
    if not {MEAN, KMERS} <= set(everywhere):
        return []
    chance = first.xs("all", level="repeats")["purity_expected"].reindex(everywhere.index)
    pure = everywhere.index[everywhere[MEAN] > chance + MARGIN]
    more = (everywhere.loc[pure, MEAN] > everywhere.loc[pure, KMERS] + MARGIN).sum()
    end = f"; on {more} of these it is also more than {MARGIN} above that by k-mers" if len(pure) else ""
    return [
        f"Regions of one category lie together in the mean embedding (purity more than {MARGIN} above chance) on {len(pure)} of "
        f"{count(len(everywhere), 'track')}{end}."
    ]


def all_clusters(clusters: pd.DataFrame) -> Table:
    show = clusters.assign(track=clusters["track"].str.replace("_", " "), note=clusters["note"].fillna(""))
    formats = {name: "{:.3f}" for name in ("silhouette", "purity", "purity_expected")} | {"layer": "{:.0f}"}
    return Table(
        formatted(show, formats),
        "Silhouette and purity of neighbours of the deepest layer kept of each model, word2vec and k-mers.",
        SOURCE,
    )
