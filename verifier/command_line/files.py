"""Files of the command line: whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import click

from protocol.envelope import Envelope, Signed, open_envelope
from protocol.errors import KeyFileError, ProtocolError
from protocol.keys import ENVELOPE_BEGINS, SigningKey
from protocol.record import Record
from protocol.regular_file import IrregularFileError, open_regular, read_regular, require_replaceable
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.command_line.terminal import visible

_LARGEST = 64 * 2**20
_KEYS_BEGIN = (b"-----BEGIN", b"ssh-")
_TEMPORARY = ".tig-verify-"
_LOOKED_AT = 100
"""Bytes that tell a text from a record."""
_LONGEST_NAME = 255
"""Bytes of the name of a file, on every common file system."""
_BESIDE = frozenset({".solution", ".transcript", ".response", ".verdict", ".png"})
"""The endings of what lies beside a claim."""
_R = TypeVar("_R", bound=Record)


def read_file(path: Path) -> bytes:
    """The bytes of a file the user named. Raises InputError."""
    try:
        data = read_regular(path, _LARGEST)
    except IrregularFileError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the name") from None
    if len(data) > _LARGEST:
        raise InputError(f"{path}: is larger than {_LARGEST} bytes, which no file of tig-verify is")
    return data


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file whole: to a temporary one beside it, then renamed. Raises InputError.

    Only a regular file is replaced: not a device, and no link, which a stranger may have put there.
    """
    try:
        require_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path.parent) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
            os.replace(file.name, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def replace_file(path: Path, data: bytes) -> None:
    """Write a file that is there anew, with the same permissions. Raises InputError."""
    write_file(path, data, stat.S_IMODE(path.lstat().st_mode))


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[IO[bytes]]:
    """A new file, gone afterwards unless it was renamed. Its lock says that somebody is writing it."""
    while True:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=_TEMPORARY, delete=False) as file:
            try:
                with contextlib.suppress(OSError):  # no locks here; then nobody removes leftovers either
                    fcntl.flock(file, fcntl.LOCK_EX)
                if os.fstat(file.fileno()).st_nlink:  # else it was taken for a leftover before it had its lock
                    yield file
                    return
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(file.name)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed calls have left in a folder: those that nobody holds the lock of."""
    for path in folder.glob(f"{_TEMPORARY}*"):
        # It may be another user's, or gone by now, or there may be no locks.
        with contextlib.suppress(OSError), os.fdopen(open_regular(path), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def require_new(path: Path, instead: str = "choose another name with -o") -> None:
    """Refuse to replace a file, and say what to do instead. Raises InputError."""
    if os.path.lexists(path):
        raise InputError(f"{path}: exists; {instead}")


def require_short(path: Path) -> None:
    """Refuse a name that no file can have, before hours are spent. Raises InputError."""
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        raise InputError(f"{path}: the name is longer than {_LONGEST_NAME} bytes; give the module a shorter one")


def require_writable(folder: Path, option: str = "-o") -> None:
    """Refuse a folder that `write_file` could not write to or create, before hours are spent. Raises InputError."""
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise InputError(f"{folder}: cannot be written: {nearest} is not a folder; choose another with {option}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: cannot be written: no permission for {nearest}; choose another with {option}")


def read_envelope(path: Path) -> Envelope:
    """A signed record, not yet verified. Raises InputError."""
    return envelope_in(read_file(path), path)


def envelope_in(data: bytes, path: Path) -> Envelope:
    """The signed record that the bytes of a file are, not yet verified. Raises InputError."""
    try:
        return Envelope.from_bytes(data)
    except ProtocolError as error:
        raise InputError(f"{path}: {_instead(data, error)}") from None


def _instead(data: bytes, error: ProtocolError) -> str:
    """What bytes are that are no signed record."""
    if not data:
        return "is empty, no signed record; get it again from whoever made it"
    if data.lstrip().startswith(_KEYS_BEGIN):
        return "is a key, no signed record; name a file such as a .claim, and give keys with --key or --signer"
    if data[0] < 0x80 and all(byte >= 0x20 or byte in b"\t\n\r" for byte in data[:_LOOKED_AT]):
        return "is a text, no signed record; name a file such as a .claim, that tig-verify wrote"
    return f"is not a signed record of tig-verify, or was cut or changed: {error}"


def read_record(path: Path, record_type: type[_R]) -> Signed[_R]:
    """A record whose signature holds. Raises InputError."""
    try:
        return open_envelope(read_envelope(path), record_type)
    except ProtocolError as error:
        raise InputError(f"{path}: {error}") from None


def load_signing_key(path: Path) -> SigningKey:
    """A private key; asks for its passphrase if it has one. Raises KeyFileError."""
    try:
        return SigningKey.load(path, None)
    except KeyFileError as error:
        if "passphrase" not in str(error):
            raise
    return SigningKey.load(
        path, click.prompt(f"Passphrase of {visible(str(path))}", hide_input=True, err=True).encode()
    )


@dataclass(frozen=True)
class ClaimFiles:
    """The files of one claim: `<stem>.claim`, `.solution`, `.transcript` and, beside them, the module by its digest."""

    claim: Path

    def __post_init__(self) -> None:
        """Refuse a claim with the name of one of its own other files, which would be written over it."""
        if self.claim.suffix in _BESIDE:
            raise InputError(f"{self.claim}: ends in {self.claim.suffix}, as a file beside a claim; name a .claim")

    @property
    def solution(self) -> Path:
        """The solution."""
        return self._beside(".solution")

    @property
    def transcript(self) -> Path:
        """The transcript."""
        return self._beside(".transcript")

    @property
    def response(self) -> ResponseFiles:
        """The folder of the answer to an audit's request."""
        return ResponseFiles(self._beside(".response"))

    @property
    def verdict(self) -> Path:
        """The verdict of a validator."""
        return self._beside(".verdict")

    @property
    def picture(self) -> Path:
        """Its loss curves."""
        return self._beside(".png")

    def module(self, digest: bytes) -> Path:
        """The module with that digest."""
        return self.claim.parent / f"optimiser-{digest.hex()[:16]}.py"

    def _beside(self, suffix: str) -> Path:
        if not self.claim.name:  # as of . and /
            raise InputError(f"{self.claim}: is a folder; name a file in it")
        return self.claim.with_suffix(suffix)


