"""`--qualified` alone, with a number after it, and before the name of a file."""

from __future__ import annotations

import click
import pytest

from verifier.command_line.options.qualified_option import QualifiedCommand, qualified_option


@click.command(cls=QualifiedCommand)
@click.argument("claims", nargs=-1)
@qualified_option
@click.option("--json", "as_json", is_flag=True)
def judge(claims: tuple[str, ...], threshold: int | None, as_json: bool) -> tuple[int | None, tuple[str, ...]]:
    """Return what is asked for."""
    return threshold, claims


@pytest.mark.parametrize(
    ("arguments", "threshold", "claims"),
    [
        ("a.claim", None, "a.claim"),
        ("a.claim --qualified", 0, "a.claim"),
        ("--qualified a.claim b.claim", 0, "a.claim b.claim"),
        ("--qualified 7.claim", 0, "7.claim"),
        ("--qualified --json a.claim", 0, "a.claim"),
        ("--qualified -- a.claim", 0, "a.claim"),
        ("--qualified 500000 a.claim", 500_000, "a.claim"),
        ("a.claim --qualified 500000", 500_000, "a.claim"),
        ("a.claim --qualified -5", -5, "a.claim"),
        ("--qualified=-5 a.claim", -5, "a.claim"),
        ("--qualified=0 7", 0, "7"),
        ("--qualified -10000000 a.claim", -10_000_000, "a.claim"),
        ("--qualified 3 --qualified a.claim", 0, "a.claim"),
    ],
)
def test_the_number_may_be_left_out(arguments: str, threshold: int | None, claims: str) -> None:
    assert judge.main(arguments.split(), standalone_mode=False) == (threshold, tuple(claims.split()))


@pytest.mark.parametrize("number", ["1e6", "1E6", "-1e8", "0.5", "500,000", "", "1000000", "-10000001", "9" * 5000])
@pytest.mark.parametrize("joined", [True, False])
def test_what_is_no_quality_is_refused_and_not_taken_for_a_file(number: str, joined: bool) -> None:
    arguments = [f"--qualified={number}"] if joined else ["--qualified", number]
    with pytest.raises(click.BadParameter) as refused:
        judge.main([*arguments, "a.claim"], standalone_mode=False)
    assert refused.value.param is not None
    assert refused.value.param.opts == ["--qualified"]
