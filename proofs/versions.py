"""The same bits with other versions of Python, torch and NumPy; results/versions.json has the outcomes.

    python -m proofs.versions [--python PATH ...] [--torch VERSION ...] [--keep FOLDER]

Each combination gets a virtual environment, in which every operation and whole trainings are compared with the
records of fixtures/. Needs a package index and some 8 GB, 25 GB with --keep: most wheels of torch are for CUDA.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())
RESULTS = ROOT / "proofs" / "results" / "versions.json"
RECORDS = [ROOT / "fixtures" / "parity" / "operations.json", *sorted((ROOT / "fixtures" / "golden").glob("*.golden"))]

PROBE = """
import importlib.util, json, platform
import numpy, torch
from tests.golden.golden_run import named
(run,) = named(["sgd-n_hidden=2"])
built = [line.strip(" -") for line in torch.__config__.show().splitlines()[1:]]
blas = numpy.__config__.CONFIG["Build Dependencies"]["blas"]
print(json.dumps({
    "python": platform.python_version(),
    "torch": torch.__version__,
    "torch_built_with": [line for line in built if line and not line.startswith("Build settings")],
    "numpy": numpy.__version__,
    "numpy_blas": blas["name"] + " " + blas["version"],
    "numba": importlib.import_module("numba").__version__ if importlib.util.find_spec("numba") else None,
    "engine": run.session().network.engine,
}))
"""

IN_A_PROCESS = """
import sys
from sandbox.isolation import Jail
from tests.golden.golden_run import named
from verifier.challenge.solving import solve
(run,) = named(["sgd-n_hidden=2"])
with Jail() as jail:
    claim = solve(run.session(jail)).claim
known = run.record.results
for name, section in (("transcript_root", "outcome"), ("epochs", "outcome"), ("quality", "score")):
    found = getattr(claim, name)
    found = found.hex() if isinstance(found, bytes) else found
    if found != known[section][name]:
        sys.exit(f"{run.name}: {name}: recorded {known[section][name]}, computed {found}")
"""

TRAINED = ["adam-n_hidden=4", "adam-n_hidden=10", "lookahead-n_hidden=2", "sgd-n_hidden=2", "momentum-n_hidden=1"]
"""The golden runs of which each environment trains the whole."""

CHECKS: dict[str, tuple[list[str], dict[str, str]]] = {
    "operations": (["-m", "tests.parity.operations", "check"], {}),
    "golden runs": (["-m", "tests.golden.golden_runs", "check", *TRAINED], {}),
    "worker process, eager network": (["-c", IN_A_PROCESS], {"TIG_VERIFY_ENGINE": "binary64"}),
}
"""What is run in each environment, and with which variables."""


class NotInstalledError(Exception):
    """A combination is not to be had; the text is pip's or the import's reason."""


@dataclass(frozen=True)
class Combination:
    """What an environment is asked to hold."""

    interpreter: str
    python: str
    torch: str
    numpy: str

    def __str__(self) -> str:
        return f"python-{self.python}-torch-{self.torch}-numpy-{self.numpy}"


def run(python: str | Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run an interpreter at the root; of the environment's variables none that changes the computation is passed on."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TIG_", "ATEN_", "MKL_", "OPENBLAS_", "PYTHON"))}
    usual = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    variables = {**kept, **usual, **variables}
    return subprocess.run([python, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def pip(python: str | Path, *arguments: str) -> None:
    """Run pip. Raises NotInstalledError."""
    done = run(python, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir", *arguments)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise NotInstalledError(" ".join(errors))


def attempt(python: str | Path, *packages: str) -> list[str]:
    """Install packages; empty, or the reason why that cannot be."""
    try:
        pip(python, "install", "--only-binary=:all:", *packages)
    except NotInstalledError as reason:
        return [str(reason)]
    return []


def number(version: str) -> tuple[int, ...]:
    """A release's number, its local part (+cpu) left out."""
    return tuple(int(part) for part in version.partition("+")[0].split("."))


