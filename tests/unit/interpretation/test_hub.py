"""The texts of a hub: the lines that UCSC requires, files that are named, and sessions that parse."""

import json
from xml.etree import ElementTree

import pytest

from grover.interpretation import hub
from grover.interpretation.track_values import ABSOLUTE, TRACKS

# https://genome.ucsc.edu/goldenPath/help/hgTrackHubHelp.html
REQUIRED = {
    hub.HUB: {"hub", "shortLabel", "longLabel", "genomesFile", "email"},
    hub.GENOMES: {"genome", "trackDb", "twoBitPath", "organism", "defaultPos"},
}
OF_TRACKS = {"track", "type", "shortLabel", "longLabel"}
BIGWIGS = (*TRACKS, *(name + ABSOLUTE for name in TRACKS), "importance_ctcf")


def made(tracks=BIGWIGS, name="demo"):
    return hub.hub_texts(hub.Hub(name, "demo-genome", "bpe-600", "me@example.org", tracks, ("chr2", 999, 3000)))


def stanzas(text):
    """Settings of each stanza, as UCSC reads them: blank lines between, the first word of a line is the name."""
    return [
        dict(line.strip().split(" ", 1) for line in stanza.splitlines())
        for stanza in text.strip().split("\n\n")
        if stanza.strip()
    ]


@pytest.mark.parametrize("name", [hub.HUB, hub.GENOMES])
def test_required_lines_are_there(name):
    (settings,) = stanzas(made()[name])
    assert settings.keys() >= REQUIRED[name] and all(settings.values())


def test_names_are_such_as_ucsc_takes():
    texts = made(name="hg19-mini 2")
    assert stanzas(texts[hub.HUB])[0]["hub"] == "grover_hg19_mini_2"
    assert stanzas(texts[hub.GENOMES])[0]["genome"] == "demo_genome"
    assert stanzas(texts[hub.GENOMES])[0]["defaultPos"] == "chr2:1000-3000"
    names = [each["track"] for each in stanzas(texts[hub.TRACKS])]
    assert len(set(names)) == len(names) and all(name.replace("_", "a").isalnum() for name in names)


def test_the_logo_is_a_multiwig_of_four_bases_in_order():
    found = {each["track"]: each for each in stanzas(made()[hub.TRACKS])}
    logo = found["grover_logo"]
    assert logo["container"] == "multiWig" and logo["logo"] == "on" and logo["aggregate"] == "stacked"
    children = [each for each in found.values() if each.get("parent") == "grover_logo"]
    assert [each["bigDataUrl"] for each in children] == ["A.bw", "C.bw", "G.bw", "T.bw"]
    assert [int(each["priority"]) for each in children] == [1, 2, 3, 4]
    assert len({each["color"] for each in children}) == 4


def test_every_track_has_its_file_and_its_required_lines():
    found = stanzas(made()[hub.TRACKS])
    for each in found:
        assert each.keys() >= OF_TRACKS and ("bigDataUrl" in each or each.get("container") == "multiWig")
        assert len(each["shortLabel"]) <= 40 and len(each["longLabel"]) <= 80
    named = [each["bigDataUrl"] for each in found if "bigDataUrl" in each]
    assert sorted(named) == sorted([f"{name}.bw" for name in BIGWIGS] + [hub.REGIONS])


def test_tracks_that_do_not_exist_are_not_named():
    for text in made(tracks=TRACKS).values():
        assert ABSOLUTE not in text and "importance" not in text


def test_the_xml_session_names_every_file_once():
    root = ElementTree.fromstring(made()[hub.XML])
    assert root.tag == "Session" and root.get("genome") == hub.ASSEMBLY and root.get("locus") == "chr2:1000-3000"
    paths = [each.get("path") for each in root.iter("Resource")]
    assert sorted(paths) == sorted([f"{name}.bw" for name in BIGWIGS] + [hub.REGIONS])
    tracks = {each.get("id") for each in root.iter("Track")}
    assert set(paths) <= tracks


def test_the_json_session_names_every_file_once():
    session = json.loads(made()[hub.JSON])
    assert session["reference"]["twoBitURL"] == hub.ASSEMBLY and session["locus"] == "chr2:1000-3000"
    flat = [each for track in session["tracks"] for each in track.get("tracks", [track])]
    assert sorted(each["url"] for each in flat) == sorted([f"{name}.bw" for name in BIGWIGS] + [hub.REGIONS])
    merged = [track for track in session["tracks"] if track["type"] == "merged"]
    assert [[each["name"] for each in track["tracks"]] for track in merged] == [[*"ACGT"], [*"ACGT"]]
