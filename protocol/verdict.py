"""A validator's signed answer about one claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from protocol.beacon import check_beacon
from protocol.canonical_msgpack import Scalar
from protocol.hashes import DIGEST_SIZE
from protocol.keys import PUBLIC_KEY_SIZE
from protocol.record import Record

MAX_DETAIL: Final = 500  # characters
_ALWAYS: Final = {"claim", "solution"}
_AUDITS: Final = {"request", "response"}, {"request", "response", "state"}
"""What was looked at beside these, where the claim's signer has answered a request."""


class Level(StrEnum):
    """The depth to which a claim was checked."""

    EVALUATE = "evaluate"  # one forward pass with the shipped weights
    AUDIT = "audit"  # some epochs, again from states that the benchmarker ships
    REPLAY = "replay"  # the whole training, again from the seed


class Outcome(StrEnum):
    """The answer."""

    ACCEPTED = "accepted"  # every check of the level holds
    REJECTED = "rejected"  # a check failed, and would on every machine
    UNDETERMINED = "undetermined"  # this machine or tool could not find out


class Reason(StrEnum):
    """The check that failed. The list is closed and its texts are stable.

    None is about evidence that is not the signer's, or not what the claim names: from that no verdict follows.
    """

    NONE = "none"  # nothing failed
    SIGNER = "signer"  # the claim is another key's than the validator expects
    UNQUALIFIED = "unqualified"  # the claimed quality is not above the threshold of the validator
    EDITION = "edition"  # no such edition of the contest
    SETTINGS = "settings"  # no instance follows from the settings, random hash and nonce
    PRECOMMIT = "precommit"  # the task or the nonce is not one of the precommit
    SOLUTION_FORM = "solution-form"  # the solution does not have the track's shapes or is not finite
    LOSSES = "losses"  # the loss history differs
    QUALITY = "quality"  # the quality differs
    OPTIMISER_REFUSED = "optimiser-refused"  # the module breaks the rules of the dialect
    OPTIMISER_FAILED = "optimiser-failed"  # the module's own code failed, as it would everywhere
    EPOCHS = "epochs"  # the number of epochs differs or breaks the early-stopping rule
    BEST_EPOCH = "best-epoch"  # the best epoch is not where the validation losses put it
    STOP_REASON = "stop-reason"  # training ended for another reason
    FUEL = "fuel"  # the fuel budget or the fuel used differs
    AUDIT_RESPONSE = "audit-response"  # nobody can answer an audit: training gives another transcript
    OPENING = "opening"  # a leaf or a state is not the one that the transcript commits to
    INITIAL_STATE = "initial-state"  # the transcript does not begin where every training begins
    EPOCH = "epoch"  # an epoch, trained again, ends otherwise
    TRANSCRIPT = "transcript"  # the root of the transcript differs
    SOLUTION = "solution"  # the retrained solution differs
    MACHINE_FAULT = "machine-fault"  # this machine or tool failed; nothing follows about the claim


@dataclass(frozen=True)
class StatedTerms:
    """What the validator asked for beside the truth; nil where nothing was asked."""

    signer: bytes | None = None  # the expected key
    precommit_digest: bytes | None = None  # of the precommit that the claim must be of
    precommit_signer: bytes | None = None  # whom the validator has it from
    seed_beacon: str | None = None
    threshold: int | None = None  # that the claimed quality must exceed


@dataclass(frozen=True)
class Verdict(Record):
    """One validator's answer to one claim, with the reason, the deciding step and what was measured.

    It is about the files whose digests it has, under the terms that it has, and about no others: the same claim, signed
    by another key or judged under other terms, is another question.
    """

    TYPE: ClassVar[str] = "verdict.v3"

    claim_digest: bytes  # of the claim record's bytes
    claim_signer: bytes  # the key that signed the claim, the solution and all of an audit's answer
    evidence: Mapping[str, bytes]  # BLAKE3 of each envelope that was looked at, by its kind
    terms: StatedTerms
    level: Level
    outcome: Outcome
    reason: Reason
    detail: str  # for people
    step: int  # of the specification, the one that decided; 0 when accepted
    measured: Mapping[str, Scalar]
    run: Mapping[str, str]

    def check(self) -> None:
        """Raise `RecordError` for a field that is out of range or contradicts the outcome."""
        self.require_size("claim_digest", DIGEST_SIZE)
        self.require_size("claim_signer", PUBLIC_KEY_SIZE)
        self._check_evidence()
        self._check_terms()
        accepted = self.outcome is Outcome.ACCEPTED
        self._require_pair(accepted, self.reason is Reason.NONE, Reason.NONE)
        undetermined = self.outcome is Outcome.UNDETERMINED
        self._require_pair(undetermined, self.reason is Reason.MACHINE_FAULT, Reason.MACHINE_FAULT)
        size = len(self.detail)
        self.require(size <= MAX_DETAIL, "detail", f"expected at most {MAX_DETAIL} characters, found {size}")
        self.require_range("step", 0, 0 if accepted else (1 << 31) - 1)

    def _check_evidence(self) -> None:
        kinds = self.evidence.keys()
        rest = set(kinds) - _ALWAYS
        whole = kinds >= _ALWAYS and rest in (set(), *_AUDITS)
        found = ", ".join(sorted(kinds))[:80]
        self.require(whole, "evidence", f"expected claim and solution, and of an audit its files; found {found!a}")
        for kind, digest in self.evidence.items():
            self._require_digest(f"evidence.{kind}", digest)

    def _check_terms(self) -> None:
        terms = self.terms
        for name in ("signer", "precommit_digest", "precommit_signer"):
            if (value := getattr(terms, name)) is not None:
                self._require_digest(f"terms.{name}", value)
        given = {value is None for value in (terms.precommit_digest, terms.precommit_signer, terms.seed_beacon)}
        self.require(len(given) == 1, "terms.seed_beacon", "precommit, its signer and its beacon go together")
        if terms.seed_beacon is not None:
            check_beacon(terms.seed_beacon, "verdict.terms.seed_beacon")

    def _require_digest(self, field: str, value: bytes) -> None:
        self.require(len(value) == DIGEST_SIZE, field, f"expected {DIGEST_SIZE} bytes, found {len(value)}")

    def _require_pair(self, outcome_holds: bool, reason_holds: bool, reason: Reason) -> None:
        problem = f"{self.reason} does not go with {self.outcome} ({reason} goes with one outcome only)"
        self.require(outcome_holds == reason_holds, "reason", problem)
