"""Many honest claims, each verified at every level; results/honest_claims.json has all of them.

    python -m proofs.honest_claims --claims 216 --jobs 2

Claim n is always the same training: an optimiser of fixtures/, an edition and a track, a nonce, perhaps other
hyperparameters, and fuel for a part of an epoch up to a whole training. Every second one is of a precommit, which its
verdicts check. Every record goes through its bytes, and each of solving, answering an audit, auditing and replaying
runs in a jailed worker or in this process. The exit code is 1 unless all are accepted.
A run can be stopped and goes on where it was, as long as the code is the same.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import hashlib
import json
import os
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import torch

from arithmetic.allocator import keep_freed_memory
from protocol.audit import AuditRequest
from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope, seal
from protocol.keys import SigningKey
from protocol.precommit import Precommit, Seeding
from protocol.settings import Settings
from protocol.task import Choice, Task
from protocol.verdict import Level, Outcome, Verdict
from sandbox.isolation import InProcess, Isolation, Jail
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, DECEMBER_2025_CENTRED, Edition, Track
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Observer
from verifier.command_line.files import read_module
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.verification.audit_response import AuditEvidence, choose_epochs, respond
from verifier.verification.context import Evidence, Terms
from verifier.verification.verify import verify

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "honest_claims.json"
SHIPPED: Final = sorted((ROOT / "fixtures" / "optimisers").glob("*.py"))
TRIALS: Final = sorted(p for p in (ROOT / "fixtures" / "trials").glob("*.py") if not p.name.endswith(".before.py"))
OPTIMISERS: Final = (*SHIPPED, *TRIALS)
"""Those with a golden run, and those that others wrote."""
DEPTHS: Final = (1, 2, 4, 7, 10, 14, 18)
SECONDS: Final = 0.8
"""About what a training that is cut short may take here; measured in fuel, so that it is the same claim everywhere."""


@cache
def fuel(path: Path, n_hidden: int) -> tuple[int, int]:
    """Units before the first epoch, and those of a batch."""
    module, edition = read_module(path), DECEMBER_2025
    chosen = choice(module, Track(edition, n_hidden), {}, edition.max_fuel_budget)
    session = Session(Task.of(chosen, "0" * 32), 0, module, InProcess())
    with session.trainer() as trainer:
        trainer.start(session.initial)
        before = trainer.fuel_used
        trainer.advance()
        return before, (trainer.fuel_used - before) // edition.batches


def choice(module: Module, track: Track, hyperparameters: dict[str, float], fuel_budget: int) -> Choice:
    """What is chosen for a claim."""
    settings = Settings("honest", "", "c006", "", track.id)
    return Choice(track.edition.name, settings, module.digest, hyperparameters, fuel_budget)


@dataclass(frozen=True)
class Plan:
    """What claim `number` is about; the same on every machine."""

    number: int

    @property
    def path(self) -> Path:
        """The optimiser."""
        return OPTIMISERS[self.number % len(OPTIMISERS)]

    @property
    def turn(self) -> int:
        """A count that gives each optimiser another edition and another choice whenever it comes again."""
        return self.number + self.number // len(OPTIMISERS)

    @property
    def edition(self) -> Edition:
        """Each in turn; April's larger sizes seldom, as their instances take seconds to draw."""
        if self.turn % 3 == 2:
            return APRIL_2025[2 if self.turn % 60 == 59 else self.turn % 15 == 14]
        return (DECEMBER_2025, DECEMBER_2025_CENTRED)[self.turn % 3]

    @property
    def n_hidden(self) -> int:
        """The depth; their number and that of the optimisers have no common factor."""
        return DEPTHS[self.number % len(DEPTHS)]

    @property
    def track(self) -> Track:
        """The track."""
        return Track(self.edition, self.n_hidden)

    @cached_property
    def module(self) -> Module:
        """The optimiser's module."""
        return read_module(self.path)

    @property
    def beacon(self) -> str:
        """The one that decides the seeds, where there is a precommit."""
        return f"beacon-{self.number}"

    @cached_property
    def precommit(self) -> Precommit | None:
        """That of every second claim."""
        return Precommit(self.choice, self.number + 1) if self.turn % 2 else None

    @property
    def task(self) -> Task:
        """With seeds of the precommit, or of a given text."""
        return self.precommit.task(self.beacon) if self.precommit else Task.of(self.choice, "0" * 32)

    @cached_property
    def choice(self) -> Choice:
        """A third have another learning rate, every twentieth one with which training diverges."""
        draw = random.Random(self.number)
        rate = _learning_rate(self.path)
        hyperparameters: dict[str, float] = {}
        if rate is not None and self.number % 20 == 19:
            hyperparameters["lr"] = 1e30
        elif rate is not None and draw.random() < 1 / 3:
            hyperparameters["lr"] = rate * 10.0 ** draw.uniform(-1.0, 1.0)
        return choice(self.module, self.track, hyperparameters, self._fuel_budget(draw))

    def _fuel_budget(self, draw: random.Random) -> int:
        """For a whole training if it is a short one, else for a part of an epoch up to some seconds."""
        if self.path in SHIPPED and self.n_hidden == DEPTHS[0]:
            return self.edition.max_fuel_budget
        before, batch = fuel(self.path, self.n_hidden)
        epoch = batch * self.edition.batches
        seconds = (0.02 * self.n_hidden + 0.35e-9 * 8 * batch) * self.edition.batches / 8
        return before + int(epoch * draw.uniform(0.05, max(1.5, SECONDS / seconds)))

    def session(self, place: str) -> Session:
        """The training, in a jail or in this process; the nonce is the claim's number."""
        return Session(self.task, self.number, self.module, isolation(place))

    def terms(self) -> Terms:
        """Those of the validator."""
        seeding = (
            Seeding(open_envelope(carried(seal(self.precommit, key())), Precommit), self.beacon)
            if self.precommit
            else None
        )
        return Terms((key().verify_key.raw,), seeding)

    def places(self) -> dict[str, str]:
        """Where solving, answering, auditing and replaying run."""
        draw = random.Random(f"places {self.number}")
        return {step: draw.choice(("jail", "process")) for step in ("solve", "respond", "audit", "replay")}


