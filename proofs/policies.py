"""What five policies of a pool cost, and what they see: 100 000 claims of honest and cheating signers.

    python -m proofs.policies

500 signers file 200 claims each, in an order drawn by lot. Every kind of fixtures/forgeries has three signers: a bold
one forges all claims, a sly one every tenth, a patient one those of the second half. The other signers are honest.
Levels, standings and draws are those of `verifier/verification`; what a level says to a forgery is what the catalogue
says, and an audit that sees it by chance has the chance that it has at T = 100. A claim without its module is not
drawn, as in `verify --policy`. One verdict in a hundred is undetermined, and is tried again. A verdict is known when
eight more have come in, as where nine processes work.

Costs are shares of a training, from docs/verification.md at n_hidden=4. Every log is checked against its policy
afterwards. The record is results/policies.json, the figure docs/policies.png. The exit code is 1 if the share of
replays of an honest signer ever rose, or if a log is not as its policy says.
"""

from __future__ import annotations

import json
import random
import re
import statistics
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from proofs.policies_figure import drawn_figure
from protocol.hashes import blake3_digest
from protocol.verdict import Level, Outcome, Reason
from tests.forgeries.catalogue import ACCEPTED, CATALOGUE, NO_EVIDENCE, Entry, chance
from verifier.verification.draw import Draw, draw
from verifier.verification.log_check import differences
from verifier.verification.policy import EXAMPLE, Policy, Standing
from verifier.verification.standing import NOT_ASKED_FOR, Judgement, Standings

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "policies.json"
FIGURE: Final = ROOT / "docs" / "policies.png"
COSTS: Final = ROOT / "docs" / "verification.md"
SIGNERS: Final = 500
EACH: Final = 200
"""Claims of a signer."""
EPOCHS: Final = 100
"""T of every training."""
AUDIT_EPOCHS: Final = 4
"""k of every audit."""
UNDETERMINED: Final = 0.01
"""Verdicts that a fault of the pool's own machines prevents."""
LAG: Final = 8
"""Verdicts that are under way while a claim is drawn."""
BEACON: Final = "simulation"
BEHAVIOURS: Final = ("bold", "sly", "patient")
TERMS: Final = "the validator's terms"
MODULE: Final = "its module withheld"


def policies() -> dict[str, Policy]:
    """The five policies, by their names."""
    texts = {
        "evaluate only": alike(replay=0.0),
        "replay 10 % of all": alike(replay=0.1),
        "audit 50 %, replay 3 %": alike(replay=0.03, audit=0.5),
        "by standing": (ROOT / EXAMPLE).read_text(),
        "replay all": alike(replay=1.0),
    }
    return {name: Policy.parse(text.encode(), Path(name)) for name, text in texts.items()}


def alike(replay: float, audit: float = 0.0) -> str:
    """A policy that treats all signers alike."""
    shares = f"replay = {replay}\naudit = {audit}\n"
    return f"audit_epochs = {AUDIT_EPOCHS}\n" + "".join(
        f"[{standing}]\n{shares}" + ("" if standing is Standing.TRUSTED else "until = 0\n") for standing in Standing
    )


@dataclass(frozen=True)
class Costs:
    """Shares of one training."""

    evaluate: float
    audit: float
    """Of the validator."""
    answer: float
    """Of the benchmarker, for each audit."""
    replay: float

    @classmethod
    def documented(cls) -> Costs:
        """From the table of docs/verification.md: evaluate, audits with k = 4 and 12, answer, replay."""
        row = next(line for line in COSTS.read_text().splitlines() if re.match(r"\| 4 \| \d+ ms", line))
        evaluate, audit, _, answer, replay = (float(share) for share in re.findall(r"([\d.]+) %", row))
        return cls(*(round(percent / 100.0, 4) for percent in (evaluate, audit, answer, replay)))

    def validator(self, level: Level) -> float:
        """What a verdict costs; an audit is asked for after an evaluation."""
        return {
            Level.EVALUATE: self.evaluate,
            Level.AUDIT: self.evaluate + self.audit,
            Level.REPLAY: self.replay,
        }[level]


def seen_by(forgery: Entry) -> str:
    """The least that sees a forgery."""
    if forgery.replay == NO_EVIDENCE:
        return MODULE
    if forgery.evaluate != ACCEPTED:
        return TERMS if reason(forgery.evaluate) in NOT_ASKED_FOR else "evaluate"
    return "an audit by chance" if forgery.telling else "any audit"


def reason(answer: str) -> Reason:
    """Of the catalogue's answer, where it is a rejection."""
    return Reason(answer.partition(" ")[2])


@cache
def chance_of(telling: int) -> float:
    """That an audit sees a forgery of so many epochs."""
    return chance(EPOCHS - 3, telling, AUDIT_EPOCHS)


