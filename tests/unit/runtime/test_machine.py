"""What a processor computes, by how Linux describes it."""

import pytest

from grover.runtime.machine import TRAINED_IN_BF16, computes_bf16


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flags\t\t: fpu sse2 avx512_bf16 avx512f", True),
        ("flags\t\t: fpu amx_bf16", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu sse2 avx512f", False),
        ("model name\t: bf16", False),
    ],
)
def test_instructions_for_bf16(tmp_path, line, found):
    described = tmp_path / "cpuinfo"
    described.write_text(f"processor\t: 0\n{line}\n")
    assert computes_bf16(described) is found
    assert computes_bf16(described, TRAINED_IN_BF16) is (found and "Features" not in line)  # not measured on Arm
    assert not computes_bf16(tmp_path / "nothing")
