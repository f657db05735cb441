"""The losses of a training while it goes on: a few lines on a terminal, elsewhere a line each minute."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from verifier.challenge.editions import Edition
from verifier.command_line.terminal import say, visible
from verifier.command_line.text_table import number_text

if TYPE_CHECKING:
    from rich.live import Live

    from verifier.challenge.training.trainer import Epoch

_PERIOD: Final = 60.0
"""Seconds between two lines, where there is no terminal."""
_BARS: Final = "▁▂▃▄▅▆▇█"
_PLAIN_BARS: Final = "_.-=^"
_WIDTH: Final = 60
"""Characters of the curve, of which each is one or more epochs."""


class LiveLosses:
    """What an observer of trainings shows of them, one after the other; afterwards nothing of it is left."""

    def __init__(self, edition: Edition) -> None:
        self._edition = edition
        self._told = time.monotonic()
        self._live: Live | None = None
        self._title, self._losses, self._best_epoch = "", list[float](), 0

    @contextmanager
    def training(self, title: str) -> Iterator[None]:
        """While one training goes on."""
        self._title, self._losses, self._best_epoch = title, [], 0
        if sys.stderr is None or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.live import Live

        console = Console(stderr=True, markup=False, highlight=False)
        with Live(console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as self._live:
            yield
        self._live = None

    def observe(self, epoch: Epoch) -> None:
        """Show an epoch, which has just been completed."""
        self._losses.append(epoch.validation_loss)
        if epoch.validation_loss <= epoch.best_validation_loss:
            self._best_epoch = epoch.number
        if self._live is not None:
            self._live.update("\n".join(self._shown(epoch)))
        elif time.monotonic() - self._told >= _PERIOD:
            self._told = time.monotonic()
            losses = f"validation loss {epoch.validation_loss:.4f} (best {epoch.best_validation_loss:.4f})"
            say(f"tig-verify: {self._title}: epoch {epoch.number:,}, {losses}", is_error=True)

    def _shown(self, epoch: Epoch) -> list[str]:
        assert self._live is not None
        encoding = self._live.console.encoding
        stale = epoch.number - self._best_epoch
        lines = [
            f"{self._title}  epoch {epoch.number:,} of at most {self._edition.max_epochs:,}",
            f"  training loss    {epoch.train_loss:.4f}",
            f"  validation loss  {epoch.validation_loss:.4f}  {self._curve(encoding)}",
            f"  lowest           {epoch.best_validation_loss:.4f}  in epoch {self._best_epoch:,}; training ends "
            f"{self._edition.patience} epochs after it (now {stale})",
            f"  fuel             {number_text(epoch.fuel_used)}",
        ]
        return [visible(line, encoding) for line in lines]

    def _curve(self, encoding: str) -> str:
        """The validation losses so far, on a logarithmic scale."""
        bars = _BARS if encoding.lower().startswith("utf") else _PLAIN_BARS
        each = math.ceil(len(self._losses) / _WIDTH)
        heights = [math.log(max(loss, 1e-30)) for loss in self._losses[::each] if math.isfinite(loss)]
        low, high = min(heights, default=0.0), max(heights, default=0.0)
        step = (high - low) / (len(bars) - 1) or 1.0
        return "".join(bars[round((height - low) / step)] for height in heights)