@dataclass(frozen=True)
class Signer:
    """Honest, or a cheat with one forgery."""

    key: str
    forgery: Entry | None = None
    behaviour: str = "honest"

    @property
    def lies(self) -> bool:
        """Whether their forgery is a failure at some level."""
        return self.forgery is not None and seen_by(self.forgery) not in (TERMS, MODULE)


@dataclass(frozen=True)
class Claim:
    """One claim of a signer."""

    digest: str
    signer: Signer
    is_forged: bool

    def answer(self, level: Level, rng: random.Random) -> str:
        """What a level says to it, in the words of the catalogue."""
        forgery = self.signer.forgery
        if forgery is None or not self.is_forged:
            return ACCEPTED
        missed = level is Level.AUDIT and forgery.telling and rng.random() >= chance_of(forgery.telling)
        return ACCEPTED if missed else str(getattr(forgery, level))


def world() -> list[Claim]:
    """The claims in the order in which they are filed; always the same."""
    rng = random.Random(2026)
    cheats = [(forgery, behaviour) for forgery in CATALOGUE.values() for behaviour in BEHAVIOURS]
    keys = [blake3_digest(f"signer {n}".encode()).hex() for n in range(SIGNERS)]
    signers = [Signer(key, *cheat) for key, cheat in zip(keys, cheats, strict=False)]
    order = [signer for signer in signers + [Signer(key) for key in keys[len(cheats) :]] for _ in range(EACH)]
    rng.shuffle(order)
    filed: Counter[str] = Counter()
    claims = []
    for number, signer in enumerate(order):
        filed[signer.key] += 1
        is_forged = {
            "honest": False, "bold": True, "sly": rng.random() < 0.1, "patient": filed[signer.key] > EACH // 2
        }[signer.behaviour]  # fmt: skip
        claims.append(Claim(blake3_digest(f"claim {number}".encode()).hex(), signer, is_forged))
    return claims


@dataclass(frozen=True)
class Filed:
    """How far a signer had come."""

    claims: int = 0
    forged: int = 0
    accepted: int = 0
    """Forged ones."""


class Career:
    """What became of the claims of one signer."""

    def __init__(self, signer: Signer) -> None:
        self.signer, self.filed = signer, Filed()
        self.seen: Filed | None = None
        """When the first failure was known."""
        self.rises, self._share = 0, 1.0
        """Draws with a larger share of replays than the draw before."""
        self.trainings = self.answers = 0.0
        """The cost to validators and to the signer."""

    def add(self, forged: bool, accepted: bool) -> None:
        """Count one claim."""
        filed = self.filed
        self.filed = Filed(filed.claims + 1, filed.forged + forged, filed.accepted + (forged and accepted))

    def draw(self, drawn: Draw) -> None:
        """Count one draw."""
        self.rises += drawn.replay > self._share
        self._share = drawn.replay


class Pool:
    """One policy at work."""

    def __init__(self, policy: Policy, costs: Costs, rng: random.Random) -> None:
        self.policy, self.costs, self.rng = policy, costs, rng
        self.standings = Standings()
        self.careers: dict[str, Career] = {}
        self.log: list[Draw | Judgement] = []
        self._under_way: deque[Judgement] = deque()

    def run(self, claims: Sequence[Claim]) -> None:
        """Draw and judge all claims."""
        for claim in claims:
            career = self.careers.setdefault(claim.signer.key, Career(claim.signer))
            career.add(claim.is_forged, self._is_accepted(claim, career))
        while self._under_way:
            self._learn()

    def _is_accepted(self, claim: Claim, career: Career) -> bool:
        if claim.is_forged and claim.answer(Level.REPLAY, self.rng) == NO_EVIDENCE:
            return False
        drawn = draw(self.policy, self.standings, BEACON, claim.digest, claim.signer.key)
        self.log.append(drawn)
        career.draw(drawn)
        career.answers += self.costs.answer if drawn.level is Level.AUDIT else 0.0
        while self.rng.random() < UNDETERMINED:
            self._judge(drawn, career, Outcome.UNDETERMINED, Reason.MACHINE_FAULT)
        answer = claim.answer(drawn.level, self.rng)
        is_accepted = answer == ACCEPTED
        outcome, why = (Outcome.ACCEPTED, Reason.NONE) if is_accepted else (Outcome.REJECTED, reason(answer))
        self._judge(drawn, career, outcome, why)
        return is_accepted

    def _judge(self, drawn: Draw, career: Career, outcome: Outcome, why: Reason) -> None:
        career.trainings += self.costs.validator(drawn.level)
        self._under_way.append(Judgement(drawn.signer, drawn.claim_digest, drawn.level, outcome, why))
        if len(self._under_way) > LAG:
            self._learn()

    def _learn(self) -> None:
        """Write the oldest verdict under way into the log."""
        judged = self._under_way.popleft()
        self.log.append(judged)
        self.standings.note(judged)
        career = self.careers[judged.signer]
        if judged.is_failure and career.seen is None:
            career.seen = career.filed


