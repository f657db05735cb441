"""The option `--nonces`: one nonce, ranges and lists of them, or a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import click

from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file
from verifier.command_line.options.option_groups import Decorator

MAX_NONCE: Final = 2**64 - 1
_MOST: Final = 1_000_000
_EXAMPLES: Final = "write one such as 7, or a range such as 0..9"


class Nonces(click.ParamType[Sequence[int]]):
    """Nonces, ascending, each once: 7, or 0..9,12, where ranges have both ends, or @FILE with one such on each line."""

    name = "N, A..B or @FILE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Sequence[int]:
        """Read the text of the option. Raises InputError for a file that cannot be used."""
        text = str(value)
        try:
            return _together(_of_file(Path(text[1:]))) if text.startswith("@") else nonces_of(text)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def nonces_option(help_more: str = "", required: bool = True, default: str | None = None) -> Decorator:
    """--nonces, which need not be given if it is not required or has a default."""
    what = "Nonces: 7, or 0..9,12, or @FILE with a nonce or a range on each line."
    return click.option(
        "--nonces",
        required=required and default is None,
        default=default,
        show_default=default is not None,
        type=Nonces(),
        help=f"{what}{help_more}",
    )


def nonces_of(text: str) -> Sequence[int]:
    """The nonces of a text such as 0..9,12. Raises ValueError."""
    return _together(list(map(_range, text.split(","))))


def nonces_text(nonces: Iterable[int]) -> str:
    """The shortest text of ascending nonces, as the option reads it."""
    ends: list[list[int]] = []
    for nonce in nonces:
        if ends and nonce == ends[-1][1] + 1:
            ends[-1][1] = nonce
        else:
            ends.append([nonce, nonce])
    return ",".join(f"{first}..{last}" if first < last else f"{first}" for first, last in ends)


def reasons_text(nonces: Mapping[int, str]) -> list[str]:
    """A line for each reason, with its nonces, such as `nonces 3,7..9: why`."""
    reasons: dict[str, list[int]] = {}
    for nonce, why in sorted(nonces.items()):
        reasons.setdefault(why, []).append(nonce)
    return [f"nonce{'s' if len(those) > 1 else ''} {nonces_text(those)}: {why}" for why, those in reasons.items()]


def _of_file(path: Path) -> list[range]:
    """The ranges of the lines. Raises InputError."""
    ranges = []
    for number, line in enumerate(read_file(path).decode("ascii", "backslashreplace").splitlines(), 1):
        try:
            if text := line.strip():
                ranges.append(_range(text))
        except ValueError as error:
            raise InputError(f"{path}: line {number}: {error}") from None
    if not ranges:
        raise InputError(f"{path}: has no nonces; write one, or a range such as 0..9, on each line")
    return ranges


def _range(text: str) -> range:
    """The nonces of one range. Raises ValueError."""
    match = re.fullmatch(r"([0-9]{1,20})(?:\.\.([0-9]{1,20}))?", text)
    if match is None:
        raise ValueError(f"{text!r} is no nonce; {_EXAMPLES}")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise ValueError(f"{text!r} is empty; write the lower nonce first, as in 0..9")
    if last > MAX_NONCE:
        raise ValueError(f"{text!r} is beyond the last nonce, 2^64 - 1; write a lower one")
    if last - first >= _MOST:
        raise ValueError(f"{text!r} is more than {_MOST:,} nonces; split the range")
    return range(first, last + 1)


def _together(ranges: Sequence[range]) -> Sequence[int]:
    """The nonces of all ranges; a range, if they are one. Raises ValueError for too many."""
    apart: list[range] = []
    for each in sorted(ranges, key=lambda each: each.start):
        if apart and each.start <= apart[-1].stop:
            apart[-1] = range(apart[-1].start, max(apart[-1].stop, each.stop))
        else:
            apart.append(each)
    if sum(map(len, apart)) > _MOST:
        raise ValueError(f"these are more than {_MOST:,} nonces; split the list")
    return apart[0] if len(apart) == 1 else tuple(chain.from_iterable(apart))
