"""Keys, their files, and what the files' owner is told when something is wrong."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x448, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocol import KeyFileError, RecordError, SigningKey, VerifyKey, blake3_digest
from tests.fuzzing.key_files import LOCKED_OPENSSH, PASSPHRASE

# RFC 8032, section 7.1, test 2.
RFC_SECRET = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
RFC_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)

PEM, OPENSSH = serialization.Encoding.PEM, serialization.Encoding.OpenSSH
NOT_ENCRYPTED = serialization.NoEncryption()


def private_file(folder: Path, passphrase: bytes | None = None) -> Path:
    path = folder / "private.pem"
    SigningKey(Ed25519PrivateKey.from_private_bytes(RFC_SECRET)).save(path, passphrase)
    return path


def public_file(folder: Path) -> Path:
    path = folder / "public.pem"
    VerifyKey(RFC_PUBLIC).save(path)
    return path


def test_fingerprint_is_the_start_of_the_digest() -> None:
    assert VerifyKey(RFC_PUBLIC).fingerprint == blake3_digest(RFC_PUBLIC).hex()[:16]


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(RecordError, match="public key: expected 32 bytes, found 31"):
        VerifyKey(bytes(31))


def test_generated_keys_differ_and_stay_out_of_their_repr() -> None:
    one, other = SigningKey.generate(), SigningKey.generate()
    assert one.verify_key != other.verify_key
    assert repr(one) == "SigningKey()"


@pytest.mark.parametrize("passphrase", [None, b"open sesame"])
def test_a_private_key_survives_its_file(tmp_path: Path, passphrase: bytes | None) -> None:
    path = private_file(tmp_path, passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) == (passphrase is not None)
    assert SigningKey.load(path, passphrase).sign(b"\x72") == RFC_SIGNATURE


def test_a_public_key_survives_its_file(tmp_path: Path) -> None:
    path = public_file(tmp_path)
    assert path.read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")
    assert VerifyKey.load(path) == VerifyKey(RFC_PUBLIC)


def test_openssh_files_are_read(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(RFC_SECRET)
    private, public = tmp_path / "id_ed25519", tmp_path / "id_ed25519.pub"
    private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, NOT_ENCRYPTED))
    line = key.public_key().public_bytes(OPENSSH, serialization.PublicFormat.OpenSSH)
    public.write_bytes(line + b" someone@somewhere\n")
    assert SigningKey.load(private).sign(b"\x72") == RFC_SIGNATURE
    assert VerifyKey.load(public) == VerifyKey(RFC_PUBLIC)
    with pytest.raises(KeyFileError, match="this is a public key"):
        SigningKey.load(public)
    with pytest.raises(KeyFileError, match="this is a private key"):
        VerifyKey.load(private)


def test_a_locked_openssh_key_is_read_or_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "id_ed25519"
    path.write_bytes(LOCKED_OPENSSH)
    with pytest.raises(KeyFileError, match="the key is encrypted; pass its passphrase"):
        SigningKey.load(path)
    if find_spec("bcrypt"):
        assert SigningKey.load(path, PASSPHRASE).verify_key.raw[:2] == b"\x21\x8e"
    else:
        with pytest.raises(KeyFileError, match="needs the Python package bcrypt"):
            SigningKey.load(path, PASSPHRASE)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        private, public = private_file(tmp_path), public_file(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644 & ~umask


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    for name in ("private.pem", "public.pem"):
        (tmp_path / name).symlink_to(target)
    for there in (False, True):
        if there:
            target.write_bytes(b"precious")
        for make in (private_file, public_file):
            with pytest.raises(KeyFileError, match="already exists"):
                make(tmp_path)
        assert target.exists() == there
    assert target.read_bytes() == b"precious"


@pytest.mark.parametrize("make", [private_file, public_file])
def test_files_are_never_overwritten(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    before = path.read_bytes()
    with pytest.raises(KeyFileError, match="already exists"):
        SigningKey.generate().save(path)
    with pytest.raises(KeyFileError, match="already exists"):
        SigningKey.generate().verify_key.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("fault", "seen"),
    [(OSError(28, "No space left on device"), KeyFileError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_nothing_half_written_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, seen: type[BaseException]
) -> None:
    def fail(_: int) -> None:
        raise fault

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(seen):
        private_file(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=r"nowhere/key\.pem: cannot be created"):
        SigningKey.generate().save(tmp_path / "nowhere" / "key.pem")


def test_an_empty_passphrase_is_not_taken_for_encryption(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="the passphrase is empty"):
        private_file(tmp_path, b"")
    assert list(tmp_path.iterdir()) == []
    assert SigningKey.load(private_file(tmp_path), b"").sign(b"\x72") == RFC_SIGNATURE


def test_a_passphrase_has_a_length_that_the_library_takes(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="the passphrase is longer than 1023 bytes"):
        private_file(tmp_path, b"x" * 1024)
    assert list(tmp_path.iterdir()) == []
    assert SigningKey.load(private_file(tmp_path, b"x" * 1023), b"x" * 1023).sign(b"\x72") == RFC_SIGNATURE


def test_passphrase_faults_are_told_apart(tmp_path: Path) -> None:
    locked = private_file(tmp_path, b"right")
    with pytest.raises(KeyFileError, match=r"private\.pem: the key is encrypted; pass its passphrase"):
        SigningKey.load(locked)
    with pytest.raises(KeyFileError, match="the passphrase is wrong"):
        SigningKey.load(locked, b"wrong")
    locked.unlink()
    with pytest.raises(KeyFileError, match="the key is not encrypted"):
        SigningKey.load(private_file(tmp_path), b"superfluous")


@pytest.mark.parametrize("load", [SigningKey.load, VerifyKey.load])
def test_files_without_a_key_are_told_apart(tmp_path: Path, load: Callable[[Path], object]) -> None:
    path = tmp_path / "key"
    with pytest.raises(KeyFileError, match="key: there is no such file"):
        load(path)
    with pytest.raises(KeyFileError, match="is a folder; name a file in it"):
        load(tmp_path)
    for content in (b"", b"hello", b"\xff\x00", b"-----BEGIN", b"ssl-ed25519 AAAA"):
        path.write_bytes(content)
        with pytest.raises(KeyFileError, match="in PEM or OpenSSH form"):
            load(path)
    path.write_bytes(bytes(70_000))
    with pytest.raises(KeyFileError, match="larger than"):
        load(path)


def test_private_and_public_files_are_not_confused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="this is a public key; pass the private key file"):
        SigningKey.load(public_file(tmp_path))
    with pytest.raises(KeyFileError, match="this is a private key"):
        VerifyKey.load(private_file(tmp_path))


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    private, public = private_file(tmp_path), public_file(tmp_path)
    for path, load in ((private, SigningKey.load), (public, VerifyKey.load)):
        path.write_bytes(path.read_bytes().replace(b"M", b"A", 1))
        with pytest.raises(KeyFileError, match="in PEM or OpenSSH form"):
            load(path)


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.from_private_bytes(RFC_SECRET)
    openssh = key.private_bytes(PEM, serialization.PrivateFormat.OpenSSH, NOT_ENCRYPTED)
    line = key.public_key().public_bytes(OPENSSH, serialization.PublicFormat.OpenSSH)
    files = (
        (private_file(tmp_path).read_bytes(), SigningKey.load),
        (openssh, SigningKey.load),
        (public_file(tmp_path).read_bytes(), VerifyKey.load),
        (line, VerifyKey.load),
    )
    path = tmp_path / "cut"
    for data, load in files:
        for length in range(len(data.rstrip())):
            path.write_bytes(data[:length])
            with pytest.raises(KeyFileError):
                load(path)


KINDS: dict[str, Callable[[], Any]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 1024),
    "EC": lambda: ec.generate_private_key(ec.SECP256R1()),
    "X25519": x25519.X25519PrivateKey.generate,
    "X448": x448.X448PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
}


@pytest.mark.parametrize("kind", KINDS)
def test_other_key_types_are_named(tmp_path: Path, kind: str) -> None:
    key = KINDS[kind]()
    private, public = tmp_path / "other.pem", tmp_path / "other.pub"
    private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, NOT_ENCRYPTED))
    public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    for path, load in ((private, SigningKey.load), (public, VerifyKey.load)):
        with pytest.raises(KeyFileError, match=rf"holds a key of type {kind}; pass an Ed25519 key"):
            load(path)
    if kind in ("RSA", "EC"):
        public.write_bytes(key.public_key().public_bytes(OPENSSH, serialization.PublicFormat.OpenSSH))
        with pytest.raises(KeyFileError, match=rf"holds a key of type {kind}; pass an Ed25519 key"):
            VerifyKey.load(public)


@pytest.mark.parametrize("arc", [0x6F, 0x71], ids=["X448", "Ed448"])
def test_a_key_that_is_too_short_for_its_type_is_no_key(tmp_path: Path, arc: int) -> None:
    """Found by the fuzzer: the library ends in an internal error of its own."""
    der = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, NOT_ENCRYPTED
    )
    text = base64.b64encode(der.replace(bytes.fromhex("2b6570"), bytes([0x2B, 0x65, arc]), 1)).decode()
    path = tmp_path / "short.pem"
    path.write_text(f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    with pytest.raises(KeyFileError, match="this is not a private key"):
        SigningKey.load(path)
