"""The data of the interactive scatter: what comes out of the page's codes is what went in."""

import base64
import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from grover.report.page import render
from grover.report.parts import Picture, Results, Scatter, Section
from grover.report.scatter import ABSENT, Plane, as_json, leading, levels, limits, prepare, quantised, ranked, thinned
from grover.report.sections import region_map
from grover.report.style import PALETTES, to_svg, use_palette
from tests.fakes.region_map import write as write_artefacts


@pytest.fixture(autouse=True)
def palette():
    use_palette("okabe-ito")


def unpacked(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


def test_points_keep_their_proportions_to_a_thousandth_of_the_map():
    points = np.random.default_rng(0).normal(size=(500, 2)) * [10, 2] + [100, -3]
    codes = quantised(points).astype(float)
    step = np.ptp(points[:, 0]) / 65_534
    assert codes[:, 0].min() == 0 and codes[:, 0].max() == 65_534
    assert np.abs(np.diff(codes, axis=0) * step - np.diff(points, axis=0)).max() <= 1.01 * step
    # the shorter axis lies in the middle
    assert codes[:, 1].min() + codes[:, 1].max() == pytest.approx(65_534, abs=2)
    assert quantised(np.ones((3, 2))).tolist() == [[32767, 32767]] * 3


def test_a_plane_with_scales_gives_back_both_quantities_and_leaves_out_points_without_one():
    values = np.array([[-3.0, 1e6], [5.0, 3e6], [np.nan, 2e6], [1.0, 2.5e6]])
    data = prepare(
        pd.DataFrame({"name": list("abcd")}),
        {"p": Plane(values, "", ("x (nats)", "y (bases)"))},
        pd.DataFrame(),
        noun="token",
    )
    assert data["names"] == list("abcd") and data["noun"] == "token" and "chroms" not in data
    plane = data["embeddings"][0]
    codes = unpacked(plane["points"], "<u2").reshape(-1, 2)
    assert codes[2].tolist() == [ABSENT, ABSENT] and codes[[0, 1, 3]].max() < ABSENT
    low, step = (np.array([axis[name] for axis in plane["frame"]]) for name in ("low", "step"))
    known = [0, 1, 3]
    np.testing.assert_allclose(codes[known] * step + low, values[known], rtol=1e-4)
    assert [axis["label"] for axis in plane["frame"]] == ["x (nats)", "y (bases)"]
    assert (quantised(values)[2] == ABSENT).all() and quantised(values)[known].max() < ABSENT


def test_a_long_table_is_thinned_and_says_so():
    table = pd.DataFrame({"x": range(10_000)})
    kept, sentence = thinned(table, "variant", 100)
    assert kept["x"].iloc[[0, -1]].tolist() == [0, 9_999] and len(kept) == kept["x"].nunique() == 100
    assert sentence == " 100 of 10,000 variants are drawn, evenly spread over the table."
    assert thinned(table, "variant", 10_000)[1] == ""


def test_few_different_values_come_back_exactly():
    values = np.array([0.5, np.nan, -2.0, 0.5, 7.0])
    known, codes = levels(values)
    assert known.tolist() == [-2.0, 0.5, 7.0] and codes.tolist() == [1, 255, 0, 1, 2]
    none, codes = levels(np.full(3, np.nan))
    assert len(none) == 0 and codes.tolist() == [255] * 3


def test_many_values_come_back_to_a_hundredth_of_their_range_and_of_their_ranks():
    values = np.random.default_rng(0).lognormal(0, 2, 20_000)
    known, codes = levels(values)
    assert len(known) <= 254 and (np.diff(known) > 0).all()
    back = known[codes]
    assert np.abs(back - values).max() <= 0.01 * np.ptp(values)
    assert np.bincount(codes).max() <= 0.01 * len(values)
    ranks = np.searchsorted(np.sort(values), [back, values]) / len(values)
    assert np.abs(ranks[0] - ranks[1]).max() <= 0.01


def test_regions_and_tracks_come_back():
    regions = pd.DataFrame({"chrom": ["chr2", "chr1"], "start": [5, 4_000_000_000], "end": [9, 4_000_000_100]})
    tracks = pd.DataFrame({"a_b": ["x", ""], "present": [False, True], "strand": ["+", "-"], "mean": [1.25, np.nan]})
    data = prepare(regions, {"UMAP": Plane(np.array([[0, 0], [1, 1]]), "no unit")}, tracks, "hg19")
    assert [data["chroms"][code] for code in unpacked(data["chrom"], "<u2")] == ["chr2", "chr1"]
    assert unpacked(data["start"], "<u4").tolist() == [5, 4_000_000_000]
    assert unpacked(data["end"], "<u4").tolist() == [9, 4_000_000_100]
    assert unpacked(data["embeddings"][0]["points"], "<u2").tolist() == [0, 0, 65_534, 65_534]
    *categories, mean = data["tracks"]
    said = {track["name"]: [track["names"][code] for code in unpacked(track["codes"], "u1")] for track in categories}
    assert said == {"a b": ["x", "none"], "present": ["none", "yes"], "strand": ["+", "-"]}
    assert (
        mean["kind"] == "quantity" and mean["levels"] == [1.25] and unpacked(mean["codes"], "u1").tolist() == [0, 255]
    )


def test_colours_follow_the_palette_by_frequency_and_the_rest_is_grey():
    values = pd.Series([name for i, name in enumerate("hgfedcba") for _ in range(9 - i)] + ["none"] * 50)
    assert ranked(values) == [*"hgfedcba", "none"]
    use_palette("tol-bright")
    track = prepare(regions_of(values), {}, pd.DataFrame({"t": values}))["tracks"][0]
    assert track["colours"] == [*PALETTES["tol-bright"], "#8b929c", "#c4c9d0"]


def test_more_categories_than_a_byte_holds_become_other():
    values = pd.Series([f"family {i}" for i in range(400) for _ in range(2 if i < 300 else 1)] + ["none"])
    track = prepare(regions_of(values), {}, pd.DataFrame({"t": values}))["tracks"][0]
    codes = unpacked(track["codes"], "u1")
    assert len(track["names"]) == 252 and track["names"][-2:] == ["other", "none"]
    assert (codes == 250).sum() == 700 - 500 and codes[-1] == 251
    assert leading(values)["family 399"] == "#8b929c"


def test_far_values_do_not_take_the_colours():
    assert limits(np.array([*np.linspace(0, 1, 1000), 1e6, np.nan])) == pytest.approx((0.01, 0.99), abs=0.01)
    assert limits(np.full(5, 3.0)) == (2.5, 3.5) and limits(np.array([np.nan])) == (-0.5, 0.5)


def regions_of(values: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"chrom": "chr1", "start": range(len(values)), "end": range(1, len(values) + 1)})


