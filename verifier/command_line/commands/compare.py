"""`tig-verify compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from verifier.command_line.options.candidates import Candidate, CandidatesCommand, candidates_options, require_trainable
from verifier.command_line.options.choice_options import fuel_option
from verifier.command_line.options.execution_options import Execution, execution_options, require_kept
from verifier.command_line.options.instance_options import Instances, tracks_options
from verifier.command_line.terminal import say
from verifier.command_line.trying.plot_files import Picture, require_drawing, write_picture

if TYPE_CHECKING:
    from verifier.command_line.trying.comparison_report import ComparedTrack
    from verifier.command_line.trying.trials import Shortfall
    from verifier.experiments.comparison_trials import Row, Trial
    from verifier.runs.results_table import ResultsTable

_CAPTION: Final = (
    "Left: the quality of every training. Right: by nonce, the quality less that of the first optimiser, the mean "
    "difference and its 95 % confidence interval (Student's, for paired differences, each for itself). Excess is the "
    "test loss above the floor, in thresholds, on solvable nonces. The baseline is kernel regression on the training "
    "points, tested on the same points as each training."
)


@click.command(cls=CandidatesCommand)
@candidates_options
@tracks_options
@fuel_option
@execution_options
@click.option("-o", "--out", type=click.Path(path_type=Path),
              help="Append every training to this file as JSON, and skip those that it has.")  # fmt: skip
@click.option("--plot", type=click.Path(path_type=Path), help="Draw qualities and differences: a .png or a .html.")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object for each optimiser and track.")
def compare(
    candidates: list[Candidate], tracks: list[Instances], fuel: int | None, execution: Execution,
    out: Path | None, plot: Path | None, in_json: bool,
) -> int:  # fmt: skip
    """Train OPTIMISERS on the same nonces and compare each with the first one, nonce by nonce.

    -p before the first optimiser is for all, and after one for that one; the same file may be named again with other
    values. Each --track gets a table of its own. One optimiser alone has a table without differences.

    A module that fails on a nonce is told at once, and the others go on. The table then says on how many nonces it has
    a result, and why the others failed; its differences are over the nonces that both have. With --out every training
    is kept, with its losses, and none is done again; --deadline and --limit need it. After --shard, put the files of
    all shards into one, and call without it. What --out kept is refused where two lines disagree, or a line is none
    that a training can have. `tig-verify report` makes a page of it.

    Exit code 4 if --deadline or --limit left trainings, else 2 if a module failed, else 3 if a process or the machine
    did.

    Of the difference in quality, a mean and its 95 % confidence interval are printed: Student's, for paired
    differences, each for itself, so that of twenty optimisers that are no better one will seem so. With few nonces it
    is rough, and wide; with one, or where all differences are equal, it is unknown.

    An instance whose floor is above the threshold of its whole test set is called unsolvable; "qualified" and "excess"
    are of the others. The floor is the squared mean of the training targets, below which no train loss can be. Excess
    is the test loss above it, in thresholds: (loss - floor) / threshold. A test loss can be below the floor, by chance
    or where the running statistics lag behind.

    "Below baseline" says how far from the best possible an optimiser is: what its quality lacks to that of Gaussian
    process regression with the instance's own kernel, on the same test points (`tig-verify instance --baseline`).

    \b
    Example: tig-verify compare adam.py mine.py --track n_hidden=4 --nonces 0..19 --out runs.jsonl --plot both.png
             tig-verify compare mine.py -p lr=0.01 mine.py -p lr=0.02 --track n_hidden=1 --track n_hidden=2 --nonces 7
    """
    from arithmetic import self_test
    from verifier.command_line.trying.comparison_report import as_json, as_tables
    from verifier.command_line.trying.trials import fill
    from verifier.experiments.comparison_trials import Row
    from verifier.runs.results_table import ResultsTable
    from verifier.runs.row_formats import json_rows

    require_kept(execution, out)
    trials = [_trials(candidates, instances, fuel) for instances in tracks]
    if plot is not None:
        require_drawing(plot)
    require_trainable(candidates, execution.isolation)
    self_test.require_sound()
    by_nonce = [trial for nonce in zip(*(its for track in trials for its in track), strict=True) for trial in nonce]
    with ResultsTable(out, json_rows(Row, "compare")) as table:
        shortfall = fill(table, by_nonce, execution)
    if shortfall.untried:
        return shortfall.tell("nothing is compared")
    compared = [_compared(candidates, *each, table, shortfall) for each in zip(tracks, trials, strict=True)]
    for place, track in enumerate(compared):
        say(*(as_json(track) if in_json else ["", *as_tables(track)][place == 0 :]))
    if plot is not None:
        write_picture(plot, _picture(compared))
    return shortfall.tell("the others are compared")


def _trials(candidates: Sequence[Candidate], instances: Instances, fuel: int | None) -> list[list[Trial]]:
    """The trainings of each candidate, by nonce. Raises InputError or RecordError for an impossible task."""
    from verifier.experiments.comparison_trials import Trial

    tasks = [instances.task(each.module, each.hyperparameters, fuel) for each in candidates]
    return [
        [Trial(each.path, each.module, task, nonce) for nonce in instances.nonces]
        for each, task in zip(candidates, tasks, strict=True)
    ]


def _compared(
    candidates: Sequence[Candidate], instances: Instances, trials: Sequence[Sequence[Trial]],
    table: ResultsTable[Row], shortfall: Shortfall,
) -> ComparedTrack:  # fmt: skip
    """The comparison on one track, of what the table has. Raises InputError for results that contradict each other."""
    from verifier.command_line.trying.comparison_report import ComparedTrack, NoResult
    from verifier.experiments.comparison import compare as comparisons

    missed = {each.trial.key: each for each in shortfall.missed}
    runs = {
        each.name: [table.rows[trial.key].run for trial in its if trial.key in table.rows]
        for each, its in zip(candidates, trials, strict=True)
    }
    without = [
        [NoResult(trial.nonce, no.why, no.is_lost) for trial in its if (no := missed.get(trial.key)) is not None]
        for its in trials
    ]
    return ComparedTrack(instances, candidates, comparisons(runs, instances.nonces), without)


def _picture(compared: Sequence[ComparedTrack]) -> Picture:
    from verifier.command_line.trying.comparison_report import as_page_tables
    from verifier.experiments.plots.comparison import comparison_picture

    names = ", ".join(each.name for each in compared[0].comparisons)
    where = "; ".join(track.title for track in compared)
    return Picture(
        title=f"Comparison on {where}",
        png=comparison_picture({track.title: track.comparisons for track in compared}),
        alternative=f"Qualities and paired differences of {names}",
        caption=_CAPTION,
        tables=as_page_tables(compared),
        texts=("track", "optimiser", "ended by"),
    )
