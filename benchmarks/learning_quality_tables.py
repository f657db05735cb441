"""The results of `learning_quality.py` and the tables of their paired differences.

A *cell* is a depth with a method. `n` instances, `C` cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from verifier.experiments.row_checks import LARGEST, SMALLEST, require_between
from verifier.experiments.statistics import mean_interval
from verifier.runs.results_table import read_rows
from verifier.runs.row_formats import json_rows

Cell = tuple[int, str]
Measure = Callable[["Run"], float]

MARGIN = 0.05
"""The relative rise of the error that would matter, fixed before the results were known."""


@dataclass(frozen=True)
class Run:
    """One training: a line of the results."""

    instance: int
    n_hidden: int
    method: str
    arm: str
    epochs: int
    learning_rate: float
    best_epoch: int
    validation_loss: float
    error_f: float
    """Mean squared error against the noiseless function on the 250 test points."""
    error_y: float
    """The same against the noisy targets."""
    seconds: float
    """By the clock on the wall: what else the machine did is in it."""

    def __post_init__(self) -> None:
        for name in ("error_f", "error_y"):
            require_between(name, getattr(self, name), SMALLEST, LARGEST)

    @property
    def key(self) -> tuple[int, int, str, str]:
        """What makes a run one of its own."""
        return self.instance, self.n_hidden, self.method, self.arm


FORMAT: Final = json_rows(Run, "this benchmark")


def read_runs(path: Path) -> list[Run]:
    """All complete lines of the results; none if there is no file. Raises InputError for anything else in it."""
    if not path.exists():
        return []
    return list(read_rows(path, FORMAT).values())


@dataclass(frozen=True)
class Difference:
    """The mean of paired differences, one for each instance, and the half-width of its 95 % interval."""

    n: int
    mean: float
    half_width: float
    """Infinite or a NaN where instances are too few or all equal."""

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.half_width)

    @property
    def percent(self) -> str:
        """Of logarithms of ratios: the ratio of the geometric means less one."""
        if not self.is_known:
            return "unknown"
        low, mean, high = ((math.exp(self.mean + sign * self.half_width) - 1) * 100 for sign in (-1, 0, 1))
        return f"{mean:+.2f} % [{low:+.2f}, {high:+.2f}]"

    @property
    def thousandths(self) -> str:
        """Of errors, in units of 0.001."""
        if not self.is_known:
            return "unknown"
        low, high = self.mean - self.half_width, self.mean + self.half_width
        return f"{self.mean * 1000:+.2f} [{low * 1000:+.2f}, {high * 1000:+.2f}]"


@dataclass(frozen=True)
class Comparison:
    """An arm against a reference; only instances that both have finished in all of the cells count."""

    arm: dict[tuple[int, Cell], Run]
    reference: dict[tuple[int, Cell], Run]
    cells: tuple[Cell, ...]

    def differences(self, measure: Measure) -> NDArray[np.float64]:
        """Measure of the arm less measure of the reference [n, C]."""
        both = self.arm.keys() & self.reference.keys()
        instances = [i for i in sorted({i for i, _ in both}) if all((i, cell) in both for cell in self.cells)]
        rows = [
            [measure(self.arm[i, cell]) - measure(self.reference[i, cell]) for cell in self.cells] for i in instances
        ]
        return np.array(rows).reshape(len(rows), len(self.cells))

    def difference(self, measure: Measure) -> Difference:
        """Instances are the independent draws: each counts once, with the mean of its cells."""
        means = self.differences(measure).mean(axis=1)
        n = len(means)
        if n < 3:
            return Difference(n, math.nan, math.nan)
        interval = mean_interval(means.tolist())
        return Difference(n, interval.mean, interval.high - interval.mean)


def log_error(run: Run) -> float:
    """The logarithm of the error against the noiseless function."""
    return math.log(run.error_f)


def log_error_y(run: Run) -> float:
    """The logarithm of the error against the noisy targets."""
    return math.log(run.error_y)


def error(run: Run) -> float:
    """The error against the noiseless function."""
    return run.error_f


class Report:
    """The tables of a study: arms are compared with the references on runs of the same instance, depth and method.

    The first arm is the one in question.
    """

    def __init__(self, runs: Iterable[Run], arms: tuple[str, ...], references: tuple[str, ...]) -> None:
        self._arms, self._references = arms, references
        self._runs: dict[str, dict[tuple[int, Cell], Run]] = {arm: {} for arm in arms}
        for run in runs:
            self._runs[run.arm][run.instance, (run.n_hidden, run.method)] = run
        everything = [run for of_arm in self._runs.values() for run in of_arm.values()]
        self._depths = sorted({run.n_hidden for run in everything})
        self._methods = sorted({run.method for run in everything})
        self._cells = tuple(product(self._depths, self._methods))
        self._count = len(everything)

    def markdown(self) -> str:
        """All tables."""
        parts = [f"{self._count} runs.", self._outcome(), self._pooled()]
        parts += [self._by_cell(reference) for reference in self._references]
        return "\n\n".join([*parts, self._levels()])

    def pooled(self, arm: str, reference: str) -> Comparison:
        """An arm against a reference over all cells."""
        return self._compare(arm, reference, self._cells)

    def _compare(self, arm: str, reference: str, cells: tuple[Cell, ...]) -> Comparison:
        return Comparison(self._runs[arm], self._runs[reference], cells)

    def _outcome(self) -> str:
        """The answer to the question, for the arm in question."""
        lines = []
        for reference in self._references:
            pooled = self._compare(self._arms[0], reference, self._cells).difference(log_error)
            if not pooled.is_known:
                lines.append(
                    f"- `{self._arms[0]}` against `{reference}`: n = {pooled.n}: too few paired instances, or no "
                    "spread, to say anything."
                )
                continue
            chance = "a difference beyond chance" if abs(pooled.mean) > pooled.half_width else "nothing beyond chance"
            kept = "within" if pooled.mean + pooled.half_width < math.log(1 + MARGIN) else "not shown to be within"
            lines.append(
                f"- `{self._arms[0]}` against `{reference}`: {pooled.percent}, n = {pooled.n}: {chance}; "
                f"a cost is {kept} the margin of {MARGIN * 100:.0f} %."
            )
        return "\n".join(lines)

    def _pooled(self) -> str:
        """Every arm against every reference, over all cells."""
        rows = []
        for reference, arm in product(self._references, self._arms):
            if arm == reference:
                continue
            pair = self._compare(arm, reference, self._cells)
            logs, relative = pair.differences(log_error), pair.difference(log_error)
            wins = f"{(logs < 0).mean() * 100:.0f} %" if logs.size else "-"
            spread = f"{math.sqrt(logs.var(axis=0, ddof=1).mean()) * 100:.1f} %" if len(logs) > 2 else "-"
            noisy, absolute = pair.difference(log_error_y).percent, pair.difference(error).thousandths
            rows.append([arm, reference, str(relative.n), relative.percent, absolute, noisy, spread, wins])
        heads = ["arm", "reference", "n", "error against f", "the same · 1000", "error against y", "spread", "better"]
        return _table("All depths and methods", heads, rows)

    def _by_cell(self, reference: str) -> str:
        """The relative differences to one reference, by depth, by method and by cell."""
        groups = [(f"n_hidden {d}", tuple(c for c in self._cells if c[0] == d)) for d in self._depths]
        groups += [(m, tuple(c for c in self._cells if c[1] == m)) for m in self._methods]
        groups += [(f"n_hidden {cell[0]}, {cell[1]}", (cell,)) for cell in self._cells]
        arms = [arm for arm in self._arms if arm != reference]
        rows = []
        for name, cells in groups:
            differences = [self._compare(arm, reference, cells).difference(log_error) for arm in arms]
            rows.append([name, str(min(d.n for d in differences)), *(d.percent for d in differences)])
        return _table(f"Error against f, relative to `{reference}`", ["", "n", *arms], rows)

    def _levels(self) -> str:
        """The geometric means of the errors against f."""
        rows = []
        for cell in self._cells:
            logs = [[log_error(run) for (_, c), run in self._runs[arm].items() if c == cell] for arm in self._arms]
            means = [f"{math.exp(np.mean(of_arm)):.4f}" if of_arm else "-" for of_arm in logs]
            rows.append([f"n_hidden {cell[0]}, {cell[1]}", *means])
        return _table("Geometric mean of the error against f", ["", *self._arms], rows)


def _table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return f"**{title}**\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)
