"""The same endings in every environment; results/surroundings.json has what was tried.

    python -m proofs.surroundings [--python PATH ...]

Every module of section I of the attacks and one that uses everything run in a process for each environment of
tests/surroundings/environments.py; where all of them are set at once, in a jailed worker and with each other Python, in
whose environment the project has to be installed, also a whole training with its claim and two verdicts. The exit code
is 1 if anything ends otherwise than here.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import torch

from tests.surroundings.environments import ALL, TOGETHER, Environment
from tests.surroundings.probe import OF_TRAINING

RESULTS: Final = Path(__file__).parent / "results" / "surroundings.json"
PLAIN: Final = Environment()


def answer(run: subprocess.CompletedProcess[str]) -> dict[str, str] | str:
    """The endings that a process prints; or, if it prints none, why not."""
    if run.returncode:
        return f"exit {run.returncode}: {run.stderr.strip()[-300:]}"
    found: dict[str, str] = json.loads(run.stdout)
    return found


def difference(expected: dict[str, str], found: dict[str, str] | str) -> str:
    """What ends otherwise, or nothing."""
    if isinstance(found, str):
        return found
    names = sorted(found.keys() | {name for name in expected if not name.startswith(OF_TRAINING)})
    return "; ".join(f"{n}: {expected.get(n)}, {found.get(n)}" for n in names if expected.get(n) != found.get(n))


def main() -> int:
    """Run the matrix and record it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", default=[], help="another interpreter, with the project installed")
    options = parser.parse_args()
    started = time.monotonic()
    expected = answer(PLAIN.run(("--training",)))
    if isinstance(expected, str):
        sys.exit(expected)
    findings: dict[str, str] = {}
    tried = []
    runs: list[tuple[str, Environment, tuple[str, ...], str]] = [
        (name, environment, ("--training",) if name in TOGETHER else (), sys.executable)
        for name, environment in (TOGETHER | ALL).items()
    ]
    runs.append(("a jailed worker", PLAIN, ("--training", "--isolation", "process"), sys.executable))
    runs += [(_version(path), PLAIN, ("--training",), path) for path in options.python]
    for name, environment, arguments, python in runs:
        found = difference(expected, answer(environment.run(arguments, python)))
        tried.append(name)
        if found:
            findings[name] = found
        print(f"{name}: {found or 'the same'}", flush=True)
    RESULTS.write_text(
        json.dumps(
            {
                "date": f"{datetime.date.today()}", "machine": platform.machine(), "python": platform.python_version(),
                "torch": torch.__version__, "seconds": round(time.monotonic() - started), "modules": len(expected),
                "findings": findings, "environments": tried, "endings": expected,
            },
            indent=1,
        ) + "\n"
    )  # fmt: skip
    return int(bool(findings))


def _version(python: str) -> str:
    command = [python, "-c", "import platform; print(platform.python_version())"]
    return f"Python {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"


if __name__ == "__main__":
    sys.exit(main())
