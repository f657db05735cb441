"""Options that are lists of whole numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click


class NumberList(click.ParamType[tuple[int, ...]]):
    """Numbers and ranges with both ends, such as 1,2,4..6."""

    name = "NUMBERS"

    def __init__(self, allowed: Sequence[int], known: str) -> None:
        self._allowed, self._known = allowed, known

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read the text of the option."""
        chosen: set[int] = set()
        for part in str(value).split(","):
            match = re.fullmatch(r"([0-9]{1,6})(?:\.\.([0-9]{1,6}))?", part)
            numbers = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
            if not numbers or not {numbers[0], numbers[-1]} <= set(self._allowed):
                self.fail(f"{value!r}: write {self._known}", param, ctx)
            chosen |= set(numbers)
        if not chosen <= set(self._allowed):
            self.fail(f"{value!r}: write {self._known}", param, ctx)
        return tuple(sorted(chosen))
