"""`tig-verify profile`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Final

import click

from protocol.task import Task
from sandbox.errors import OptimiserError
from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_module
from verifier.command_line.names import shown_names
from verifier.command_line.options.choice_options import (
    chosen,
    edition_option,
    fuel_option,
    overrides_option,
    track_option,
)
from verifier.command_line.options.nonces_option import nonces_option
from verifier.command_line.options.overrides import require_fitting
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import json_text, say
from verifier.command_line.trying.plot_files import Picture, require_drawing, write_picture

if TYPE_CHECKING:
    from verifier.command_line.trying.profile_report import Profiled

_RAND_HASH: Final = "0" * 32
_WIDTH: Final = 140
"""Characters of a line where there is no terminal."""
_CAPTION: Final = (
    "The dearest lines, and the shares that they have in the fuel, the memory and the processor's time of all steps. A "
    "line has the cost of what it calls in the sandbox, but not that of other lines of the module. Below, means of a "
    "step."
)


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@track_option(default="n_hidden=4")
@nonces_option(" Their costs are added up.", default="0")
@edition_option
@click.option("--epochs", type=WholeNumber(1), default=5, show_default=True, help="Epochs of each nonce.")
@overrides_option
@fuel_option
@click.option(
    "--by",
    type=click.Choice(["fuel", "memory", "time"]),
    default="fuel",
    show_default=True,
    help="Show the lines that cost most of it.",
)
@click.option("--top", "most", type=WholeNumber(1), default=20, show_default=True, help="How many lines to show.")
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Draw the costs: a .png or a .html.")
@click.option("--json", "in_json", is_flag=True, help="Print the sums of all lines and functions as one JSON object.")
def profile(
    optimiser: Path, track: str, nonces: Sequence[int], edition: str, epochs: int,
    overrides: tuple[tuple[str, Scalar], ...], fuel: int | None, by: str, most: int, picture: Path | None,
    in_json: bool,
) -> None:  # fmt: skip
    """Say what OPTIMISER costs, in fuel, memory and time, by line and by function.

    Trains some epochs and adds up what each line of the module uses. Figures are means of a step; with --json they are
    sums. A line has the cost of the operations in it, and not that of functions of the module that it calls. Fuel and
    memory are exact, and those of every training; memory is what a call takes in all, as its limit counts it. Time is
    that of this machine's processor, and a little more than without the profiler. The state costs fuel whenever it is
    kept, and again where `query_location_parameters` gets a copy of it.

    The module runs in this process, held by the language alone: profile only code that you trust.

    \b
    Example: tig-verify profile my_optimiser.py
             tig-verify profile my_optimiser.py --track n_hidden=8 --by time --plot costs.png
    """
    from verifier.command_line.first_compilation import say_if_first
    from verifier.command_line.progress import Progress
    from verifier.command_line.trying.profile_report import Profiled, as_json, as_text
    from verifier.experiments.profile import profile as profiled

    module = read_module(optimiser)
    choices = chosen(track, edition, "", "", "", "c006", overrides, fuel)
    task = Task.of(choices.choice(module), _RAND_HASH)
    if picture is not None:
        require_drawing(picture)
    require_fitting(module, optimiser, task.hyperparameters, "none")
    say_if_first()
    with Progress(f"profiling {module.name}", epochs * len(nonces)) as progress:
        try:
            found = profiled(task, nonces, module, epochs, progress.advance)
        except OptimiserError as error:
            raise InputError(f"{optimiser}: {error}") from None
    (name,) = shown_names([optimiser])
    of = Profiled(str(optimiser), name, task, choices.track.edition, nonces, found)
    width = get_terminal_size((_WIDTH, 0)).columns
    say(*([json_text(as_json(of))] if in_json else as_text(of, by, most, width)))
    if picture is not None:
        write_picture(picture, _picture(of, by))


def _picture(of: Profiled, by: str) -> Picture:
    from verifier.command_line.trying.profile_report import line_rows, title
    from verifier.experiments.plots.profile import profile_picture

    stepping, steps = of.profile.stepping, of.profile.steps
    return Picture(
        title=f"Profile of {of.optimiser}",
        png=profile_picture(stepping, by, title(of)),
        alternative=f"Shares of the dearest lines of {of.optimiser} in fuel, memory and time",
        caption=_CAPTION,
        tables=[line_rows(stepping, steps, by, len(stepping.lines))],
        texts=("source",),
    )
