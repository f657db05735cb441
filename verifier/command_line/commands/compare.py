"""`tig-verify compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.choice_options import fuel_option
from verifier.command_line.execution_options import Execution, execution_options, require_kept
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import read_module
from verifier.command_line.instance_options import Instances, instance_options
from verifier.command_line.names import shown_names
from verifier.command_line.plot_files import Picture, require_drawing, write_picture
from verifier.command_line.terminal import say

if TYPE_CHECKING:
    from verifier.experiments.comparison import Comparison

_CAPTION = (
    "Left: the quality of every training. Right: by nonce, the quality less that of the first optimiser, the mean "
    "difference and its 95 % confidence interval (Student's, for paired differences, each for itself). Excess is the "
    "test loss above the floor, in thresholds, on solvable nonces."
)


@click.command()
@click.argument("optimisers", nargs=-1, required=True, type=click.Path(path_type=Path))
@instance_options
@fuel_option
@execution_options
@click.option("--out", type=click.Path(path_type=Path),
              help="Append every training to this file as JSON, and skip those that it has.")  # fmt: skip
@click.option("--picture", type=click.Path(path_type=Path), help="Draw the differences: a .png or a .html.")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object for each optimiser.")
def compare(
    optimisers: tuple[Path, ...], instances: Instances, fuel: int | None, execution: Execution,
    out: Path | None, picture: Path | None, in_json: bool,
) -> int:  # fmt: skip
    """Train OPTIMISERS on the same nonces and compare each with the first one, nonce by nonce.

    All are compared on every nonce, or not at all. With --out every training is kept and none is done again: one that
    fails is named at the end, and the others go on; without it the first one that fails ends the call. --deadline and
    --limit need it. After --shard, put the files of all shards into one, and call without it. What --out kept is
    refused where two lines disagree, or a line is none that a training can have.

    Exit code 4 if --deadline or --limit left trainings, else 2 if a module failed, else 3 if a process or the machine
    did.

    Of the difference in quality, a mean and its 95 % confidence interval are printed: Student's, for paired
    differences, each for itself, so that of twenty optimisers that are no better one will seem so. With few nonces it
    is rough, and wide; with one, or where all differences are equal, it is unknown.

    An instance whose floor is above the threshold of its whole test set is called unsolvable; "qualified" and "excess"
    are of the others. The floor is the squared mean of the training targets, below which no train loss can be. Excess
    is the test loss above it, in thresholds: (loss - floor) / threshold. A test loss can be below the floor, by chance
    or where the running statistics lag behind.

    \b
    Example: tig-verify compare adam.py mine.py --track n_hidden=4 --nonces 0..19 --out runs.jsonl --picture both.png
    """
    from arithmetic import self_test
    from verifier.command_line.comparison_report import as_json, as_table
    from verifier.command_line.trials import fill, require_dialect
    from verifier.experiments.comparison import compare as compared
    from verifier.experiments.comparison_trials import Row, Trial
    from verifier.runs.results_table import ResultsTable
    from verifier.runs.row_formats import json_rows

    require_kept(execution, out)
    modules = [read_module(path) for path in optimisers]
    _require_different(optimisers, modules)
    tasks = [instances.task(module, {}, fuel) for module in modules]
    if picture is not None:
        require_drawing(picture)
    require_dialect(dict(zip(optimisers, modules, strict=True)), execution.isolation)
    self_test.require_sound(execution.device)
    trials = {
        name: [Trial(path, module, task, nonce) for nonce in instances.nonces]
        for name, path, module, task in zip(shown_names(optimisers), optimisers, modules, tasks, strict=True)
    }
    by_nonce = [trial for each in zip(*trials.values(), strict=True) for trial in each]
    with ResultsTable(out, json_rows(Row, "compare")) as table:
        shortfall = fill(table, by_nonce, execution, is_kept=out is not None)
    if shortfall.missing:
        return shortfall.tell("nothing is compared")
    comparisons = compared({name: [table.rows[trial.key].run for trial in its] for name, its in trials.items()})
    say(*(map(as_json, comparisons) if in_json else as_table(comparisons)))
    if picture is not None:
        write_picture(picture, _picture(comparisons, f"{instances.track.edition.name}, {instances.track.id}"))
    return DONE


def _require_different(paths: Sequence[Path], modules: Sequence[Module]) -> None:
    seen: dict[bytes, Path] = {}
    for path, module in zip(paths, modules, strict=True):
        if (other := seen.setdefault(module.digest, path)) is not path:
            raise InputError(f"{path}: is the same module as {other}; name each once")
    if len(paths) == 1:
        raise InputError("one optimiser has nothing to be compared with; name two or more")


def _picture(comparisons: Sequence[Comparison], where: str) -> Picture:
    from verifier.command_line.comparison_report import as_row
    from verifier.experiments.plots.comparison import comparison_picture

    names = ", ".join(each.name for each in comparisons)
    return Picture(
        title=f"Comparison on {where}",
        png=comparison_picture(comparisons, where),
        alternative=f"Qualities and paired differences of {names}",
        caption=_CAPTION,
        rows=[as_row(each, comparisons[0].name) for each in comparisons],
        texts=("optimiser",),
    )
