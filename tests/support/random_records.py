"""Random valid records of every type, as strategies of hypothesis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from protocol import (
    Choice,
    Claim,
    Envelope,
    Level,
    Outcome,
    Precommit,
    Reason,
    Record,
    Settings,
    Solution,
    StopReason,
    Task,
    Verdict,
)  # fmt: skip
from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf
from protocol.benchmark import MAX_NONCES, Benchmark
from protocol.examination import Check, Condition, Examination, Finding
from protocol.merkle import Stem
from protocol.proof import Proof, Proven
from protocol.transcript import Leaf, Transcript
from protocol.tuning import TunedTrack, Tuning
from protocol.verdict import StatedTerms

texts = st.text(max_size=12)
digests = st.binary(min_size=32, max_size=32)
u64s = st.integers(0, (1 << 64) - 1)
i32s = st.integers(-(1 << 31), (1 << 31) - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | numbers | texts
EVIDENCES = ("claim", "solution"), ("claim", "solution", "request", "response", "state")
beacons = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
keys = st.none() | digests
terms = st.builds(StatedTerms, keys, digests, digests, beacons, st.none() | i32s) | st.builds(
    lambda signer, threshold: StatedTerms(signer, threshold=threshold), keys, st.none() | i32s
)
measurements = st.dictionaries(texts, scalars, max_size=4)
versions = st.dictionaries(texts, texts, max_size=4)
settings = st.builds(Settings, texts, texts, texts, texts, texts)
choices = st.builds(Choice, texts, settings, digests, measurements, u64s)
tasks = st.builds(Task, texts, settings, digests, measurements, u64s, texts, st.none() | digests)
precommits = st.builds(Precommit, choices, st.integers(1, MAX_NONCES))
weights = st.binary(max_size=8).map(lambda data: data * 4)


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    epochs = draw(st.integers(0, 4))
    losses = st.tuples(*[numbers] * epochs)
    return Claim(
        task=draw(tasks),
        nonce=draw(u64s),
        fuel_used=draw(u64s),
        epochs=epochs,
        best_epoch=draw(st.integers(0, epochs)),
        stop_reason=draw(st.sampled_from(StopReason)),
        train_losses=draw(losses),
        validation_losses=draw(losses),
        transcript_root=draw(digests),
        quality=draw(i32s),
        solution_digest=draw(digests),
        run=draw(versions),
    )


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    outcome = draw(st.sampled_from(Outcome))
    only = {Outcome.ACCEPTED: Reason.NONE, Outcome.UNDETERMINED: Reason.MACHINE_FAULT}
    others = [reason for reason in Reason if reason not in only.values()]
    return Verdict(
        claim_digest=draw(digests),
        claim_signer=draw(digests),
        evidence={kind: draw(digests) for kind in draw(st.sampled_from(EVIDENCES))},
        terms=draw(terms),
        level=draw(st.sampled_from(Level)),
        outcome=outcome,
        reason=only.get(outcome) or draw(st.sampled_from(others)),
        detail=draw(texts),
        step=0 if outcome is Outcome.ACCEPTED else draw(st.integers(0, (1 << 31) - 1)),
        measured=draw(measurements),
        run=draw(versions),
    )


@st.composite
def benchmarks(draw: st.DrawFn) -> Benchmark:
    bundles, size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Benchmark(
        task=draw(tasks),
        num_bundles=bundles,
        qualities=draw(st.tuples(*[i32s] * (bundles * size))),
        merkle_root=draw(digests),
    )


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=2).map(tuple)


def leaves(epochs: st.SearchStrategy[int]) -> st.SearchStrategy[Leaf]:
    losses = st.none() | numbers
    return st.builds(Leaf, epochs, losses, losses, digests, digests, digests, u64s, u64s)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    count = draw(st.integers(1, 3))
    return Transcript(draw(digests), tuple(draw(leaves(st.just(epoch))) for epoch in range(count)))


epochs = st.integers(1, 1000)
stems = st.builds(Stem, u64s, digests)
opened = st.builds(OpenedLeaf, leaves(epochs), texts)
examinations = st.builds(
    Examination,
    st.none() | beacons,
    st.integers(1, (1 << 31) - 1),
    st.tuples(
        *(st.builds(Finding, st.just(check), st.sampled_from(Condition), texts, measurements) for check in Check)
    ),
)


@st.composite
def tunings(draw: st.DrawFn) -> Tuning:
    base = draw(tasks)
    tracks = []
    for track_id in sorted(draw(st.sets(texts, min_size=1, max_size=3))):
        nonces = tuple(sorted(draw(st.sets(u64s, min_size=1, max_size=3))))
        qualities = st.tuples(*[i32s] * len(nonces))
        values = draw(st.dictionaries(texts, scalars, min_size=1, max_size=3))
        settings = replace(base.settings, track_id=track_id)
        own = replace(base, settings=settings, hyperparameters=values, precommit_digest=None)
        tracks.append(TunedTrack(own, nonces, draw(qualities), draw(qualities)))
    return Tuning(tuple(tracks))


RANDOM: dict[type[Record], st.SearchStrategy[Any]] = {
    Claim: claims(),
    Solution: st.builds(Solution, texts, texts, weights, weights, weights),
    Verdict: verdicts(),
    Precommit: precommits,
    Benchmark: benchmarks(),
    Proof: st.builds(Proof, digests, st.just("beacon"), tuples(st.builds(Proven, claims(), tuples(stems)))),
    Transcript: transcripts(),
    AuditRequest: st.builds(
        AuditRequest, digests, st.sets(epochs, max_size=4).map(lambda chosen: tuple(sorted(chosen)))
    ),
    AuditResponse: st.builds(AuditResponse, digests, tuples(opened)),
    EpochState: st.builds(EpochState, digests, epochs, weights, weights, weights, weights, st.binary(max_size=20)),
    Examination: examinations,
    Tuning: tunings(),
    Envelope: st.builds(Envelope, texts, st.binary(max_size=40), digests, st.binary(min_size=64, max_size=64)),
}
