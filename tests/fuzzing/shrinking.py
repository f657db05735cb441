"""Make a program that fails smaller, as long as it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Final

from tests.fuzzing.samples import Program

ATTEMPTS: Final = 400

_OPENING, _CLOSING = "([{", ")]}"


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """A program with runs of lines, and then bracketed pieces, taken out while `fails` holds."""
    attempts = iter(range(ATTEMPTS))
    for step in (_fewer_lines, _simpler_brackets):
        smaller: Program | None = program
        while smaller is not None:
            program = smaller
            tries = (replace(program, source=s.encode("utf-8", "surrogateescape")) for s in step(_text(program)))
            smaller = next((p for _, p in zip(attempts, tries, strict=False) if fails(p)), None)
    return program


def _text(program: Program) -> str:
    return program.source.decode("utf-8", "surrogateescape")


def _fewer_lines(text: str) -> list[str]:
    """The text without each half, quarter, .. line of its lines, large pieces first."""
    lines, size, found = text.split("\n"), len(text.split("\n")) // 2, []
    while size:
        found += ["\n".join(lines[:at] + lines[at + size :]) for at in range(0, len(lines), size)]
        size //= 2
    return found


def _simpler_brackets(text: str) -> list[str]:
    """The text with a bracketed piece made `0`, or without its brackets."""
    opened, pairs = list[int](), list[tuple[int, int]]()
    for place, character in enumerate(text):
        if character in _OPENING:
            opened.append(place)
        elif character in _CLOSING and opened:
            pairs.append((opened.pop(), place))
    pairs.sort(key=lambda pair: pair[0] - pair[1])
    made = (text[:a] + piece + text[b + 1 :] for a, b in pairs if b - a > 2 for piece in ("(0)", "", text[a + 1 : b]))
    return list(islice(made, ATTEMPTS))