def available(python: str, package: str, oldest: str) -> list[str]:
    """The releases since `oldest` with a wheel for an interpreter, the oldest first. Raises NotInstalledError."""
    (reason,) = attempt(python, "--no-deps", f"{package}==0")  # pip says which there are
    listed = re.findall(r"[^ ,():]+", reason.partition("from versions:")[2].partition(")")[0])
    releases = {version.partition("+")[0] for version in listed if re.fullmatch(r"[0-9.]+(\+\w+)?", version)}
    if found := sorted((version for version in releases if number(version) >= number(oldest)), key=number):
        return found
    raise NotInstalledError(reason)


def newest_of_each_minor(releases: list[str]) -> list[str]:
    """2.12.1 stands for 2.12."""
    return list({number(version)[:2]: version for version in releases}.values())


def requirement(package: str) -> str:
    """The oldest version that pyproject.toml allows."""
    declared: list[str] = DECLARED["project"]["dependencies"]
    return next(line.partition(">=")[2] for line in declared if line.startswith(package))


def pins() -> dict[str, str]:
    """The versions of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def combinations(interpreters: dict[str, str], torches: list[str]) -> Iterator[Combination]:
    """Each Python with the oldest torch and NumPy, the pinned and the newest; the first Python with all."""
    for position, (python, interpreter) in enumerate(interpreters.items()):
        numpys, pinned = available(interpreter, "numpy", requirement("numpy")), pins()["numpy"]
        wanted = {torches[-1]: numpys[-1], torches[0]: numpys[0]}
        if pins()["torch"] in torches:
            wanted[pins()["torch"]] = pinned
        if position == 0:
            wanted = {**dict.fromkeys(torches, pinned), **wanted}
        for torch in sorted(wanted, key=number, reverse=True):
            yield Combination(interpreter, python, torch, wanted[torch])


def install(wanted: Combination, folder: Path) -> Path:
    """The interpreter of an environment with a combination, an earlier one too. Raises NotInstalledError."""
    environment = folder / str(wanted)
    python, complete = environment / "bin" / "python", environment / "complete.json"
    if complete.exists():
        return python
    if run(wanted.interpreter, "-m", "venv", "--clear", str(environment)).returncode:
        raise NotInstalledError(f"{wanted.interpreter} makes no virtual environment")
    pip(python, "install", "--only-binary=:all:", "--no-deps", f"torch=={wanted.torch}")
    remarks = dependencies(python, environment, wanted)
    pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    provide_cuda(python, environment, folder / "cuda")
    complete.write_text(json.dumps(remarks))
    return python


def dependencies(python: Path, environment: Path, wanted: Combination) -> list[str]:
    """Install what the project and torch need, pinned where that can be, and numba; say what could not."""
    packages = [*DECLARED["project"]["dependencies"], *DECLARED["build-system"]["requires"], *torch_requires(python)]
    numpy = f"numpy=={wanted.numpy}"
    needed = [numpy, *(line for line in packages if not re.match("numpy|torch|triton|nvidia|cuda", line))]
    fixed = environment / "constraints.txt"
    fixed.write_text("".join(f"{k}=={v}\n" for k, v in pins().items() if k not in ("torch", "numpy")))
    if not_pinned := attempt(python, "--constraint", str(fixed), *needed):
        pip(python, "install", "--only-binary=:all:", *needed)
    return [*not_pinned, *attempt(python, "numba", numpy)]


def torch_requires(python: Path) -> list[str]:
    """What torch's metadata ask for, extras left out."""
    code = 'import importlib.metadata as m; print("\\n".join(r for r in m.requires("torch") if "extra ==" not in r))'
    return run(python, "-c", code).stdout.splitlines()


def provide_cuda(python: Path, environment: Path, libraries: Path) -> None:
    """Link CUDA's libraries, those of the newest torch, if torch is not imported without. Raises NotInstalledError."""
    if not run(python, "-c", "import torch").returncode:
        return
    if not libraries.exists():  # one set of gigabytes for all, since nothing here calls them
        partial = libraries.with_name("cuda-partial")
        shutil.rmtree(partial, ignore_errors=True)
        linked = [line for line in torch_requires(python) if line.startswith(("nvidia-", "cuda-toolkit"))]
        linked.append("nvidia-curand")  # of older ones
        pip(python, "install", "--only-binary=:all:", "--target", str(partial), *linked)
        partial.rename(libraries)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "nvidia").symlink_to(libraries / "nvidia")
    if difference := first_difference(run(python, "-c", "import torch")):
        raise NotInstalledError(difference)


