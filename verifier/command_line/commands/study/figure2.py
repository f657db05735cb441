"""`tig-verify study figure2`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from verifier.challenge.editions import Track
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import read_module, require_writable, write_file
from verifier.command_line.options.execution_options import Execution, execution_options
from verifier.command_line.options.number_list import NumberList
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say
from verifier.command_line.trying.plot_files import require_drawing
from verifier.experiments import study as studies
from verifier.experiments.row_checks import is_plain
from verifier.experiments.study.figure2.observations import observations
from verifier.experiments.study.figure2.rows import STUDY, Row
from verifier.experiments.study.figure2.trials import DEPTHS, OPTIMISERS, QUICK, SEEDS, SIZES, Method, Trial, plan
from verifier.runs.results_table import read_rows
from verifier.runs.row_formats import csv_rows

REFERENCES: Final = (
    Path(studies.__file__).parent / "optimisers",
    Path(__file__).parents[4] / "fixtures" / "optimisers",
)
"""The folders of the optimisers that have names: where the study is installed, and in a checkout."""
MOST: Final = 7
"""Optimisers that a figure can tell apart."""
_FORMAT: Final = csv_rows(Row, f"study {STUDY}", f"{STUDY},")


@click.command()
@click.option("--out", "folder", default=STUDY, type=click.Path(path_type=Path), show_default=True,
              help="Folder for figure2.csv, to which every training is added, and the figures.")  # fmt: skip
@click.option("--depths", type=NumberList(range(1, Track.MAX_HIDDEN + 1), "depths from 1 to 64, such as 1,2,4..6"),
              help="Hidden layers L. Default: 1..11.")  # fmt: skip
@click.option("--sizes", type=NumberList(SIZES, "some of 1024,2048,4096"),
              help="Points N for training and validation. Default: 1024,2048,4096.")  # fmt: skip
@click.option("--optimiser", "names", multiple=True, metavar="NAME|FILE",
              help=f"One of {', '.join(OPTIMISERS)}, or a module; may be repeated. Default: those four.")  # fmt: skip
@click.option("--seeds", type=WholeNumber(1, 1000), help=f"Instances of each depth and size. Default: {SEEDS}.")
@click.option("--quick", is_flag=True, help="Other defaults: depths 1,3,6, size 1024, one seed.")
@click.option("--draw", is_flag=True, help="Train nothing: draw and print what the folder has.")
@execution_options
def figure2(
    folder: Path, depths: tuple[int, ...] | None, sizes: tuple[int, ...] | None, names: tuple[str, ...],
    seeds: int | None, quick: bool, draw: bool, execution: Execution,
) -> int:  # fmt: skip
    """Repeat Figure 2 of the paper of April 2025: test error and epochs over depths and sizes of data.

    What has been trained is in the folder's figure2.csv and is not trained again; the cheap trainings come first, so
    that a call can be stopped and a part be drawn at any time. At the end figure2.png is drawn, and the numbers behind
    the paper's observations are printed. figure2-centred.png is the same without the part of the test errors that no
    optimiser can avoid, the squared mean of the residual (docs/figure2.md).

    A training that fails is told at once, and the others go on. While some are missing, nothing is drawn without
    --draw. After --shard, put the figure2.csv of all shards into one, and call without it.

    Exit code 4 if --deadline or --limit left trainings, else 2 if a module failed, else 3 if a process or the machine
    did.

    \b
    Example: tig-verify study figure2 --quick --isolation none
    """
    from arithmetic import self_test
    from verifier.command_line.trying.study_table import trained
    from verifier.command_line.trying.trials import require_dialect

    usual = QUICK if quick else (DEPTHS, SIZES, SEEDS)
    methods = _methods(names or tuple(OPTIMISERS))
    trials = plan(methods, depths or usual[0], sizes or usual[1], seeds or usual[2])
    table, picture, centred = (folder / f"{STUDY}{end}" for end in (".csv", ".png", "-centred.png"))
    require_drawing(picture)
    if draw:
        done = read_rows(table, _FORMAT)
    else:
        require_writable(folder)
        require_dialect({method.path: method.module for method in methods}, execution.isolation)
        self_test.require_sound()
        done, shortfall = trained(table, _FORMAT, trials, execution)
        if shortfall.missing:
            return shortfall.tell("nothing is drawn; --draw draws a part")
    # A row is told by its key; the name in it is that of a file at another time, or another's.
    drawn = [replace(done[trial.key], optimiser=trial.method.name) for trial in trials if trial.key in done]
    if not drawn:
        raise InputError(f"{table}: has none of these trainings; leave out --draw, or choose others")
    from verifier.experiments.plots.figure2 import figure2_picture

    write_file(picture, figure2_picture(drawn))
    write_file(centred, figure2_picture(drawn, centred=True))
    say(f"{len(drawn)} of {len(trials)} trainings are drawn in {picture} and {centred}", "")
    say(*_missing(trials, done), *observations(drawn))
    return DONE


def _methods(names: Sequence[str]) -> list[Method]:
    methods = [_method(name) for name in names]
    seen: dict[object, str] = {}
    for method, name in zip(methods, names, strict=True):
        for mark in (method.name, (method.digest, method.overrides)):
            if mark in seen:
                raise InputError(f"{name}: is the same as {seen[mark]} or has its name; give each once")
        seen |= {method.name: name, (method.digest, method.overrides): name}
    if len(methods) > MOST:
        raise InputError(f"{len(methods)} optimisers cannot be told apart in a figure; name at most {MOST}")
    return methods


def _method(name: str) -> Method:
    """One of the study's optimisers, or a module. Raises InputError."""
    if name in OPTIMISERS:
        file, hyperparameters = OPTIMISERS[name]
        path = next(path for folder in REFERENCES if (path := folder / file).exists())
        return Method(name, path, read_module(path), hyperparameters)
    path = Path(name)
    if not is_plain(path.stem):
        problem = "printable ASCII after a letter or a digit, as a name in tables and figures"
        raise InputError(f"{path.name!a}: expected {problem}; rename the file")
    return Method(" ".join(path.stem.split()), path, read_module(path))


def _missing(trials: Sequence[Trial], done: Mapping[Hashable, Row]) -> list[str]:
    """A line for each optimiser that lacks trainings: its means are over fewer instances than those of others."""
    lines = []
    for name in dict.fromkeys(trial.method.name for trial in trials):
        lacking = [trial for trial in trials if trial.method.name == name and trial.key not in done]
        if lacking:
            lines.append(f"  {name}: {len(lacking)}, the first is {lacking[0]}")
    title = "Not trained yet, so that means are of different instances and what has no partner is in no pair"
    return [title, *lines, ""] if lines else []
