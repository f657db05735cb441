"""`tig-verify tune`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import load_signing_key, read_module
from verifier.command_line.options.choice_options import fuel_option
from verifier.command_line.options.execution_options import Execution, whole_execution_options
from verifier.command_line.options.instance_options import Instances, searched_tracks_options
from verifier.command_line.options.nonces_option import MAX_NONCE, Nonces
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import json_text, say

if TYPE_CHECKING:
    from sandbox.declaration import Declaration
    from verifier.experiments.tuning.space import Space
    from verifier.experiments.tuning.track_search import TrackSearch

JUDGED: Final = 20
"""Nonces that values are judged on, if the call names none."""


class SearchSpace(click.ParamType[tuple[str, str]]):
    """NAME=SPACE, of which the second part is read together with the module's annotation."""

    name = "NAME=SPACE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Read the text of the option."""
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r}: write it as NAME=SPACE, such as 'lr=log 1e-4..1e-1'", param, ctx)
        return name, text


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@searched_tracks_options
@click.option("--judge-nonces", type=Nonces(),
              help="Nonces to judge the best values on, none of which the search sees. Default: the "
                   f"{JUDGED} after --nonces.")  # fmt: skip
@click.option("--search", "given", multiple=True, type=SearchSpace(),
              help="Where better values may be: 'lr=log 1e-4..1e-1', beta1=0.5..0.999, steps=1..8, "
                   "'mode=a|b'; may be repeated. Default: the annotation of the module's HYPERPARAMETERS.")  # fmt: skip
@click.option("--trials", default=40, show_default=True, type=WholeNumber(1, 100_000), metavar="N",
              help="Proposals for each track, beside the module's own values.")  # fmt: skip
@click.option("--batch", default=4, show_default=True, type=WholeNumber(1, 1000), metavar="N",
              help="Proposals that are trained before the next are made: more keep more processes busy.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=WholeNumber(0), help="Of what is proposed.")
@fuel_option
@whole_execution_options
@click.option("-o", "--out", "output", required=True, type=click.Path(path_type=Path),
              help="Folder for what the search does and finds; the same call goes on with it.")  # fmt: skip
@click.option(
    "--key", type=click.Path(path_type=Path), help="Private key: sign the values that are better, as a record."
)
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object for each track.")
def tune(
    optimiser: Path, tracks: Sequence[Instances], judge_nonces: Sequence[int] | None,
    given: tuple[tuple[str, str], ...], trials: int, batch: int, seed: int, fuel: int | None, execution: Execution,
    output: Path, key: Path | None, in_json: bool,
) -> int:  # fmt: skip
    """Search for better hyperparameters of OPTIMISER, and judge them on nonces that the search never saw.

    A space is a range of numbers with a point (0.5..0.999) or of whole numbers (1..8), logarithmic after "log "
    (log 1e-4..1e-1), or a list of choices (a|b). The module may have it in an annotation:

    \b
        HYPERPARAMETERS: {"lr": "log 1e-4..1e-1", "beta1": "0.5..0.999"} = {"lr": 0.001, "beta1": 0.9}

    Each track is searched for itself, by optuna: each proposal is trained on all --nonces, and the mean quality counts.
    The best is then trained on --judge-nonces, beside the module's own values, and the mean difference in quality is
    printed with its 95 % confidence interval (Student's, for paired differences).

    FOLDER gets trainings.jsonl, where every training is kept as it is done, so that the same call goes on after any
    end; tuned.json, with all that was tried and found; and, if values are better where they were judged, the module
    with a table of them by track, which it reads through `difficulty`: my_optimiser-tuned.py. With --key also a signed
    record of the values, my_optimiser.tuning, which `verify-tuning` checks.

    The same call finds the same, with any number of processes and however often it was ended, where optuna and NumPy
    are of the same versions. Exit code 4 if --deadline or --limit ended it, 3 if a process or the machine failed.

    \b
    Example: tig-verify tune adam.py --track n_hidden=4 --search 'lr=log 1e-4..1e-1' -o tuned
    """
    _require_optuna()
    from arithmetic import self_test
    from verifier.command_line.trying.trainings import Trainings
    from verifier.command_line.trying.tuned_files import TunedFiles
    from verifier.command_line.trying.tuning_report import Report
    from verifier.command_line.trying.tuning_run import Plan, declaration, outcomes
    from verifier.experiments.comparison_trials import Row
    from verifier.experiments.tuning.space import space_of
    from verifier.experiments.tuning.tuned_module import require_tunable
    from verifier.runs.results_table import ResultsTable
    from verifier.runs.row_formats import json_rows

    plan = Plan(trials, batch, tracks[0].nonces, judge_nonces or _after(tracks[0].nonces))
    signing_key = None if key is None else load_signing_key(key)
    module = read_module(optimiser)
    declared = declaration(optimiser, module, execution.isolation)
    require_tunable(module.source, str(optimiser))
    space = space_of(declared, _different(given), str(optimiser))
    self_test.require_sound()
    searches = [_search(optimiser, module, each, space, declared, seed, fuel) for each in tracks]
    files = TunedFiles(output, optimiser.stem)
    files.make_folder()
    cost = plan.trainings * sum(search.cost for search in searches)
    with (
        ResultsTable(files.trainings, json_rows(Row, "tune")) as table,
        Trainings(table, execution, plan.trainings * len(searches), cost) as trainings,
    ):
        found = outcomes(searches, plan, trainings, table)
    if found is None:
        return trainings.tell("the search")
    own = {name: declared.values[name] for name in space}
    report = Report(optimiser, own, plan, seed, found)
    better = [each for each in found if each.is_better]
    written = files.write(report.as_file(), module, better, signing_key, execution.isolation)
    say(*(map(json_text, report.as_json()) if in_json else report.as_table()))
    say(*written, is_error=True)
    return DONE


def _require_optuna() -> None:
    """Refuse a search without the library that makes its proposals. Raises InputError."""
    if find_spec("optuna") is None:
        raise InputError("a search needs optuna, which is not installed: pip install 'tig-verify[tune]'")


def _after(nonces: Sequence[int]) -> Sequence[int]:
    """The nonces to judge on, where the call names none."""
    if nonces[-1] + JUDGED > MAX_NONCE:
        raise InputError("--judge-nonces: name them, as too few come after those of the search")
    return range(nonces[-1] + 1, nonces[-1] + 1 + JUDGED)


def _different(given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The spaces of the command line by name. Raises InputError for two of one name."""
    spaces: dict[str, str] = {}
    for name, text in given:
        if name in spaces:
            raise InputError(f"--search: {name!a:.40} is there twice; give it once")
        spaces[name] = text
    return spaces


def _search(
    path: Path, module: Module, instances: Instances, space: Space, declared: Declaration, seed: int, fuel: int | None
) -> TrackSearch:
    """The search on a track."""
    from verifier.experiments.tuning.search import Search
    from verifier.experiments.tuning.track_search import TrackSearch

    task = instances.task(module, {}, fuel)
    search = Search(space, declared.values, seed, f"{task.edition} {instances.track.id}")
    return TrackSearch(path, module, task, instances.nonces, search)
