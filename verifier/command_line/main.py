"""The entry point `tig-verify`: runs a command and turns what goes wrong into a message and an exit code.

Exit code 1 is a rejection, and a command alone gives it: not click for want of a reader, not an interpreter that cannot
write its last words, not a library for want of memory.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from arithmetic.threads import ONE_THREAD
from verifier.command_line.exit_codes import DONE, INTERRUPTED, UNDETERMINED, USAGE
from verifier.command_line.terminal import say

if TYPE_CHECKING:
    import click

_ADDRESS_SPACE: Final = 4 * 2**30
"""Bytes without which NumPy ends the process, with exit code 1, while it is imported."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit."""
    _occupy_standard_descriptors()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored by a parent, it would hide how our processes end
    try:
        os.environ.update(ONE_THREAD)  # read once, when NumPy or torch is loaded
        code = _refusal() or _run(arguments)
        if code != UNDETERMINED:  # else what could not be written has been said
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = _fail(INTERRUPTED, "interrupted; nothing half-written was left")
    except BrokenPipeError:  # who reads stdout went away, as `head` does: what it has not read is not known to anybody
        code = UNDETERMINED
    except OSError as error:
        code = _fail(UNDETERMINED, f"standard output: {error.strerror}")
    except Exception:  # a bug of ours must not look like a rejection
        with contextlib.suppress(OSError):
            say(*(f"  {line}" for line in traceback.format_exc().rstrip("\n").split("\n")), is_error=True)
        code = _fail(UNDETERMINED, "internal error: this is a bug of tig-verify, not a verdict")
    _give_up_unwritable_streams()
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    import click

    from arithmetic.errors import MachineError
    from protocol.errors import ProtocolError
    from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
    from verifier.challenge.errors import VerifierError
    from verifier.command_line.group import commands

    try:
        code: int | None = commands.main(arguments, prog_name="tig-verify", standalone_mode=False)
    except SystemExit as end:  # click's, with 1, when nobody reads what is written
        return UNDETERMINED if end.code else DONE
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            say(*_usage(error), is_error=True)
        return USAGE
    except (ModuleRefused, OptimiserError, ProtocolError, VerifierError) as error:
        return _fail(USAGE, *getattr(error, "lines", (str(error),)))
    except (MachineError, WorkerFault) as error:
        return _fail(UNDETERMINED, f"undetermined: {error}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(USAGE if error.filename else UNDETERMINED, f"{where}{error.strerror or error}")
    return code or DONE


def _occupy_standard_descriptors() -> None:
    """Open what the caller closed of 0, 1 and 2, or the next file or pipe would be there, and be written to."""
    for descriptor, stream, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            os.set_inheritable(opened, True)  # for processes of ours too
            setattr(sys, stream, os.fdopen(descriptor, mode, closefd=False))


def _refusal() -> int | None:
    """The exit code where this process would be ended, or code of strangers run, as soon as a library is imported."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < _ADDRESS_SPACE:
        problem = f"the address space is limited to {limit} bytes; allow {_ADDRESS_SPACE} (ulimit -v)"
        return _fail(UNDETERMINED, f"undetermined: {problem}")
    paths = os.environ.get("PYTHONPATH")
    if paths and not all(map(os.path.isabs, paths.split(os.pathsep))):
        problem = "has an empty or a relative path, so that code would come from the working folder"
        return _fail(USAGE, f"PYTHONPATH {problem}; unset it, or make its paths absolute")
    try:
        os.getcwd()
    except OSError:
        return _fail(USAGE, "the working folder is gone; change to one that exists")
    return None


def _give_up_unwritable_streams() -> None:
    """Let what cannot be written go nowhere: the interpreter would try once more, and exit with a code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _fail(code: int, *lines: str) -> int:
    with contextlib.suppress(OSError):  # the code says it too
        say(*(lines if len(lines) > 1 else (f"tig-verify: {line}" for line in lines)), is_error=True)
    return code


def _usage(error: click.ClickException) -> list[str]:
    """What is wrong with the words of a call: with a value one line, as of any other; else what click would print."""
    param = getattr(error, "param", None)
    if param is not None and error.message:  # a parameter that is missing has none
        option = param.opts[0] if param.param_type_name == "option" else param.human_readable_name
        return [f"tig-verify: {option}: {error.message.rstrip('.')}"]
    lines = [f"Error: {error.format_message()}"]
    context = getattr(error, "ctx", None)
    if context is not None:
        help_option = context.help_option_names[0]
        lines = [*context.get_usage().split("\n"), f"Try '{context.command_path} {help_option}' for help.", "", *lines]
    return lines


if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.exit(_fail(USAGE, "python -m imports from the working folder; call tig-verify, or python -P -m"))
    main()
