"""The progress of a call, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from verifier.command_line.terminal import say, visible

if TYPE_CHECKING:
    from verifier.challenge.training.trainer import Epoch

_A_DAY: Final = 86_400.0


class Progress:
    """The work in hand, the number of items done, and the time left; nothing where stderr is no terminal.

    `cost` is what all items together cost, `paid` what those cost that are done already; without them all cost the
    same. A context manager.
    """

    def __init__(self, text: str, items: int, done: int = 0, cost: float | None = None, paid: float = 0.0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as Display

        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(stderr=True)
        self._display = Display(
            *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=_A_DAY
        )
        self._items, self._done, self._text = items, done, self._visible(text)
        self._task = self._display.add_task(self._text, total=items if cost is None else cost, count=self._count)
        self._display.update(self._task, completed=done if cost is None else paid)

    def begin(self, text: str) -> None:
        """Say what is being done now."""
        self._text = self._visible(text)
        self._display.update(self._task, description=self._text)

    def observe(self, epoch: Epoch) -> None:
        """Say which epoch a training in this process has reached."""
        losses = f"validation loss {epoch.validation_loss:.4f} (best {epoch.best_validation_loss:.4f})"
        self._display.update(self._task, description=f"{self._text}  epoch {epoch.number}  {losses}")

    def advance(self, cost: float = 1.0) -> None:
        """One item more is done."""
        self._done += 1
        self._display.update(self._task, advance=cost, count=self._count)

    def reach(self, item: int) -> None:
        """So many items are done."""
        self._done = item
        self._display.update(self._task, completed=item, count=self._count)

    def echo(self, *lines: str, is_error: bool = False) -> None:
        """Print lines above the progress, or where there is none, as ever."""
        if self._display.disable or not (is_error or sys.stdout.isatty()):
            say(*lines, is_error=is_error)
        else:
            self._display.console.out("\n".join(map(self._visible, lines)), highlight=False)

    def _visible(self, text: str) -> str:
        return visible(text, self._display.console.encoding)

    @property
    def _count(self) -> str:
        return f"{self._done}/{self._items}"

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()
