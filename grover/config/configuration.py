"""Reading the configuration and the tables: checked against the schema, completed with its defaults, errors in one sentence."""

import difflib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from jsonschema import Draft202012Validator

from grover.config.names import OVERLAP, VOCABULARY
from grover.config.settings import Configuration as Configuration
from grover.config.settings import section_of as section_of
from grover.runtime.errors import InputError

TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
    "boolean": "true or false",
}


# encoders by name: layers, width, attention heads, width of the feed-forward part; base is the paper's
SIZES = {
    "tiny": {"layers": 4, "hidden": 128, "heads": 4, "intermediate": 512},
    "small": {"layers": 6, "hidden": 256, "heads": 4, "intermediate": 1024},
    "base": {"layers": 12, "hidden": 768, "heads": 12, "intermediate": 3072},
}


def complete(config: dict, schema_path: Path, origin: str) -> dict:
    """Validate a configuration and fill in the defaults of the schema.

    origin: what the sentence names as the place of a mistake, such as `config/demo.yaml`.
    Returns a new dictionary. Raises InputError for unknown keys (with the nearest known one), wrong types and values, and
    values that contradict one another.
    """
    schema = yaml.safe_load(Path(schema_path).read_text(encoding="utf-8"))
    for error in sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))):
        raise InputError(f"{origin}: {_sentence(error)}")
    completed = _with_defaults(config, schema, schema["$defs"])
    completed["pretraining"] = SIZES[completed["pretraining"]["size"]] | completed["pretraining"]
    selection = completed["selection"]
    selection["vocabulary"] = selection["vocabulary"] or completed["vocabulary"]["candidates"][0]
    completed["embeddings"]["layers"].sort()
    _check_agreement(completed, origin)
    return completed


