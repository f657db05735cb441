"""One valid record of each type, for tests that change one thing about it."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from protocol import (
    Choice,
    Claim,
    Level,
    Outcome,
    Precommit,
    Reason,
    Record,
    Settings,
    Signed,
    Solution,
    StopReason,
    Task,
    Verdict,
)  # fmt: skip
from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf
from protocol.benchmark import Benchmark
from protocol.examination import Check, Condition, Examination, Finding
from protocol.merkle import Branch, Stem
from protocol.proof import Proof, Proven
from protocol.transcript import Leaf, Transcript
from protocol.tuning import TunedTrack, Tuning
from protocol.verdict import StatedTerms

_R = TypeVar("_R", bound=Record)

SETTINGS = Settings(
    algorithm_id="c006_a012",
    block_id="02914a",
    challenge_id="c006",
    player_id="0xaeb9",
    track_id="n_hidden=4",
)


def task(**changes: Any) -> Task:
    fields: dict[str, Any] = {
        "edition": "2025-12",
        "settings": SETTINGS,
        "rand_hash": "4c3594711e8362ac9d2ec9ae55abb055",
        "precommit_digest": b"\x0e" * 32,
        "optimiser_digest": bytes(range(32)),
        "hyperparameters": {"rate": 0.01, "steps": 3, "nesterov": True, "name": "a", "decay": None},
        "fuel_budget": 5_000_000_000_000,
    }
    return Task(**{**fields, **changes})


def signed(record: _R, digest: bytes | None = None, signer: bytes = bytes(32)) -> Signed[_R]:
    """A record as if an envelope had been opened."""
    return Signed(record, digest or record.digest(), signer)


def claim(**changes: Any) -> Claim:
    """A claim; fields of its task may be changed too."""
    fields: dict[str, Any] = {
        "nonce": (1 << 64) - 1,
        "fuel_used": 123,
        "epochs": 3,
        "best_epoch": 2,
        "stop_reason": StopReason.EARLY_STOPPING,
        "train_losses": (1.0, 0.5, 0.25),
        "validation_losses": (1.5, 0.75, -0.0),
        "transcript_root": b"\x01" * 32,
        "quality": -562_511,
        "solution_digest": b"\x02" * 32,
        "run": {"torch": "2.13.0", "tig-verify": "0.1.0"},
    }
    return Claim(**{**fields, **_with_task(changes)})


def _with_task(changes: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(Task)}
    rest = {name: value for name, value in changes.items() if name not in names}
    return {"task": task(**{name: value for name, value in changes.items() if name in names}), **rest}


def solution(**changes: Any) -> Solution:
    fields: dict[str, Any] = {
        "edition": "2025-12",
        "track_id": "n_hidden=4",
        "parameters": bytes(range(16)),
        "running_means": bytes(8),
        "running_variances": b"",
    }
    return Solution(**{**fields, **changes})


def verdict(**changes: Any) -> Verdict:
    fields: dict[str, Any] = {
        "claim_digest": b"\x03" * 32,
        "claim_signer": b"\x0f" * 32,
        "evidence": {"claim": b"\x10" * 32, "solution": b"\x11" * 32},
        "terms": StatedTerms(b"\x0f" * 32, b"\x0e" * 32, b"\x0f" * 32, "c5a1e2", 0),
        "level": Level.REPLAY,
        "outcome": Outcome.REJECTED,
        "reason": Reason.TRANSCRIPT,
        "detail": "the roots differ",
        "step": 12,
        "measured": {"quality": -562_512, "loss": 0.5},
        "run": {"tig-verify": "0.1.0"},
    }
    return Verdict(**{**fields, **changes})


def precommit(num_nonces: int = 6, **changes: Any) -> Precommit:
    """A precommit; fields of its choice may be changed."""
    made = task(**changes)
    fields = {field.name: getattr(made, field.name) for field in dataclasses.fields(Choice)}
    return Precommit(Choice(**fields), num_nonces)


def benchmark(**changes: Any) -> Benchmark:
    fields: dict[str, Any] = {
        "num_bundles": 2,
        "qualities": (-562_511, 0, 731_902, (1 << 31) - 1, -(1 << 31), 7),
        "merkle_root": b"\x04" * 32,
    }
    return Benchmark(**{**fields, **_with_task(changes)})


def proof(**changes: Any) -> Proof:
    fields: dict[str, Any] = {
        "benchmark_digest": b"\x05" * 32,
        "beacon": "c5a1e2",
        "proven": (Proven(claim(nonce=0), (Stem(0, b"\x06" * 32), Stem(2, b"\x07" * 32))), Proven(claim(nonce=4), ())),
    }
    return Proof(**{**fields, **changes})


def leaf(**changes: Any) -> Leaf:
    fields: dict[str, Any] = {
        "epoch": 1,
        "train_loss": 1.0,
        "validation_loss": 1.5,
        "network_digest": b"\x08" * 32,
        "state_digest": b"\x09" * 32,
        "gradient_digest": b"\x0a" * 32,
        "fuel_used": 41,
        "stale_epochs": 0,
    }
    return Leaf(**{**fields, **changes})


def transcript(**changes: Any) -> Transcript:
    initial = leaf(epoch=0, train_loss=None, validation_loss=None, fuel_used=1)
    fields: dict[str, Any] = {"claim_digest": b"\x03" * 32, "leaves": (initial, leaf())}
    return Transcript(**{**fields, **changes})


def audit_request(**changes: Any) -> AuditRequest:
    fields: dict[str, Any] = {"claim_digest": b"\x03" * 32, "epochs": (1, 2, 3)}
    return AuditRequest(**{**fields, **changes})


def audit_response(**changes: Any) -> AuditResponse:
    branch = Branch((Stem(0, b"\x0b" * 32), Stem(1, b"\x0c" * 32))).to_text()
    fields: dict[str, Any] = {"request_digest": b"\x0d" * 32, "leaves": (OpenedLeaf(leaf(), branch),)}
    return AuditResponse(**{**fields, **changes})


def epoch_state(**changes: Any) -> EpochState:
    fields: dict[str, Any] = {
        "claim_digest": b"\x03" * 32,
        "epoch": 1,
        "parameters": bytes(range(16)),
        "running_means": bytes(8),
        "running_variances": bytes(4),
        "gradient": bytes(range(16)),
        "optimiser_state": b"N",
    }
    return EpochState(**{**fields, **changes})


def finding(check: Check = Check.NETWORK, **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "condition": Condition.OK,
        "detail": "trains with int16",
        "measured": {"engine": "int16", "step_milliseconds": 1.25, "warm": None},
    }
    return Finding(check, **{**fields, **changes})


def examination(**changes: Any) -> Examination:
    fields: dict[str, Any] = {
        "beacon": "c5a1e2",
        "specification": 2,
        "findings": tuple(finding(check) for check in Check),
    }
    return Examination(**{**fields, **changes})


def tuned_track(track_id: str = "n_hidden=4", **changes: Any) -> TunedTrack:
    """A track of a tuning; fields of its task may be changed too."""
    settings = dataclasses.replace(SETTINGS, track_id=track_id)
    fields: dict[str, Any] = {
        "settings": settings,
        "precommit_digest": None,
        "nonces": (5, 6, (1 << 64) - 1),
        "qualities": (731_902, -(1 << 31), 7),
        "own_qualities": (-562_511, 0, (1 << 31) - 1),
    }
    return TunedTrack(**_with_task({**fields, **changes}))


def tuning(*tracks: TunedTrack) -> Tuning:
    """A tuning of these tracks, or of two."""
    deep = tuned_track("n_hidden=8", hyperparameters={"rate": 0.02}, nonces=(5,), qualities=(9,), own_qualities=(3,))
    return Tuning(tracks or (tuned_track(), deep))
