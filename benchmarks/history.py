"""The figures of earlier runs of `benchmarks.step`: a line of JSON for each run that was recorded."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Hashable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.figure import Figure, Figures
from verifier.machine.processor import kind_of_machine
from verifier.runs.results_table import ResultsTable, RowFault, RowFormat, read_rows
from verifier.runs.row_formats import json_object

HISTORY: Final = Path(__file__).parent / "history.jsonl"


@dataclass(frozen=True)
class Run:
    """One run of the benchmark."""

    date: str
    """In UTC, as 2026-11-30T09:40:12Z."""
    commit: str
    """With a + where files differ from it."""
    machine: str
    """The kind of machine, in words."""
    versions: dict[str, str]
    """Of Python, and of the libraries that compute."""
    engine: str
    """What the network was computed with."""
    rounds: int
    figures: Figures

    @property
    def key(self) -> Hashable:
        """A machine makes one run at a time."""
        return self.date, self.machine

    @classmethod
    def of_this_machine(cls, engine: str, versions: dict[str, str], rounds: int, figures: Figures) -> Run:
        """A run that ends now, on the working tree that is checked out."""
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return cls(date, _commit(), kind_of_machine(), versions, engine, rounds, figures)


def add(run: Run, path: Path = HISTORY) -> None:
    """Append a run. Raises InputError."""
    with ResultsTable(path, FORMAT) as table:
        table.add(run)


def last_alike(run: Run, path: Path = HISTORY) -> Run | None:
    """The last recorded run on a machine of the same kind. Raises InputError for a file with anything else in it."""
    runs = read_rows(path, FORMAT).values() if path.exists() else ()
    return max((each for each in runs if each.machine == run.machine), key=lambda each: each.date, default=None)


def comparison(earlier: Run, run: Run) -> Iterator[str]:
    """How each figure has changed; a word where the middle halves of the rounds do not even touch."""
    yield f"since {earlier.date} (commit {earlier.commit}, engine {earlier.engine}), on the same kind of machine:"
    for name, now in run.figures.items():
        then = earlier.figures.get(name)
        if then is None or then.unit != now.unit:
            yield f"  {name}: {now.median:g} {now.unit}".rstrip() + ", new"
            continue
        word = ", less" if now.high < then.low else ", more" if now.low > then.high else ""
        change = now.median / then.median - 1.0
        yield f"  {name}: {then.median:g} -> {now.median:g} {now.unit}".rstrip() + f" ({change:+.1%}{word})"


def _written(run: Run) -> str:
    return json.dumps(asdict(run))


def _read(line: str) -> Run:
    """A run from its line. Raises RowFault."""
    values = _checked("the line", json_object(line), Run)
    figures = {name: _figure(name, each) for name, each in values.pop("figures").items()}
    for name, text in values["versions"].items():
        _require(f"versions.{name}", text, str)
    return Run(**values, figures=figures)


def _figure(name: str, value: object) -> Figure:
    figure = Figure(**_checked(name, value, Figure))
    if not 0.0 < figure.low <= figure.median <= figure.high:
        raise RowFault(f"{name}: expected 0 < low <= median <= high")
    return figure


_KINDS: Final[dict[type, dict[str, type]]] = {
    Run: {"date": str, "commit": str, "machine": str, "versions": dict, "engine": str, "rounds": int, "figures": dict},
    Figure: {"unit": str, "low": float, "median": float, "high": float},
}


def _checked(where: str, value: object, made: type) -> dict[str, Any]:
    kinds = _KINDS[made]
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        raise RowFault(f"{where}: expected an object of {', '.join(kinds)}")
    for name, kind in kinds.items():
        _require(f"{where}: {name}", value[name], kind)
    return value


def _require(where: str, value: object, kind: type) -> None:
    if type(value) is not kind:
        raise RowFault(f"{where}: expected {kind.__name__}")


FORMAT: Final = RowFormat("python -m benchmarks.step --record", _written, _read, begins='{"date": ')


def _commit() -> str:
    """The commit that is checked out; what is recorded here does not count as a change."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "..", f":!{HISTORY.name}")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*arguments: str) -> str:
    folder = str(HISTORY.parent)
    return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True).stdout.strip()
