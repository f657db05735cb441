"""The pytest plugin: a fixture that holds the trainings of modules against golden files (docs/golden.md).

It is loaded in every test run where the toolkit is installed. So it imports nothing of ours but how to start a process,
in which everything happens: a test run sees no library, no warning and no random number of ours.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pytest

from tig_verify.origin import command

_WRITTEN: Final = "golden file"
"""The name of what a report carries of a test that wrote one, from the processes of pytest-xdist too."""
_NEW: Final = ("written", "changed")

Scalar = bool | int | float | str | None


@dataclass(frozen=True)
class GoldenTraining:
    """The fixture `golden_training`, a function."""

    folder: Path
    """That of the test's file."""
    is_fill: bool
    properties: list[tuple[str, object]]
    """Of the test."""

    def __call__(
        self,
        *modules: str | Path,
        track: str | Iterable[str],
        nonces: int | Iterable[int] = 0,
        edition: str = "december-2025",
        hyperparameters: Mapping[str, Scalar] | None = None,
        fuel: int | None = None,
        folder: str | Path = "golden",
        ignore_module_digest: bool = False,
        isolation: Literal["process", "none"] = "process",
        jobs: int = 1,
    ) -> None:
        """Train every module on every track and nonce, and fail where a golden file says something else.

        Relative paths begin in the folder of the test's file. With `--golden-fill` the files are written instead.
        """
        tracks = [track] if isinstance(track, str) else list(track)
        numbers = [nonces] if isinstance(nonces, int) else list(nonces)
        done = self._run(
            *(f"--track={each}" for each in tracks),
            f"--nonces={','.join(map(str, numbers))}",
            f"--edition={edition}",
            *(f"-p{name}={json.dumps(value)}" for name, value in (hyperparameters or {}).items()),
            *([] if fuel is None else [f"--fuel={fuel}"]),
            f"--out={folder}",
            f"--isolation={isolation}",
            f"--jobs={jobs}",
            *(["--json"] if self.is_fill else ["--check"]),
            *(["--ignore-module-digest"] if ignore_module_digest and not self.is_fill else []),
            "--",
            *map(str, modules),
        )
        problems = self._filled(done.stdout) if self.is_fill else _differing(done.stdout)
        if done.returncode:
            hint = [] if self.is_fill else ["If that was meant: pytest --golden-fill writes what is computed now."]
            pytest.fail("\n".join([*problems, *done.stderr.splitlines(), *hint]), pytrace=False)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = command("verifier.command_line.main")
        return subprocess.run(
            [*program, "golden", "fill", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _filled(self, out: str) -> list[str]:
        """Tell the summary which files are new; why the others are not written."""
        said = [json.loads(line) for line in out.splitlines()]
        for each in said:
            if each["result"] in _NEW:
                self.properties.append((_WRITTEN, f"{self.folder / each['file']}: {each['result']}"))
        return [f"{each['file']}: {each['reason']}" for each in said if each["reason"]]


@pytest.fixture
def golden_training(request: pytest.FixtureRequest) -> GoldenTraining:
    """Hold trainings against golden files: `golden_training("adam.py", track="n_hidden=2", nonces=range(3))`."""
    is_fill = bool(request.config.getoption("golden_fill"))
    return GoldenTraining(request.path.parent, is_fill, request.node.user_properties)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("golden", "golden files of tig-verify")
    group.addoption("--golden-fill", action="store_true", help="write the golden files of tests instead of comparing")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the golden files that were written."""
    if config.getoption("golden_fill"):
        terminalreporter.section("golden files")
        for line in sorted(_written(terminalreporter)) or ["none is new"]:
            terminalreporter.write_line(line)


def _written(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (str(value) for name, value in report.user_properties if name == _WRITTEN)


def _differing(out: str) -> list[str]:
    """What was said of files that do not agree."""
    return [line for line in out.splitlines() if ": agrees: " not in line]
