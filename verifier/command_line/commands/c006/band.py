"""`tig-verify c006 band`."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.optimiser import Scalar
from verifier.challenge.editions import DECEMBER_2025
from verifier.challenge.errors import InputError
from verifier.command_line.commands.c006.instance import InstanceOptions, instance_options
from verifier.command_line.exit_codes import DONE, REJECTED
from verifier.command_line.files import read_module
from verifier.command_line.options.choice_options import Hyperparameter
from verifier.command_line.options.execution_options import Execution, local_execution_options
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import json_text, say
from verifier.command_line.text_table import number_text
from verifier.experiments.quality_band import CONFIDENCE, FEWEST, Band, Judgement, Position

if TYPE_CHECKING:
    from verifier.c006.repeated_training import Repetition

_MOST_RUNS = 1000
_LEAST_TAIL = 1e-12  # what 1 - P can still resolve

_CAVEAT = (
    "A band is statistics: it cannot prove fraud. It holds for this optimiser with these hyperparameters; a quality "
    "above it may come from a better optimiser."
)

_FUEL = DECEMBER_2025.max_fuel_budget
_MOST_FUEL = 2**63 - 1


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@instance_options
@click.option("--runs", type=WholeNumber(FEWEST, _MOST_RUNS), default=8, show_default=True,
              help="Trainings, each from other initial weights.")  # fmt: skip
@click.option("--reported", type=WholeNumber(-10_000_000, 1_000_000), help="A quality to judge by the band.")
@click.option("-p", "--hyperparameter", "overrides", multiple=True, type=Hyperparameter(),
              help="Override of one of the module's HYPERPARAMETERS; may be repeated.")  # fmt: skip
@click.option("--fuel", "fuel_budget", type=WholeNumber(1, _MOST_FUEL, "1e9", "FUEL"),
              default=_FUEL, show_default=number_text(_FUEL),
              help="Fuel budget of a run, such as 1e9, in this toolkit's units.")  # fmt: skip
@local_execution_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each run, then one for the band.")
def band(
    optimiser: Path, instance: InstanceOptions, runs: int, reported: int | None,
    overrides: tuple[tuple[str, Scalar], ...], fuel_budget: int, execution: Execution, as_json: bool,
) -> int:  # fmt: skip
    """Train OPTIMISER on an instance of the live network, many times, for the range of quality it reaches.

    Each run is the network's own training loop on a CPU, from other initial weights: on the network these depend on a
    device address, not on the instance. A reported quality inside the range is unsuspicious. Outside of it and of the
    99 % prediction interval the exit code is 1: a reason to look closer, no proof. A band holds for this optimiser
    with these hyperparameters, and a quality above it may come from a better one.

    A run may end without a solution; then it is counted, and the band is that of the others. One run, or runs that all
    agree, give no interval: nothing is judged.

    Training is chaotic: rounding alone spreads the qualities about as far as other initial weights do, so the runs of
    another machine, and of the network's GPU, are others. Eight runs are few; more of them narrow the interval.

    The gradient is that of the sum of a batch's 256 squared errors, as on the network: Adam hardly notices; for plain
    gradient descent the same step takes a learning rate 256 times smaller than with the mean.

    \b
    Example: tig-verify c006 band adam.py --seed 4c44..11ca --track n_hidden=4 --reported 812345 --jobs 2
    """
    from verifier.c006.repeated_training import LiveTask, repetitions
    from verifier.command_line.trying.trials import require_dialect, results

    named = instance.resolve()
    module = read_module(optimiser)
    trials = repetitions(LiveTask(named.seed, named.n_hidden, optimiser, module, dict(overrides), fuel_budget), runs)
    require_dialect({optimiser: module}, execution.isolation)
    done = []
    with Progress("training", runs) as progress, closing(results(trials, execution, progress)) as repeated:
        for repetition in repeated:
            done.append(repetition)
            progress.echo(_run_as_json(repetition) if as_json else _run_as_text(repetition))
    found = _band(optimiser, done)
    judgement = None if reported is None else found.judge(reported)
    unsolved = len(done) - len(found.qualities)
    if as_json:
        say(_as_json(found, unsolved, judgement))
    else:
        say(*_as_text(found, unsolved), *_judged(found, reported, judgement), _CAVEAT)
    return REJECTED if judgement is not None and judgement.position is Position.OUTSIDE else DONE


def _band(optimiser: Path, done: list[Repetition]) -> Band:
    qualities = tuple(run.quality for run in sorted(done, key=lambda run: run.number) if run.quality is not None)
    if not qualities:
        raise InputError(
            f"{optimiser}: {len(done)} of {len(done)} runs ended without a solution, which leaves no "
            "band; check the learning rate (-p) and the fuel (--fuel), or ask for more --runs"
        )
    return Band(qualities)


def _run_as_text(run: Repetition) -> str:
    if run.quality is None:
        return f"run {run.number}: no solution, as no epoch improved ({run.stop_reason} after {run.epochs} epochs)"
    return (
        f"run {run.number}: quality {run.quality:,} after {run.epochs} epochs ({run.stop_reason}, best "
        f"{run.best_epoch}), validation loss {number_text(run.validation_loss)}, {number_text(run.seconds)} s"
    )


def _as_text(found: Band, unsolved: int) -> list[str]:
    count = len(found.qualities)
    lines = [
        f"quality of {count} run{'s' if count > 1 else ''}: {found.lowest:,} to {found.highest:,}, "
        f"median {found.median:,.0f}, mean {found.mean:,.0f}, "
        f"standard deviation {'unknown' if count == 1 else f'{found.deviation:,.0f}'}"
    ]
    if unsolved:
        lines.append(f"{unsolved} of {count + unsolved} runs ended without a solution; the figures are of the others")
    if found.interval is None:
        return [*lines, f"no prediction interval: {found.why_no_interval}; ask for more --runs"]
    low, high = found.interval
    return [
        *lines,
        f"one more run: outside that range in {found.outside_range:.0%} of cases, "
        f"in {low:,.0f} to {high:,.0f} in {CONFIDENCE:.0%} if qualities are spread normally",
    ]


def _judged(found: Band, reported: int | None, judgement: Judgement | None) -> list[str]:
    if reported is None:
        return []
    if judgement is None:
        return [f"reported {reported:,}: not judged, as there is no prediction interval"]
    return [f"reported {reported:,}: {_TEXTS[judgement.position]}; {_distance(judgement)}"]


_TEXTS = {
    Position.WITHIN: "within the range of the runs",
    Position.NEAR: f"outside the range of the runs, inside the {CONFIDENCE:.0%} prediction interval",
    Position.OUTSIDE: f"outside the range of the runs and the {CONFIDENCE:.0%} prediction interval",
}


def _distance(judgement: Judgement) -> str:
    side = "above" if judgement.deviations > 0 else "below"
    tail = f"{judgement.tail:.2g}" if judgement.tail > _LEAST_TAIL else f"less than {_LEAST_TAIL:g}"
    return (
        f"{abs(judgement.deviations):.1f} standard deviations {side} the mean; an honest run is as far out with "
        f"probability {tail}"
    )


def _run_as_json(run: Repetition) -> str:
    return json_text({**asdict(run), "validation_loss": _finite(run.validation_loss), "seconds": round(run.seconds, 3)})


def _as_json(found: Band, unsolved: int, judgement: Judgement | None) -> str:
    return json_text(
        {
            "qualities": found.qualities,
            "without_solution": unsolved,
            "lowest": found.lowest,
            "highest": found.highest,
            "median": found.median,
            "mean": found.mean,
            "deviation": _finite(found.deviation),
            "outside_range": found.outside_range,
            "confidence": CONFIDENCE,
            "interval": found.interval,
            "reported": judgement and asdict(judgement),
        }
    )


def _finite(value: float) -> float | None:
    """JSON has no infinity."""
    return value if math.isfinite(value) else None
