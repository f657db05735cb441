"""The numbers of the study of the loop, as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from verifier.experiments.statistics import CONFIDENCE, Interval, Mean, mean_interval, mean_of
from verifier.experiments.study.loop.rows import Rates, Row
from verifier.experiments.study.loop.settings import (
    CONTEST,
    Setting,
    Value,
    differences,
    epochs_of,
    outcomes,
    quality_of,
    seconds_of,
)
from verifier.experiments.study.loop.trials import PATIENCES


def observations(rows: Sequence[Row]) -> list[str]:
    """What the rows tell about batches, with rates kept and scaled, and about patience."""
    numbers = sorted({row.batches for row in rows})
    parts = {
        f"Batches an epoch, patience {CONTEST.patience}, rates kept": {
            f"{each:3} batches": Setting(batches=each) for each in numbers
        },
        "The same with rates in proportion to the points of a batch": {
            f"{each:3} batches": Setting(batches=each, rates=Rates.SCALED) for each in numbers
        },
        f"Patience, {CONTEST.batches} batches": {f"patience {each:3}": Setting(patience=each) for each in PATIENCES},
    }
    lines: list[str] = []
    for title, settings in parts.items():
        lines += [*([""] if lines else []), title, *_table(rows, settings)]
    return lines


def _table(rows: Sequence[Row], settings: Mapping[str, Setting]) -> Iterator[str]:
    """For each optimiser and depth, and for all together, a line for each setting."""
    names = list(dict.fromkeys(row.optimiser for row in rows))
    for name in names:
        for n_hidden in sorted({row.n_hidden for row in rows}):
            yield f"  {name}, L = {n_hidden}"
            here = [row for row in rows if row.optimiser == name and row.n_hidden == n_hidden]
            for label, setting in settings.items():
                if outcomes(here, setting):
                    yield f"    {label}: {_line(here, setting)}"
    yield "  All optimisers together: means by instance, compared with the contest's"
    for label, setting in settings.items():
        if not setting.is_contest and (line := _together(rows, names, setting)):
            yield f"    {label}: {line}"


def _line(rows: Sequence[Row], setting: Setting) -> str:
    found, contest = outcomes(rows, setting), outcomes(rows, CONTEST)
    quality, epochs = (mean_of(map(value, found.values())) for value in (quality_of, epochs_of))
    best, seconds, fuel = (
        fmean(map(value, found.values()))
        for value in (lambda each: each.best.epoch, seconds_of, lambda each: each.fuel_used)
    )
    compared = list(differences(found, contest, quality_of).values()) if not setting.is_contest else []
    cells = [
        f"quality {_mean(quality, '.3f')}",
        *([f"less the contest's {_shown(mean_interval(compared), '+.3f')}"] if compared else []),
        f"T {_mean(epochs, '.0f')}",
        f"best epoch {best:.0f}",
        f"{seconds:.2f} s, {1e3 * seconds / epochs.mean:.1f} ms an epoch",
        f"{fuel / 1e6:.0f} million fuel",
    ]
    return "; ".join(cells)


def _together(rows: Sequence[Row], names: Sequence[str], setting: Setting) -> str:
    """Over the instances, which are the independent draws, of means over the optimisers."""
    qualities = _by_instance(rows, names, setting, quality_of)
    if not qualities:
        return ""
    logarithms = _by_instance(rows, names, setting, lambda each: math.log(max(each.epochs, 1)))
    lower = sum(value < 0.0 for value in qualities)
    middle = mean_interval(logarithms)
    ratio = Interval(*map(math.exp, (middle.mean, middle.low, middle.high)))
    return (
        f"quality {_shown(mean_interval(qualities), '+.3f')}, lower on {lower} of {len(qualities)}; "
        f"T times {_shown(ratio, '.2f')}"
    )


def _by_instance(rows: Sequence[Row], names: Sequence[str], setting: Setting, value: Value) -> list[float]:
    """The differences to the contest's, of those instances that every optimiser has been trained on."""
    of_each = []
    for name in names:
        mine = [row for row in rows if row.optimiser == name]
        of_each.append(differences(outcomes(mine, setting), outcomes(mine, CONTEST), value))
    common = set.intersection(*map(set, of_each))
    return [fmean(found[instance] for found in of_each) for instance in sorted(common)]


def _mean(mean: Mean, layout: str) -> str:
    """With its standard error, which a single value has not."""
    return f"{mean.mean:{layout}}" + ("" if math.isnan(mean.error) else f" ± {mean.error:{layout}}")


def _shown(interval: Interval, layout: str) -> str:
    ends = f"{interval.low:{layout}} to {interval.high:{layout}}" if interval.is_known else "unknown"
    return f"{interval.mean:{layout}} ({CONFIDENCE:.0%}: {ends})"
