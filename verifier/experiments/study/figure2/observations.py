"""The numbers behind the papers' observations on Figure 2 (April 2025, section 5; December, 6), as lines of text."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from statistics import fmean, median

from protocol.claim import StopReason
from verifier.experiments.statistics import CONFIDENCE, Interval, Mean, mean_interval
from verifier.experiments.study.figure2.aggregates import Value, by_depth, paired
from verifier.experiments.study.figure2.rows import Row

SGD, MOMENTUM, NESTEROV, ADAM = "SGD", "momentum", "Nesterov", "Adam"
DEEP = 8
"""Depths from here on are called deep."""
EARLY = 15
"""Best epochs up to here are called early: the running means of batch norm are still far from those of the batches."""


def observations(rows: Sequence[Row]) -> list[str]:
    """The evidence of the rows on each observation that they tell something about."""
    names = {row.optimiser for row in rows}
    sections = {
        "Test error by depth; in brackets, without the squared mean of the residual (centred)": _errors(rows),
        "Depth with the lowest mean test error; in brackets, with the lowest centred one": _best_depths(rows),
        "Deeper networks need more than SGD: SGD's test error less that of": _sgd_less(rows, names),
        "Momentum and Nesterov stop earlier: epochs T as multiples of SGD's": _epochs(rows, names),
        "Adam does not generalise best: its test error for L > 1 less that of": _adam_less(
            [row for row in rows if row.n_hidden > 1], names
        ),
        "Adam is best at L = 1: its test error there less that of": _adam_less(
            [row for row in rows if row.n_hidden == 1], names
        ),
        "alpha = 4 leaves a margin: test errors below 4 x noise": _margins(rows),
        f"Best epochs up to {EARLY}, by the squared mean of the targets that no network reaches": _early(rows),
    }
    lines: list[str] = []
    for title, body in sections.items():
        if body:
            lines += [*([""] if lines else []), title, *(f"  {line}" for line in body)]
    return lines


def _names(rows: Iterable[Row]) -> list[str]:
    return list(dict.fromkeys(row.optimiser for row in rows))


def _of(rows: Iterable[Row], name: str) -> list[Row]:
    return [row for row in rows if row.optimiser == name]


def _errors(rows: Sequence[Row]) -> list[str]:
    """A line for each optimiser: means over sizes and instances at each depth."""
    lines = []
    for name in _names(rows):
        errors = by_depth(_of(rows, name), lambda row: row.test_error)
        centred = by_depth(_of(rows, name), lambda row: row.centred_error)
        cells = [f"L={depth} {error.mean:.4f} ({centred[depth].mean:.4f})" for depth, error in errors.items()]
        lines.append(f"{name:9}{'  '.join(cells)}")
    return lines


def _best_depths(rows: Sequence[Row]) -> list[str]:
    if len({row.n_hidden for row in rows}) == 1:
        return []
    lines = []
    for n_data in sorted({row.n_data for row in rows}):
        here = [row for row in rows if row.n_data == n_data]
        cells = []
        for name in _names(rows):
            errors = by_depth(_of(here, name), lambda row: row.test_error)
            centred = by_depth(_of(here, name), lambda row: row.centred_error)
            if errors:
                best, least = map(_best, (errors, centred))
                cells.append(f"{name} {best} ({least})")
        lines.append(f"N={n_data}: {', '.join(cells)}")
    return lines


def _best(means: Mapping[int, Mean]) -> str:
    """The depth with the lowest mean, if one is finite."""
    depth = min(means, key=lambda depth: means[depth].mean)
    return str(depth) if math.isfinite(means[depth].mean) else "none"


def _sgd_less(rows: Sequence[Row], names: Collection[str]) -> list[str]:
    bands = {
        "L = 1": range(1, 2), f"L = 2 to {DEEP - 1}": range(2, DEEP), f"L from {DEEP} on": range(DEEP, 65)
    }  # fmt: skip
    return [
        f"{other}, {band}: {text}"
        for other in _names(rows)
        if other != SGD and SGD in names
        for band, depths in bands.items()
        if (text := _difference([row for row in rows if row.n_hidden in depths], SGD, other))
    ]


def _adam_less(rows: Sequence[Row], names: Collection[str]) -> list[str]:
    return [
        f"{other}: {text}"
        for other in _names(rows)
        if other != ADAM and ADAM in names and (text := _difference(rows, ADAM, other))
    ]


def _difference(rows: Sequence[Row], name: str, other: str) -> str:
    """The mean paired differences of test errors, also centred, with their intervals; empty without pairs."""
    texts = []
    for value in (lambda row: row.test_error, lambda row: row.centred_error):
        differences = list(paired(rows, name, other, value).values())
        if not differences:
            return ""
        lower = sum(difference < 0.0 for difference in differences)
        counted = f"lower on {lower} of {len(differences)} instances"
        if all(map(math.isfinite, differences)):
            interval = mean_interval(differences)
            texts.append(f"{interval.mean:+.4f} ({_between(interval, '+.4f')}; {counted})")
        else:  # a mean of the others would favour who diverged
            texts.append(f"unknown ({_diverged(rows, name, value)}, {_diverged(rows, other, value)}; {counted})")
    return ", centred ".join(texts)


def _between(interval: Interval, layout: str) -> str:
    ends = f"{interval.low:{layout}} to {interval.high:{layout}}" if interval.is_known else "unknown"
    return f"{CONFIDENCE:.0%}: {ends}"


def _diverged(rows: Sequence[Row], name: str, value: Value) -> str:
    mine = _of(rows, name)
    return f"{name} infinite on {sum(math.isinf(value(row)) for row in mine)} of {len(mine)}"


def _epochs(rows: Sequence[Row], names: Collection[str]) -> list[str]:
    if SGD not in names:
        return []
    lines = []
    for other in _names(rows):
        pairs = paired(rows, other, SGD, lambda row: math.log(max(row.epochs, 1)))
        if other != SGD and pairs:
            interval = mean_interval(list(pairs.values()))
            ratio = Interval(*map(math.exp, (interval.mean, interval.low, interval.high)))
            fewer = sum(pair < 0.0 for pair in pairs.values())
            lines.append(
                f"{other}: {ratio.mean:.2f} ({_between(ratio, '.2f')}; geometric), "
                f"fewer on {fewer} of {len(pairs)} instances"
            )
    for name in _names(rows):
        mine = _of(rows, name)
        limited = sum(row.stop_reason != StopReason.EARLY_STOPPING for row in mine)
        lines.append(
            f"{name}: {fmean(row.epochs for row in mine):.0f} epochs on average, "
            f"{limited} of {len(mine)} not ended by early stopping"
        )
    return lines


def _margins(rows: Sequence[Row]) -> list[str]:
    bands = {"L = 1": range(1, 2), "L = 2": range(2, 3), "L > 2": range(3, 65)}
    lines = []
    for band, depths in bands.items():
        here = [row for row in rows if row.n_hidden in depths]
        solvable = [row for row in here if row.floor <= row.threshold]
        if not here:
            continue
        below = sum(row.test_error < row.threshold for row in here)
        also = sum(row.test_error < row.threshold for row in solvable)
        ratio = median(row.test_error / row.noise for row in here)
        lines.append(
            f"{band}: {below} of {len(here)}; of those on solvable instances {also} of {len(solvable)}; "
            f"median {ratio:.2f} x noise"
        )
        for name in _names(here):
            mine = [row for row in solvable if row.optimiser == name]
            if mine:
                worst = max(row.test_error / row.noise for row in mine)
                passed = sum(row.test_error < row.threshold for row in mine)
                lines.append(f"  {name}, solvable: {passed} of {len(mine)}, at most {worst:.2f} x noise")
    return lines


def _early(rows: Sequence[Row]) -> list[str]:
    """For each size of the squared mean, how often training is at its best when it has hardly begun."""
    bands: dict[str, Callable[[Row], bool]] = {
        "up to the noise": lambda row: row.floor <= row.noise,
        "from there to the threshold": lambda row: row.noise < row.floor <= row.threshold,
        "above the threshold": lambda row: row.floor > row.threshold,
    }
    lines = []
    for band, is_in in bands.items():
        here = [row for row in rows if is_in(row)]
        early = [row for row in here if row.best_epoch <= EARLY]
        if not early:
            lines += [f"{band}: 0 of {len(here)}"] if here else []
            continue
        below = sum(row.test_error < row.noise + row.floor for row in early)
        errors = [_centred(early), *([_centred(late)] if (late := [row for row in here if row not in early]) else [])]
        lines.append(
            f"{band}: {len(early)} of {len(here)}; {below} of them have a test error below noise + squared mean; "
            f"median centred error {' instead of '.join(errors)}"
        )
    return lines


def _centred(rows: Sequence[Row]) -> str:
    return f"{median(row.centred_error for row in rows):.4f}"
