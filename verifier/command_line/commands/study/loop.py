"""`tig-verify study loop`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from verifier.challenge.editions import Track
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import require_writable, write_file
from verifier.command_line.options.execution_options import Execution, execution_options
from verifier.command_line.options.number_list import NumberList
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say
from verifier.command_line.trying.method_files import reference_method
from verifier.command_line.trying.plot_files import require_drawing
from verifier.experiments.study.loop.observations import observations
from verifier.experiments.study.loop.rows import STUDY, Row
from verifier.experiments.study.loop.trials import BATCHES, DEPTHS, OPTIMISERS, QUICK, SEEDS, plan
from verifier.runs.results_table import read_rows
from verifier.runs.row_formats import csv_rows

MOST: Final = 3
"""Depths that a figure can tell apart."""
_FORMAT: Final = csv_rows(Row, f"study {STUDY}", f"{STUDY},")


@click.command()
@click.option("--out", "folder", default=STUDY, type=click.Path(path_type=Path), show_default=True,
              help="Folder for loop.csv, to which every training is added, and the figure.")  # fmt: skip
@click.option("--depths", type=NumberList(range(1, Track.MAX_HIDDEN + 1), "depths from 1 to 64, such as 4,10"),
              help="Hidden layers L. Default: 4,10.")  # fmt: skip
@click.option("--seeds", type=WholeNumber(1, 1000), help=f"Instances of each depth. Default: {SEEDS}.")
@click.option("--quick", is_flag=True, help="Other defaults: depth 4, one seed; and batches 4, 8 and 16 only.")
@click.option("--draw", is_flag=True, help="Train nothing: draw and print what the folder has.")
@execution_options
def loop(
    folder: Path, depths: tuple[int, ...] | None, seeds: int | None, quick: bool, draw: bool, execution: Execution
) -> int:
    """Vary the constants of the training loop: what batch size and patience do to quality, T and time.

    Three optimisers train with 2 to 32 batches an epoch, their rates kept and scaled with the points of a batch, and
    with a patience of 5 to 200 epochs. The contest's constants stay what they are. What has been trained is in the
    folder's loop.csv and is not trained again. At the end loop.png is drawn and the numbers are printed.

    Exit code 4 if --deadline or --limit left trainings, else 2 if a module failed, else 3 if a process or the machine
    did.

    \b
    Example: tig-verify study loop --quick --isolation none
    """
    from arithmetic import self_test
    from verifier.command_line.trying.study_table import trained

    if depths and len(depths) > MOST:
        raise InputError(f"--depths: {len(depths)} depths cannot be told apart in a figure; name at most {MOST}")
    usual_depths, batches, usual_seeds = QUICK if quick else (DEPTHS, BATCHES, SEEDS)
    methods = [(reference_method(name, file), rates) for name, (file, rates) in OPTIMISERS.items()]
    trials = plan(methods, depths or usual_depths, batches, seeds or usual_seeds)
    table, picture = (folder / f"{STUDY}{end}" for end in (".csv", ".png"))
    require_drawing(picture)
    if draw:
        done = read_rows(table, _FORMAT)
    else:
        require_writable(folder, "--out")
        self_test.require_sound()
        done, shortfall = trained(table, _FORMAT, trials, execution)
        if shortfall.missing:
            return shortfall.tell("nothing is drawn; --draw draws a part")
    drawn = [done[trial.key] for trial in trials if trial.key in done]
    if not drawn:
        raise InputError(f"{table}: has none of these trainings; leave out --draw, or choose others")
    from verifier.experiments.plots.loop import loop_picture

    write_file(picture, loop_picture(drawn))
    say(f"{len(drawn)} of {len(trials)} trainings are drawn in {picture}", "", *observations(drawn))
    return DONE
