"""`tig-verify debug`."""

from __future__ import annotations

import bdb
import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import click

from sandbox.optimiser import Scalar
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE, USAGE
from verifier.command_line.files import read_file
from verifier.command_line.options.choice_options import overrides_option
from verifier.command_line.options.instance_options import Instances, first_instances_options
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import json_text, say

if TYPE_CHECKING:
    from verifier.challenge.training.trainer import Epoch
    from verifier.plain_torch.plain_training import PlainTraining


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@first_instances_options
@overrides_option
@click.option("--epochs", type=WholeNumber(1), default=3, show_default=True, help="Epochs at most.")
@click.option("--break", "breaks", type=WholeNumber(1), multiple=True, metavar="LINE",
              help="Stop before this line of OPTIMISER, in pdb; may be repeated.")  # fmt: skip
@click.option("--pdb", "is_post_mortem", is_flag=True, help="Enter pdb where OPTIMISER raises an exception.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each nonce instead.")
def debug(
    optimiser: Path, instances: Instances, overrides: tuple[tuple[str, Scalar], ...], epochs: int,
    breaks: tuple[int, ...], is_post_mortem: bool, as_json: bool,
) -> int:  # fmt: skip
    """Run OPTIMISER as plain Python, with torch's own tensors, for a debugger.

    It is not jailed: run only code that you trust.

    The file is run as it is. It is not checked, so print(...) and breakpoint() work in it, and breakpoints of an
    editor. The instance, the network and the gradients are the contest's own; only what OPTIMISER computes is
    torch's, so losses agree with those of `solve` in their first digits. Nothing is counted, signed or kept.

    When OPTIMISER raises an exception, its part of the traceback is printed, and the exit code is 2.

    \b
    Examples: tig-verify debug my_optimiser.py --break 24
              tig-verify debug my_optimiser.py -p lr=0.1 --epochs 50 --pdb
    """
    from verifier.plain_torch.plain_training import debug as debugged

    source = read_file(optimiser)
    for line in breaks:
        _require_statement(optimiser, source, line)

    def trainings() -> None:
        edition, track = instances.track.edition.name, instances.track.id
        for nonce in instances.nonces:
            callback = None if as_json else _say_epoch
            options: dict[str, Any] = {"hyperparameters": dict(overrides), "epochs": epochs, "callback": callback}
            result = debugged(optimiser, edition=edition, track=track, nonce=nonce, **options)
            where = {"file": str(optimiser), "edition": edition, "track": track, "nonce": nonce}
            say(json_text({**where, **asdict(result)}) if as_json else _as_text(nonce, result))

    try:
        _stopping_at(optimiser, breaks, trainings) if breaks else trainings()
    except bdb.BdbQuit:  # somebody left pdb
        pass
    except Exception as error:
        part = _part_of(optimiser, error)
        if part is None:
            raise
        say(*part, is_error=True)
        if is_post_mortem:
            _post_mortem(optimiser, error)
        return USAGE
    return DONE


def _require_statement(module: Path, source: bytes, line: int) -> None:
    """Refuse a breakpoint where pdb would never stop. Raises InputError."""
    try:
        statements = sorted(_statements(compile(source, str(module), "exec", dont_inherit=True)))
    except (SyntaxError, ValueError):  # which is said with its place, when the module is run
        return
    if line not in statements:
        later = next((each for each in statements if each > line), None)
        hint = f"the next one is on line {later}" if later else "the file ends before"
        raise InputError(f"--break {line}: {module} has no statement there; {hint}")


def _statements(code: CodeType) -> set[int]:
    """The lines of a code object, and of those in it, on which something is done."""
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    lines = {line for _, _, line in code.co_lines() if line}
    return lines.union(*map(_statements, inner))


def _say_epoch(epoch: Epoch) -> None:
    say(f"epoch {epoch.number}: train loss {epoch.train_loss:.5f}, validation loss {epoch.validation_loss:.5f}")


def _as_text(nonce: int, result: PlainTraining) -> str:
    end = f"ended by {result.stop_reason}" if result.stop_reason else "ended by --epochs"
    end += f" ({result.explanation})" if result.explanation else ""
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
