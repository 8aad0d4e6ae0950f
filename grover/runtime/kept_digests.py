"""Digests of scripts, kept in a small file of the working directory, so that a start of the workflow need not compute them anew."""

import hashlib
import sys
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from grover.runtime.digest import BESIDE, PACKAGE, code_digest
from grover.runtime.files import checksum, write_json
from grover.runtime.json_files import read_record

VERSIONS = 2  # of the code whose digests are kept, the latest first: a change that is taken back, two installations side by side


class KeptDigests:
    """What `code_digest` returns for each script, valid for as long as no file of the package has other bytes."""

    def __init__(self, kept: Path, package: Path = PACKAGE):
        """kept: the file, which the first start makes; package: the folder of `grover`, read once."""
        self.kept, self.package = kept, package
        self.new = False

    @cached_property
    def code(self) -> str:
        """Checksum of all that a digest may depend on besides its script: the files of the package, and how this Python parses them."""
        whole = hashlib.sha256(repr(sys.version_info[:3]).encode())
        for path in sorted(self.package.rglob("*")):
            if path.suffix in (".py", *BESIDE) and path.is_file():
                whole.update(f"\0{path.relative_to(self.package)}\0{checksum(path)}".encode())
        return whole.hexdigest()

    @cached_property
    def versions(self) -> dict[str, Any]:
        """Digests by name and checksum of the script, by the checksum of the code."""
        found = {}
        with suppress(OSError):  # a file that is lost or cannot be read costs one more computation
            found = read_record(self.kept, silent=True) or {}
        self.new = next(iter(found), "") != self.code
        known = found.pop(self.code, {})
        return {self.code: known if isinstance(known, dict) else {}, **found}

    def digest(self, script: Path) -> str:
        """Return the digest of the code that a script reaches."""
        known = self.versions[self.code]
        key = f"{script.name} {checksum(script)}"
        if not isinstance(known.get(key), str):
            known[key] = code_digest(script, self.package)
            self.new = True
        return str(known[key])

    def keep(self) -> None:
        """Write the file where it has no such digests yet; in a folder that cannot be written, each start computes them."""
        if self.new:
            with suppress(OSError):
                write_json(self.kept, dict(list(self.versions.items())[:VERSIONS]))
