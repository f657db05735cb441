"""LLVM finds the instruction that each processor has for the product, and the code for each is right."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.support.folders import ROOT
from tests.support.instruction_sets import PROCESSORS

pytest.importorskip("numba", reason="NUMBA IS NOT INSTALLED: the compiled network was not tested")
pytestmark = pytest.mark.slow

MULTIPLIES = re.compile(r"v?p?(mul|madd|dp)|sm[lu]|m(la|ul)")
"""The beginning of an instruction that multiplies, on x86 and on AArch64."""


@pytest.mark.parametrize("name", PROCESSORS)
def test_the_product_has_the_processors_instruction(name: str) -> None:
    program = [sys.executable, "-m", "tests.support.assemble_product", name]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {each for each in found["loop"] if MULTIPLIES.match(each)} == {PROCESSORS[name].product}
    assert found["is_exact"]
