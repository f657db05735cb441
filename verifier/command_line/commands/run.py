"""`tig-verify run`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from protocol.task import Task
from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.exit_codes import DONE, UNDETERMINED, USAGE
from verifier.command_line.files import read_module
from verifier.command_line.options.choice_options import fuel_option, overrides_option
from verifier.command_line.options.execution_options import isolation_option, open_isolation
from verifier.command_line.options.instance_options import Instances, first_instances_options
from verifier.command_line.options.overrides import require_fitting
from verifier.command_line.solving.nonce_solver import Answer, NonceSolver, Refused, SolvedNonce
from verifier.command_line.terminal import json_text, say
from verifier.command_line.trying.live_losses import LiveLosses
from verifier.command_line.trying.plot_files import require_drawing, write_picture
from verifier.command_line.trying.training_pictures import MOST, training_picture
from verifier.command_line.trying.training_summary import as_json, as_text, failure_as_json, failure_place
from verifier.runs.pool import TaskLost


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@first_instances_options
@overrides_option
@fuel_option
@isolation_option
@click.option("--plot", "picture", type=click.Path(path_type=Path), help="Draw the losses: a .png or a .html.")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object for each nonce.")
def run(
    optimiser: Path, instances: Instances, overrides: tuple[tuple[str, Scalar], ...], fuel: int | None,
    isolation: str, picture: Path | None, in_json: bool,
) -> int:  # fmt: skip
    """Train OPTIMISER on one instance, without a key, and say how it went.

    Nothing is written but the picture. The numbers are those of `solve` for the same nonces. On a terminal the losses
    are shown while it trains. Warnings are those of `check`.

    Exit code 2 if the module failed, else 3 if a process or the machine did. A training that does not qualify is done
    all the same.

    \b
    Example: tig-verify run my_optimiser.py
             tig-verify run my_optimiser.py --track n_hidden=8 --nonces 0..2 -p lr=0.01 --plot losses.png
    """
    module = read_module(optimiser)
    task = instances.task(module, dict(overrides), fuel)
    if picture is not None:
        if len(instances.nonces) > MOST:
            raise InputError(f"{len(instances.nonces)} nonces are too many for one picture; name at most {MOST}")
        require_drawing(picture)
    require_fitting(module, optimiser, task.hyperparameters, isolation)
    _warn(optimiser, module, isolation)
    report = _Report(optimiser, module, task, in_json)
    solved = [
        answer
        for nonce, answer in _answers(NonceSolver(task, module, isolation), instances)
        if report.tell(nonce, answer) and isinstance(answer, SolvedNonce)
    ]
    if picture is not None:
        _draw(picture, module.name, [each for each in solved if each.claim.epochs])
    return report.code


def _warn(optimiser: Path, module: Module, isolation: str) -> None:
    """Name the traps in a module before its losses have to be explained. Raises ModuleRefused."""
    with open_isolation(isolation) as place:
        found = place.check(module.source, str(optimiser))
    traps = [each for each in found if each.severity == "warning"]  # `check` has notes too
    say(*(trap.format(str(optimiser)) for trap in traps), is_error=True)


@dataclass
class _Report:
    """Says of each nonce how it went, and remembers the exit code."""

    optimiser: Path
    module: Module
    task: Task
    in_json: bool
    code: int = DONE

    def tell(self, nonce: int, answer: Answer) -> bool:
        """Print a summary, or why there is none; whether there is one."""
        file = self.optimiser
        if isinstance(answer, SolvedNonce):
            say(*([json_text(as_json(file, answer))] if self.in_json else as_text(file, answer)))
            return True
        if isinstance(answer, Refused):
            raise InputError(*answer.lines)
        lost = isinstance(answer, TaskLost)
        if self.in_json:
            say(json_text(failure_as_json(file, self.task, nonce, answer.why, lost)))
        say(f"tig-verify: {'undetermined: ' if lost else ''}{file}: nonce {nonce}: {answer.why}", is_error=True)
        say(*([] if lost else failure_place(answer.why, self.module)), is_error=True)
        self.code = UNDETERMINED if lost and self.code == DONE else self.code if lost else USAGE
        return False


def _answers(solver: NonceSolver, instances: Instances) -> Iterator[tuple[int, Answer]]:
    """What becomes of each nonce, while the losses are shown."""
    from verifier.command_line.first_compilation import say_if_first

    say_if_first()
    live = LiveLosses(instances.track.edition)
    with solver.opened(live.observe) as solve:
        for nonce in instances.nonces:
            with live.training(f"{solver.module.name}, {instances.track.id}, nonce {nonce}"):
                answer = solve(nonce)
            yield nonce, answer


def _draw(path: Path, name: str, solved: Sequence[SolvedNonce]) -> None:
    """Write the picture of those trainings that completed an epoch."""
    if not solved:
        say(f"tig-verify: {path}: not written, as not one epoch was completed", is_error=True)
        return
    from verifier.experiments.prediction_maps import prediction_maps
    from verifier.experiments.training_history import claimed_history

    histories = [claimed_history(f"{name}, nonce {each.claim.nonce}", each.claim) for each in solved]
    alone = solved[0] if len(solved) == 1 else None
    maps = prediction_maps(alone.claim, alone.solution) if alone else None
    write_picture(path, training_picture(histories, maps))
    say(f"{path}: written", is_error=True)