def measured(pool: Pool) -> dict[str, Any]:
    """The record of one policy."""
    careers = list(pool.careers.values())
    honest = [career for career in careers if career.signer.forgery is None]
    levels = Counter(entry.level for entry in pool.log if isinstance(entry, Draw))
    standings = Counter(pool.standings.of(career.signer.key, pool.policy) for career in honest)
    return {
        "drawn": {level: levels[level] for level in Level},
        "trainings_a_claim": {
            "validators": per_claim(careers, lambda career: career.trainings),
            "validators, honest claims": per_claim(honest, lambda career: career.trainings),
            "benchmarkers": per_claim(careers, lambda career: career.answers),
        },
        "honest": {
            "signers": len(honest),
            "undetermined": sum(
                isinstance(entry, Judgement)
                and entry.outcome is Outcome.UNDETERMINED
                and pool.careers[entry.signer].signer.forgery is None
                for entry in pool.log
            ),
            "rises": sum(career.rises for career in honest),
            "standings_in_the_end": {standing: standings[standing] for standing in Standing},
        },
        "accepted_by_what_sees_it": accepted_by_what_sees_it(careers),
        "liars": {
            behaviour: told(
                [career for career in careers if career.signer.lies and career.signer.behaviour == behaviour]
            )
            for behaviour in BEHAVIOURS
        },
        "differences_of_the_log": len(list(differences(pool.policy, enumerate(pool.log, 1)))),
    }


def per_claim(careers: Sequence[Career], cost: Callable[[Career], float]) -> float:
    """A cost as a share of a training for each claim."""
    return round(sum(map(cost, careers)) / sum(career.filed.claims for career in careers), 4)


def accepted_by_what_sees_it(careers: Sequence[Career]) -> dict[str, float]:
    """The share of forged claims that were accepted, by the least that sees them."""
    forged, accepted = Counter[str](), Counter[str]()
    for career in careers:
        if career.signer.forgery is not None:
            forged[seen_by(career.signer.forgery)] += career.filed.forged
            accepted[seen_by(career.signer.forgery)] += career.filed.accepted
    return {name: round(accepted[name] / forged[name], 4) for name in sorted(forged)}


def told(careers: Sequence[Career]) -> dict[str, Any]:
    """When such liars were seen, and how many of their lies were accepted: in all, before that, and after it."""
    seen = [(career.filed, career.seen) for career in careers if career.seen is not None]
    after = [(filed.forged - then.forged, filed.accepted - then.accepted) for filed, then in seen]
    return {
        "signers": len(careers),
        "lies": sum(career.filed.forged for career in careers),
        "seen": len(seen),
        "median_claims_until_seen": statistics.median(then.claims for _, then in seen),
        "median_lies_until_seen": statistics.median(then.forged for _, then in seen),
        "accepted": _share((career.filed.forged, career.filed.accepted) for career in careers),
        "accepted_each_before": round(statistics.mean((career.seen or career.filed).accepted for career in careers), 1),
        "accepted_after": _share(after),
    }


def _share(counts: Iterable[tuple[int, int]]) -> float:
    """The second numbers as a share of the first."""
    pairs = list(counts)
    forged, accepted = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    return round(accepted / forged, 4) if forged else 0.0


def table(result: dict[str, Any]) -> list[str]:
    """The rows of the table in docs/verification.md."""
    rows = []
    for name, record in result["policies"].items():
        costs, liars = record["trainings_a_claim"], [record["liars"][behaviour] for behaviour in BEHAVIOURS]
        cells = (
            name,
            f"{100.0 * costs['validators, honest claims']:.1f} %",
            f"{100.0 * costs['benchmarkers']:.0f} %",
            ", ".join(f"{100.0 * told['accepted']:.0f}" for told in liars) + " %",
            ", ".join(f"{told['accepted_each_before']:.1f}" for told in liars),
            ", ".join(f"{100.0 * told['accepted_after']:.0f}" for told in liars) + " %",
            f"{sum(told['seen'] for told in liars)} of {sum(told['signers'] for told in liars)}",
            ", ".join(f"{told['median_lies_until_seen']:.0f}" for told in liars),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def main() -> int:
    """Simulate, print, record and draw."""
    claims, costs = world(), Costs.documented()
    result: dict[str, Any] = {
        "date": f"{datetime.now(UTC).date()}",
        "claims": len(claims),
        "signers": SIGNERS,
        "costs": asdict(costs),
        "policies": {},
    }
    for name, policy in policies().items():
        pool = Pool(policy, costs, random.Random(name))
        pool.run(claims)
        result["policies"][name] = measured(pool)
        print(name, json.dumps(result["policies"][name], indent=1), flush=True)
    records = result["policies"].values()
    result["holds"] = not any(record["honest"]["rises"] or record["differences_of_the_log"] for record in records)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    FIGURE.write_bytes(drawn_figure(result))
    print(*table(result), sep="\n")
    print("holds" if result["holds"] else "DOES NOT HOLD")
    return int(not result["holds"])


if __name__ == "__main__":
    sys.exit(main())
