"""`tig-verify init`: a module to begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.isolation import InProcess
from sandbox.layout import Layout, Part
from sandbox.optimiser import Assignment
from tests.support.called import Ended, called


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_module_passes_every_check_and_names_itself(capsys: pytest.CaptureFixture[str]) -> None:
    written = "new/lion2.py: written; train it with: tig-verify run new/lion2.py\n"
    assert called(capsys, "init", "new/lion2.py") == Ended(0, written, "")
    source = Path("new/lion2.py").read_bytes()
    assert b"tig-verify run lion2.py" in source
    assert b"my_optimiser" not in source
    layout = Layout((Part("layers.0.weight", "weight", (3, 2)), Part("layers.0.bias", "bias", (3,))))
    assert InProcess().check(source, "lion2.py") == ()
    assert InProcess().rehearse(Assignment(source, "lion2.py", layout, {"n_hidden": 4}, {}, bytes(32), 1)) == ()
    assert max(map(len, source.decode().split("\n"))) <= 120


def test_nothing_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("x")
    message = "tig-verify: mine.py: exists; choose another name\n"
    assert called(capsys, "init", "mine.py") == Ended(2, "", message)
    assert Path("mine.py").read_text() == "x"
    Path("link.py").symlink_to("nowhere.py")
    assert called(capsys, "init", "link.py").code == 2


def test_a_module_is_a_python_file(capsys: pytest.CaptureFixture[str]) -> None:
    message = "tig-verify: mine: a module is a .py file; end the name so\n"
    assert called(capsys, "init", "mine") == Ended(2, "", message)
