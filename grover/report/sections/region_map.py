"""Section of the report: the plane of the region embeddings, coloured by every track, still and moving."""

import pandas as pd
from markupsafe import Markup

from grover.embeddings.regions.tables import read_annotation
from grover.report.figures import region_map as figures
from grover.report.parts import Picture, Results, Scatter, Section, count, listed
from grover.report.scatter import Plane, prepare

TITLE = "Embeddings: map of the regions"
NEEDS = ("embeddings/regions.parquet", "embeddings/annotation.parquet", "embeddings/*/umap.parquet")
POOLINGS = {"mean": "Mean embedding", "cls": "CLS embedding"}
PREFERRED = "repeat"  # the first track whose name begins so is drawn large, else the first
PANELS = 12  # a figure, so that it fits a page
# whether UMAP laid out the plane
METHODS = {
    True: "laid into the plane by UMAP (cosine distance in the first 32 principal components)",
    False: "drawn by their first two principal components, since they are too few for UMAP",
}


def section(results: Results) -> Section:
    umap = results.table(name := results.of_main_model(NEEDS[-1]))
    regions = results.table(NEEDS[0])
    annotation = read_annotation(results.path(NEEDS[1]), results.path(NEEDS[0]), len(regions))
    regions, annotation = (table.iloc[umap["region"]].reset_index(drop=True) for table in (regions, annotation))
    # one value everywhere is one colour everywhere
    varied = annotation.columns[annotation.nunique(dropna=False) > 1]
    tracks = annotation[varied].assign(gc=regions["gc"])
    main = next((track for track in tracks if track.startswith(PREFERRED)), tracks.columns[0])
    told = main.replace("_", " ")
    method, explained = umap.attrs["method"], umap.attrs["explained"]
    planes = {title: umap[[f"x_{pooling}", f"y_{pooling}"]].to_numpy() for pooling, title in POOLINGS.items()}
    components = {title: umap[[f"pc1_{pooling}", f"pc2_{pooling}"]].to_numpy() for pooling, title in POOLINGS.items()}
    labels = {
        title: (
            f"PC1 ({explained[pooling][0]:.1%} of the variance)",
            f"PC2 ({explained[pooling][1]:.1%} of the variance)",
        )
        for pooling, title in POOLINGS.items()
    }
    parts: list = [
        introduction(umap, tracks, [name.replace("_", " ") for name in annotation if name not in varied]),
        Markup(
            "Pictures alone prove little: UMAP keeps neighbours together, but the distances between groups, their sizes and their "
            'shapes mean nothing. What the embeddings hold beyond composition is measured in <a href="#regions">the section on '
            "probes</a>."
        ),
        Picture(
            "region_map_poolings",
            figures.pair(planes, tracks[main], {}),
            f"{method['mean']} of the regions from the mean (left) and the CLS embedding (right), coloured by {told}.",
            name,
        ),
        Picture(
            "region_map_components",
            figures.pair(components, tracks[main], labels),
            f"The first two principal components of both, coloured by {told}. Unlike in UMAP, distances keep their meaning here; "
            f"the two hold {sum(explained['mean']):.0%} (mean) and {sum(explained['cls']):.0%} (CLS) of the variance.",
            name,
        ),
    ]
    pages = [list(tracks)[at : at + PANELS] for at in range(0, tracks.shape[1], PANELS)]
    for number, some in enumerate(pages, 1):
        which = "" if len(pages) == 1 else f" ({number} of {len(pages)})"
        parts.append(
            Picture(
                f"region_map_tracks_{number}",
                figures.tracks(planes["Mean embedding"], tracks[some]),
                f"{method['mean']} of the mean embedding, coloured by every track{which}. Quantities are coloured from their 1st to "
                "their 99th percentile, and the seven most frequent categories have a colour. Points lie in a random order.",
                name,
            )
        )
    data = scatter(umap, regions, tracks[[main, *tracks.columns.drop(main)]])
    return Section(
        "region_map", TITLE, [*parts, Scatter("region_map_scatter", data, CAPTION, name)], vocabulary=name.split("/")[1]
    )


UMAP_AXES = "The axes of UMAP have no unit; near means alike, far means little."
CAPTION = (
    "The same regions to look into. Choose the embedding and the track; a click on a category shows only it, further clicks add others; "
    "the wheel or two fingers zoom, dragging moves. A click on a point copies its position. Quantities are exact to 1 % of their range."
)


def introduction(umap: pd.DataFrame, tracks: pd.DataFrame, same: list[str]) -> str:
    """What is drawn: how many regions of how many, of which layer, by which method; `same`: tracks of a single value."""
    some = f"{len(umap):,} of {umap.attrs['of']:,} regions, evenly spread over the genome"
    drawn = f"all {count(len(umap), 'region')}" if len(umap) == umap.attrs["of"] else some
    method = METHODS[umap.attrs["method"]["mean"] == "UMAP"]
    left = f" Not drawn, since all these regions have the same value: {listed(same)}." if same else ""
    return (
        f"The map shows {drawn}: their vectors in layer {umap.attrs['layer']}, the deepest layer kept, {method}. A region has "
        f"two, that of [CLS] and the mean over its tokens. They are coloured by {count(tracks.shape[1], 'track')} that the model was not "
        f"given.{left}"
    )


def scatter(umap: pd.DataFrame, regions: pd.DataFrame, tracks: pd.DataFrame) -> dict:
    """The data of the interactive picture."""
    attributes = umap.attrs
    planes: dict[str, Plane] = {}
    for pooling in POOLINGS:
        method, (first, second) = attributes["method"][pooling], attributes["explained"][pooling]
        if method == "UMAP":
            points = umap[[f"x_{pooling}", f"y_{pooling}"]].to_numpy()
            planes[f"UMAP, {pooling}"] = Plane(points, UMAP_AXES)
        axes = f"Across PC1 ({first:.1%} of the variance), upwards PC2 ({second:.1%})."
        planes[f"PCA, {pooling}"] = Plane(umap[[f"pc1_{pooling}", f"pc2_{pooling}"]].to_numpy(), axes)
    order = sorted(planes, key=lambda name: not name.startswith("UMAP"))
    return prepare(regions, {name: planes[name] for name in order}, tracks, attributes.get("assembly", ""))
