"""Digests of scripts, kept in a small file of the working directory, so that a start of the workflow need not compute them anew."""

import hashlib
import sys
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from grover.runtime.digest import BESIDE, PACKAGE, code_digest
from grover.runtime.files import checksum, write_json
from grover.runtime.json_files import read_record


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
    def known(self) -> dict[str, str]:
        """Digests by name and checksum of the script, of this code."""
        found = {}
        with suppress(OSError):  # a file that is lost or cannot be read costs one more computation
            found = read_record(self.kept, silent=True) or {}
        digests = found.get("digests")
        return digests if found.get("code") == self.code and isinstance(digests, dict) else {}

    def digest(self, script: Path) -> str:
        """Return the digest of the code that a script reaches."""
        key = f"{script.name} {checksum(script)}"
        if not isinstance(self.known.get(key), str):
            self.known[key] = code_digest(script, self.package)
            self.new = True
        return self.known[key]

    def keep(self) -> None:
        """Write the file where a digest was computed; in a folder that cannot be written, each start computes them."""
        if self.new:
            with suppress(OSError):
                write_json(self.kept, {"code": self.code, "digests": self.known})
