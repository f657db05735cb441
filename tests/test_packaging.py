"""What is built and installed: the same bytes from every clone, and all that the commands need.

The libraries are those of this environment; `make demo` installs them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.folders import FIXTURES, ROOT

pytestmark = pytest.mark.slow
Called = subprocess.CompletedProcess[str]


def build(source: Path, out: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of a source tree."""
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", out], cwd=source, check=True, capture_output=True)
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]


def copied(folder: Path, mode: int) -> Path:
    """A clone's files, with other times and permissions than the checkout's."""
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(mode)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("clone")
    return build(copied(folder / "clone", 0o644), folder / "dist")


@pytest.fixture(scope="module")
def installed(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment, which has the wheel and sees this one's libraries, not its checkout."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    options = ["--quiet", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *options, built[0]], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    return environment / "bin"


@pytest.fixture
def call(installed: Path, tmp_path: Path) -> Callable[..., Called]:
    """A program of the environment in an empty folder, far from the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def called(program: str, *arguments: str) -> Called:
        return subprocess.run(
            [installed / program, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return called


def test_two_clones_build_the_same_bytes(built: tuple[Path, Path], tmp_path: Path) -> None:
    again = build(copied(tmp_path / "another place", 0o600), tmp_path / "dist")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in built]


def test_the_sdist_builds_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[1]) as archive:
        if hasattr(tarfile, "data_filter"):  # since Python 3.11.4
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path)
    (source,) = tmp_path.iterdir()
    wheel, _ = build(source, tmp_path / "dist")
    assert wheel.read_bytes() == built[0].read_bytes()


def test_the_wheel_has_no_top_level_names_but_ours(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name.partition("/")[0] for name in wheel.namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {
        "arithmetic", "protocol", "sandbox", "tig_verify", "verifier",
    }  # fmt: skip


def test_everything_is_imported_from_where_it_is_installed(call: Callable[..., Called], installed: Path) -> None:
    names = "arithmetic", "protocol", "sandbox", "verifier"
    shown = call("python", "-c", f"import {', '.join(names)}; print(*(x.__file__ for x in ({', '.join(names)})))")
    assert shown.stderr == ""
    assert all(Path(file).is_relative_to(installed.parent) for file in shown.stdout.split())


def test_the_version_says_what_is_there(call: Callable[..., Called]) -> None:
    shown = call("tig-verify", "--version")
    assert (shown.returncode, shown.stderr) == (0, "")
    first, second, third, *extras = shown.stdout.splitlines()
    assert first == "tig-verify 0.1.0, specification 2"
    assert second.startswith("python 3.")
    assert third.startswith("network: compiled by numba 0.")
    assert "extra plots: installed" in extras
    assert not any("dev" in extra for extra in extras)


@pytest.mark.parametrize("command", [("--help",), ("study", "figure2", "--help"), ("score", "--schema"), ("stubs",)])
def test_commands_find_their_files(call: Callable[..., Called], command: tuple[str, ...]) -> None:
    ended = call("tig-verify", *command)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_study_has_its_optimisers(call: Callable[..., Called], installed: Path) -> None:
    chosen = "--depths", "1", "--sizes", "1024", "--seeds", "1", "--limit", "1", "--isolation", "none", "--jobs", "1"
    ended = call("tig-verify", "study", "figure2", *chosen)
    assert ended.returncode == 4, ended.stderr  # one of four is trained
    (optimisers,) = installed.parent.glob("lib/python*/site-packages/verifier/experiments/study/optimisers")
    for path in (FIXTURES / "optimisers").glob("*.py"):
        assert (optimisers / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_get_a_script_for_completion(installed: Path, shell: str, tmp_path: Path) -> None:
    environment = os.environ | {"_TIG_VERIFY_COMPLETE": f"{shell}_source"}
    shown = subprocess.run([installed / "tig-verify"], env=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0
    assert "tig-verify" in shown.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [("tig-verify ver", "verify"), ("tig-verify solve --non", "--nonces"), ("tig-verify c006 ev", "evaluate")],
)
def test_commands_and_options_are_completed(installed: Path, words: str, offered: str) -> None:
    asked = {"_TIG_VERIFY_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    shown = subprocess.run(
        [installed / "tig-verify"], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"plain,{offered}" in shown.stdout.split()
