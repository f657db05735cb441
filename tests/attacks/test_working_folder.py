"""Attacks by files that lie in the working folder, or in the user's cache, under names that a library looks for."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from arithmetic.engine_choice import ENGINE_VARIABLE
from tests.support.called import called
from tests.support.folders import ROOT
from tests.support.small_contest import instance_id
from tig_verify.origin import command, import_path
from tig_verify.private_folder import private_folder
from verifier.challenge.guarded_import import guarded_import
from verifier.challenge.network import network_choice
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.network_choice import network_for
from verifier.experiments.plots import library

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="numba is NOT installed: its cache is NOT tested")
needs_matplotlib = pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is NOT installed")

MARK = "import os, pathlib; pathlib.Path(os.environ.get('MARK', 'ran')).write_text(__name__)\n"
NAMES = (
    "torch", "numpy", "dataclasses", "json", "traceback", "contextlib", "sitecustomize", "usercustomize", "conftest",
    "click", "rich", "numba", "triton", "yaml", "sandbox", "verifier", "protocol", "arithmetic",
)  # fmt: skip
OTHERS = {
    "evil.pth": MARK, "pytest.ini": "[pytest]\naddopts = -p evil\n", "pyproject.toml": "[tool.pytest]\n",
    ".numba_config.yaml": "cache_dir: .\n", "matplotlibrc": "backend: module://evil\n", ".env": "PYTHONPATH=.\n",
}  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, full of files that say so when they are run."""
    folder = tmp_path / "claims"
    folder.mkdir()
    for name in (*NAMES, "evil"):
        (folder / f"{name}.py").write_text(MARK)
    for name, text in OTHERS.items():
        (folder / name).write_text(text)
    monkeypatch.setenv("MARK", str(tmp_path / "ran"))
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "MARK": str(Path("../ran").absolute()), **environment}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=settings)


# -- imports ---------------------------------------------------------------------------------------------------------


def origins(hostile: Path, **environment: str) -> list[str]:
    """Where a process of ours imports from, and where what it imports is, if that is in the hostile folder."""
    names = ("random", "numpy", "json", "sandbox.errors", "verifier", "torch")
    settings = {**os.environ, **environment}
    done = subprocess.run(
        [*command("tests.support.shown_imports"), *names], capture_output=True, text=True, check=False, env=settings
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return [path for path in (*told["path"], *told["files"].values()) if Path(path).is_relative_to(hostile)]


@pytest.mark.slow
def test_no_process_of_a_command_imports_from_the_working_folder(hostile: Path) -> None:
    assert "-I" in command("any")
    assert origins(hostile) == []
    assert not (hostile.parent / "ran").exists()


def test_every_process_of_ours_is_started_by_the_one_command() -> None:
    packages = ("arithmetic", "protocol", "sandbox", "verifier", "tig_verify")
    files = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    assert [path for path in files if "sys.executable" in path.read_text()] == [ROOT / "tig_verify" / "origin.py"]


@pytest.mark.slow
def test_a_start_without_python_p_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "torch.py").write_text(MARK)
    done = run("-m", "verifier.command_line.main", "--version")
    problem = "tig-verify: python -m imports from the working folder; call tig-verify, or python -P -m\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", problem)
    assert os.listdir() == ["torch.py"]


