"""`tig-verify study sharpness`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import require_writable, write_file
from verifier.command_line.options.execution_options import Execution, plain_execution_options
from verifier.command_line.terminal import say
from verifier.command_line.trying.plot_files import require_drawing

if TYPE_CHECKING:
    from verifier.experiments.study.sharpness.observations import Results

NAME: Final = "sharpness"


@click.command()
@click.option("--out", "folder", default=NAME, type=click.Path(path_type=Path), show_default=True,
              help="Folder for sharpness.jsonl, to which every training is added, and the figures.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Fewer trainings, and shorter ones: under a minute of one core.")
@click.option("--draw", is_flag=True, help="Train nothing: draw and print what the folder has.")
@plain_execution_options
def sharpness(folder: Path, quick: bool, draw: bool, execution: Execution) -> int:
    """Measure Hessians, tangent kernels and paths between solutions.

    The largest eigenvalue of the Hessian against 2 / rate while the challenge's network descends (edge.png), and
    spectra of Hessians (spectrum.png); the drift of the tangent kernel of two-layer networks by width and output scale
    (lazy.png); losses between two solutions of one instance on the straight line and on a trained curve (paths.png); a
    linear model beside its gradient flow (linear.png). The numbers behind the papers' claims are printed
    (docs/sharpness.md).

    What has been trained is in the folder's sharpness.jsonl and is not trained again; the cheap trainings come first.
    While some are missing, nothing is drawn without --draw. After --shard, put the sharpness.jsonl of all shards into
    one, and call without it. All runs in plain torch, and no module is trained.

    Exit code 4 if --deadline or --limit left trainings, else 3 if a process or the machine failed.

    \b
    Example: tig-verify study sharpness --quick
    """
    from verifier.command_line.trying.study_table import trained
    from verifier.experiments.study.sharpness.observations import Results, observations
    from verifier.experiments.study.sharpness.rows import Row
    from verifier.experiments.study.sharpness.trials import plan
    from verifier.runs.results_table import read_rows
    from verifier.runs.row_formats import json_rows

    layout = json_rows(Row, f"study {NAME}")
    trials, table = plan(quick), folder / f"{NAME}.jsonl"
    require_drawing(folder / "edge.png")
    if draw:
        done = read_rows(table, layout)
    else:
        require_writable(folder, "--out")
        done, shortfall = trained(table, layout, trials, execution)
        if shortfall.missing:
            return shortfall.tell("nothing is drawn; --draw draws a part")
    drawn = [done[trial.key] for trial in trials if trial.key in done]
    if not drawn:
        raise InputError(f"{table}: has none of these trainings; leave out --draw or --quick")
    results = Results.of(drawn)
    pictures = _pictures(results)
    for name, png in pictures.items():
        write_file(folder / name, png)
    say(f"{len(drawn)} of {len(trials)} trainings are drawn in {folder}: {', '.join(pictures)}", "")
    say(*observations(results))
    return DONE


def _pictures(results: Results) -> dict[str, bytes]:
    """The figures for which there is something."""
    from verifier.experiments.plots.sharpness.edge import edge_picture
    from verifier.experiments.plots.sharpness.lazy import lazy_picture
    from verifier.experiments.plots.sharpness.linear import linear_picture
    from verifier.experiments.plots.sharpness.paths import paths_picture
    from verifier.experiments.plots.sharpness.spectrum import spectrum_picture

    pictures: dict[str, bytes] = {}
    if results.descents:
        pictures["edge.png"] = edge_picture(results.descents)
    if spectra := [each for each in results.descents if each.spectra]:
        pictures["spectrum.png"] = spectrum_picture(spectra)
    if results.lazy:
        pictures["lazy.png"] = lazy_picture(results.lazy)
    if results.connections:
        pictures["paths.png"] = paths_picture(results.connections)
    if results.linear:
        pictures["linear.png"] = linear_picture(results.linear)
    return pictures
