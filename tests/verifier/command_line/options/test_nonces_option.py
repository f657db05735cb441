"""The option `--nonces`: what it reads, and that its text comes back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from verifier.challenge.errors import InputError
from verifier.command_line.options.nonces_option import Nonces, nonces_text


def read(text: str) -> Sequence[int]:
    return Nonces().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "nonces", "again"),
    [
        ("7", range(7, 8), "7"),
        ("0..9", range(10), "0..9"),
        ("0..9,12", (*range(10), 12), "0..9,12"),
        ("12,0..3,2..5,6", (*range(7), 12), "0..6,12"),
        ("5..9,0..4", range(10), "0..9"),
        (f"{2**64 - 2}..{2**64 - 1}", range(2**64 - 2, 2**64), f"{2**64 - 2}..{2**64 - 1}"),
        ("0..999999", range(1_000_000), "0..999999"),
    ],
)
def test_nonces_are_ascending_and_each_once(text: str, nonces: Sequence[int], again: str) -> None:
    assert read(text) == nonces
    assert nonces_text(nonces) == again


def test_a_file_has_one_or_a_range_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "nonces"
    path.write_bytes(b"12\r\n\n 0..2 \n1")
    assert read(f"@{path}") == (0, 1, 2, 12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no nonce; write one such as 7, or a range such as 0..9"),
        ("1,", "'' is no nonce; "),
        ("-1", "'-1' is no nonce; "),
        ("\u0663", "is no nonce; "),
        ("9..3", "'9..3' is empty; write the lower nonce first, as in 0..9"),
        (f"0..{2**64}", "is beyond the last nonce, 2^64 - 1; write a lower one"),
        ("0..1000000", "'0..1000000' is more than 1,000,000 nonces; split the range"),
        ("0..999998,1000000..1000001", "these are more than 1,000,000 nonces; split the list"),
    ],
)
def test_others_are_refused(text: str, message: str) -> None:
    with pytest.raises(click.UsageError) as refusal:
        read(text)
    assert message in refusal.value.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1\n2,3\n", "line 2: '2,3' is no nonce; write one such as 7, or a range such as 0..9"),
        (b"1\n\xff\n", "line 2: '\\\\xff' is no nonce; "),
        (b"1\n2\n9..3", "line 3: '9..3' is empty; write the lower nonce first, as in 0..9"),
        (b"\n \n", "has no nonces; write one, or a range such as 0..9, on each line"),
        (None, "No such file or directory; check the name"),
    ],
)
def test_a_file_of_others_is_refused_with_its_line(tmp_path: Path, data: bytes | None, message: str) -> None:
    path = tmp_path / "nonces"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as refusal:
        read(f"@{path}")
    assert str(refusal.value).startswith(f"{path}: {message}")
