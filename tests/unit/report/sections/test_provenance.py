"""The section on provenance names every version that made an artefact."""

from grover.report.sections import provenance
from grover.runtime.files import write_json


def test_versions_that_made_artefacts_are_all_named(tmp_path):
    record = {
        "command": ["x.py"],
        "arguments": {},
        "inputs": {},
        "outputs": {},
        "code": "",
        "started": "",
        "seconds": 1,
    }
    for name, version in {"genome/sequence.npy": "0.2.0", "models/chosen": "0.3.0", "report.html": "0.3.0"}.items():
        path = tmp_path / f"{name}.provenance.json"
        path.parent.mkdir(exist_ok=True)
        write_json(path, record | {"versions": {"grover": version, "python": "3.11.2"}})
    [table] = [part for part in provenance.section(tmp_path, "").parts if getattr(part, "caption", "") == "Versions."]
    assert table.frame.values.tolist() == [["grover", "0.2.0, 0.3.0"], ["python", "3.11.2"]]
