"""The tests can be run as people run tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.folders import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
CHOOSING = re.compile(r"(?<!python) -[mk] |--ignore|--deselect|tests/")
"""Arguments of pytest that leave tests out."""


@pytest.mark.slow
def test_pytest_by_itself_finds_the_packages_and_not_the_folders_of_tests_named_like_them() -> None:
    # Unlike `python -m pytest` it does not have the checkout on the path.
    program = shutil.which("pytest", path=Path(sys.executable).parent)
    assert program is not None
    arguments = [program, "--collect-only", "-q", "-p", "no:cacheprovider", "tests/sandbox/test_layout.py"]
    ended = subprocess.run(arguments, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def recipe(target: str) -> str:
    """The command lines of a target, with what they call pytest with."""
    (lines,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    (pytest_with,) = re.findall(r"^PYTEST = (.*)$", MAKEFILE, re.MULTILINE)
    return str(lines.replace("$(PYTEST)", pytest_with))


def test_only_the_quick_target_leaves_tests_out() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert options["testpaths"] == ["tests"]
    for everything in (options["addopts"], recipe("tests"), recipe("coverage")):
        assert not CHOOSING.search(everything)
    assert CHOOSING.findall(recipe("test-quick")) == [" -m "]
    assert "-m 'not slow'" in recipe("test-quick")
    assert re.search(r"^test:.* tests$", MAKEFILE, re.MULTILINE)