def _sentence(error) -> str:
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        unknown = next(name for name in error.instance if name not in known)
        near = difflib.get_close_matches(str(unknown), known, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
        return f"unknown key `{f'{key}.' if key else ''}{unknown}`; {hint}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"key `{f'{key}.' if key else ''}{missing}` is missing; add it (config/config.yaml shows every key)"
    if error.validator == "type":
        return f"`{key}` is {error.instance!r}, but {TYPES[error.validator_value]} was expected"
    if error.validator == "enum":
        return f"`{key}` is {error.instance!r}, but one of {', '.join(map(repr, error.validator_value))} was expected"
    if error.validator == "oneOf":
        return f"`{key}` is {error.instance!r}, but a share above 0 and at most 0.5, or a list of contigs, was expected"
    return f"`{key}`: {error.message}"


def _with_defaults(value, schema: dict, definitions: dict):
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    complete = {name: part["default"] for name, part in properties.items() if "default" in part} | value
    others = schema.get("additionalProperties") or {}
    return {name: _with_defaults(part, properties.get(name, others), definitions) for name, part in complete.items()}


def _check_agreement(config: dict, origin: str) -> None:
    """Contradictions between keys that no schema can express."""
    corpus, model, vocabulary = config["corpus"], config["pretraining"], config["vocabulary"]
    if corpus["shortest"] > corpus["longest"]:
        raise InputError(
            f"{origin}: `corpus.shortest` ({corpus['shortest']}) is above `corpus.longest` ({corpus['longest']})"
        )
    for key, tokens in (
        ("corpus.longest", corpus["longest"]),
        ("embeddings.window_tokens", config["embeddings"]["window_tokens"]),
    ):
        if tokens + 2 > model["positions"]:
            raise InputError(
                f"{origin}: `{key}` is {tokens} tokens, which with CLS and SEP does not fit into "
                f"`pretraining.positions` ({model['positions']}); lower the one or raise the other"
            )
    if model["hidden"] % model["heads"]:
        raise InputError(
            f"{origin}: `pretraining.hidden` ({model['hidden']}) must be a multiple of `pretraining.heads` ({model['heads']})"
        )
    if model["start"] == "neighbours" and model["heads"] < 2:
        raise InputError(
            f"{origin}: `pretraining.heads` is 1, and under `pretraining.start: neighbours` a single head's positions would take the "
            "whole state and leave nothing to the words; set 2 heads or more"
        )
    _check_vocabularies(vocabulary, origin)
    _check_overlapping(config, origin)
    chosen = config["selection"]["vocabulary"]
    if config["selection"]["method"] == "fixed" and chosen not in vocabulary["candidates"]:
        candidates = ", ".join(vocabulary["candidates"])
        raise InputError(f"{origin}: `selection.vocabulary` {chosen} is none of `vocabulary.candidates` ({candidates})")
    described = config["atlas"]["vocabulary"]
    built = [*vocabulary["candidates"], *vocabulary["studied"]]
    if described and described not in built:
        raise InputError(
            f"{origin}: `atlas.vocabulary` {described} is none of the vocabularies of the run ({', '.join(built)})"
        )
    _check_competitors(config["benchmarks"], vocabulary["candidates"], origin)
    _check_embeddings(config, origin)
    folds = config["folds"]
    wanted = list if folds["method"] == "contigs" else (int, float)
    for key in ("valid", "test"):
        if not isinstance(folds[key], wanted):
            expected = "a list of contigs" if wanted is list else "a share"
            raise InputError(f"{origin}: `folds.{key}` must be {expected} when `folds.method` is {folds['method']}")
    for key, source in config["sources"].items():
        if "simulated" in source and "simulate" not in config:
            raise InputError(
                f"{origin}: `sources.{key}.simulated` needs a `simulate` section; give `url` or `file` instead"
            )
        if not {"simulated", "url", "file"} & set(source):
            raise InputError(f"{origin}: `sources.{key}` needs one of `url`, `file`, `simulated`")
        if "file" in source and "url" not in source and not config["data"]:
            raise InputError(
                f"{origin}: `sources.{key}` has only `file`; say where the files are with --config data=FOLDER"
            )


def _check_competitors(benchmarks: dict, candidates: list[str], origin: str) -> None:
    """Who is compared on the benchmarks: models of the run, and external_models under names that nobody else has."""
    for name in benchmarks["models"]:
        if name not in ("chosen", *candidates):
            raise InputError(
                f"{origin}: `benchmarks.models`: {name} is neither chosen nor one of `vocabulary.candidates` ({', '.join(candidates)})"
            )
    taken = {"chosen", "char", "cnn", "gc", "majority", "dinucleotide", "pwm", "adjacency"}
    taken |= {"word2vec", "kmers", "composition", "probes", *candidates}
    taken |= {f"{name}-random" for name in ("chosen", *candidates)}
    for name in sorted(taken & set(benchmarks["external_models"])):
        raise InputError(
            f"{origin}: `benchmarks.external_models.{name}`: the name {name} has a meaning of its own; choose another"
        )
    shortest, longest = benchmarks["kmers"]
    if shortest > longest:
        raise InputError(f"{origin}: `benchmarks.kmers` is [{shortest}, {longest}]; give the shortest first")


def _check_embeddings(config: dict, origin: str) -> None:
    """Whose embeddings are made, of which regions and from which layers."""
    asked, candidates = config["embeddings"], config["vocabulary"]["candidates"]
    for name in asked["models"]:
        if name not in ("chosen", *candidates):
            raise InputError(
                f"{origin}: `embeddings.models`: {name} is neither chosen nor one of `vocabulary.candidates` ({', '.join(candidates)})"
            )
    external_models = config["benchmarks"]["external_models"]
    for name in asked["external_models"]:
        if name not in external_models:
            raise InputError(
                f"{origin}: `embeddings.external_models`: {name} is none of `benchmarks.external_models` "
                f"({', '.join(external_models) or 'none'}); "
                "describe it there"
            )
    if 2 * asked["context"] >= asked["window_tokens"]:
        raise InputError(
            f"{origin}: `embeddings.context` is {asked['context']} tokens at both ends of a window, which leaves nothing of "
            f"`embeddings.window_tokens` ({asked['tokens']}); lower the one or raise the other"
        )
    deepest = config["pretraining"]["layers"]
    for layer in asked["layers"]:
        if layer > deepest:
            raise InputError(
                f"{origin}: `embeddings.layers` has {layer}, but the models have {deepest} layers; 0 is their input"
            )
    if asked["intervals"] and asked["intervals"] not in config["sources"]:
        raise InputError(
            f"{origin}: `embeddings.intervals` is {asked['intervals']}, which `sources` does not have; add it there"
        )


def _check_vocabularies(vocabulary: dict, origin: str) -> None:
    """The names of vocabularies, and that what they ask for is there."""
    for name in {"char", "chosen"} & set(vocabulary["outside"]):
        raise InputError(
            f"{origin}: `vocabulary.outside.{name}`: the name {name} has a meaning of its own; choose another"
        )
    for key in ("candidates", "studied"):
        for name in vocabulary[key]:
            if name not in vocabulary["outside"] and not re.fullmatch(VOCABULARY, name):
                raise InputError(
                    f"{origin}: `vocabulary.{key}`: {name} is none of bpe-CYCLES, kmer-1 to kmer-7, overlap-3 to overlap-6, char and "
                    f"the names in `vocabulary.outside` ({', '.join(vocabulary['outside']) or 'none'})"
                )
            # with both strands one merge more may be learnt, so that none stays without its reverse complement
            most = vocabulary["cycles"] + (vocabulary["strands"] == "both")
            if name.startswith("bpe-") and int(name[4:]) > most:
                raise InputError(
                    f"{origin}: `vocabulary.{key}`: {name} needs `vocabulary.cycles` of at least {name[4:]}, "
                    f"not {vocabulary['cycles']}"
                )


def _check_overlapping(config: dict, origin: str) -> None:
    """What overlapping words cannot do: their neighbours spell a word that is hidden alone, and they cut nothing."""
    vocabulary, model, selection = config["vocabulary"], config["pretraining"], config["selection"]
    candidates = [name for name in vocabulary["candidates"] if name.startswith(OVERLAP)]
    for name in candidates:
        k = int(name.removeprefix(OVERLAP))
        if 0 < model["mask_span"] < k:
            raise InputError(
                f"{origin}: `pretraining.mask_span` is {model['mask_span']}, but the words of {name} beside a hidden one spell its letters "
                f"unless {k} neighbours are hidden together; set it to 0, which is k of each such vocabulary, or to {k} at least"
            )
    if model["mask_keep"] and (candidates or model["mask_span"] > 1):
        reason = f"{candidates[0]} needs" if candidates else "`pretraining.mask_span` asks"
        raise InputError(
            f"{origin}: `pretraining.mask_keep` is {model['mask_keep']}, but neighbours are hidden together, as {reason}, and one that "
            "stays visible gives the others away; set it to 0"
        )
    if (
        selection["method"] == "sweep"
        and selection["rule"] == "bits-per-base"
        and candidates == vocabulary["candidates"]
    ):
        raise InputError(
            f"{origin}: `selection.rule` bits-per-base compares none of the candidates, since overlapping words have no bits a base; "
            "set it to mean-rank"
        )
    described = config["atlas"]["vocabulary"]
    if described.startswith(OVERLAP):
        raise InputError(
            f"{origin}: `atlas.vocabulary` {described} overlaps, so that its tokens cut nothing; describe another"
        )
    if not described and all(name.startswith(OVERLAP) for name in [*vocabulary["candidates"], *vocabulary["studied"]]):
        raise InputError(
            f"{origin}: all vocabularies overlap, so that their tokens cut nothing that the atlas could describe; add another, such as "
            f"bpe-{vocabulary['cycles']}, to `vocabulary.studied`"
        )


def read_rows(
    path: Path | str, columns: dict[str, str], optional: dict[str, str] | None = None
) -> list[dict[str, str]]:
    """Rows of a TSV table with a header; lines that start with # are comments.

    columns: name and a regular expression that each value must match; `optional` ones may stand behind them. Errors name file,
    line and column.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; a table with the columns {', '.join(columns)} was expected")
    lines = [(number, line) for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)]
    lines = [(number, line.split("\t")) for number, line in lines if line.strip() and not line.startswith("#")]
    if lines and lines[0][1] == [*columns, *(optional or {})]:
        columns = columns | (optional or {})
    if not lines or lines[0][1] != list(columns):
        found = "\t".join(lines[0][1]) if lines else "nothing"
        raise InputError(f"{path}: the header must be {' '.join(columns)} (separated by tabs), found {found!r}")
    rows = []
    for number, values in lines[1:]:
        if len(values) != len(columns):
            raise InputError(
                f"{path}, line {number}: {len(columns)} columns were expected ({', '.join(columns)}), between tabs, found {len(values)}"
            )
        row = dict(zip(columns, values, strict=True))
        for name, pattern in columns.items():
            if not re.fullmatch(pattern, row[name]):
                raise InputError(
                    f"{path}, line {number}: {name} is {row[name]!r}, but something like {pattern} was expected"
                )
        rows.append(row)
    return rows


def local_path(key: str, entry: dict, data: str, installation: Path) -> str | None:
    """Where a source lies on this machine: below the data folder if one is given, or the path in `url`; None for an address.

    A relative path is looked for in the working directory and then in the installation. Raises InputError where the file is
    missing, naming key and path.
    """
    if data and "file" in entry:
        path = Path(data) / entry["file"]
        advice = f"put the file there, or correct --config data={data}"
    else:
        address = urlsplit(entry["url"])
        if address.scheme not in ("", "file"):
            return None
        path = Path(unquote(address.path))
        if not path.is_file() and (installation / path).is_file():
            path = installation / path
        advice = "correct the path"
    if not path.is_file():
        raise InputError(f"sources.{key}: {path} does not exist; {advice}")
    return str(path)


def file_name(entry: dict, place: str | None) -> str:
    """Name under which a source is linked (`place`, its local path) or downloaded."""
    return Path(place or unquote(urlsplit(entry["url"]).path)).name
