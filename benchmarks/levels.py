"""What each level of verification costs against the training that it verifies, and what the transcript costs.

    python -m benchmarks.levels [--hidden 4 7 10 14 18] [--epochs 16] [--rounds 2] [--in-process]
    python -m benchmarks.levels --hashing [--hidden 4 18] [--pairs 30]

Adam, one thread, the optimiser in jailed workers on both sides. Trainings of `--epochs` epochs stand for usual ones: an
edition is registered that ends there. The time of a training of T epochs is then that of the short one and as many more
of its epochs. Other work on the machine only adds time, so of several rounds each figure's least counts. With
`--in-process` nothing is jailed, and the processor's time is measured, which other work changes less.

`--hashing`: epochs of one training take turns with and without the digests of their leaf. The processor's time is a
second measure, which other work hardly changes.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from arithmetic.allocator import keep_freed_memory
from benchmarks.short_training import SHORT, end_after, session
from protocol.claim import Claim
from protocol.envelope import Envelope, Signed, open_envelope, seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome
from sandbox.isolation import InProcess, Isolation, Jail
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Trainer
from verifier.verification.audit_response import AuditEvidence, choose_epochs, respond
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

USUAL = 100
"""T of a usual training: at n_hidden=4 Adam stops after some 80 to 170 epochs."""
AUDITS = (4, 12)
"""Audited epochs, beside the first, the best and the last."""


class Measurement:
    """One track: a training, and what verifying it takes, in seconds."""

    def __init__(self, n_hidden: int, isolation: Isolation, now: Callable[[], float]) -> None:
        self._n_hidden, self._isolation, self._key = n_hidden, isolation, SigningKey.generate()
        self._now = now
        self.seconds: dict[str, float] = {}
        self.shipped = 0
        """Bytes of the largest response."""

    def run(self) -> None:
        ends: list[float] = []
        with self._clock("solve"):
            solving = session(self._n_hidden, self._isolation)
            solved = solve(solving, lambda _: ends.append(self._now()))
        self.seconds["epoch"] = (ends[-1] - ends[0]) / (len(ends) - 1)
        claim, solution = (seal(record, self._key) for record in (solved.claim, solved.solution))
        evidence = Evidence(claim, solution, lambda _: solving.module)
        self.seconds["evaluate"] = statistics.median(self._verified(evidence, Level.EVALUATE) for _ in range(9))
        for count in AUDITS:
            with self._clock(f"respond {count}"):
                given = self._audited(open_envelope(claim, Claim), count)
            self.seconds[f"audit {count}"] = self._verified(replace(evidence, audit=given), Level.AUDIT)
        self.seconds["replay"] = self._verified(evidence, Level.REPLAY)

    def _audited(self, signed: Signed[Claim], count: int) -> AuditEvidence:
        """The honest answer to a request, signed and encoded."""
        claim = signed.record
        same = 3 - len({1, claim.best_epoch, claim.epochs})  # more often in a short training than in a usual one
        request, states = choose_epochs(signed, count + same), dict[int, Envelope]()
        again = session(self._n_hidden, self._isolation)
        response = respond(
            request, signed, again, lambda state: states.__setitem__(state.epoch, seal(state, self._key))
        )
        self.shipped = sum(len(state.to_bytes()) for state in states.values())
        return AuditEvidence(request, seal(response, self._key), states.__getitem__, signed.signer)

    def _verified(self, evidence: Evidence, level: Level) -> float:
        started = self._now()
        verdict = verify(evidence, level, self._isolation)
        assert verdict.outcome is Outcome.ACCEPTED, verdict
        return self._now() - started

    @contextmanager
    def _clock(self, name: str) -> Iterator[None]:
        started = self._now()
        yield
        self.seconds[name] = self._now() - started


def levels(options: argparse.Namespace) -> None:
    end_after(options.epochs)
    checks = [f"audit {count}" for count in AUDITS]
    print(f"| n_hidden | epoch | solve (T = {USUAL}) | evaluate | {' | '.join(checks)} | respond | replay | shipped |")
    print("|---|---|---|---|---|---|---|---|---|")
    with Jail() as jail:
        isolation, now = (InProcess(), time.process_time) if options.in_process else (jail, time.perf_counter)
        for n_hidden in options.hidden:
            measurement = Measurement(n_hidden, isolation, now)
            found: list[dict[str, float]] = []
            for _ in range(options.rounds):
                measurement.run()
                found.append(dict(measurement.seconds))
            least = {name: min(seconds[name] for seconds in found) for name in measurement.seconds}
            print_row(n_hidden, least, options.epochs, measurement.shipped)


def print_row(n_hidden: int, least: dict[str, float], epochs: int, shipped: int) -> None:
    """Seconds and, after a slash, their ratio to a usual training."""
    more = (USUAL - epochs) * least["epoch"]
    usual = least["solve"] + more
    checks = [least[f"audit {count}"] for count in AUDITS]
    trainings = [least[f"respond {AUDITS[-1]}"] + more, least["replay"] + more]
    cells = [f"{seconds:.2f} s / {seconds / usual:.3f}" for seconds in (*checks, *trainings)]
    first = f"| {n_hidden} | {least['epoch'] * 1e3:.0f} ms | {usual:.1f} s"
    evaluate = f"{least['evaluate'] * 1e3:.0f} ms / {least['evaluate'] / usual:.4f}"
    print(f"{first} | {evaluate} | {' | '.join(cells)} | {shipped / 2**20:.0f} MiB |", flush=True)


class Alternating(Trainer):
    """A trainer that makes the digests of a leaf only when it is told to."""

    records = True
    processor = 0.0
    """Seconds of this process that went into the leaves."""

    def _record(self, losses: tuple[float, float]) -> None:
        if self.records:
            started = time.process_time()
            super()._record(losses)
            self.processor += time.process_time() - started


@dataclass(frozen=True)
class Share:
    """An epoch in seconds, with and without its leaf, and the processor's time with it, and for the leaf alone."""

    without: float
    recorded: float
    processor: float
    leaf: float


