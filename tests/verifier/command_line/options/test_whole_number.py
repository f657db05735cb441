"""Options that are whole numbers: any numeral of one, and nothing else."""

from __future__ import annotations

import click
import pytest

from verifier.command_line.options.whole_number import WholeNumber

ANY = WholeNumber(1, such_as="1e9")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1), ("1e9", 10**9), ("2.5E9", 2_500_000_000), ("5_000_000", 5_000_000), ("1.50e1", 15), ("+7", 7),
        ("9007199254740993", 2**53 + 1), ("9.007199254740993e15", 2**53 + 1), ("3.0", 3),
    ],
)  # fmt: skip
def test_a_whole_number_may_be_written_in_any_way(text: str, number: int) -> None:
    assert ANY.convert(text, None, None) == number


@pytest.mark.parametrize(
    "text", ["0", "-1", "1.5", "1e-3", "25e-1", "1e", "e9", "", "1,000", "0x10", "inf", "1e999999999", "٣"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r": write a whole number from 1 on, such as 1e9$"):
        ANY.convert(text, None, None)


def test_a_range_has_both_ends() -> None:
    quality = WholeNumber(-10_000_000, 999_999)
    assert [quality.convert(text, None, None) for text in ("-1e7", "999999")] == [-10_000_000, 999_999]
    for text in ("-10000001", "1e6"):
        with pytest.raises(click.BadParameter, match=r": write a whole number from -10,000,000 to 999,999, such as 7$"):
            quality.convert(text, None, None)
