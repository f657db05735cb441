"""How many claims are done, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from verifier.challenge.training.trainer import Epoch


class ClaimsBar:
    """A bar that is shown where stderr is a terminal; a context manager."""

    def __init__(self, total: int, done: int) -> None:
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("verifying", total=total, completed=done)

    def observe(self, epoch: Epoch) -> None:
        """Show the epoch that a replay has reached."""
        loss = epoch.validation_loss
        self._progress.update(self._task, description=f"epoch {epoch.number}  validation loss {loss:.4f}")

    def advance(self, counts: str) -> None:
        """One more; `counts` says what has come out so far."""
        self._progress.update(self._task, advance=1, description=counts)

    def echo(self, text: str, is_error: bool) -> None:
        """Print a line above the bar, or where there is none, as ever."""
        if self._progress.disable or not (is_error or sys.stdout.isatty()):
            click.echo(text, err=is_error)
        else:
            self._progress.console.out(text, highlight=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
