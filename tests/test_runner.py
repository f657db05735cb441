"""The tests can be run as people run tests."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.folders import ROOT


def test_pytest_by_itself_finds_the_packages_and_not_the_folders_of_tests_named_like_them() -> None:
    # Unlike `python -m pytest` it does not have the checkout on the path.
    pytest = shutil.which("pytest", path=Path(sys.executable).parent)
    assert pytest is not None
    arguments = [pytest, "--collect-only", "-q", "-p", "no:cacheprovider", "tests/sandbox/test_layout.py"]
    ended = subprocess.run(arguments, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
