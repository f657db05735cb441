"""The simulation of a pool's policies: its pieces, and that documents say what was recorded."""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict
from typing import Any

import pytest

from proofs import policies
from proofs.policies import BEHAVIOURS, RESULTS, Claim, Costs, Pool, Signer, measured, seen_by, table
from protocol.verdict import Level
from tests.forgeries.catalogue import CATALOGUE
from tests.support.folders import ROOT
from tests.support.policies import digest
from verifier.verification.policy import Standing

RECORD: dict[str, Any] = json.loads(RESULTS.read_bytes())
DOCUMENT = " ".join((ROOT / "docs" / "verification.md").read_text().split())


def small(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The record of a policy on a tenth of the claims."""
    monkeypatch.setattr(policies, "EACH", 20)
    pool = Pool(policies.policies()[name], Costs.documented(), random.Random(name))
    pool.run(policies.world())
    return measured(pool)


def test_the_record_is_of_the_documented_costs_and_holds() -> None:
    assert RECORD["costs"] == asdict(Costs.documented())
    assert RECORD["holds"]
    assert RECORD["claims"] == 100_000
    assert list(RECORD["policies"]) == list(policies.policies())


def test_the_document_has_the_table_of_the_record() -> None:
    assert [row for row in table(RECORD) if row not in DOCUMENT] == []


def test_the_document_says_what_was_recorded() -> None:
    records = RECORD["policies"]
    flat, audits, standing = (records[name] for name in list(records)[1:4])
    honest, costs = standing["honest"], standing["trainings_a_claim"]
    rule = policies.policies()["by standing"].rules
    later = 100.0 * (rule[Standing.TRUSTED].replay * RECORD["costs"]["replay"]
                     + (1 - rule[Standing.TRUSTED].replay) * RECORD["costs"]["evaluate"])  # fmt: skip
    seen = sum(told["seen"] for told in records["evaluate only"]["liars"].values())
    audited = audits["trainings_a_claim"]
    for sentence in (
        f"{seen} of {sum(told['signers'] for told in flat['liars'].values())} liars",
        f"cost both sides {100 * (audited['validators, honest claims'] + audited['benchmarkers']):.0f} %",
        f"or a few, {100 * audits['accepted_by_what_sees_it']['an audit by chance']:.0f} % pass",
        f"the pool pays {100 * costs['validators, honest claims']:.1f} % of a training",
        f"then {later:.0f} %, as with the flat share",
        f"it is {100 * costs['validators']:.1f} %",
        f"{honest['undetermined']} verdicts on claims of the {honest['signers']} honest signers",
        f"for {standing['liars']['patient']['accepted_each_before']:.0f} lies",
    ):
        assert sentence in DOCUMENT
    assert all(told["accepted"] < 0.1 for told in standing["liars"].values())
    assert all(0.775 < told["accepted_after"] < 0.83 for told in flat["liars"].values())
    assert standing["honest"]["standings_in_the_end"]["trusted"] == honest["signers"]


def test_the_document_has_the_numbers_of_the_example() -> None:
    rules = policies.policies()["by standing"].rules
    shares = {1.0: "all", 0.25: "every fourth claim", 0.1: "every tenth"}
    for standing, end in {
        Standing.NEWCOMER: "{} accepted replays",
        Standing.KNOWN: "{} accepted replays",
        Standing.TRUSTED: "a failure",
        Standing.SUSPECT: "{} accepted replays",
    }.items():
        rule = rules[standing]
        row = rf"\| `{standing}` \| [^|]* \| {end.format(rule.until)} \| {shares[rule.replay]} \|"
        assert re.search(row, DOCUMENT), row
    assert not any(rule.audit for rule in rules.values())


def test_each_forgery_is_seen_by_something() -> None:
    kinds = [seen_by(forgery) for forgery in CATALOGUE.values()]
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "an audit by chance": sum(forgery.telling > 0 for forgery in CATALOGUE.values()),
        "any audit": 28,
        "evaluate": 4,
        "its module withheld": 1,
        "the validator's terms": 7,
    }


def test_an_audit_sees_by_chance_what_the_catalogue_says() -> None:
    forgery = next(forgery for forgery in CATALOGUE.values() if forgery.telling == 1)
    claim, rng = Claim(digest("x"), Signer(digest("alice"), forgery, "bold"), is_forged=True), random.Random(0)
    answers = [claim.answer(Level.AUDIT, rng) for _ in range(5000)]
    assert answers.count("13 epoch") / 5000 == pytest.approx(4 / 97, abs=0.01)
    assert {claim.answer(Level.REPLAY, rng) for _ in range(9)} == {forgery.replay}


@pytest.mark.parametrize("name", RECORD["policies"])
def test_no_honest_share_rises_and_the_log_is_as_the_policy_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = small(name, monkeypatch)
    assert record["honest"]["undetermined"] > 30
    assert record["honest"]["rises"] == record["differences_of_the_log"] == 0
    assert record["accepted_by_what_sees_it"]["evaluate"] == 0.0


def test_standings_see_a_bold_liar_at_once_and_a_flat_share_later(monkeypatch: pytest.MonkeyPatch) -> None:
    standing, flat = (small(name, monkeypatch)["liars"]["bold"] for name in ("by standing", "replay 10 % of all"))
    assert standing["accepted"] == 0.0
    assert standing["median_lies_until_seen"] == 1
    assert flat["accepted"] > 0.7


def test_the_figure_can_be_drawn() -> None:
    from proofs.policies_figure import drawn_figure

    assert drawn_figure(RECORD).startswith(b"\x89PNG")
    assert tuple(next(iter(RECORD["policies"].values()))["liars"]) == BEHAVIOURS