def _learning_rate(path: Path) -> float | None:
    """What the module says it is, if it is a number."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HYPERPARAMETERS":
            rate: float | None = ast.literal_eval(node.value)["lr"]
            return rate
    return None


@cache
def isolation(name: str) -> Isolation:
    """A jail for all claims of this process, or none."""
    return Jail() if name == "jail" else InProcess()


@cache
def key() -> SigningKey:
    """The benchmarker's key of this process."""
    return SigningKey.generate()


def carried(envelope: Envelope) -> Envelope:
    """The same, written and read."""
    return Envelope.from_bytes(envelope.to_bytes())


def audited(plan: Plan, envelope: Envelope, place: str) -> AuditEvidence:
    """A request for the first, best and last epoch and up to four that nobody could foresee, and the honest answer."""
    claim = open_envelope(envelope, Claim)
    request = choose_epochs(claim, random.Random(f"epochs {plan.number}").randint(0, 4))
    states: dict[int, Envelope] = {}
    response = respond(
        AuditRequest.from_bytes(request.to_bytes()),
        claim,
        plan.session(place),
        lambda state: states.__setitem__(state.epoch, carried(seal(state, key()))),
    )
    return AuditEvidence(request, carried(seal(response, key())), states.__getitem__, key().verify_key.raw)


def told(verdict: Verdict) -> str:
    """One word if it is accepted, else what is wrong too."""
    if verdict.outcome is Outcome.ACCEPTED:
        return str(verdict.outcome)
    return f"{verdict.outcome} at step {verdict.step}: {verdict.reason}: {verdict.detail}"


