"""What can go wrong in the protocol; every message says what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class ProtocolError(Exception):
    """Base of everything that this package raises about its input."""


class CodecError(ProtocolError):
    """Bytes that are not one canonical value, or a value that has no canonical bytes; `offset` says where."""

    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(f"byte {offset}: {problem}")
        self.offset = offset


class RecordError(ProtocolError):
    """A record or a field of it breaks the format; `where` is its path, such as `claim.settings.track_id`."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where


class SettingsError(ProtocolError):
    """No seed can be derived from these settings; the message names the field."""


class KeyFileError(ProtocolError):
    """A key file cannot be read or written; `path` is the file."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


class SignatureError(ProtocolError):
    """A signature does not hold for the bytes and the public key that came with it."""
