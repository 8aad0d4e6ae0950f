"""A UCSC assembly hub and IGV sessions for base tracks: the texts, without any file.

UCSC: https://genome.ucsc.edu/goldenPath/help/hgTrackHubHelp.html and .../trackDb/trackDbHub.html. The assembly is the run's own 2bit file,
so that every genome can be shown. The four tracks of a logo are one `multiWig` with `logo on`. IGV's desktop program opens the XML session,
igv.js the JSON one. All addresses are relative to the folder of the hub.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from grover.interpretation.track_values import ABSOLUTE, BASES, ENTROPY, LOG_PROBABILITY

ASSEMBLY, REGIONS = "assembly.2bit", "regions.bb"
HUB, GENOMES, TRACKS, XML, JSON = "hub.txt", "genomes.txt", "trackDb.txt", "igv.xml", "igv.json"
COLOURS = {"A": "0,158,115", "C": "0,114,178", "G": "230,159,0", "T": "213,94,0"}
GREY = "90,90,90"
DIFFERENCE = "model minus token frequencies"
# short label, label, and the range of values that is shown at first, as a difference and of the model alone
SHOWN = {
    ENTROPY: ("Entropy", "Entropy of the four bases", (-2, 2), (0, 2)),
    LOG_PROBABILITY: ("Log-probability", "Log-probability of the reference base", (-4, 4), (-8, 0)),
}
HEIGHTS, ABSOLUTE_HEIGHTS = (-0.5, 2), (0, 2)
IMPORTANCE = "importance_"  # beginning of the names of tracks of importance, before that of the task


@dataclass(frozen=True)
class Hub:
    """What a hub says.

    `name`: of the run; `assembly`: its name in the browsers; `model`: its name; `email`: of who publishes the hub; `tracks`: bigWigs that
    exist; `locus`: contig, start and end of what is shown at first; `regions`: whether the scored regions are shown.
    """

    name: str
    assembly: str
    model: str
    email: str
    tracks: tuple[str, ...]
    locus: tuple[str, int, int]
    regions: bool = True

    @property
    def position(self) -> str:
        """The locus as browsers write it, counted from 1."""
        chrom, start, end = self.locus
        return f"{chrom}:{start + 1}-{end}"


def hub_texts(hub: Hub) -> dict[str, str]:
    """Return the text files of a hub by name."""
    title = f"GROVER {hub.name}"
    return {
        HUB: _stanza(
            {
                "hub": _identifier(f"grover_{hub.name}"),
                "shortLabel": title,
                "longLabel": f"Base probabilities by {hub.model}, run {hub.name}",
                "genomesFile": GENOMES,
                "email": hub.email,
            }
        ),
        GENOMES: _stanza(
            {
                "genome": _identifier(hub.assembly),
                "trackDb": TRACKS,
                "twoBitPath": ASSEMBLY,
                "description": f"Assembly of the run {hub.name}",
                "organism": hub.assembly,
                "scientificName": hub.assembly,
                "defaultPos": hub.position,
            }
        ),
        TRACKS: "\n".join(_track_stanzas(hub)),
        XML: _xml(hub),
        JSON: json.dumps(_session(hub), indent=2) + "\n",
    }


def _stanza(settings: dict[str, Any], indent: str = "") -> str:
    return "".join(f"{indent}{name} {value}\n" for name, value in settings.items())


def _identifier(name: str) -> str:
    """A name that UCSC takes: letters, digits and underscores, a letter first."""
    text = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
    return text if text[:1].isalpha() else f"g{text}"


def _track_stanzas(hub: Hub) -> list[str]:
    stanzas = [_regions_stanza()] if hub.regions else []
    for ending, said, limits in (("", DIFFERENCE, HEIGHTS), (ABSOLUTE, "model", ABSOLUTE_HEIGHTS)):
        if BASES[0] + ending in hub.tracks:
            stanzas += _logo_stanzas(ending, said, limits)
    stanzas += [_plain_stanza(name) for name in hub.tracks if name.removesuffix(ABSOLUTE) not in BASES]
    return stanzas


def _regions_stanza() -> str:
    return _stanza(
        {
            "track": "grover_regions",
            "type": "bigBed 4",
            "shortLabel": "Scored regions",
            "longLabel": "Regions with base probabilities; bases beyond them have no value",
            "bigDataUrl": REGIONS,
            "visibility": "dense",
        }
    )


def _logo_stanzas(ending: str, said: str, limits: Sequence[float]) -> list[str]:
    parent = f"grover_logo{ending}"
    container = {
        "track": parent,
        "container": "multiWig",
        "type": "bigWig {} {}".format(*limits),
        "shortLabel": f"Logo{ending.replace('_', ' ')}",
        "longLabel": f"Base probability times information, bits ({said})",
        "aggregate": "stacked",
        "logo": "on",
        "noInherit": "on",
        "viewLimits": "{}:{}".format(*limits),
        "autoScale": "off",
        "maxHeightPixels": "128:64:16",
        "visibility": "hide" if ending else "full",
    }
    stanzas = [_stanza(container)]
    for priority, base in enumerate(BASES, start=1):
        settings = {
            "track": f"{parent}_{base}",
            "parent": parent,
            "type": "bigWig {} {}".format(*limits),
            "shortLabel": base,
            "longLabel": f"Height of {base}, bits ({said})",
            "bigDataUrl": f"{base}{ending}.bw",
            "color": COLOURS[base],
            "priority": priority,
        }
        stanzas.append(_stanza(settings, indent="    "))
    return stanzas


def _described(name: str) -> tuple[str, str, tuple[float, float] | None]:
    """Short and long label of a track, and the range that is shown; None: as its values need."""
    if name.startswith(IMPORTANCE):
        task = name.removeprefix(IMPORTANCE)
        return f"Importance {task}", f"Importance of bases to the model of the task {task}", None
    plain = name.removesuffix(ABSOLUTE)
    if plain not in SHOWN:
        return name, name, None
    short, label, limits, absolute = SHOWN[plain]
    if plain != name:
        return f"{short} of the model", f"{label}, bits (model)", absolute
    return short, f"{label}, bits ({DIFFERENCE})", limits


def _plain_stanza(name: str) -> str:
    short, long, limits = _described(name)
    settings = {
        "track": _identifier(f"grover_{name}"),
        "type": "bigWig",
        "shortLabel": short,
        "longLabel": long,
        "bigDataUrl": f"{name}.bw",
        "color": GREY,
        "maxHeightPixels": "128:48:16",
        "visibility": "full",
        "alwaysZero": "on",
    }
    settings |= {"autoScale": "on"} if limits is None else {"autoScale": "off", "viewLimits": "{}:{}".format(*limits)}
    return _stanza(settings)


def _look(name: str) -> tuple[str, str, tuple[float, float] | None]:
    """Name, colour and range of a track in IGV, where the four of a logo are one plot."""
    base = name.removesuffix(ABSOLUTE)
    if base in BASES:
        return base, COLOURS[base], ABSOLUTE_HEIGHTS if base != name else HEIGHTS
    short, _, limits = _described(name)
    return short, GREY, limits


def _groups(hub: Hub) -> list[tuple[str, list[str]]]:
    """Tracks by plot: the four of a logo together, each other one alone."""
    logos = [(f"Logo{ending.replace('_', ' ')}", [base + ending for base in BASES]) for ending in ("", ABSOLUTE)]
    return [(title, names) for title, names in logos if names[0] in hub.tracks] + [
        (_described(name)[0], [name]) for name in hub.tracks if name.removesuffix(ABSOLUTE) not in BASES
    ]


def _session(hub: Hub) -> dict[str, Any]:
    def track(name: str) -> dict[str, Any]:
        label, colour, limits = _look(name)
        shown = {"autoscale": True} if limits is None else {"min": limits[0], "max": limits[1]}
        return {
            "type": "wig",
            "format": "bigwig",
            "name": label,
            "url": f"{name}.bw",
            "color": f"rgb({colour})",
        } | shown

    regions = {"type": "annotation", "format": "bigbed", "name": "Scored regions", "url": REGIONS, "order": 1}
    tracks: list[dict[str, Any]] = [regions] if hub.regions else []
    for order, (title, names) in enumerate(_groups(hub), start=2):
        each = [track(name) for name in names]
        if len(each) == 1:
            tracks.append(each[0] | {"order": order})
        else:
            limits = {"autoscale": False, "min": each[0]["min"], "max": each[0]["max"], "height": 100}
            tracks.append({"type": "merged", "name": title, "tracks": each, "order": order} | limits)
    return {
        "reference": {"id": hub.assembly, "name": hub.assembly, "twoBitURL": ASSEMBLY},
        "locus": hub.position,
        "tracks": tracks,
    }


def _xml(hub: Hub) -> str:
    root = ElementTree.Element("Session", genome=ASSEMBLY, locus=hub.position, version="8")
    resources = ElementTree.SubElement(root, "Resources")
    panel = ElementTree.SubElement(root, "Panel", name="DataPanel")
    if hub.regions:
        ElementTree.SubElement(resources, "Resource", path=REGIONS, type="bb")
        ElementTree.SubElement(panel, "Track", id=REGIONS, name="Scored regions")
    for title, names in _groups(hub):
        parent = panel
        if len(names) > 1:
            parent = ElementTree.SubElement(
                panel, "Track", id=title, name=title, clazz="org.broad.igv.track.MergedTracks", height="100"
            )
        for name in names:
            label, colour, limits = _look(name)
            ElementTree.SubElement(resources, "Resource", path=f"{name}.bw", type="bw")
            track = ElementTree.SubElement(
                parent, "Track", id=f"{name}.bw", name=label, color=colour, autoScale=str(limits is None).lower()
            )
            if limits is not None:
                low, high = map(str, limits)
                ElementTree.SubElement(track, "DataRange", minimum=low, maximum=high, baseline="0.0", type="LINEAR")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