def test_names_of_categories_cannot_leave_the_data_of_the_page():
    names = ["</script><script>alert(1)</script>", "<!-- <script>", "\"quoted\" & 'so'", "\u2028"]
    tracks = pd.DataFrame({"<b>name</b>": names})
    data = prepare(regions_of(tracks["<b>name</b>"]), {"UMAP": Plane(np.zeros((4, 2)), "")}, tracks)
    page = render([Section("a", "A", parts=[Scatter("s", data, "<i>caption</i>", "file")])], "T", "", lambda *_: None)
    scripts = Scripts(page).texts
    assert sum("alert(1)" in text for text in scripts) == 1 and "<i>" not in page
    found = next(json.loads(text) for text in scripts if text.startswith("{"))
    assert sorted(found["tracks"][0]["names"]) == sorted(names) and found["tracks"][0]["name"] == "<b>name</b>"


class Scripts(HTMLParser):
    """The texts of the scripts of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.texts, self.open = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.open = tag == "script"
        self.texts += [""] * self.open

    def handle_endtag(self, tag):
        self.open = False

    def handle_data(self, data):
        if self.open:
            self.texts[-1] += data


def test_twenty_thousand_regions_with_25_tracks_stay_below_one_and_a_half_megabytes():
    rng = np.random.default_rng(0)
    regions = regions_of(pd.Series(range(20_000)))
    tracks = pd.DataFrame({f"track {i}": rng.normal(size=20_000) for i in range(15)})
    tracks = tracks.assign(**{f"class {i}": rng.choice(list("abcdefghijklmno"), 20_000) for i in range(10)})
    planes = {
        name: Plane(rng.normal(size=(20_000, 2)), "") for name in ("UMAP mean", "UMAP cls", "PCA mean", "PCA cls")
    }
    assert len(as_json(prepare(regions, planes, tracks))) < 1_500_000


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, write_artefacts(folder, np.random.default_rng(0), 300)


def test_the_section_says_what_is_drawn_and_shows_every_track(artefacts):
    folder, files = artefacts
    section = region_map.section(Results(folder, files))
    assert section.parts[0].startswith("The map shows 300 of 600 regions, evenly spread over the genome: their vectors")
    assert "layer 3, the deepest layer kept, laid into the plane by UMAP" in section.parts[0]
    pictures = {part.name: to_svg(part.figure) for part in section.parts if isinstance(part, Picture)}
    assert list(pictures) == ["region_map_poolings", "region_map_components", "region_map_tracks_1"]
    panels = ("repeat class", "chromatin state", "gene", "line strand", "signal 1", "repeat share", "gc")
    assert all(f">{name}<" in pictures["region_map_tracks_1"] for name in panels)
    assert "PC1 (24.0% of the variance)" in pictures["region_map_components"]
    assert all(len(svg) < 300_000 for svg in pictures.values())
    data = section.parts[-1].data
    assert data["assembly"] == "hg19" and data["count"] == 300 and data["tracks"][0]["name"] == "repeat class"
    assert [plane["name"] for plane in data["embeddings"]] == ["UMAP, mean", "UMAP, cls", "PCA, mean", "PCA, cls"]
    # the first region of the map is region 0, the second is region 2
    assert unpacked(data["start"], "<u4")[:2].tolist() == [0, 2000]


def test_tracks_of_a_single_value_have_no_panel_but_are_named(tmp_path):
    files = write_artefacts(tmp_path, np.random.default_rng(0), 40)
    pd.read_parquet(files[1]).assign(line_strand="", signal_2=np.nan).to_parquet(files[1], index=False)
    section = region_map.section(Results(tmp_path, files))
    assert section.parts[0].endswith(
        "Not drawn, since all these regions have the same value: line strand and signal 2."
    )
    names = [track["name"] for track in section.parts[-1].data["tracks"]]
    assert "gc" in names and not {"line strand", "signal 2"} & set(names)


def test_without_tracks_gc_content_colours_the_map(tmp_path):
    files = write_artefacts(tmp_path, np.random.default_rng(0), 40)
    pd.DataFrame(index=range(80)).to_parquet(files[1], index=False)
    section = region_map.section(Results(tmp_path, files))
    assert "coloured by 1 track that the model was not given." in section.parts[0]
    assert [track["name"] for track in section.parts[-1].data["tracks"]] == ["gc"]


def test_too_few_regions_for_umap_are_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setattr(region_map, "PANELS", 4)
    files = write_artefacts(tmp_path, np.random.default_rng(0), 8, quantities=1)
    table = pd.read_parquet(files[-1])
    table.attrs |= {"method": {"cls": "PCA", "mean": "PCA"}, "of": 8}
    table.to_parquet(files[-1], index=False)
    section = region_map.section(Results(tmp_path, files))
    assert "all 8 regions" in section.parts[0] and "too few for UMAP" in section.parts[0]
    assert [plane["name"] for plane in section.parts[-1].data["embeddings"]] == ["PCA, mean", "PCA, cls"]
    assert sum(isinstance(part, Picture) for part in section.parts) == 4
