"""The epoch that a training has reached, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


@contextmanager
def shown_epochs(text: str) -> Iterator[Callable[[int], None]]:
    """What to tell every epoch to; nothing is shown where stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda epoch: None
        return
    with console.status(text) as status:
        yield lambda epoch: status.update(f"{text}  epoch {epoch}")