@dataclass(frozen=True)
class ResponseFiles:
    """The folder that answers an audit's request: `response` and one `epoch-<n>.state` for each shipped state."""

    folder: Path

    @property
    def response(self) -> Path:
        """The response; written last: where it is, the states are."""
        return self.folder / "response"

    def state(self, epoch: int) -> Path:
        """The state after an epoch."""
        return self.folder / f"epoch-{epoch}.state"


def read_module(path: Path) -> Module:
    """The optimiser module in a file. Raises InputError."""
    source = read_file(path)
    if source.startswith(ENVELOPE_BEGINS):
        raise InputError(f"{path}: is a signed record, no module; name the module's .py file")
    if source.lstrip().startswith(_KEYS_BEGIN):
        raise InputError(f"{path}: is a key, no module; name the module's .py file, and give keys with --key")
    return Module(path.name, source)


def find_module(files: ClaimFiles, digest: bytes, optimiser: Path | None) -> Module:
    """The module with that digest: the named file, or the one beside the claim. Raises InputError for another."""
    path = optimiser or files.module(digest)
    if optimiser is None and not path.exists():
        raise InputError(f"{path}: the claim's module is not there; name it with --optimiser")
    module = read_module(path)
    if module.digest != digest:
        found, wanted = module.digest.hex()[:16], digest.hex()[:16]
        otherwise = "name the one that was trained" if optimiser else "it was changed, so get it again"
        problem = f"is another module than the claim's: its digest begins {found}, not {wanted}"
        raise InputError(f"{path}: {problem}; {otherwise}")
    return module


def claim_name(optimiser: Path, track_id: str, nonce: int) -> str:
    """The name of the file of a new claim."""
    return f"{optimiser.stem}-{track_id}-nonce={nonce}.claim"


def new_claim_files(folder: Path, optimiser: Path, track_id: str, nonce: int) -> ClaimFiles:
    """The names for a new claim."""
    return ClaimFiles(folder / claim_name(optimiser, track_id, nonce))
