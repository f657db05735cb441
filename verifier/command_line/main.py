"""The entry point `tig-verify`: runs a command and turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

from verifier.command_line.exit_codes import DONE, INTERRUPTED, UNDETERMINED, USAGE


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = _say("interrupted; nothing half-written was left", INTERRUPTED)
    except BrokenPipeError:  # the reader of stdout went away, as `head` does
        sys.stderr.close()
        code = DONE
    except Exception:  # a bug of ours must not look like a rejection
        traceback.print_exc()
        code = _say("internal error: this is a bug of tig-verify, not a verdict", UNDETERMINED)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    import click
    import torch

    from arithmetic.allocator import keep_freed_memory
    from arithmetic.errors import MachineError
    from protocol.errors import ProtocolError
    from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
    from verifier.challenge.errors import VerifierError
    from verifier.command_line.group import commands

    keep_freed_memory()
    torch.set_num_threads(1)  # the bits do not depend on it; idle threads that spin slow the worker down
    try:
        code: int | None = commands.main(arguments, prog_name="tig-verify", standalone_mode=False)
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return USAGE
    except (ModuleRefused, OptimiserError, ProtocolError, VerifierError) as error:
        return _say(str(error), USAGE)
    except (MachineError, WorkerFault) as error:
        return _say(f"undetermined: {error}", UNDETERMINED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}", USAGE if error.filename else UNDETERMINED)
    return code or DONE


def _say(text: str, code: int) -> int:
    print(text if text.count("\n") else f"tig-verify: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
