"""Whether a log of draws and verdicts is as a policy says: what an auditor of a pool asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from protocol.verdict import Level, Outcome
from verifier.verification.draw import Draw, draw
from verifier.verification.policy import Policy
from verifier.verification.standing import Judgement, Standings

Claim = tuple[str, str]
"""Digest and signer."""


def differences(policy: Policy, log: Iterable[tuple[int, Draw | Judgement]]) -> Iterator[str]:
    """Yield what is not as the policy says: every draw is made again, from the verdicts that stand before it.

    `log` has the entries in their order, each with the number of its line. What no log shows: that a beacon was
    published after the claims were, and that all claims are in it.
    """
    standings = Standings()
    drawn: dict[Claim, Draw] = {}
    waiting: dict[Claim, int] = {}
    for line, entry in log:
        claim = entry.claim_digest, entry.signer
        if isinstance(entry, Judgement):
            standings.note(entry)
            if claim not in drawn and entry.level is not Level.REPLAY:
                yield f"line {line}: is a verdict on a claim that was not drawn"
            elif claim in waiting and _settles(entry, drawn[claim]):
                del waiting[claim]
        elif claim in drawn:
            yield f"line {line}: is a second draw for one claim"
        else:
            drawn[claim], waiting[claim] = entry, line
            yield from (f"line {line}: {told}" for told in _unlike(entry, policy, standings))
    for claim, line in waiting.items():
        yield f"line {line}: was drawn for level {drawn[claim].level}, and there is no verdict of that level"


def _settles(judgement: Judgement, drawn: Draw) -> bool:
    """Whether a verdict is the one that was drawn; a rejection ends every level."""
    decided = judgement.outcome is not Outcome.UNDETERMINED
    return decided and (judgement.level is drawn.level or judgement.outcome is Outcome.REJECTED)


def _unlike(found: Draw, policy: Policy, standings: Standings) -> Iterator[str]:
    if found.policy != policy.digest:
        yield f"was drawn by another policy, whose digest begins {found.policy[:16]}"
        return
    again = draw(policy, standings, found.beacon, found.claim_digest, found.signer)
    for field in fields(Draw):
        has, expected = getattr(found, field.name), getattr(again, field.name)
        if has != expected:
            yield f"{field.name} is {has}, where the policy gives {expected}"
