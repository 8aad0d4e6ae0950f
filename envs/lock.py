"""Write lock.txt and grover.yaml from requirements.txt and what is installed (`make lock`).

The direct pins are followed through the metadata of the installed packages, so that every pin was installed and tested
together. `pip freeze` would add what else lies in the environment and the `+cpu` of a CPU-only torch.
"""

from importlib import metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent


def closure(requirements: list[Requirement]) -> dict[str, str]:
    """Installed version, without a local part such as `+cpu`, of every distribution that `requirements` reach."""
    versions: dict[str, str] = {}
    seen, waiting = set(), [(requirement, "") for requirement in requirements]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        for extra in ("", *requirement.extras):
            key = canonicalize_name(requirement.name), extra
            if key in seen:
                continue
            seen.add(key)
            distribution = metadata.distribution(requirement.name)
            versions[key[0]] = distribution.version.split("+")[0]
            waiting += [(Requirement(line), extra) for line in distribution.requires or []]
    return versions


def main() -> None:
    lines = (HERE / "requirements.txt").read_text().splitlines()
    direct = [Requirement(line.partition("#")[0]) for line in lines if line.partition("#")[0].strip()]
    versions = closure(direct)
    for requirement in direct:
        found = versions[canonicalize_name(requirement.name)]
        if not requirement.specifier.contains(found):
            raise SystemExit(f"error: {found} is installed, requirements.txt says {requirement}; run make setup first")
    pins = [f"{name}=={version}" for name, version in sorted(versions.items())]
    header = (
        "# Written by `make lock` from requirements.txt. Where torch comes with CUDA, it names those packages itself.\n"
    )
    (HERE / "lock.txt").write_text(header + "\n".join(pins) + "\n")
    environment = {
        "name": "grover",
        "channels": ["conda-forge", "bioconda"],
        "dependencies": ["python=3.11", "pip", "bedtools=2.31.1", {"pip": pins}],
    }
    header = "# Written by `make lock`. It lists the pins, since Snakemake copies this file away from lock.txt.\n"
    (HERE / "grover.yaml").write_text(header + yaml.safe_dump(environment, sort_keys=False))


if __name__ == "__main__":
    main()
