"""fixtures/forgeries/catalogue.json: what every level says to every forgery."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from typing import Final

from protocol.audit import AuditRequest
from protocol.claim import Claim
from protocol.verdict import Level, Outcome, Verdict
from sandbox.isolation import InProcess
from tests.forgeries.forgery import Forgery
from tests.support.folders import FIXTURES
from verifier.challenge.errors import NoEvidenceError
from verifier.verification.verify import verify

PATH: Final = FIXTURES / "forgeries" / "catalogue.json"
ACCEPTED: Final = "accepted"
NO_EVIDENCE: Final = "no evidence"


@dataclass(frozen=True)
class Entry:
    """A cheat; an answer is `accepted`, the step and reason of a rejection, or `no evidence`: no verdict."""

    id: str
    cheat: str
    why: str
    evaluate: str
    audit: str
    replay: str
    telling: int = 0
    """Epochs of which an audit must ask one to give its answer, none of them always asked for; 0 for any audit."""


CATALOGUE: Final = {item["id"]: Entry(**item) for item in json.loads(PATH.read_bytes())}


def answer(verdict: Verdict) -> str:
    """A verdict as in the catalogue."""
    if verdict.outcome is Outcome.UNDETERMINED:
        raise AssertionError(verdict.detail)
    return ACCEPTED if verdict.outcome is Outcome.ACCEPTED else f"{verdict.step} {verdict.reason}"


def verdict_on(forgery: Forgery, level: Level, request: AuditRequest | None = None) -> Verdict:
    return verify(forgery.evidence(request), level, InProcess())


def judged(forgery: Forgery, level: Level, request: AuditRequest | None = None) -> str:
    try:
        return answer(verdict_on(forgery, level, request))
    except NoEvidenceError:
        return NO_EVIDENCE


def always(claim: Claim) -> set[int]:
    """The epochs that every audit asks for."""
    return {1, claim.best_epoch, claim.epochs}


def others(claim: Claim) -> int:
    """How many epochs are left to be chosen: T - 3, or T - 2 where the best one is the first or the last."""
    return claim.epochs - len(always(claim))


def asking(claim: Claim, epochs: Iterable[int]) -> AuditRequest:
    """A request for some epochs and those that every audit asks for."""
    return AuditRequest(claim.digest(), tuple(sorted(always(claim).union(epochs))))


def chance(among: int, telling: int, count: int) -> float:
    """That `count` epochs out of so many are not all honest, where `telling` are not: k out of them for one."""
    return 1.0 - comb(among - telling, count) / comb(among, count)
