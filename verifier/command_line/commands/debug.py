"""`tig-verify debug`."""

from __future__ import annotations

import bdb
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.optimiser import Scalar
from verifier.challenge.editions import EDITIONS
from verifier.command_line.choice_options import Hyperparameter, track_option
from verifier.command_line.exit_codes import DONE, USAGE
from verifier.command_line.files import read_file
from verifier.command_line.nonces_option import nonces_option
from verifier.command_line.terminal import json_text, say

if TYPE_CHECKING:
    from verifier.challenge.training.trainer import Epoch
    from verifier.plain_torch.plain_training import PlainTraining


@click.command()
@click.argument("module", type=click.Path(path_type=Path))
@track_option(default="n_hidden=4")
@nonces_option(default="0")
@click.option("--edition", default="december-2025", type=click.Choice(list(EDITIONS)), show_default=True)
@click.option("-p", "--hyperparameter", "overrides", multiple=True, type=Hyperparameter(),
              help="Override of one of the module's HYPERPARAMETERS; may be repeated.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), default=3, show_default=True, help="Epochs at most.")
@click.option("--break", "breaks", type=click.IntRange(1), multiple=True, metavar="LINE",
              help="Stop before this line of MODULE, in pdb; may be repeated.")  # fmt: skip
@click.option("--pdb", "is_post_mortem", is_flag=True, help="Enter pdb where the module raises an exception.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each nonce instead.")
def debug(
    module: Path, track: str, nonces: Sequence[int], edition: str, overrides: tuple[tuple[str, Scalar], ...],
    epochs: int, breaks: tuple[int, ...], is_post_mortem: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run MODULE as plain Python, with torch's own tensors, for a debugger.

    It is not jailed: run only code that you trust.

    The file is run as it is. It is not checked, so print(...) and breakpoint() work in it, and breakpoints of an
    editor. The instance, the network and the gradients are the contest's own; only what MODULE computes is torch's, so
    losses agree with those of `solve` in their first digits. Nothing is counted, signed or kept.

    When MODULE raises an exception, its part of the traceback is printed, and the exit code is 2.

    \b
    Examples: tig-verify debug my_optimiser.py --break 24
              tig-verify debug my_optimiser.py -p lr=0.1 --epochs 50 --pdb
    """
    from verifier.plain_torch.plain_training import train

    read_file(module)  # says what is wrong with the name

    def trainings() -> None:
        for nonce in nonces:
            observer = None if as_json else _say_epoch
            options: dict[str, Any] = {"hyperparameters": dict(overrides), "epochs": epochs, "observer": observer}
            result = train(module, track, nonce, edition=edition, **options)
            where = {"file": str(module), "edition": edition, "track": track, "nonce": nonce}
            say(json_text({**where, **asdict(result)}) if as_json else _as_text(nonce, result))

    try:
        _stopping_at(module, breaks, trainings) if breaks else trainings()
    except bdb.BdbQuit:  # somebody left pdb
        pass
    except Exception as error:
        part = _part_of(module, error)
        if part is None:
            raise
        say(*part, is_error=True)
        if is_post_mortem:
            _post_mortem(module, error)
        return USAGE
    return DONE


def _say_epoch(epoch: Epoch) -> None:
    say(f"epoch {epoch.number}: train loss {epoch.train_loss:.5f}, validation loss {epoch.validation_loss:.5f}")


def _as_text(nonce: int, result: PlainTraining) -> str:
    end = f"ended by {result.stop_reason}" if result.stop_reason else "ended by --epochs"
    return (
        f"nonce {nonce}: {end}, best epoch {result.best_epoch}, quality about {result.quality / 1e6:.2f}, test loss "
        f"{result.test_loss:.5f}, threshold {result.threshold:.5f}"
    )


def _stopping_at(module: Path, breaks: Sequence[int], work: Callable[[], None]) -> None:
    """Work under pdb, with breakpoints at lines of the module, until it is done or somebody leaves pdb."""
    import pdb

    debugger = pdb.Pdb(readrc=False)
    debugger.rcLines += [*(f"break {os.path.abspath(module)}:{line}" for line in breaks), "continue"]
    debugger.runcall(work)


def _part_of(module: Path, error: Exception) -> list[str] | None:
    """The lines of a traceback that are about the module; None if it has no part in it."""
    name = os.path.abspath(module)
    if isinstance(error, SyntaxError) and error.filename == name:
        return _lines(traceback.format_exception_only(error))
    summary = traceback.TracebackException.from_exception(error)
    own = [i for i, frame in enumerate(summary.stack) if frame.filename == name]
    if not own:
        return None
    summary.stack = traceback.StackSummary.from_list(summary.stack[own[0] : own[-1] + 1])
    return _lines(summary.format())


def _lines(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in text.rstrip("\n").split("\n")]


def _post_mortem(module: Path, error: Exception) -> None:
    """pdb in the frame of the module where the exception arose."""
    import pdb

    name, place, last = os.path.abspath(module), error.__traceback__, None
    while place is not None:
        if place.tb_frame.f_code.co_filename == name:
            last = place
        place = place.tb_next
    if last is not None:
        last.tb_next = None
    pdb.post_mortem(error.__traceback__)
