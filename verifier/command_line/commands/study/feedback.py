"""`tig-verify study feedback`."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import require_writable, write_file
from verifier.command_line.options.execution_options import Execution, plain_execution_options
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say
from verifier.command_line.trying.plot_files import require_drawing
from verifier.runs.results_table import read_rows
from verifier.runs.row_formats import csv_rows

if TYPE_CHECKING:
    from verifier.command_line.trying.trials import Shortfall
    from verifier.experiments.study.feedback.results import Results
    from verifier.experiments.study.feedback.trials import Scale

STUDY: Final = "feedback"
TABLE: Final = f"{STUDY}.csv"
MAPS: Final = "maps.csv"
_WRITER: Final = f"study {STUDY}"
_BEGINS: Final = f"{STUDY},"


@click.command()
@click.option("--out", "folder", default=STUDY, type=click.Path(path_type=Path), show_default=True,
              help="Folder for the tables, to which every training is added, and the figures.")  # fmt: skip
@click.option(
    "--seeds", type=WholeNumber(2, 1000), help="Trainings of each kind after the sweep. Default: 3, with --quick 2."
)
@click.option("--quick", is_flag=True, help="A tenth of the data and fewer epochs: the figures show little.")
@click.option("--draw", is_flag=True, help="Train nothing: draw and print what the folder has.")
@plain_execution_options
def feedback(folder: Path, seeds: int | None, quick: bool, draw: bool, execution: Execution) -> int:
    """Repeat a thesis on direct feedback alignment, beside backpropagation and lazy features.

    The experiments of D. C. Demirbilek's thesis of 2021, on small networks of the study's own: the parity of digits and
    clusters in many dimensions, rates chosen by a sweep, alignment, four kinds of random matrices, adaptive methods.
    docs/feedback.md says what is different here, and what became of each claim. The digits are scikit-learn's.

    What has been trained is in the folder and is not trained again, so that a call can be stopped at any time. The
    sweep comes first, then what needs its rates, then maps of hidden layers. --limit counts for each of the three; with
    --shard, put the tables of all shards together after each, and call again.

    \b
    Example: tig-verify study feedback --quick
    """
    _require_scikit_learn()
    require_drawing(folder / "figure-2.1.png")
    from verifier.experiments.plots.feedback import pictures
    from verifier.experiments.study.feedback.observations import observations
    from verifier.experiments.study.feedback.trials import FULL, QUICK

    usual = QUICK if quick else FULL
    scale = replace(usual, seeds=seeds or usual.seeds)
    if not draw:
        require_writable(folder, "--out")
        shortfall = _fill(folder, scale, execution)
        if shortfall.missing:
            return shortfall.tell("nothing is drawn; --draw draws a part")
    results = _results(folder, scale)
    for name, png in pictures(results).items():
        write_file(folder / name, png)
        say(f"{folder / name} is drawn")
    say("", *observations(results))
    return DONE


def _fill(folder: Path, scale: Scale, execution: Execution) -> Shortfall:
    """Train the sweep, then what needs its rates, then the maps; what is not whole ends it."""
    from verifier.command_line.trying.study_table import trained
    from verifier.experiments.study.feedback.maps import MapRow, maps
    from verifier.experiments.study.feedback.results import Results
    from verifier.experiments.study.feedback.rows import Row
    from verifier.experiments.study.feedback.trials import experiments, sweep

    layout = csv_rows(Row, _WRITER, _BEGINS)
    rows, shortfall = trained(folder / TABLE, layout, sweep(scale), execution)
    if shortfall.missing:
        return shortfall
    rates = Results(scale, rows, ()).rates
    _, shortfall = trained(folder / TABLE, layout, experiments(rates, scale), execution)
    if not shortfall.missing:
        _, shortfall = trained(folder / MAPS, csv_rows(MapRow, _WRITER, _BEGINS), maps(rates, scale), execution)
    return shortfall


def _results(folder: Path, scale: Scale) -> Results:
    """What the folder has. Raises InputError before the sweep is whole."""
    from verifier.experiments.study.feedback.maps import MapRow, maps
    from verifier.experiments.study.feedback.results import Results
    from verifier.experiments.study.feedback.rows import Row
    from verifier.experiments.study.feedback.trials import sweep

    results = Results(scale, read_rows(folder / TABLE, csv_rows(Row, _WRITER, _BEGINS)), ())
    if missing := len(sweep(scale)) - len(results.swept):
        problem = f"{missing} of {len(sweep(scale))} trainings of the sweep are missing, and nothing is drawn before it"
        raise InputError(f"{folder / TABLE}: {problem}; leave out --draw")
    if not (folder / MAPS).exists():
        return results
    mapped = read_rows(folder / MAPS, csv_rows(MapRow, _WRITER, _BEGINS))
    wanted = [mapped[trial.key] for trial in maps(results.rates, scale) if trial.key in mapped]
    return replace(results, maps=wanted)


def _require_scikit_learn() -> None:
    """Raises InputError."""
    if find_spec("sklearn") is None:
        raise InputError("the digits need scikit-learn, which is not installed: pip install 'tig-verify[studies]'")
