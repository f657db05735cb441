"""Policies: what a file says, and what is told about one that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from protocol.hashes import blake3_digest
from tests.support.policies import EXAMPLE, TEXT, policy
from verifier.challenge.errors import InputError
from verifier.verification.policy import Policy, Rule, Standing


def test_a_policy_has_a_rule_for_each_standing() -> None:
    found = policy()
    assert found.audit_epochs == 4
    assert found.rules == {
        Standing.SUSPECT: Rule(1.0, 0.0, 3),
        Standing.NEWCOMER: Rule(0.5, 0.0, 2),
        Standing.KNOWN: Rule(0.25, 0.25, 4),
        Standing.TRUSTED: Rule(0.125, 0.0, 0),
    }


def test_the_example_is_a_policy_and_names_its_file() -> None:
    found = Policy.parse(EXAMPLE.read_bytes(), EXAMPLE)
    assert found.rules[Standing.SUSPECT].replay == found.rules[Standing.NEWCOMER].replay == 1.0
    assert 0.0 < found.rules[Standing.TRUSTED].replay < found.rules[Standing.KNOWN].replay < 1.0
    assert found.digest == blake3_digest(EXAMPLE.read_bytes()).hex()


def test_shares_may_be_whole_numbers_and_counts_may_be_none() -> None:
    nothing = "[suspect]\nreplay = 0\nuntil = 0\n[newcomer]\nreplay = 0\nuntil = 0\n"
    found = policy(nothing + "[known]\nreplay = 0\nuntil = 0\n[trusted]\nreplay = 0\n")
    assert set(found.rules.values()) == {Rule(0.0)}


WRONG: dict[str, Callable[[str], str]] = {
    "p.toml: is no TOML: Expected '=' after a key": lambda text: "[suspect]\nreplay 1.0\n",
    "p.toml: suspect: is missing; write a section like examples/pool-policy.toml": lambda text: "",
    "p.toml: trusted: is missing": lambda text: text.replace("[trusted]\nreplay = 0.125", ""),
    "p.toml: stranger: is no key of a policy; write suspect, newcomer, known, trusted, audit_epochs":
        lambda text: text + "[stranger]\nreplay = 1.0\n",
    "p.toml: newcomer.replay: is missing; write replay = 0.1": lambda text: text.replace("replay = 0.5\n", ""),
    "p.toml: newcomer.until: is missing; write until = 20": lambda text: text.replace("until = 2\n", ""),
    "p.toml: trusted.until: is no key of a policy; write replay, audit": lambda text: text + "until = 3\n",
    "p.toml: suspect: expected a section, found 1.0; write [suspect] above its keys":
        lambda text: "suspect = 1.0\n" + text.partition("[newcomer]")[2].join(("[newcomer]", "")),
    "p.toml: newcomer.replay: expected a share from 0 to 1, found 50; write 0.1 for every tenth claim":
        lambda text: text.replace("0.5", "50"),
    "p.toml: newcomer.replay: expected a share from 0 to 1, found nan": lambda text: text.replace("0.5", "nan"),
    "p.toml: newcomer.replay: expected a share from 0 to 1, found True": lambda text: text.replace("0.5", "true"),
    "p.toml: newcomer.replay: expected a share from 0 to 1, found 'all'": lambda text: text.replace("0.5", '"all"'),
    "p.toml: newcomer.until: expected a whole number from 0 on, found 2.0; write 20, for example":
        lambda text: text.replace("until = 2\n", "until = 2.0\n"),
    "p.toml: newcomer.until: expected a whole number from 0 on, found -1":
        lambda text: text.replace("until = 2\n", "until = -1\n"),
    "p.toml: known.audit: and replay are more than 1 together":
        lambda text: text.replace("audit = 0.25", "audit = 0.8"),
    "p.toml: known.replay: is more than newcomer.replay; write 0.5 or less: only a failure may raise a share":
        lambda text: text.replace("replay = 0.25", "replay = 0.75"),
    "p.toml: newcomer.replay: is more than suspect.replay": lambda text: text.replace("replay = 1.0", "replay = 0.25"),
    "p.toml: known.until: is less than newcomer.until, and both count from the first replay; write 2 or more":
        lambda text: text.replace("until = 4", "until = 1"),
    "p.toml: known.until: is never reached, as known.replay is 0 and accepted replays count; write until = 2":
        lambda text: text.replace("replay = 0.25", "replay = 0").replace("0.125", "0"),
    "p.toml: audit_epochs: is missing; write 4": lambda text: text,
    "p.toml: audit_epochs: expected a whole number from 0 on, found 'k'": lambda text: 'audit_epochs = "k"\n' + text,
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG)
def test_a_mistake_is_one_message_with_file_key_and_remedy(message: str) -> None:
    with pytest.raises(InputError) as caught:
        Policy.parse(WRONG[message](TEXT).encode(), Path("p.toml"))
    assert str(caught.value).startswith(message)
    assert ";" in str(caught.value)
    assert len(caught.value.lines) == 1
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"\xff\xfe", "no text in UTF-8"), (b"a = " + b"[" * 50_000, "no TOML"), (b"a = " + b"9" * 5_000, "no TOML")],
    ids=["bytes", "nesting", "digits"],
)
def test_a_file_of_something_else_is_told(data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=f"p.toml: is {told}"):
        Policy.parse(data, Path("p.toml"))
