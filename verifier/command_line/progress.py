"""The progress of a call: a bar on a terminal, elsewhere a line now and then, or events for programs."""

from __future__ import annotations

import contextlib
import sys
import time
from threading import Event, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from verifier.command_line.solving.run_figures import Qualities, RunFigures, rate_text
from verifier.command_line.terminal import json_text, say, visible

if TYPE_CHECKING:
    from rich.progress import Progress as Display

    from verifier.challenge.training.trainer import Epoch

_A_DAY: Final = 86_400.0
_PERIOD: Final = 60.0
"""Seconds between two lines, where there is no terminal, and between two events."""
_SHORTEST: Final = 0.1
"""Seconds that are waited at least, so that no clock can make the waiting busy."""


class Progress:
    """The work in hand, the number of items done, the pace, and how good the results are.

    On a terminal it is a bar; where stderr is none, a line each minute, also while no item ends. With `events` it is
    also an object of JSON on stdout each minute, and no line. `cost` is what all items together cost, `paid` what those
    cost that are done already; without them all cost the same. A context manager; nothing slow is imported before it is
    entered.
    """

    def __init__(
        self,
        text: str,
        items: int,
        done: int = 0,
        cost: float | None = None,
        paid: float = 0.0,
        qualities: Qualities | None = None,
        events: bool = False,
    ) -> None:
        self._text, self._items, self._done, self._failed = text, items, done, 0
        self._cost, self._paid = (float(items), float(done)) if cost is None else (cost, paid)
        self._qualities = qualities or Qualities()
        self._events = events
        self._done_before, self._paid_before = done, self._paid
        self._started = self._told = time.monotonic()
        self._display: Display | None = None
        self._telling, self._ended = Lock(), Event()

    def begin(self, text: str) -> None:
        """Say what is being done now."""
        self._text = text
        self._describe(text)

    def observe(self, epoch: Epoch) -> None:
        """Say which epoch a training in this process has reached."""
        losses = f"validation loss {epoch.validation_loss:.4f} (best {epoch.best_validation_loss:.4f})"
        self._describe(f"{self._text}  epoch {epoch.number}  {losses}")
        self._tell()

    def advance(self, cost: float = 1.0, quality: int | None = None) -> None:
        """One item more is done, and has given a solution of that quality."""
        self._done += 1
        if quality is not None:
            self._qualities.add(quality)
        self._reach(self._paid + cost)

    def fail(self, cost: float = 1.0) -> None:
        """One item more has failed."""
        self._failed += 1
        self._reach(self._paid + cost)

    def reach(self, item: int) -> None:
        """So many items are done."""
        self._done = item
        self._reach(float(item))

    def echo(self, *lines: str, is_error: bool = False) -> None:
        """Print lines above the progress, or where there is none, as ever."""
        if self._display is None or not (is_error or sys.stdout.isatty()):
            say(*lines, is_error=is_error)
        else:
            self._display.console.out("\n".join(map(self._visible, lines)), highlight=False)

    @property
    def figures(self) -> RunFigures:
        """How far it is now."""
        elapsed, paid = time.monotonic() - self._started, self._paid - self._paid_before
        pace, seconds_left = 0.0, None
        if elapsed and paid:
            pace = (self._done + self._failed - self._done_before) / elapsed
            seconds_left = (self._cost - self._paid) * elapsed / paid
        return RunFigures.of(self._items, self._done, self._failed, self._qualities, pace, seconds_left)

    def _reach(self, paid: float) -> None:
        self._paid = paid
        if self._display is not None:
            (task,) = self._display.task_ids
            self._display.update(task, completed=paid, count=self._count)
        self._tell()

    def _tell(self) -> None:
        """Say how far it is, if that has not been said within a minute."""
        with self._telling:
            if time.monotonic() - self._told < _PERIOD:
                return
            self._told = time.monotonic()
        if self._events:
            say(json_text({"event": "progress", **self.figures.as_json()}))
        elif self._display is None:
            say(f"tig-verify: {self.figures.as_text()}", is_error=True)

    def _describe(self, text: str) -> None:
        if self._display is not None:
            (task,) = self._display.task_ids
            self._display.update(task, description=self._visible(text))

    def _visible(self, text: str) -> str:
        return visible(text, self._display.console.encoding if self._display else "ascii")

    @property
    def _count(self) -> str:
        pieces, figures = [f"{self._done:,}/{self._items:,}"], self.figures
        if figures.failed:
            pieces.append(f"{figures.failed:,} failed")
        if figures.per_minute is not None and self._items > 1:
            pieces.append(f"{rate_text(figures.per_minute)}/min")
        if figures.best is not None and self._items > 1:
            pieces.append(f"best {figures.best:,}, median {figures.median:,}")
        return ", ".join(pieces)

    def __enter__(self) -> Self:
        if sys.stderr is not None and sys.stderr.isatty():
            self._display = self._bar()
            self._display.start()
        if self._display is None or self._events:
            Thread(target=self._tell_each_minute, daemon=True).start()
        return self

    def _tell_each_minute(self) -> None:
        while not self._ended.wait(max(self._told + _PERIOD - time.monotonic(), _SHORTEST)):
            with contextlib.suppress(OSError):  # who goes on will be told
                self._tell()

    def _bar(self) -> Display:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        console = Console(stderr=True)
        display = Progress(*columns, console=console, transient=True, speed_estimate_period=_A_DAY)
        text = visible(self._text, console.encoding)
        display.update(display.add_task(text, total=self._cost, count=self._count), completed=self._paid)
        return display

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._display is not None:
            self._display.stop()
