"""`tig-verify stubs`: the files that an editor reads, where it looks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.called import called
from tests.support.folders import ROOT

NAMES = ["math.pyi", "torch/__init__.pyi", "torch/linalg.pyi"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_they_are_written_where_editors_look_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(capsys, "stubs")
    assert (ended.code, ended.err, ended.out.splitlines()) == (0, "", [f"typings/{name}" for name in NAMES])
    for name in NAMES:
        assert Path("typings", name).read_bytes() == (ROOT / "sandbox" / "stubs" / name).read_bytes()


def test_those_of_another_version_are_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    called(capsys, "stubs", "-o", "here")
    old = Path("here/math.pyi")
    text = old.read_text()
    old.write_text(text.replace("def sqrt", "def square_root"))
    assert called(capsys, "stubs", "-o", "here").code == 0
    assert old.read_text() == text


def test_no_other_file_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("typings/torch").mkdir(parents=True)
    Path("typings/torch/linalg.pyi").write_text("mine: int\n")
    ended = called(capsys, "stubs")
    assert ended.code == 2
    assert ended.err == (
        "tig-verify: typings/torch/linalg.pyi: exists and is not of tig-verify; choose another folder with -o\n"
    )
    assert [path.name for path in Path("typings").rglob("*.pyi")] == ["linalg.pyi"]
