"""The options of the commands that train: `--isolation`, `--device` and `--jobs`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from arithmetic.allocator import keep_freed_memory
from verifier.command_line.option_groups import option_group

if TYPE_CHECKING:
    from sandbox.isolation import InProcess, Jail

isolation_option: Final = click.option(
    "--isolation",
    type=click.Choice(["process", "none"]),
    default="process",
    show_default=True,
    help="Where the module's code runs: in a jailed process, or unprotected in this one (only code that you trust).",
)

device_option: Final = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where the products are computed; the result is the same.",
)


@dataclass(frozen=True)
class Execution:
    """The way in which trainings are carried out."""

    isolation: str
    device: str
    jobs: int | None
    """Processes; None for one on each core."""

    def processes(self, items: int) -> int:
        """The number of processes that so many items are worth."""
        from verifier.runs.queue import cores

        return min(self.jobs or cores(), max(items, 1))


jobs_option: Final = click.option(
    "--jobs", type=click.IntRange(1), help="Processes to share the work. Default: all cores."
)

execution_options: Final = option_group("execution", Execution, isolation_option, device_option, jobs_option)
cpu_execution_options: Final = option_group(
    "execution", lambda isolation, jobs: Execution(isolation, "cpu", jobs), isolation_option, jobs_option
)


def open_isolation(name: str) -> AbstractContextManager[InProcess | Jail]:
    """The place that the option names, for a process that trains; its own processes end with the context."""
    from sandbox.isolation import InProcess, Jail

    keep_freed_memory()
    return Jail() if name == "process" else nullcontext(InProcess())