def hashing_share(n_hidden: int, pairs: int, isolation: Isolation) -> Share:
    given = session(n_hidden, isolation)
    with given.trainer() as usual:
        trainer = Alternating(given.instance_id, given.instance, given.network, usual.optimiser)
        trainer.start(given.initial)
        trainer.advance()
        found = [(_epoch(trainer, False)[0], *_epoch(trainer, True)) for _ in range(pairs)]
    without, recorded, processor, leaf = zip(*found, strict=True)
    return Share(min(without), min(recorded), statistics.median(processor), statistics.median(leaf))


def _epoch(trainer: Alternating, records: bool) -> tuple[float, float, float]:
    trainer.records, trainer.processor = records, 0.0
    wall, processor = time.perf_counter(), time.process_time()
    reason = trainer.advance()
    assert reason is None, reason
    return time.perf_counter() - wall, time.process_time() - processor, trainer.processor


def hashing(options: argparse.Namespace) -> None:
    EDITIONS[SHORT] = (replace(DECEMBER_2025, name=SHORT, patience=DECEMBER_2025.max_epochs),)
    print("n_hidden  where       epoch ms  with leaf ms    adds    processor ms  of which leaf")
    with Jail() as jail:
        for n_hidden in options.hidden:
            for name, isolation in (("in process", InProcess()), ("jailed", jail)):
                share = hashing_share(n_hidden, options.pairs, isolation)
                print(
                    f"{n_hidden:8d}  {name:10s} {share.without * 1e3:9.1f} {share.recorded * 1e3:13.1f} "
                    f"{share.recorded / share.without - 1:7.2%} {share.processor * 1e3:15.1f} "
                    f"{share.leaf / share.processor:14.2%}",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashing", action="store_true")
    parser.add_argument("--hidden", type=int, nargs="+", default=[4, 7, 10, 14, 18])
    parser.add_argument("--epochs", type=int, default=16, help=f"at least {AUDITS[-1] + 3}")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--in-process", action="store_true")
    parser.add_argument("--pairs", type=int, default=30)
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(1)
    (hashing if options.hashing else levels)(options)


if __name__ == "__main__":
    main()
