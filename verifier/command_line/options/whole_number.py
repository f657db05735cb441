"""A whole number as the value of an option, however it is written."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

import click

_NUMERAL: Final = re.compile(r"[-+]?[0-9][0-9_]{0,39}(?:\.[0-9]{0,40})?(?:[eE]\+?[0-9]{1,2})?")


class WholeNumber(click.ParamType[int]):
    """A whole number in a range, such as 2500000000, 2_500_000_000 or 2.5e9."""

    def __init__(self, low: int, high: int | None = None, such_as: str = "7", name: str = "N") -> None:
        self.low, self.high, self.name = low, high, name
        self._such_as = such_as

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text of the option."""
        text = str(value)
        number = Decimal(text) if _NUMERAL.fullmatch(text) else None
        if number is None or number != int(number) or not self._contains(int(number)):
            end = "on" if self.high is None else f"to {self.high:,}"
            self.fail(f"{text!r}: write a whole number from {self.low:,} {end}, such as {self._such_as}", param, ctx)
        return int(number)

    def _contains(self, number: int) -> bool:
        return self.low <= number and (self.high is None or number <= self.high)
