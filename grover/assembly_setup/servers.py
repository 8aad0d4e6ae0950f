"""Small files of the servers of NCBI, Ensembl and UCSC, or of their mirrors. urllib takes the proxies of the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from grover.runtime.errors import InputError
from grover.sources.download import Missing, find_size, read_text

SITES = {
    "ncbi": "https://ftp.ncbi.nlm.nih.gov",
    "ensembl": "https://ftp.ensembl.org/pub",
    "ensemblgenomes": "https://ftp.ensemblgenomes.ebi.ac.uk/pub",
    "ucsc": "https://hgdownload.soe.ucsc.edu",
}


@dataclass(frozen=True)
class Servers:
    """Addresses of the sites, and how patiently they are asked: a person waits for the answer."""

    sites: Mapping[str, str] = field(default_factory=lambda: SITES)
    retries: int = 2
    wait: float = 1.0
    timeout: float = 20.0

    def address(self, site: str, path: str) -> str:
        """Return the address of a path below a site."""
        return f"{self.sites[site].rstrip('/')}/{path}"

    def text(self, url: str) -> str:
        """Return the text of a file. Raises `Missing` where the server has none, `Unreachable` where it does not answer."""
        return read_text(url, self.retries, self.wait, self.timeout)

    def text_if_any(self, url: str) -> str | None:
        """Return the text of a file, None where the server has none."""
        try:
            return self.text(url)
        except Missing:
            return None

    def size(self, url: str) -> int | None:
        """Return the bytes of a file (0: the server does not say), None where the server has none."""
        try:
            return find_size(url, self.retries, self.wait, self.timeout)
        except Missing:
            return None


def with_mirrors(mirrors: Mapping[str, str]) -> dict[str, str]:
    """Return the addresses of the sites, with those of mirrors in their place."""
    for site, url in mirrors.items():
        if site not in SITES:
            raise InputError(f"--mirror {site}={url}: the sites are {', '.join(SITES)}")
        if not url.startswith(("https://", "http://")):
            raise InputError(f"--mirror {site}={url}: expected an http or https address in place of {SITES[site]}")
    return {**SITES, **mirrors}
