"""The solution files of the live network that its commands read."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import ProtocolError
from protocol.network.blob import MAX_TEXT
from protocol.network.output import OutputData
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file


@dataclass(frozen=True)
class SolutionFile:
    """A solution's text, not yet decoded."""

    text: str | bytes
    nonce: int | None
    """That of the output file; `None` for a text alone."""


def read_solution(name: str) -> SolutionFile:
    """The solution in an output file (`7.json`) or a file with the text alone; `-` is standard input. InputError."""
    data = _standard_input() if name == "-" else read_file(Path(name))
    if not data.lstrip().startswith(b"{"):
        return SolutionFile(data, None)
    try:
        output = OutputData.from_json(data)
    except ProtocolError as error:
        raise InputError(f"{name}: is no output file of the network: {error}") from None
    return SolutionFile(output.solution, output.nonce)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise InputError("standard input: is closed; give it a solution, or name a file")
    try:
        data = sys.stdin.buffer.read(MAX_TEXT + 1)
    except OSError as error:
        raise InputError(f"standard input: {error.strerror}; give it a solution, or name a file") from None
    if len(data) > MAX_TEXT:
        raise InputError(f"standard input: is larger than {MAX_TEXT} bytes, which no solution is")
    return data