def examine(number: int) -> dict[str, Any]:
    """Make claim `number` and verify it at every level."""
    plan = Plan(number)
    places, seconds, verdicts = plan.places(), {}, {}
    started = time.perf_counter()
    solved = solve(plan.session(places["solve"]))
    seconds["solve"] = time.perf_counter() - started
    claim = solved.claim
    evidence = Evidence(
        carried(seal(claim, key())),
        carried(seal(solved.solution, key())),
        lambda digest: plan.module,
        terms=plan.terms(),
    )
    started = time.perf_counter()
    answered = audited(plan, evidence.claim, places["respond"])
    seconds["respond"] = time.perf_counter() - started
    for level in Level:
        started = time.perf_counter()
        verdict = verify(replace(evidence, audit=answered), level, isolation(places.get(level, "process")))
        verdicts[level.value] = told(verdict)
        seconds[level.value] = time.perf_counter() - started
    return {
        "claim": number,
        "optimiser": str(plan.path.relative_to(ROOT / "fixtures")),
        "edition": plan.edition.name,
        "track": plan.track.id,
        "choice": "bound" if plan.precommit else "unbound",
        "nonce": claim.nonce,
        "hyperparameters": dict(plan.task.hyperparameters),
        "fuel_budget": plan.task.fuel_budget,
        "fuel_used": claim.fuel_used,
        "epochs": claim.epochs,
        "best_epoch": claim.best_epoch,
        "stop_reason": str(claim.stop_reason),
        "transcript_root": claim.transcript_root.hex(),
        "audited_epochs": list(answered.request.epochs),
        "places": places,
        "verdicts": verdicts,
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def code() -> str:
    """The hash of everything that is run."""
    places = [
        ROOT / name
        for name in ("arithmetic", "protocol", "sandbox", "verifier", "fixtures/optimisers", "fixtures/trials")
    ]
    files = sorted(path for place in places for path in place.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in (*files, Path(__file__)))).hexdigest()


def accepted(claim: dict[str, Any]) -> bool:
    """Whether every level says so."""
    return set(claim["verdicts"].values()) == {str(Outcome.ACCEPTED)}


def record(about: str, claims: dict[int, dict[str, Any]]) -> str:
    """The results as text: a summary, then a line for each claim."""
    rows = [claims[number] for number in sorted(claims)]
    summary = {
        "date": f"{datetime.date.today()}",
        "machine": platform.machine(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "sha256_of_the_code": about,
        "claims": len(rows),
        "not_accepted": [row["claim"] for row in rows if not accepted(row)],
        "verdicts": sum(len(row["verdicts"]) for row in rows),
        "audited_epochs": sum(len(row["audited_epochs"]) for row in rows),
        "by_edition": dict(Counter(row["edition"] for row in rows)),
        "by_track": dict(sorted(Counter(row["track"] for row in rows).items())),
        "by_choice": dict(Counter(row["choice"] for row in rows)),
        "by_optimiser": dict(sorted(Counter(row["optimiser"] for row in rows).items())),
        "by_stop_reason": dict(Counter(row["stop_reason"] for row in rows)),
        "with_hyperparameters": sum(bool(row["hyperparameters"]) for row in rows),
        "seconds": round(sum(sum(row["seconds"].values()) for row in rows)),
    }
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return json.dumps(summary, indent=1)[:-2] + f',\n "each": [\n{lines}\n ]\n}}\n'


def so_far(about: str) -> dict[int, dict[str, Any]]:
    """The claims that the results have, if they are of the same code."""
    if not RESULTS.exists():
        return {}
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return {row["claim"]: row for row in found["each"]} if found["sha256_of_the_code"] == about else {}


def keep(text: str) -> None:
    """Replace the results at once, so that a killed run leaves the ones before."""
    partial = RESULTS.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, RESULTS)


@contextmanager
def opened(observer: Observer | None) -> Iterator[Callable[[int], dict[str, Any]]]:
    """Makes and verifies claims in a process, on one thread."""
    keep_freed_memory()
    torch.set_num_threads(1)
    yield examine


def main() -> int:
    """Make the claims that the results lack; 1 unless all are accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=216)
    parser.add_argument("--jobs", type=int, default=1, help="processes; each trains on one core")
    options = parser.parse_args()
    about = code()
    claims = so_far(about)
    missing = [number for number in range(options.claims) if number not in claims]
    lost = []
    with closing(completed(opened, missing, options.jobs)) as rows:
        for number, row in rows:
            if isinstance(row, TaskLost):
                lost.append(number)
                print(f"{number:4d} {row.why}", flush=True)
                continue
            claims[number] = row
            keep(record(about, claims))
            print(
                f"{row['claim']:4d} {row['optimiser']:28s} {row['edition']:21s} {row['track']:22s} "
                f"T {row['epochs']:3d} {row['stop_reason']:18s} {sum(row['seconds'].values()):6.1f} s "
                f"{row['verdicts']}",
                flush=True,
            )
    bad = [*lost, *(number for number, row in claims.items() if not accepted(row))]
    print(f"{len(claims)} claims, not accepted: {bad or 'none'}")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(import_module("proofs.honest_claims").main())  # by its name, for other processes
