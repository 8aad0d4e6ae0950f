"""Interactive scatters of tokens and of variants: the points of still figures, to look into."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from grover.interpretation.variant_metrics import SCORES
from grover.report.figures.tokens import PROPERTIES, WORD2VEC, shades
from grover.report.parts import Scatter
from grover.report.scatter import Plane, prepare, thinned
from grover.report.sections.region_map import UMAP_AXES

HOW = (
    "Point at a dot for its name and values, or press n and p. Choose axes and colours; a click on a category shows only it. "
    "The wheel or two fingers zoom, dragging moves. Quantities are exact to 1 % of their range."
)
COMPONENTS = (("PC1", "PC2"), ("PC1", "PC3"))
SEQUENCE = {"gc": "[GC]", "ag": "[AG]", "ac": "[AC]"}  # share of these bases in a token
VARIANT_TRACKS = {
    "effect": "effect",
    "fold": "fold",
    "tokens": "tokens of the alternative",
    "token_change": "change in token number",
    "cpg": "CpG site",
    "substitution": "substitution",
    "mask": "soft mask",
    "cosine": "cosine of the embeddings",
}
VARIANT_PLANES = (("markov_5", "llr"), ("unigram", "llr"), ("delta_logit", "llr"))


def token_map(tokens: Mapping[str, pd.DataFrame], source: str) -> Scatter | None:
    """Return the tokens by their components and by UMAP. tokens: by source, id, token, count, PC1.., x, y, cluster.

    None where there is no token.
    """
    first = next(iter(tokens.values()))
    table, left_out = thinned(first, "token")
    if table.empty:
        return None
    planes = {}
    for name, rows in tokens.items():
        rows = rows.set_index("id").reindex(table["id"])
        if rows[["x", "y"]].notna().all(axis=1).any():
            planes[f"UMAP, {name}"] = Plane(rows[["x", "y"]].to_numpy(float), UMAP_AXES)
        for pair in COMPONENTS[: 1 if name == WORD2VEC else None]:
            labels = (f"{pair[0]} of {name}", f"{pair[1]} of {name}")
            planes[f"{' and '.join(pair)}, {name}"] = Plane(rows[list(pair)].to_numpy(float), _axes(*labels), labels)
    tracks = _of_tokens(table["token"], table["count"])
    clusters = table["cluster"].astype("Int64").astype(str).replace("<NA>", "none")
    tracks = tracks.assign(cluster=clusters.to_numpy())
    return _scatter("tokens_scatter", table["token"], planes, tracks, f"The same tokens.{left_out} {HOW}", source)


def token_plot(
    name: str,
    tokens: pd.DataFrame,
    axes: Mapping[str, tuple[str, str]],
    labels: Mapping[str, str],
    source: str,
    tracks: Sequence[str] = (),
) -> Scatter | None:
    """Return tokens by pairs of their columns. tokens: token, count; axes: the two columns of each plane; labels: of columns.

    tracks: columns that also colour the tokens, before their composition. None where there is no token with two known values.
    """
    table, left_out = thinned(tokens, "token")
    planes = {}
    for title, pair in axes.items():
        values = table[list(pair)].to_numpy(float)
        if np.isfinite(values).all(axis=1).any():
            planes[title] = Plane(values, _axes(labels[pair[0]], labels[pair[1]]), (labels[pair[0]], labels[pair[1]]))
    if not planes:
        return None
    caption = f"The same tokens.{left_out} {HOW}"
    own = table[list(tracks)].reset_index(drop=True)
    coloured = pd.concat([own, _of_tokens(table["token"], table["count"])], axis=1)
    return _scatter(name, table["token"], planes, coloured, caption, source)


def vocabulary_plot(tokens: pd.DataFrame, source: str) -> list[Scatter]:
    """Return the tokens of the genome by rank, length and frequency. tokens: token, length, count, share."""
    used = tokens[tokens["count"] > 0]
    rank = np.log10(used["count"].rank(ascending=False, method="first"))
    table = used.assign(share=np.log10(used["share"]), rank=rank)
    labels = {"rank": "log10 of the rank", "length": "length (bases)", "share": "log10 of the share of the tokens"}
    axes = {"frequency by rank": ("rank", "share"), "frequency by length": ("length", "share")}
    moving = token_plot("atlas_scatter", table, axes, labels, source)
    return [moving] if moving else []


def ambiguity_plot(told: pd.DataFrame, source: str) -> list[Scatter]:
    """Return the tokens whose groups an annotation separates, by how far it and GC content do so."""
    far = {"gc": np.maximum(told["gc_auroc"], 1 - told["gc_auroc"]), "difference": told["difference"].abs()}
    category = told["track"].str.replace("_", " ") + ": " + told["category"]
    table = told.assign(**far, category=category, count=told["n"])
    labels = {"gc": "AUROC of GC content around them", "difference": "difference of the shares"}
    axes = {"beside GC content": ("gc", "difference")}
    moving = token_plot("ambiguity_scatter", table, axes, labels, source, ["category"])
    return [moving] if moving else []


def _of_tokens(text: pd.Series, count: pd.Series) -> pd.DataFrame:
    """Return the properties that tokens are coloured by."""
    length = text.str.len()
    shares = {PROPERTIES[name]: text.str.count(bases) / length for name, bases in SEQUENCE.items()}
    logarithm, label = shades(pd.DataFrame({"token": text, "count": count}))["frequency"]
    return pd.DataFrame({label: logarithm, "length (bases)": length.astype(float), **shares}).reset_index(drop=True)


def _scatter(
    name: str, text: pd.Series, planes: Mapping[str, Plane], tracks: pd.DataFrame, caption: str, source: str
) -> Scatter:
    points = pd.DataFrame({"name": text.to_numpy()})
    return Scatter(name, prepare(points, planes, tracks, noun="token"), caption, source)


def variant_plot(sample: pd.DataFrame, source: str) -> Scatter | None:
    """Return the scored variants by two scores, and along the genome; sample: `interpretation/variant_sample.parquet`.

    None where no plane has a variant.
    """
    known = sample[sample["llr"].notna()].drop_duplicates(["chrom", "pos", "ref", "alt"])
    table, left_out = thinned(known.sort_values(["chrom", "pos"], kind="stable"), "variant")
    planes = {}
    for pair in VARIANT_PLANES:
        if set(pair) <= set(table) and table[list(pair)].notna().all(axis=1).any():
            labels = (f"{SCORES[pair[0]].label} (nats)", f"{SCORES[pair[1]].label} (nats)")
            planes[f"{SCORES[pair[1]].label} by {SCORES[pair[0]].label}"] = Plane(
                table[list(pair)].to_numpy(float), _axes(*labels), labels
            )
    if table.empty:
        return None
    lengths = table.groupby("chrom", sort=False)["pos"].max()
    offset = (lengths.cumsum() - lengths).reindex(table["chrom"]).to_numpy(float)
    along = np.column_stack([(offset + table["pos"].to_numpy(float)) / 1e6, table["llr"].to_numpy(float)])
    labels = ("position, contigs end to end (Mb)", "llr (nats)")
    planes["llr along the genome"] = Plane(along, _axes(*labels), labels)
    there = {
        title: table[name] for name, title in VARIANT_TRACKS.items() if name in table and table[name].notna().any()
    }
    scores = {SCORES[name].label: table[name] for name in ("llr", "delta_logit", "markov_5") if name in table}
    tracks = pd.DataFrame({**there, **scores}).reset_index(drop=True)
    points = pd.DataFrame(
        {
            "chrom": table["chrom"],
            "start": table["pos"] - 1,
            "end": table["pos"] - 1 + table["ref"].str.len(),
            "name": table["ref"] + ">" + table["alt"] + _ids(table),
        }
    )
    caption = (
        f"Scored variants, labelled or drawn from the file.{left_out} {HOW} A click on a point copies its position."
    )
    return Scatter("variants_scatter", prepare(points, planes, tracks, noun="variant"), caption, source)


def _ids(table: pd.DataFrame) -> pd.Series:
    """Return the identifiers of the records in brackets, or nothing."""
    known = ~table["id"].fillna("").isin(["", "."]) if "id" in table else pd.Series(False, table.index)
    return pd.Series(
        np.where(known, " (" + table.get("id", pd.Series("", table.index)).astype(str) + ")", ""), table.index
    )


def _axes(across: str, upwards: str) -> str:
    return f"Across {across}, upwards {upwards}."
