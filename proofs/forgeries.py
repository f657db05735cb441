"""Every forgery of fixtures/forgeries on the December-2025 edition; results/forgeries.json has answers and rates.

    python -m proofs.forgeries [--audits N] [--epochs K]

The task is Adam on n_hidden=4, nonce 0, with fuel for 30 epochs, under a precommit. A forgery that an audit sees by
chance is audited N times with the first epoch, the best, the last and K others, and the rejections are compared with
1 - C(T-3-f, K) / C(T-3, K), f being the number of forged epochs. What the precommit alone rejects is judged without it
as well. The exit code is 1 unless every answer is that of the catalogue, no rate is off by four standard deviations,
every end after the best epoch gives the honest quality, and without the precommit every choice is accepted.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any, Final, TypeVar

from protocol.audit import AuditRequest
from protocol.task import Choice
from protocol.verdict import Level
from sandbox.isolation import InProcess
from tests.forgeries.catalogue import ACCEPTED, CATALOGUE, Entry, answer, asking, chance, judged, others, verdict_on
from tests.forgeries.cheats import CHEATS
from tests.forgeries.choice_cheats import budget_asked
from tests.forgeries.contest import Contest
from tests.forgeries.forgery import Forgery, Rig, publish
from tests.forgeries.promise import BEACON, precommit
from tests.forgeries.training_cheats import broken_off
from tests.support.sample_records import signed
from tests.support.small_contest import SETTINGS
from verifier.challenge.editions import DECEMBER_2025, EDITIONS
from verifier.challenge.session import Session
from verifier.challenge.versions import versions
from verifier.command_line.files import read_module
from verifier.verification.audit_response import choose_epochs

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "forgeries.json"
EPOCHS: Final = 30
EPOCH_FUEL: Final = 28_477_200
PROMISE: Final = "4 precommit"
"""The answer to what is true but was not promised."""
T = TypeVar("T")


def training(rate: float, epochs: int) -> Session:
    """Adam with fuel for some epochs and half of another."""
    adam = read_module(ROOT / "fixtures" / "optimisers" / "adam.py")
    choice = Choice(
        edition=DECEMBER_2025.name,
        settings=replace(SETTINGS, track_id="n_hidden=4"),
        optimiser_digest=adam.digest,
        hyperparameters={"lr": rate},
        fuel_budget=EPOCH_FUEL * epochs + EPOCH_FUEL // 2,
    )
    return Session(precommit(choice).task(BEACON), 0, adam, InProcess())


def timed(action: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    return action(), round(time.perf_counter() - started, 3)


def judgements(forgery: Forgery) -> tuple[dict[str, str], dict[str, float]]:
    """The answers of the levels, the audit asking for a telling epoch, and the seconds that they took."""
    request = asking(forgery.claim, sorted(forgery.telling)[:1])
    taken = {level: timed(lambda level=level: judged(forgery, level, request)) for level in Level}  # type: ignore[misc]
    return {str(level): said for level, (said, _) in taken.items()}, {str(level): s for level, (_, s) in taken.items()}


def audited(forgery: Forgery, audits: int, count: int) -> dict[str, Any]:
    """How many audits of unforeseen epochs saw it, and whether exactly those did that asked for a telling epoch."""
    requests = [choose_epochs(signed(forgery.claim), count) for _ in range(audits)]
    answers = [judged(forgery, Level.AUDIT, request) for request in requests]
    seen = [told != ACCEPTED for told in answers]
    return {
        "audits": audits,
        "rejected": sum(seen),
        "expected_rate": round(chance(others(forgery.claim), len(forgery.telling), count), 4),
        "as_asked": seen == [forgery.seen_by(request) for request in requests],
    }


def examined(entry: Entry, contest: Contest, audits: int, count: int) -> dict[str, Any]:
    """The record of one forgery."""
    forgery, seconds = timed(lambda: CHEATS[entry.id](contest))
    claim = forgery.claim
    answers, taken = judgements(forgery)
    record = {
        "epochs": claim.epochs,
        "best_epoch": claim.best_epoch,
        "quality": claim.quality,
        **answers,
        "as_the_catalogue_says": answers == {str(level): getattr(entry, level) for level in Level},
        "seconds": {"forge": seconds, **taken},
    }
    if entry.telling:
        record["by_chance"] = audited(forgery, audits, count)
    if entry.replay == PROMISE:
        record["without_precommit"] = said(replace(forgery, received=None), asking(claim, ()))
    return record


def said(forgery: Forgery, request: AuditRequest) -> dict[str, str]:
    """The answers of the levels, and what accepting verdicts say of the choice."""
    verdicts = {str(level): verdict_on(forgery, level, request) for level in Level}
    choices = {str(verdict.measured["choice"]) for verdict in verdicts.values() if "choice" in verdict.measured}
    return {level: answer(verdict) for level, verdict in verdicts.items()} | {"choice": " ".join(sorted(choices))}


def earlier_ends(contest: Contest) -> dict[str, Any]:
    """The qualities of all trainings that end after the best epoch, by a told NaN and for want of fuel."""
    ends = range(contest.honest.best_epoch, contest.honest.epochs)
    forgeries = [ending(contest, end) for ending in (broken_off, budget_asked) for end in ends]
    return {"ends": len(ends), "qualities": sorted({forgery.claim.quality for forgery in forgeries})}


def honest(contest: Contest) -> dict[str, Any]:
    """The control: all epochs of the honest trainings are audited."""
    found = {}
    for name, story in (("task", contest.honest), ("stubborn", Rig.honest(contest.stubborn).train())):
        told = publish(story)
        every = asking(told.claim, range(1, told.claim.epochs + 1))
        found[name] = {
            "epochs": told.claim.epochs,
            "best_epoch": told.claim.best_epoch,
            "stop_reason": str(told.claim.stop_reason),
            "quality": told.claim.quality,
            **said(told, every),
        }
    return found


def rates(records: dict[str, Any]) -> dict[str, Any]:
    """All audits together, by the number of telling epochs."""
    summary = {}
    for telling in sorted({CATALOGUE[name].telling for name in records} - {0}):
        found = [records[name]["by_chance"] for name in records if CATALOGUE[name].telling == telling]
        audits, expected = sum(f["audits"] for f in found), sum(f["audits"] * f["expected_rate"] for f in found)
        deviation = sqrt(sum(f["audits"] * f["expected_rate"] * (1.0 - f["expected_rate"]) for f in found))
        rejected = sum(f["rejected"] for f in found)
        summary[str(telling)] = {
            "audits": audits,
            "rejected": rejected,
            "rate": round(rejected / audits, 4),
            "expected_rate": round(expected / audits, 4),
            "standard_deviations": round((rejected - expected) / deviation, 2),
        }
    return summary


def holds(result: dict[str, Any]) -> bool:
    """Whether everything is as it should be."""
    records = result["forgeries"].values()
    control = all(accepted(told, "bound") for told in result["honest"].values())
    ends = result["earlier_ends"]["qualities"] == [result["honest"]["task"]["quality"]]
    loose = [record["without_precommit"] for record in records if "without_precommit" in record]
    chosen = all(accepted(told, "unchecked") for told in loose)
    answers = all(record["as_the_catalogue_says"] for record in records)
    asked = all(record["by_chance"]["as_asked"] for record in records if "by_chance" in record)
    close = all(abs(rate["standard_deviations"]) < 4.0 for rate in result["rates"].values())
    return control and ends and chosen and answers and asked and close


def accepted(told: dict[str, Any], choice: str) -> bool:
    """Whether all levels accept and say so of the choice."""
    return all(told[level] == ACCEPTED for level in Level) and told["choice"] == choice


def main() -> int:
    """Forge, judge, print and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=18, metavar="N", help="of each forgery that is seen by chance")
    parser.add_argument("--epochs", type=int, default=5, metavar="K", help="others that an audit asks for")
    options = parser.parse_args()
    started = time.monotonic()
    other = replace(DECEMBER_2025, name="december-2026")
    EDITIONS[other.name] = (other,)
    contest = Contest(training(0.001, EPOCHS), training(-0.001, DECEMBER_2025.patience + 5), other.name)
    result: dict[str, Any] = {"date": f"{datetime.date.today()}", "run": versions(), "other_epochs": options.epochs}
    result["honest"] = honest(contest)
    result["earlier_ends"] = earlier_ends(contest)
    print(json.dumps(result["honest"]), json.dumps(result["earlier_ends"]), flush=True)
    records: dict[str, Any] = {}
    for entry in CATALOGUE.values():
        records[entry.id] = examined(entry, contest, options.audits, options.epochs)
        print(entry.id, json.dumps(records[entry.id]), flush=True)
    result |= {"rates": rates(records), "forgeries": records, "seconds": round(time.monotonic() - started)}
    result["holds"] = holds(result)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["rates"], indent=1), "holds" if result["holds"] else "DOES NOT HOLD")
    return int(not result["holds"])


if __name__ == "__main__":
    sys.exit(main())
