"""Local input files by their content, so that a replaced file is noticed whatever its modification time, and a touched one is not."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from grover.runtime.errors import InputError
from grover.runtime.files import write_text
from grover.runtime.json_files import read_record
from grover.runtime.machine import CLOCKS
from grover.runtime.provenance import read as read_provenance
from grover.sources.checksums import ALGORITHMS, digest

# files from this size on are announced before they are read
LARGE = 200_000_000


class Contents:
    """Checksums of files, kept in a small file by path, size, times and inode, so that each content is read once."""

    def __init__(self, kept: Path, writes: bool = True):
        """Read the checksums that are kept; writes: whether new ones are added to the file."""
        self.kept, self.writes = kept, writes
        self.known: dict[str, dict[str, Any]] = {}
        with suppress(OSError):  # a file that is lost or cannot be read costs one more reading
            found = read_record(kept) or {}
            self.known = {path: entry for path, entry in found.items() if isinstance(entry, dict)}

    def digest(self, path: Path | str, algorithm: str = "sha256") -> str:
        """Return the checksum of a file, read anew only when its size, a time or its inode differs."""
        place = os.path.realpath(path)
        status = os.stat(place)
        # the time of the last change of status differs even where size and modification time were copied
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        entry = self.known.get(place, {})
        if entry.get("stamp") != stamp:
            entry = self.known[place] = {"stamp": stamp}
        if algorithm not in entry:
            if self.writes and status.st_size >= LARGE:
                print(f"reading {path} ({status.st_size / 1e9:.1f} GB) to notice later changes of it", file=sys.stderr)
            entry[algorithm] = digest(place, algorithm)
            self._keep()
        return str(entry[algorithm])

    def _keep(self) -> None:
        if self.writes:
            try:
                write_text(self.kept, json.dumps(self.known, indent=1))
            except OSError:
                self.writes = False  # in a folder that cannot be written, each start reads the files


def is_linked(link: Path, place: Path, checksums: Mapping[str, str], contents: Contents) -> bool:
    """Return whether `link` was made and verified for the present content of `place`; point it there if the content was elsewhere.

    checksums: those that the configuration expects, by `md5`, `sha256`, `sum` and `checksum_url`.
    Raises InputError where the content is the one that was linked but has not the expected checksum.
    """
    made = read_provenance(link)
    if made is None or not link.is_symlink():
        return False
    if not made.get("outputs") or made["arguments"].get("checksum_url", "") != checksums.get("checksum_url", ""):
        return False
    if next(iter(made["outputs"].values())).get("sha256") != contents.digest(place):
        return False
    for algorithm in ALGORITHMS:
        expected = checksums.get(algorithm, "")
        if expected and (found := contents.digest(place, algorithm)) != expected:
            raise InputError(
                f"{place} has {algorithm} {found}, but {expected} was expected; correct the checksum or take another file"
            )
    target = place.expanduser().absolute()
    if Path(os.readlink(link)) != target:
        try:
            replace_link(link, target)
        except OSError:
            return False
    return True


def refuse_future(paths: Iterable[Path | str]) -> None:
    """Raise InputError for a file that is dated in the future: Snakemake fails each job that reads it, once the job is done."""
    latest = time.time() + CLOCKS
    future = [(status.st_mtime, str(path)) for path in paths if (status := _status(path)) and status.st_mtime > latest]
    if future:
        modified, path = max(future)
        others = f" and {len(future) - 1} more" if len(future) > 1 else ""
        raise InputError(
            f"{path}{others}: dated in the future ({time.strftime('%Y-%m-%d %H:%M', time.localtime(modified))}); correct the clock of the "
            f"machine, then `touch {shlex.quote(path)}`"
        )


def _status(path: Path | str) -> os.stat_result | None:
    """The status of a file, or of a link itself, as Snakemake looks at it; None where there is none."""
    try:
        return os.lstat(path)
    except OSError:
        return None


def replace_link(link: Path, target: Path) -> None:
    """Let `link` point to `target`, in one step."""
    new = Path(f"{link}.link")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    os.replace(new, link)


def content_param(
    inputs: Iterable[tuple[str | None, Any]], local: Mapping[str, str], contents: Contents
) -> Callable[[Any], str] | None:
    """Return a function for `params:` of a rule that gives name and checksum of its local inputs; None where it can have none.

    inputs: names and items of the rule's `input:`; items are paths, lists of paths, or functions of the wildcards that return these.
    local: for each path of a local input the file that has its content, which for a link not yet made is its target.
    Snakemake compares the text; so a changed content reruns the rule, and another modification time does not.
    """
    items = [item for _, item in inputs]
    if not any(callable(item) or any(path in local for path in _paths(item)) for item in items):
        return None

    def text(wildcards: Any) -> str:
        found = [path for item in items for path in _paths(item(wildcards) if callable(item) else item)]
        return ", ".join(f"{Path(path).name} {contents.digest(local[path])}" for path in found if path in local)

    return text


def _paths(item: Any) -> Iterator[str]:
    """Yield the paths of one item of `input:`, which may be a list in a list."""
    if isinstance(item, (str, Path)):
        yield str(item)
    else:
        for inner in item:
            yield from _paths(inner)
