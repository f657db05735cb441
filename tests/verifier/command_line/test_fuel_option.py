"""The option `--fuel`: any numeral of a whole number, and no other."""

from __future__ import annotations

import click
import pytest

from verifier.command_line.choice_options import Fuel


@pytest.mark.parametrize(
    ("text", "fuel"),
    [
        ("1", 1), ("1e9", 10**9), ("2.5E9", 2_500_000_000), ("5_000_000", 5_000_000), ("1.50e1", 15), ("+7", 7),
        ("9007199254740993", 2**53 + 1), ("9.007199254740993e15", 2**53 + 1),
    ],
)  # fmt: skip
def test_a_whole_number_may_be_written_in_any_way(text: str, fuel: int) -> None:
    assert Fuel().convert(text, None, None) == fuel


@pytest.mark.parametrize(
    "text", ["0", "-1", "1.5", "1e-3", "25e-1", "1e", "e9", "", "1,000", "0x10", "inf", "1e999999999", "٣"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is no fuel budget; write a whole number from 1 on, such as 1e9$"):
        Fuel().convert(text, None, None)
