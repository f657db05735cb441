"""The attacks and the sandbox's tests with other versions, before a pin is moved; results/canary.json has the outcomes.

    python -m proofs.canary [--python PATH] [--torch X] [--restrictedpython X] [--numpy X] [--keep FOLDER]

A version that is not given is the newest. Everything else is as `constraints.txt` says. The virtual environment is
temporary unless it is kept. Needs a package index.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from proofs.versions import (
    DECLARED,
    ROOT,
    NotInstalledError,
    attempt,
    pins,
    pip,
    processor,
    provide_cuda,
    run,
    torch_requires,
)

PACKAGES = ("torch", "RestrictedPython", "numpy")
"""What the sandbox's safety and its bits rest on."""
TESTS = ("tests/arithmetic", "tests/attacks", "tests/fuzzing", "tests/sandbox")
RESULTS = ROOT / "proofs" / "results" / "canary.json"

PROBE = (
    "import importlib.metadata as m, json; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)


def install(interpreter: str, wanted: dict[str, str], environment: Path) -> Path:
    """The interpreter of a new environment with the wanted versions. Raises NotInstalledError."""
    python = environment / "bin" / "python"
    if run(interpreter, "-m", "venv", "--clear", str(environment)).returncode:
        raise NotInstalledError(f"{interpreter} makes no virtual environment")
    packages = [f"{name}=={version}" if version else name for name, version in wanted.items()]
    pip(python, "install", "--only-binary=:all:", "--no-deps", "--upgrade", *packages)
    fixed = environment / "constraints.txt"
    fixed.write_text("".join(f"{name}=={version}\n" for name, version in pins().items() if name not in wanted))
    names = "|".join((*wanted, "triton", "nvidia", "cuda"))
    others = [*DECLARED["project"]["dependencies"], *DECLARED["project"]["optional-dependencies"]["dev"]]
    needed = [*others, *DECLARED["build-system"]["requires"], *torch_requires(python)]
    needed = [line for line in needed if not re.match(names, line)]
    if attempt(python, "--constraint", str(fixed), *needed):
        pip(python, "install", "--only-binary=:all:", *needed)
    pip(python, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    provide_cuda(python, environment, environment.parent / "cuda")
    return python


def tested(python: Path) -> dict[str, Any]:
    """How many tests passed, and those that did not."""
    done = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS)
    counts = re.findall(
        r"(\d+) (passed|failed|errors?|skipped|xfailed)", done.stdout.rpartition("\n=")[2] or done.stdout
    )
    failures = re.findall(r"^(?:FAILED|ERROR) (.*)$", done.stdout, re.MULTILINE)
    return {
        "exit_code": done.returncode,
        "counts": {outcome: int(count) for count, outcome in counts},
        "failures": failures[:50],
        "not_started": [line for line in done.stderr.splitlines() if line][-1:] if not counts else [],
    }


def installed(python: Path) -> dict[str, str]:
    """The versions of everything that is in an environment."""
    found: dict[str, str] = json.loads(run(python, "-c", PROBE).stdout)
    return dict(sorted(found.items()))


def canary(interpreter: str, wanted: dict[str, str], folder: Path) -> dict[str, Any]:
    """The record of one run."""
    version = run(interpreter, "-c", "import platform; print(platform.python_version())").stdout.strip()
    record: dict[str, Any] = {"date": f"{datetime.date.today()}", "processor": processor(), "python": version}
    started = time.monotonic()
    try:
        python = install(interpreter, wanted, folder / "environment")
    except NotInstalledError as reason:
        return {**record, "wanted": wanted, "not_installed": str(reason)}
    record["installed"] = installed(python)
    return {**record, **tested(python), "seconds": round(time.monotonic() - started)}


def commit() -> str:
    """The commit that was tested."""
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def main() -> int:
    """Install, test, print and record; 1 unless every test passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="default: this one")
    for package in PACKAGES:
        parser.add_argument(f"--{package.lower()}", default="", metavar="VERSION", help="default: the newest")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the environment there")
    options = parser.parse_args()
    wanted = {package: getattr(options, package.lower()) for package in PACKAGES}
    with tempfile.TemporaryDirectory(prefix="canary-") as temporary:
        record = canary(options.python, wanted, (options.keep or Path(temporary)).resolve())
    RESULTS.write_text(json.dumps({"commit": commit(), **record}, indent=1) + "\n")
    print(record.get("not_installed") or f"{record['counts']}\n" + "\n".join(record["failures"]))
    return int(record.get("exit_code", 1) != 0)


if __name__ == "__main__":
    sys.exit(main())
