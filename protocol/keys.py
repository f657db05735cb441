"""Ed25519 keys and their files: PKCS#8 and SubjectPublicKeyInfo in PEM; OpenSSH files are read too."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol.errors import KeyFileError, RecordError, SignatureError
from protocol.hashes import blake3_digest
from protocol.regular_file import IrregularFileError, read_regular

PUBLIC_KEY_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
MAX_FILE_SIZE: Final = 1 << 14
MAX_PASSPHRASE: Final = 1023  # bytes; the library takes no more

ENVELOPE_BEGINS: Final = b"\x84\xa7payload"
"""What every signed record begins with: a map of four entries, and the name of the first."""
_FIELD: Final = (1 << 255) - 19
# The points of order 1, 2, 4 and 8, without the sign bit. Such a key has no secret: anybody can make signatures
# that hold for it, and libraries disagree on which.
_SMALL_ORDER: Final = frozenset(
    int.from_bytes(bytes.fromhex(encoding), "little")
    for encoding in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
    )
)


@dataclass(frozen=True)
class VerifyKey:
    """A public key, as its 32 raw bytes (RFC 8032); `RecordError` for another length."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_KEY_SIZE:
            raise RecordError("public key", f"expected {PUBLIC_KEY_SIZE} bytes, found {len(self.raw)}")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the key in a SubjectPublicKeyInfo PEM or OpenSSH `.pub` file; `KeyFileError` if none is."""
        data = _read(path, "check the name")
        if b"PRIVATE KEY-----" in data:
            raise KeyFileError(path, "this is a private key; pass the public key file, and show this one to nobody")
        is_pem = data.lstrip().startswith(b"-----BEGIN")
        parse = serialization.load_pem_public_key if is_pem else serialization.load_ssh_public_key
        try:
            key = parse(data)
        except (ValueError, UnsupportedAlgorithm, InternalError):
            raise KeyFileError(path, _no_key(data, "public key")) from None
        if not isinstance(key, Ed25519PublicKey):
            raise _other_type(path, key)
        return cls(key.public_bytes_raw())

    def save(self, path: Path) -> None:
        """Write the key as SubjectPublicKeyInfo PEM to a new file; `KeyFileError` if `path` exists."""
        key = Ed25519PublicKey.from_public_bytes(self.raw)
        pem, info = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        _create(path, key.public_bytes(pem, info))

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raise `SignatureError` unless `signature` (64 bytes, R and S) over `message` was made with this key A.

        RFC 8032 leaves some signatures to the implementation, which only the signer can make; here all have one
        answer. A is below the field's prime and not of small order; S is below the order of the group; and
        the canonical encoding of [S]B - [k]A, where k hashes the received bytes of R, A and the message, is R: no
        cofactor, and R is compared as bytes.
        """
        y = int.from_bytes(self.raw, "little") & ((1 << 255) - 1)
        if y >= _FIELD:
            raise SignatureError("the public key is not in its canonical form; ask for another key")
        if y in _SMALL_ORDER:
            raise SignatureError("the public key is of small order, anybody can sign for it; ask for another key")
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            raise SignatureError(
                f"the signature does not hold for key {self.fingerprint}; get the file again from its signer"
            ) from None

    @property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the BLAKE3 digest of the raw key, for people to compare."""
        return blake3_digest(self.raw).hex()[:16]


@dataclass(frozen=True, eq=False)
class SigningKey:
    """A private key; its bytes leave the object only through `save`."""

    _key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Return a new key from the operating system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path, passphrase: bytes | None = None) -> Self:
        """Return the key in a PKCS#8 PEM or OpenSSH file; `KeyFileError` when it holds none or stays locked.

        An empty passphrase counts as none.
        """
        passphrase = passphrase or None
        data = _read(path, "check the name, or create a key with `tig-verify keygen`")
        if b"PUBLIC KEY-----" in data or data.startswith((b"ssh-", b"ecdsa-", b"sk-")):
            raise KeyFileError(path, "this is a public key; pass the private key file")
        is_openssh = b"-----BEGIN OPENSSH PRIVATE KEY-----" in data
        parse = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
        try:
            key = parse(data, passphrase)
        except (TypeError, ValueError, UnsupportedAlgorithm, InternalError) as fault:
            raise KeyFileError(path, _explain(fault, data, passphrase)) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise _other_type(path, key)
        return cls(key)

    def save(self, path: Path, passphrase: bytes | None = None) -> None:
        """Write the key as PKCS#8 PEM to a new file of mode 0600; `KeyFileError` if `path` exists."""
        if passphrase == b"":
            raise KeyFileError(path, "the passphrase is empty; choose one, or save without a passphrase")
        if passphrase and len(passphrase) > MAX_PASSPHRASE:
            raise KeyFileError(path, f"the passphrase is longer than {MAX_PASSPHRASE} bytes; choose a shorter one")
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase)
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        _create(path, self._key.private_bytes(pem, pkcs8, encryption), secret=True)

    @property
    def verify_key(self) -> VerifyKey:
        """The public half."""
        return VerifyKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over `message` (RFC 8032, deterministic)."""
        return self._key.sign(message)


def _read(path: Path, otherwise: str) -> bytes:
    try:
        data = read_regular(path, MAX_FILE_SIZE)
    except FileNotFoundError:
        raise KeyFileError(path, f"there is no such file; {otherwise}") from None
    except IrregularFileError as fault:
        raise KeyFileError(path, str(fault.strerror)) from None
    except OSError as fault:
        raise KeyFileError(path, f"cannot be read ({fault.strerror}); check the path and its permissions") from None
    if len(data) > MAX_FILE_SIZE:
        raise KeyFileError(path, f"is larger than {MAX_FILE_SIZE} bytes, which no key is; pass the key file")
    return data


def _create(path: Path, data: bytes, secret: bool = False) -> None:
    try:
        # O_EXCL refuses symbolic links too, dangling ones included.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    except FileExistsError:
        raise KeyFileError(path, "already exists and is not overwritten; choose another name") from None
    except OSError as fault:
        raise KeyFileError(path, f"cannot be created ({fault.strerror}); check the folder") from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if secret:
                os.fchmod(descriptor, 0o600)  # whatever the umask takes away
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException as fault:
        path.unlink(missing_ok=True)
        if isinstance(fault, OSError):
            raise KeyFileError(path, f"cannot be written ({fault.strerror}); check the disk") from None
        raise


def _explain(fault: Exception, data: bytes, passphrase: bytes | None) -> str:
    if "bcrypt" in str(fault):
        return "an OpenSSH key with a passphrase needs the Python package bcrypt; install it, or use a PEM key"
    if isinstance(fault, UnsupportedAlgorithm):
        return "this kind of key or encryption is not supported; remove the passphrase with `ssh-keygen -p`"
    if isinstance(fault, TypeError) and passphrase:
        return "the key is not encrypted; pass no passphrase"
    if isinstance(fault, TypeError):
        return "the key is encrypted; pass its passphrase"
    if passphrase and b"-----BEGIN" in data:
        return "the passphrase is wrong or the file is damaged; type it again"
    return _no_key(data, "private key")


def _no_key(data: bytes, wanted: str) -> str:
    if data.startswith(ENVELOPE_BEGINS):
        return f"this is a signed record, and no key; pass the {wanted} file"
    return f"this is not a {wanted} in PEM or OpenSSH form; pass an Ed25519 key"


def _other_type(path: Path, key: object) -> KeyFileError:
    found = type(key).__name__.removesuffix("PrivateKey").removesuffix("PublicKey")
    return KeyFileError(path, f"holds a key of type {found}; pass an Ed25519 key")
