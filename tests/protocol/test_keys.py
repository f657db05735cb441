"""Keys, their files, and what the files' owner is told when something is wrong."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from protocol import KeyFileError, RecordError, SignatureError, SigningKey, VerifyKey, blake3_digest

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


def test_signatures_follow_rfc_8032() -> None:
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(RFC_SECRET))
    assert key.sign(b"\x72") == RFC_SIGNATURE
    assert key.verify_key == VerifyKey.from_raw(RFC_PUBLIC)
    key.verify_key.verify(b"\x72", RFC_SIGNATURE)


def test_a_signature_holds_for_one_message_and_one_key() -> None:
    key = VerifyKey(RFC_PUBLIC)
    for message, signature in ((b"\x73", RFC_SIGNATURE), (b"\x72", RFC_SIGNATURE[:-1]), (b"\x72", b"")):
        with pytest.raises(SignatureError, match=key.fingerprint):
            key.verify(message, signature)
    with pytest.raises(SignatureError):
        SigningKey.generate().verify_key.verify(b"\x72", RFC_SIGNATURE)


def test_keys_of_small_order_are_refused() -> None:
    """For such a point the plain library accepts signatures that were made without any secret."""
    order_8 = (
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    )
    p = (1 << 255) - 19
    points = [*(y.to_bytes(32, "little") for y in (0, 1, p - 1, p, p + 1)), *order_8]
    for point in points:
        for raw in (point, point[:-1] + bytes([point[-1] | 0x80])):
            with pytest.raises(SignatureError, match="small order"):
                VerifyKey(raw).verify(b"x", bytes(64))
    for point in (points[1], *order_8):
        assert any(plain_library_accepts(point, r, b"%d" % i) for i, r in itertools.product(range(64), points))


def plain_library_accepts(public: bytes, commitment: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(commitment + bytes(32), message)
    except InvalidSignature:
        return False
    return True


def test_fingerprint_is_the_start_of_the_digest() -> None:
    assert VerifyKey(RFC_PUBLIC).fingerprint == blake3_digest(RFC_PUBLIC).hex()[:16]


def test_a_public_key_has_32_bytes() -> None:
    with pytest.raises(RecordError, match="public key: expected 32 bytes, found 31"):
        VerifyKey.from_raw(bytes(31))


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
    with pytest.raises(KeyFileError, match="cannot be read"):
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


def test_other_key_types_are_named(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = tmp_path / "ec.pem", tmp_path / "ec.pub"
    private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, NOT_ENCRYPTED))
    public.write_bytes(key.public_key().public_bytes(OPENSSH, serialization.PublicFormat.OpenSSH))
    for path, load in ((private, SigningKey.load), (public, VerifyKey.load)):
        with pytest.raises(KeyFileError, match=r"holds a key of type E\w+; pass an Ed25519 key"):
            load(path)
