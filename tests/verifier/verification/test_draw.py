"""Draws: their numbers, their shares, and a log of them that is checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from blake3 import blake3

from protocol.verdict import Level, Outcome, Reason
from tests.support.policies import TEXT, digest, policy
from verifier.verification.draw import CONTEXT, Draw, draw, drawn_number, new_beacon
from verifier.verification.log_check import differences
from verifier.verification.standing import Judgement, Standings

POLICY = policy()
ALICE, BOB = digest("alice"), digest("bob")
Log = list[Draw | Judgement]


def test_a_number_is_of_signer_claim_and_beacon_as_the_document_says() -> None:
    key = bytes.fromhex(ALICE) + bytes.fromhex(digest("x")) + b"block-17"
    word = int.from_bytes(blake3(key, derive_key_context=CONTEXT).digest(8), "little")
    assert drawn_number("block-17", digest("x"), ALICE) == (word >> 11) / 2**53
    others = {drawn_number(*given) for given in [
        ("block-17", digest("x"), BOB), ("block-17", digest("y"), ALICE), ("block-18", digest("x"), ALICE)
    ]}  # fmt: skip
    assert len(others | {(word >> 11) / 2**53}) == 4


def known_signer() -> Standings:
    found = Standings()
    for n in range(2):
        found.note(Judgement(ALICE, digest(f"{n}"), Level.REPLAY, Outcome.ACCEPTED, Reason.NONE))
    return found


def test_levels_are_drawn_as_often_as_the_standing_says() -> None:
    levels = Counter(draw(POLICY, known_signer(), "b", digest(f"{n}"), ALICE).level for n in range(4000))
    assert levels[Level.REPLAY] / 4000 == pytest.approx(0.25, abs=0.03)  # more than four standard deviations
    assert levels[Level.AUDIT] / 4000 == pytest.approx(0.25, abs=0.03)


def test_a_draw_tells_all_that_it_follows_from() -> None:
    found = draw(POLICY, known_signer(), "b", digest("5"), ALICE)
    number = drawn_number("b", digest("5"), ALICE)
    level = "replay" if number < 0.25 else "audit" if number < 0.5 else "evaluate"
    assert found == Draw(digest("5"), ALICE, "known", 0.25, 0.25, "b", number, level, POLICY.digest)  # type: ignore[arg-type]


def test_a_beacon_of_our_own_is_one() -> None:
    from protocol.beacon import check_beacon

    assert len({new_beacon() for _ in range(9)}) == 9
    check_beacon(new_beacon(), "beacon")


def told(log: Sequence[Draw | Judgement], text: str = TEXT) -> list[str]:
    return list(differences(policy(text), enumerate(log, 1)))


def run(claims: int = 60, forged_from: int = 40) -> Log:
    """What a pool writes that judges one claim after the other."""
    standings, log = Standings(), Log()
    for n in range(claims):
        drawn = draw(POLICY, standings, "block-17", digest(f"{n}"), ALICE if n % 3 else BOB)
        is_seen = n >= forged_from and drawn.level is Level.REPLAY and n % 3
        outcome, reason = (Outcome.REJECTED, Reason.LOSSES) if is_seen else (Outcome.ACCEPTED, Reason.NONE)
        judged = Judgement(drawn.signer, drawn.claim_digest, drawn.level, outcome, reason)
        standings.note(judged)
        log += [drawn, judged]
    return log


def test_a_log_of_a_run_is_as_the_policy_says() -> None:
    log = run()
    assert {entry.standing for entry in log if isinstance(entry, Draw)} == {"newcomer", "known", "trusted", "suspect"}
    assert told(log) == []


def test_verdicts_may_come_later_than_other_draws() -> None:
    """As from several processes: each standing is that of the verdicts which stand before the draw."""
    log: Log = []
    standings, waiting = Standings(), list[Judgement]()
    for n in range(60):
        drawn = draw(POLICY, standings, "b", digest(f"{n}"), ALICE)
        log.append(drawn)
        waiting.append(Judgement(ALICE, drawn.claim_digest, drawn.level, Outcome.ACCEPTED, Reason.NONE))
        if len(waiting) > 3:
            log.append(waiting.pop(n % 4))
            standings.note(log[-1])  # type: ignore[arg-type]
    assert told([*log, *waiting]) == []
    assert told(log) == [f"line {log.index(each) + 1}: was drawn for level {each.level}, and there is no verdict of "
                         "that level" for each in log if isinstance(each, Draw)
                         and each.claim_digest in {one.claim_digest for one in waiting}]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [("standing", "trusted"), ("replay", 0.0), ("number", 0.999), ("level", "evaluate"), ("beacon", "block-18")],
)
def test_a_draw_that_was_changed_is_told(field: str, value: object) -> None:
    log = run()
    drawn = next(n for n, entry in enumerate(log) if isinstance(entry, Draw) and entry.level is Level.REPLAY)
    log[drawn] = replace(log[drawn], **{field: value})  # type: ignore[arg-type]
    name = "number" if field == "beacon" else field
    assert any(each.startswith(f"line {drawn + 1}: {name} is ") for each in told(log))


def test_a_verdict_that_was_taken_out_changes_what_follows() -> None:
    log = run()
    failure = next(n for n, entry in enumerate(log) if isinstance(entry, Judgement) and entry.is_failure)
    found = told(log[:failure] + log[failure + 1 :])
    assert f"line {failure}: was drawn for level replay, and there is no verdict of that level" in found
    assert any("standing is suspect, where the policy gives" in each for each in found)


def test_a_claim_is_drawn_once_and_judged_after_its_draw() -> None:
    log = run()
    assert told([*log, log[0]]) == ["line 121: is a second draw for one claim"]
    loose = Judgement(ALICE, digest("loose"), Level.EVALUATE, Outcome.ACCEPTED, Reason.NONE)
    assert told([*log, loose]) == ["line 121: is a verdict on a claim that was not drawn"]
    assert told([*log, replace(loose, level=Level.REPLAY)]) == []


def test_a_shallower_verdict_does_not_do_but_a_rejection_does() -> None:
    drawn = replace(run(1)[0], level=Level.AUDIT)
    assert isinstance(drawn, Draw)
    shallow = Judgement(drawn.signer, drawn.claim_digest, Level.EVALUATE, Outcome.ACCEPTED, Reason.NONE)
    undetermined = replace(shallow, level=Level.AUDIT, outcome=Outcome.UNDETERMINED, reason=Reason.MACHINE_FAULT)
    rejected = replace(shallow, outcome=Outcome.REJECTED, reason=Reason.QUALITY)
    missing = "line 1: was drawn for level audit, and there is no verdict of that level"
    assert missing in told([drawn, shallow, undetermined])
    assert missing not in told([drawn, shallow, rejected])


def test_another_policy_is_told() -> None:
    log = run(2)
    assert told(log, TEXT + "# changed") == [
        f"line {line}: was drawn by another policy, whose digest begins {POLICY.digest[:16]}" for line in (1, 3)
    ]