def outcome(wanted: Combination, folder: Path) -> dict[str, Any]:
    """The record of one combination."""
    asked = {name: value for name, value in asdict(wanted).items() if name != "interpreter"}
    started = time.monotonic()
    try:
        python = install(wanted, folder)
    except NotInstalledError as reason:
        return {**asked, "not_installed": str(reason)}
    environment = python.parents[1]
    installed = time.monotonic()
    probed = run(python, "-c", PROBE)
    if probed.returncode:
        return {**asked, "not_started": first_difference(probed)}
    found: dict[str, Any] = json.loads(probed.stdout)
    found["not_installed_with_it"] = json.loads((environment / "complete.json").read_text())
    found["checks"] = {}
    for name, (arguments, variables) in CHECKS.items():
        found["checks"][name] = first_difference(run(python, *arguments, **variables)) or "agrees"
    found["seconds"] = {"install": round(installed - started), "check": round(time.monotonic() - installed)}
    return found


def first_difference(done: subprocess.CompletedProcess[str]) -> str:
    """Empty where a check succeeded, else what it said first: of a traceback, the error."""
    lines = [*done.stdout.splitlines()[:1], *done.stderr.splitlines()[-1:], f"exit code {done.returncode}"]
    return lines[0].replace(f"{ROOT}/", "") if done.returncode else ""


def row(found: dict[str, Any]) -> str:
    """One line of the table."""
    versions = f"{found['python']:8}{found['torch']:14}{found['numpy']:8}"
    if "checks" not in found:
        return versions + (found.get("not_started") or f"not installed: {found['not_installed']}")
    agreeing = f"{len(CHECKS) - len(differing(found))} of {len(CHECKS)} checks agree"
    return versions + "; ".join([found["engine"], agreeing, *differing(found)])


def differing(found: dict[str, Any]) -> list[str]:
    """The checks of a row that do not agree, with what they said."""
    return [f"{name}: {answer}" for name, answer in found.get("checks", {}).items() if answer != "agrees"]


def processor() -> str:
    """The processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def interpreters(given: list[str]) -> dict[str, str]:
    """Version and path of each interpreter: those given, or this one and those of pyenv with another minor version."""
    paths = given or [sys.executable]
    if not given and shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        releases = [path for path in Path(root, "versions").iterdir() if re.fullmatch(r"[0-9.]+", path.name)]
        installed = sorted((path for path in releases if number(path.name) >= (3, 11)), key=lambda p: number(p.name))
        others = {number(path.name)[:2]: path for path in installed}
        paths += [str(path / "bin" / "python") for minor, path in others.items() if minor != sys.version_info[:2]]
    code = "import platform; print(platform.python_version())"
    return {run(path, "-c", code).stdout.strip(): path for path in paths}


def main() -> int:
    """Install, check, print and record; 1 if any bits differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", nargs="+", default=[], metavar="PATH", help="default: this one and pyenv's")
    parser.add_argument("--torch", nargs="+", metavar="VERSION", help="default: the newest of each minor version")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the environments there, and use those there")
    options = parser.parse_args()
    found_interpreters = interpreters(options.python)
    any_python = next(iter(found_interpreters.values()))
    torches = options.torch or newest_of_each_minor(available(any_python, "torch", requirement("torch")))
    rows = []
    with tempfile.TemporaryDirectory(prefix="versions-") as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        for wanted in combinations(found_interpreters, sorted(torches, key=number)):
            rows.append(outcome(wanted, folder))
            print(row(rows[-1]), flush=True)
            if not options.keep:
                shutil.rmtree(folder / str(wanted), ignore_errors=True)
    records = hashlib.sha256(b"".join(path.read_bytes() for path in RECORDS)).hexdigest()
    about = {"date": f"{datetime.date.today()}", "processor": processor(), "sha256_of_the_records": records}
    RESULTS.write_text(json.dumps({**about, "combinations": rows}, indent=1) + "\n")
    return int(any("not_started" in found or differing(found) for found in rows))


if __name__ == "__main__":
    sys.exit(main())
