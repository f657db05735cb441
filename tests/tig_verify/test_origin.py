"""Our packages come from one place, whatever lies beside a user's script; with real scripts in real folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.support.folders import FIXTURES, ROOT
from tig_verify.origin import PACKAGES, command, import_path, imports_of_ours

ADAM = FIXTURES / "optimisers" / "adam.py"
FOREIGN = "raise SystemExit(f'{__file__} was imported')\n"
STRANGERS = (*(f"{name}/__init__.py" for name in (*PACKAGES, "numpy", "torch")), "random.py", "msgpack.py", "json.py")
SCRIPT = f"""
import tig_verify
adam = {str(ADAM)!r}
options = {{"track": "n_hidden=1", "fuel": 2 * 10**7}}
result = tig_verify.train(adam, **options)
here = tig_verify.train(adam, isolation="none", **options)
claims = list(tig_verify.solve(adam, key=tig_verify.SigningKey.generate(), nonces=[0, 1], jobs=2, **options))
verdict = tig_verify.verify(claims[0])
import sandbox
print(result.quality == here.quality, len(claims), verdict.outcome, sandbox.__file__)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, with files that have the names of ours, of libraries and of Python's own."""
    for name in STRANGERS:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(FOREIGN)
    return tmp_path


def run(folder: Path, script: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script as a user starts it; our packages are found as they are where they are installed."""
    (folder / "script.py").write_text(script)
    return subprocess.run(
        [sys.executable, *flags, str(folder / "script.py")],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.slow
def test_a_script_beside_foreign_names_trains_solves_and_verifies(folder: Path) -> None:
    done = run(folder, SCRIPT)
    assert done.stderr == ""
    assert done.stdout == f"True 2 accepted {ROOT / 'sandbox' / '__init__.py'}\n"


@pytest.mark.slow
def test_without_our_own_search_the_foreign_names_are_found(folder: Path) -> None:
    assert "sandbox/__init__.py was imported" in run(folder, "import sandbox").stderr
    assert "random.py was imported" in run(folder, "import secrets").stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGES)
def test_a_foreign_package_that_is_imported_already_is_named(folder: Path, name: str) -> None:
    foreign = folder / name / "__init__.py"
    foreign.write_text("")
    done = run(folder, f"import {name}, tig_verify\nprint('imported')\ntig_verify.train")
    assert done.stdout == "imported\n"  # who never uses it, as a suite that has the plugin, is not disturbed
    *_, last = done.stderr.splitlines()
    assert last == (
        f"ImportError: tig_verify has a package '{name}', and this process has imported another one, {foreign}; "
        "give that one another name, or use tig_verify in a process that does not import it"
    )


@pytest.mark.slow
def test_a_foreign_folder_without_a_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "sandbox").mkdir()
    hidden = f"import sys; sys.path = [path for path in sys.path if path != {str(ROOT)!r}]\n"  # ours is found before
    done = run(tmp_path, f"import tig_verify\n{hidden}import sandbox\ntig_verify.train")
    assert f"another one, {tmp_path / 'sandbox'};" in done.stderr


@pytest.mark.slow
def test_an_import_of_the_package_alone_imports_none_of_the_others(tmp_path: Path) -> None:
    done = run(
        tmp_path, f"import sys, tig_verify\nprint([name for name in {(*PACKAGES, 'numpy')} if name in sys.modules])"
    )
    assert done.stdout == "[]\n"


@pytest.mark.slow
def test_a_process_of_ours_heeds_no_variable_of_python(folder: Path) -> None:
    done = subprocess.run(
        [*command("tests.support.shown_imports"), "random", "numpy", "sandbox.errors"],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "PYTHONSTARTUP": str(folder / "random.py"), "PYTHONHOME": "/nowhere"},
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert str(folder) not in told["path"]
    assert told["files"]["sandbox.errors"] == str(ROOT / "sandbox" / "errors.py")


def test_paths_beside_the_script_and_the_working_folder_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, script, link = tmp_path / "here", tmp_path / "script", tmp_path / "link"
    for each in (here, script):
        each.mkdir()
    link.symlink_to(here)
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script / "x.py"), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setattr(sys, "path", ["", str(script), str(here), str(link), "relative", "/other", str(ROOT)])
    assert import_path() == ["/other", str(ROOT)]
    monkeypatch.chdir(ROOT)
    assert import_path() == [str(here), str(link), "/other", str(ROOT)]  # ours stay, wherever they are


def test_a_working_folder_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert str(ROOT) in [os.path.realpath(path) for path in import_path()]
    finally:
        os.chdir(tmp_path)


def test_two_threads_put_the_paths_back_one_after_the_other() -> None:
    before, entered, leave = list(sys.path), Event(), Event()

    def use() -> None:
        with imports_of_ours():
            entered.set()
            leave.wait(10.0)

    first, second = Thread(target=use), Thread(target=use)
    first.start()
    assert entered.wait(10.0)
    entered.clear()
    second.start()
    assert not entered.wait(0.1)
    leave.set()
    first.join()
    second.join()
    assert entered.is_set()
    assert sys.path == before
