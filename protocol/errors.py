"""The errors of the protocol; every message says what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

MAX_PLACE: Final = 300  # characters of a path in a message

Step: TypeAlias = int | str
"""One step of the path to a value: an index of a list or a key of a map."""


def place(name: str, path: Sequence[Step]) -> str:
    """Return the path as text, `name.key[0]['other key']`, in printable ASCII and not longer than MAX_PLACE."""
    text = name
    for step in path:
        plain = isinstance(step, str) and step.isidentifier() and step.isascii()
        text += f".{step}" if plain else f"[{step if isinstance(step, int) else step[:40]!a}]"
    text = text.removeprefix(".")
    return text if len(text) <= MAX_PLACE else f"{text[: MAX_PLACE - 60]}...{text[-57:]}"


class ProtocolError(Exception):
    """Base of everything that this package raises about its input."""


class CodecError(ProtocolError):
    """Bytes that are not one canonical value, or a value that has no canonical bytes; `offset` says where.

    `where` is the path of the innermost value that was being read or written, such as `claim.train_losses[1]`.
    """

    def __init__(self, offset: int, problem: str, where: str = "") -> None:
        super().__init__(f"byte {offset} ({where}): {problem}" if where else f"byte {offset}: {problem}")
        self.offset = offset
        self.where = where
        self.problem = problem


class RecordError(ProtocolError):
    """A record or a field of it breaks the format; `where` is its path, such as `claim.settings.track_id`.

    `offset` is the first byte of the field, when the record was read from bytes.
    """

    def __init__(self, where: str, problem: str, offset: int | None = None) -> None:
        super().__init__(f"{where}: {problem}" if offset is None else f"{where}: {problem} (at byte {offset})")
        self.where = where
        self.problem = problem
        self.offset = offset


class SettingsError(ProtocolError):
    """No seed can be derived from these settings; the message names the field."""


class KeyFileError(ProtocolError):
    """A key file cannot be read or written; `path` is the file."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class SignatureError(ProtocolError):
    """A signature does not hold for the bytes and the public key that came with it."""


class NoAnswerError(ProtocolError):
    """A proof that is none: its benchmark's signer has not signed it as an answer to this sample."""


class MerkleError(ProtocolError):
    """A Merkle branch that leads to no root; the message names the stem."""


class DisputeError(ProtocolError):
    """A side of a dispute shows what it has not committed to; the message names the side and the node."""
