"""A pool's policy: the shares of claims that are replayed or audited, by the standing of their signers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

from protocol.hashes import blake3_digest
from verifier.challenge.errors import InputError


class Standing(StrEnum):
    """What a pool knows of a signer. Replayed are the fewer the later one stands here: no share rises but by a failure.

    A signer stands by the number of their claims that were accepted at level `replay` since their last failure.
    """

    SUSPECT = "suspect"  # a claim was rejected
    NEWCOMER = "newcomer"
    KNOWN = "known"
    TRUSTED = "trusted"


@dataclass(frozen=True)
class Rule:
    """What becomes of the claims of signers of one standing; what is neither replayed nor audited is evaluated."""

    replay: float
    """Share of claims, 0 to 1."""
    audit: float = 0.0
    """Share of claims; both together are at most 1."""
    until: int = 0
    """Accepted replays that end this standing; the last standing has no end, and 0 here."""


@dataclass(frozen=True)
class Policy:
    """A rule for each standing."""

    rules: Mapping[Standing, Rule]
    audit_epochs: int
    """Epochs that an audit asks for beside the first, the best and the last."""
    digest: str
    """BLAKE3 of the file, in hexadecimal digits."""

    @classmethod
    def parse(cls, data: bytes, where: Path) -> Self:
        """The policy in a TOML file. Raises InputError, which names the key and says what to write."""
        try:
            return cls._of(tomllib.loads(data.decode()), blake3_digest(data).hex())
        except UnicodeDecodeError:
            raise InputError(f"{where}: is no text in UTF-8; write the policy as TOML, like {EXAMPLE}") from None
        except (ValueError, RecursionError) as error:  # also of a number or a nesting without end
            raise InputError(f"{where}: is no TOML: {error}; write it like {EXAMPLE}") from None
        except _Mistake as mistake:
            raise InputError(f"{where}: {mistake}") from None

    @classmethod
    def _of(cls, table: dict[str, Any], digest: str) -> Self:
        _require_keys(table, "", [*Standing], ["audit_epochs"])
        rules = {standing: _rule(table[standing], standing) for standing in Standing}
        _require_ladder(rules)
        if "audit_epochs" not in table and any(rule.audit for rule in rules.values()):
            raise _Mistake(
                "audit_epochs", "is missing; write 4, for as many beside the first epoch, the best, the last"
            )
        return cls(rules, _count(table.get("audit_epochs", 0), "audit_epochs"), digest)


EXAMPLE: Final = "examples/pool-policy.toml"
_LARGEST: Final = 10**9
_MISSING: Final = {
    "replay": "write replay = 0.1, for every tenth claim",
    "until": "write until = 20, for so many accepted replays",
}


class _Mistake(Exception):
    """A key that is missing, or has no good value; the text says what to write."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}")


def _rule(value: object, standing: Standing) -> Rule:
    if not isinstance(value, dict):
        raise _Mistake(standing, f"expected a section, found {_shown(value)}; write [{standing}] above its keys")
    last = standing is Standing.TRUSTED
    _require_keys(value, f"{standing}.", ["replay"] if last else ["replay", "until"], ["audit"])
    replay, audit = (_share(value.get(name, 0), f"{standing}.{name}") for name in ("replay", "audit"))
    if replay + audit > 1.0:
        raise _Mistake(f"{standing}.audit", "and replay are more than 1 together; write smaller shares")
    return Rule(replay, audit, 0 if last else _count(value["until"], f"{standing}.until"))


def _require_ladder(rules: Mapping[Standing, Rule]) -> None:
    for earlier, later in pairwise(Standing):
        if rules[later].replay > (most := rules[earlier].replay):
            remedy = f"write {most:g} or less: only a failure may raise a share"
            raise _Mistake(f"{later}.replay", f"is more than {earlier}.replay; {remedy}")
    first = rules[Standing.NEWCOMER].until
    if rules[Standing.KNOWN].until < first:
        problem = "is less than newcomer.until, and both count from the first replay"
        raise _Mistake("known.until", f"{problem}; write {first} or more")
    for standing, begin in ((Standing.SUSPECT, 0), (Standing.NEWCOMER, 0), (Standing.KNOWN, first)):
        if rules[standing].until > begin and not rules[standing].replay:
            problem = f"is never reached, as {standing}.replay is 0 and accepted replays count"
            raise _Mistake(f"{standing}.until", f"{problem}; write until = {begin}, or another share")


def _require_keys(table: Mapping[str, object], inside: str, needed: list[str], others: list[str]) -> None:
    for name in needed:
        if name not in table:
            raise _Mistake(f"{inside}{name}", f"is missing; {_MISSING.get(name, f'write a section like {EXAMPLE}')}")
    if unknown := [name for name in table if name not in needed + others]:
        raise _Mistake(f"{inside}{unknown[0]}"[:80], f"is no key of a policy; write {', '.join(needed + others)}")


def _share(value: object, key: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _Mistake(key, f"expected a share from 0 to 1, found {_shown(value)}; write 0.1 for every tenth claim")
    return float(value)


def _count(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST:
        raise _Mistake(key, f"expected a whole number from 0 on, found {_shown(value)}; write 20, for example")
    return value


def _shown(value: object) -> str:
    """A value of the file, bounded."""
    return ascii(value)[:40]
