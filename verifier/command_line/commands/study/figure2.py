"""`tig-verify study figure2`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from verifier.challenge.editions import APRIL_2025, Edition, Track
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import read_module, require_writable, write_file
from verifier.command_line.options.execution_options import Execution, execution_options
from verifier.command_line.options.number_list import NumberList
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say
from verifier.command_line.trying.method_files import reference_method
from verifier.command_line.trying.plot_files import require_drawing
from verifier.experiments.row_checks import is_plain
from verifier.experiments.study.figure2.editions import KNOWN, size_of
from verifier.experiments.study.figure2.observations import observations
from verifier.experiments.study.figure2.rows import STUDY, Row
from verifier.experiments.study.figure2.trials import DEPTHS, OPTIMISERS, QUICK_DEPTHS, SEEDS, Trial, plan
from verifier.experiments.study.method import Method
from verifier.runs.results_table import read_rows
from verifier.runs.row_formats import csv_rows

MOST: Final = 7
"""Optimisers that a figure can tell apart."""
_SIZES: Final = sorted({size_of(sized) for sizes in KNOWN.values() for sized in sizes})
_FORMAT: Final = csv_rows(Row, f"study {STUDY}", f"{STUDY},")


@click.command()
@click.option("--out", "folder", default=STUDY, type=click.Path(path_type=Path), show_default=True,
              help="Folder for figure2.csv, to which every training is added, and the figures.")  # fmt: skip
@click.option("--edition", default=APRIL_2025[0].name, type=click.Choice(list(KNOWN)), show_default=True,
              help="december-2025-sizes: December's functions in the sizes of the papers' figures.")  # fmt: skip
@click.option("--depths", type=NumberList(range(1, Track.MAX_HIDDEN + 1), "depths from 1 to 64, such as 1,2,4..6"),
              help="Hidden layers L. Default: 1..11.")  # fmt: skip
@click.option("--sizes", type=NumberList(_SIZES, f"some of {','.join(map(str, _SIZES))}"),
              help="Points N for training and validation. Default: all sizes of the edition.")  # fmt: skip
@click.option("--optimiser", "names", multiple=True, metavar="NAME|FILE",
              help=f"One of {', '.join(OPTIMISERS)}, or a module; may be repeated. Default: those four.")  # fmt: skip
@click.option("--seeds", type=WholeNumber(1, 1000), help=f"Instances of each depth and size. Default: {SEEDS}.")
@click.option("--quick", is_flag=True, help="Other defaults: depths 1,3,6, the smallest size, one seed.")
@click.option("--draw", is_flag=True, help="Train nothing: draw and print what the folder has.")
@execution_options
def figure2(
    folder: Path, edition: str, depths: tuple[int, ...] | None, sizes: tuple[int, ...] | None, names: tuple[str, ...],
    seeds: int | None, quick: bool, draw: bool, execution: Execution,
) -> int:  # fmt: skip
    """Repeat Figure 2 of the papers: test error and epochs over depths and sizes of data.

    What has been trained is in the folder's figure2.csv and is not trained again; the cheap trainings come first, so
    that a call can be stopped and a part be drawn at any time. At the end EDITION.png is drawn, and the numbers behind
    the papers' observations are printed. EDITION-centred-errors.png is the same without the part of the test errors
    that no optimiser can avoid, the squared mean of the residual (docs/figure2.md).

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

    methods = _methods(names or tuple(OPTIMISERS))
    usual_depths, usual_seeds = (QUICK_DEPTHS, 1) if quick else (DEPTHS, SEEDS)
    trials = plan(methods, depths or usual_depths, _sizes(edition, sizes, quick), seeds or usual_seeds)
    table, picture, centred = (
        folder / f"{name}" for name in (f"{STUDY}.csv", f"{edition}.png", f"{edition}-centred-errors.png")
    )
    require_drawing(picture)
    if draw:
        done = read_rows(table, _FORMAT)
    else:
        require_writable(folder, "--out")
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


def _sizes(edition: str, sizes: tuple[int, ...] | None, quick: bool) -> list[Edition]:
    """The edition in the sizes that are asked for. Raises InputError for one that it does not have."""
    known = {size_of(sized): sized for sized in KNOWN[edition]}
    chosen = sizes or tuple(known)[: 1 if quick else None]
    if not set(chosen) <= known.keys():
        raise InputError(f"--sizes: edition {edition} has {', '.join(map(str, known))}; write some of these")
    return [known[n_data] for n_data in chosen]


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
        return reference_method(name, file, hyperparameters)
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
