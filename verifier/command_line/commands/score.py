"""`tig-verify score`."""

from __future__ import annotations

import re
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click

from protocol.errors import ProtocolError
from sandbox.errors import ModuleRefused
from sandbox.optimiser import Scalar
from verifier.challenge.errors import VerifierError
from verifier.challenge.module import Module
from verifier.command_line.files import read_file
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.options.choice_options import fuel_option, overrides_option
from verifier.command_line.options.execution_options import Workplace, isolation_option, jobs_option
from verifier.command_line.options.instance_options import Instances, first_instances_options
from verifier.command_line.solving.nonce_solver import ModuleFailed, NonceSolver
from verifier.command_line.standard_input import STANDARD_INPUT, read_standard_input
from verifier.command_line.terminal import json_text, say
from verifier.command_line.trying.score_object import EXIT_CODES, ScoreObject

_SCHEMA: Final = Path(__file__).parents[1] / "trying" / "score.schema.json"


class Seconds(click.ParamType[float]):
    """A time in seconds."""

    name = "SECONDS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text of the option."""
        text = str(value)
        if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,9})?", text) is None or not float(text):
            self.fail(f"{text!r}: write a number of seconds above 0 and below 1,000,000, such as 60", param, ctx)
        return float(text)


class ScoreCommand(click.Command):
    """A command that prints one JSON object, however it ends: also where its options are wrong, or this tool is."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        """Read the options. Raises ClickException, said in JSON already."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except (click.ClickException, VerifierError) as error:
            _say_unscored(ScoreObject(), "usage", error)
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Do the work. Raises what keeps a module from being tried, said in JSON already."""
        result = ctx.obj = ScoreObject(str(ctx.params["optimiser"]))
        started = time.monotonic()
        try:
            return super().invoke(ctx)
        except (click.ClickException, ProtocolError, VerifierError) as error:
            _say_unscored(result, "usage", error, time.monotonic() - started)
            raise
        except Exception as error:  # the machine, or a bug of ours
            _say_unscored(result, "undetermined", error, time.monotonic() - started)
            raise


def _say_unscored(result: ScoreObject, status: str, error: Exception, seconds: float = 0.0) -> None:
    text = error.format_message() if isinstance(error, click.ClickException) else str(error)
    say(json_text(result.as_json(seconds, status, text or type(error).__name__)))


def _print_schema(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        say(*read_file(_SCHEMA).decode().rstrip("\n").split("\n"))
        ctx.exit()


@click.command(cls=ScoreCommand)
@click.argument("optimiser", type=click.Path(path_type=Path, allow_dash=True))
@first_instances_options
@overrides_option
@fuel_option
@click.option("--seconds", type=Seconds(), default=60.0, show_default=True,
              help="Time for the whole call; what is not done by then is given up.")  # fmt: skip
@click.option("--losses", is_flag=True, help="Also give the losses of every epoch.")
@jobs_option
@isolation_option
@click.option("--schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_schema,
              help="Print the JSON Schema of the object, and nothing else.")  # fmt: skip
@click.pass_obj
def score(
    result: ScoreObject, optimiser: Path, instances: Instances, overrides: tuple[tuple[str, Scalar], ...],
    fuel: int | None, seconds: float, losses: bool, jobs: int | None, isolation: str,
) -> int:  # fmt: skip
    """Score OPTIMISER on some nonces, for a program that writes optimisers: one JSON object, whatever happens.

    OPTIMISER is a file, or - for standard input. No key is needed and nothing is kept. The object has a status (scored,
    refused, failed, unfinished, undetermined or usage), the mean quality in units of 1e-6, the problems and traps that
    `check` finds, with line and column, and for each nonce what came of it and why. docs/score.md describes it; its
    fields stay for years.

    Exit code 0 if every nonce is scored, 1 if the dialect refuses OPTIMISER, 2 if it failed or the call is wrong, 3 if
    the machine failed, 4 if the time was over.

    \b
    Example: tig-verify score my_optimiser.py --track n_hidden=4 --nonces 0..3 --seconds 60
             generate | tig-verify score - --nonces 0..9 --jobs 8
    """
    started = time.monotonic()
    result.seconds_allowed, result.with_losses, result.nonces = seconds, losses, instances.nonces
    source = read_standard_input() if optimiser == STANDARD_INPUT else read_file(optimiser)
    result.module = Module(str(optimiser), source)
    result.task = instances.task(result.module, dict(overrides), fuel)
    _score(result, NonceSolver(result.task, result.module, isolation), jobs, started + seconds)
    say(json_text(result.as_json(time.monotonic() - started)))
    return EXIT_CODES[result.status]


def _score(result: ScoreObject, solver: NonceSolver, jobs: int | None, until: float) -> None:
    """Find out all that can be found by then."""
    from sandbox.isolation import Jail
    from verifier.command_line.trying.module_check import checked
    from verifier.runs.queue import completed, cores

    module = solver.module
    with Workplace(solver.isolation) as place:
        try:
            result.diagnostics = list(place.isolation.check(module.source, module.name))
        except ModuleRefused as refused:
            result.diagnostics = list(refused.diagnostics)
            result.is_refused = True
            return
        say_if_first()
        processes = min(jobs or cores(), len(result.nonces))
        with closing(completed(solver.opened, result.nonces, processes, until=until)) as answers:
            for nonce, answer in answers:
                result.answers[nonce] = answer
        has_failed = any(isinstance(answer, ModuleFailed) for answer in result.answers.values())
        if has_failed and isinstance(place.isolation, Jail) and time.monotonic() < until:
            # A training stops at the first mistake; a rehearsal tells all of them.
            result.diagnostics = list(checked(place.isolation, module.source, module.name, run=True).found)