@pytest.mark.parametrize("paths", [":/x", "/x:", "/x::/y", ".", "claims", "./x:/y"])
def test_a_path_without_a_root_is_refused_before_anything_is_imported(
    paths: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", paths)
    ended = called(capsys, "--version")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("tig-verify: PYTHONPATH has an empty or a relative path")


@pytest.mark.slow
def test_a_process_of_ours_imports_nothing_from_the_working_folder_without_the_refusal(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that was started with the folder in its own paths, as by `python -m`, does not hand it on."""
    monkeypatch.setattr(sys, "path", ["", str(hostile), *sys.path])
    assert origins(hostile, PYTHONPATH=str(hostile)) == []
    assert not (hostile.parent / "ran").exists()


def test_a_path_without_a_root_is_handed_to_no_process_without_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":.")
    monkeypatch.setattr(sys, "path", ["", ".", "/a", "b", "/b"])
    assert import_path() == ["/a", "/b"]


def test_a_folder_that_a_mask_of_0_left_open_is_not_used_without_the_mode(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Path.mkdir
    monkeypatch.setattr(Path, "mkdir", lambda self, mode=0o777, **options: (made(self, **options), self.chmod(0o777)))
    assert private_folder("x") is None


@pytest.mark.parametrize("paths", ["", "/x", "/x:/y"])
def test_other_paths_are_the_callers(
    paths: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", paths)
    assert called(capsys, "--version").code == 0


# -- the folder of ours ----------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def test_a_private_folder_is_made_for_this_user_alone_under_any_mask(cache: Path) -> None:
    before = os.umask(0)
    try:
        folder = private_folder("x")
    finally:
        os.umask(before)
    assert folder == cache / "tig-verify" / "x"
    assert [path.stat().st_mode & 0o777 for path in (folder.parent, folder)] == [0o700, 0o700]
    assert private_folder("x") == folder


def others_write(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)


def group_writes(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o770)


def parent_is_written_by_others(folder: Path) -> None:
    others_write(folder.parent)


def link(folder: Path) -> None:
    elsewhere = folder.parents[2] / "elsewhere"
    elsewhere.mkdir()
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)


def parent_is_a_link(folder: Path) -> None:
    elsewhere = folder.parents[2] / "elsewhere"
    elsewhere.mkdir()
    folder.parent.symlink_to(elsewhere)


def file(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_bytes(b"")


def pipe(folder: Path) -> None:
    folder.parent.mkdir()
    os.mkfifo(folder)


def open_cache(folder: Path) -> None:
    folder.parents[1].chmod(0o777)


def open_root(folder: Path) -> None:
    folder.parents[2].chmod(0o777)


PREPARED = [
    others_write,
    group_writes,
    parent_is_written_by_others,
    link,
    parent_is_a_link,
    file,
    pipe,
    open_cache,
    open_root,
]


@pytest.mark.parametrize("prepare", PREPARED)
def test_a_folder_that_others_prepared_is_not_used(cache: Path, prepare: Callable[[Path], None]) -> None:
    prepare(cache / "tig-verify" / "x")
    assert private_folder("x") is None


def test_a_folder_of_another_user_is_not_used(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert private_folder("x") is not None
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert private_folder("x") is None


@pytest.mark.parametrize("home", ["/nonexistent", "/dev/null", "relative"])
def test_no_home_is_no_folder(home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    assert private_folder("x") is None


@needs_numba
def test_the_network_is_eager_without_a_folder_to_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    network_choice._compiled.cache_clear()
    monkeypatch.setattr(network_choice, "import_module", freshly_compiled)
    assert type(network_for(instance_id())) is EagerNetwork
    network_choice._compiled.cache_clear()


def freshly_compiled(_: str) -> SimpleNamespace:
    kernel_cache = importlib.import_module("arithmetic.compiled.kernel_cache")
    here = importlib.import_module("arithmetic.compiled.processor").Processor.here()
    network = importlib.import_module("verifier.challenge.network.compiled.network_kernels").NETWORK
    return SimpleNamespace(CompiledNetwork=None, is_exact=lambda: kernel_cache.kernel_file(network, here))


@needs_numba
def test_the_compiler_sees_no_setting_of_numbas_and_not_the_working_folder(
    hostile: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_cache = importlib.import_module("arithmetic.compiled.kernel_cache")
    tell = "import json, os, sys; json.dump([os.getcwd(), dict(os.environ)], open(sys.argv[3], 'w'))"
    monkeypatch.setattr(kernel_cache, "command", lambda module: (sys.executable, "-P", "-c", tell))
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    monkeypatch.chdir(hostile)
    told = cache / "told.json"
    kernel_cache._compile(SimpleNamespace(entries="c"), SimpleNamespace(name="a", features="+b"), told)
    folder, environment = json.loads(told.read_text())
    assert folder == "/"
    assert not [name for name in environment if name.startswith("NUMBA")]
    assert not (hostile.parent / "ran").exists()


# -- settings --------------------------------------------------------------------------------------------------------


def test_a_library_sees_neither_its_variables_nor_the_working_folder(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIL_BACKEND", "module://evil")
    before = dict(os.environ)
    with guarded_import("EVIL", EVIL_FOLDER="/ours"):
        assert not Path("matplotlibrc").exists()
        assert {name: value for name, value in os.environ.items() if name.startswith("EVIL")} == {
            "EVIL_FOLDER": "/ours"
        }
    assert (dict(os.environ), os.getcwd()) == (before, str(hostile))


def test_an_import_that_fails_leaves_folder_and_variables_as_they_were(
    hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIL_BACKEND", "module://evil")
    before = dict(os.environ)
    with pytest.raises(ImportError), guarded_import("EVIL", EVIL_FOLDER="/ours"):
        raise ImportError
    assert (dict(os.environ), os.getcwd()) == (before, str(hostile))


@needs_matplotlib
@pytest.mark.parametrize("has_folder", [True, False])
def test_matplotlib_is_imported_with_files_of_ours(
    hostile: Path, cache: Path, has_folder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    def observe(_: str) -> None:
        names = [name for name in os.environ if name.startswith("M") and name != "MARK"]
        seen.append((os.getcwd(), {name: os.environ[name] for name in names if name.startswith(("MPL", "MATPLOTLIB"))}))

    monkeypatch.setenv("MATPLOTLIBRC", str(hostile / "matplotlibrc"))
    monkeypatch.setenv("MPLBACKEND", "module://evil")
    monkeypatch.setattr(library, "import_module", observe)
    if not has_folder:
        open_cache(cache / "tig-verify" / "matplotlib")
    library.load_matplotlib()
    ((folder, variables),) = seen
    assert (folder, list(variables)) == ("/", ["MPLCONFIGDIR"])
    assert (variables["MPLCONFIGDIR"] == str(cache / "tig-verify" / "matplotlib")) == has_folder


@needs_matplotlib
def test_pictures_have_our_settings_without_a_clean_import(hostile: Path) -> None:
    from matplotlib import rc_context, rcParams

    from verifier.experiments.plots.style import new_figure, styled

    with rc_context({"text.usetex": True, "savefig.dpi": 1, "svg.fonttype": "none"}), styled():
        assert (rcParams["text.usetex"], rcParams["savefig.dpi"]) == (False, "figure")
        assert type(new_figure(1.0, 1.0).canvas).__name__ == "FigureCanvasAgg"
    assert not (hostile.parent / "ran").exists()
