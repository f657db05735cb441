"""The standing of each signer, from the verdicts on their claims alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.verdict import Level, Outcome, Reason
from verifier.verification.policy import Policy, Standing

NOT_ASKED_FOR: Final = frozenset({Reason.SIGNER, Reason.UNQUALIFIED, Reason.EDITION, Reason.SETTINGS, Reason.PRECOMMIT})
"""Rejections that say only that a claim is not what this validator asked for.

Anybody can file somebody's true claim where another one is expected, under another precommit or with a tool that is too
old for its edition. All are seen at every level, so that a larger share would show no more of them.
"""


@dataclass(frozen=True)
class Judgement:
    """What standings need of a verdict; signer and digest in hexadecimal digits."""

    signer: str
    claim_digest: str
    level: Level
    outcome: Outcome
    reason: Reason

    @property
    def is_failure(self) -> bool:
        """Whether it shows that the signer has signed what is not true."""
        return self.outcome is Outcome.REJECTED and self.reason not in NOT_ASKED_FOR

    @property
    def is_accepted_replay(self) -> bool:
        """Whether it shows that all of the claim is true."""
        return self.outcome is Outcome.ACCEPTED and self.level is Level.REPLAY


@dataclass
class _Record:
    """Of one signer."""

    failed: bool = False
    accepted: int = 0
    """Replays since the last failure."""


class Standings:
    """The standings of all signers, as verdicts come in.

    A claim counts once. It is accepted for whoever had it accepted first: trust cannot be had by signing what others
    have trained, nor by filing one claim many times. It fails once for each signer: an old failure that somebody files
    again is no new one. Undetermined verdicts count for nobody and against nobody.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._accepted: set[str] = set()
        self._failed: set[tuple[str, str]] = set()

    def note(self, judgement: Judgement) -> None:
        """Take a verdict in."""
        signer, digest = judgement.signer, judgement.claim_digest
        if judgement.is_failure and (signer, digest) not in self._failed:
            self._failed.add((signer, digest))
            self._records[signer] = _Record(failed=True)
        elif judgement.is_accepted_replay and digest not in self._accepted:
            self._accepted.add(digest)
            self._records.setdefault(signer, _Record()).accepted += 1

    def of(self, signer: str, policy: Policy) -> Standing:
        """The standing of a signer."""
        record = self._records.get(signer, _Record())
        for standing, rule in policy.rules.items():
            if record.accepted < rule.until and (record.failed or standing is not Standing.SUSPECT):
                return standing
        return Standing.TRUSTED
