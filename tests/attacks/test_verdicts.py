"""Section J: what a stranger puts into a claim's folder never makes a verdict against its signer.

The first layer is `open_evidence` and its like (B: bound by digest and signer). Without it a verdict still names what
was looked at, so that it is none on the honest files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from protocol.claim import Claim
from protocol.envelope import Envelope, Signed, open_envelope, seal
from protocol.keys import SigningKey
from protocol.precommit import Precommit, Seeding
from protocol.solution import Solution
from protocol.task import Choice
from protocol.verdict import Level, Outcome, Reason, StatedTerms, Verdict
from sandbox.isolation import InProcess
from tests.support.called import Ended, called
from tests.support.disputed import solved
from verifier.command_line.files import read_file, read_record
from verifier.command_line.verifying import claim_cases
from verifier.command_line.verifying.claim_cases import CaseReader
from verifier.command_line.verifying.judge import Judge
from verifier.runs.pool import TaskLost
from verifier.verification import evaluate
from verifier.verification.context import Evidence, Terms
from verifier.verification.verify import verify

KEY, STRANGER = SigningKey.generate(), SigningKey.generate()
CLAIM, SOLUTION, LOG = Path("x.claim"), Path("x.solution"), Path("verdicts.jsonl")


def honest() -> dict[Path, bytes]:
    made = solved()
    return {CLAIM: seal(made.claim, KEY).to_bytes(), SOLUTION: seal(made.solution, KEY).to_bytes()}


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    KEY.save(Path("key.pem"))
    for path, data in honest().items():
        path.write_bytes(data)


def spoilt(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))


def other_solution(key: SigningKey) -> None:
    solution = solved().solution
    other = Solution(solution.edition, solution.track_id, bytes(len(solution.parameters)), solution.running_means,
                     solution.running_variances)  # fmt: skip
    SOLUTION.write_bytes(seal(other, key).to_bytes())


ATTEMPTS: dict[str, tuple[Callable[[], object], str]] = {
    "claim spoilt": (lambda: spoilt(CLAIM), "x.claim: "),
    "solution spoilt": (lambda: spoilt(SOLUTION), "x.solution: "),
    "solution of a stranger": (lambda: other_solution(STRANGER), "x.solution: the solution is signed by another key"),
    "same solution by a stranger": (
        lambda: SOLUTION.write_bytes(seal(solved().solution, STRANGER).to_bytes()),
        "x.solution: the solution is signed by another key",
    ),
    "own solution of another claim": (lambda: other_solution(KEY), "x.solution: the solution is not the one that"),
    "claim as solution": (lambda: SOLUTION.write_bytes(CLAIM.read_bytes()), "x.solution: envelope.payload_type: "),
    "solution as claim": (lambda: CLAIM.write_bytes(SOLUTION.read_bytes()), "x.claim: envelope.payload_type: "),
    "solution gone": (SOLUTION.unlink, "x.solution: No such file"),
    "solution cut": (lambda: SOLUTION.write_bytes(SOLUTION.read_bytes()[:-1]), "x.solution: is not a signed record"),
    "claim re-signed": (
        lambda: CLAIM.write_bytes(seal(solved().claim, STRANGER).to_bytes()),
        "x.solution: the solution is signed by another key",
    ),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_verdict_follows_from_what_is_not_the_signers(attempt: str, capsys: pytest.CaptureFixture[str]) -> None:
    attack, message = ATTEMPTS[attempt]
    attack()
    done = called(capsys, "verify", CLAIM, "--key", "key.pem", "--json")
    told, summary = done.err.splitlines()
    assert (done.code, summary) == (2, "tig-verify: 1 without verdict")
    assert told.startswith(f"tig-verify: {message}")
    line = json.loads(done.out)
    assert (line["file"], line["outcome"], f"tig-verify: {line['detail']}") == ("x.claim", None, told)
    vouched = attempt not in ("claim spoilt", "solution as claim")
    signer = STRANGER if attempt == "claim re-signed" else KEY
    assert line["signer"] == (signer.verify_key.raw.hex() if vouched else None)
    assert not Path("x.verdict").exists()


def unchecked(evidence: Evidence) -> tuple[Signed[Claim], Signed[Solution]]:
    """The first layer off: records as they come, signed or not."""
    claim, solution = Claim.from_bytes(evidence.claim.payload), Solution.from_bytes(evidence.solution.payload)
    signer = evidence.claim.public_key
    return Signed(claim, claim.digest(), signer), Signed(solution, solution.digest(), signer)


@pytest.mark.parametrize("attempt", [*list(ATTEMPTS)[:5], "claim re-signed"])
def test_a_verdict_without_that_names_the_files_it_is_about(attempt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ATTEMPTS[attempt][0]()
    monkeypatch.setattr(evaluate, "open_evidence", unchecked)
    claim, solution = (Envelope.from_bytes(path.read_bytes()) for path in (CLAIM, SOLUTION))
    verdict = verify(Evidence(claim, solution), Level.EVALUATE, InProcess())
    true = {
        kind: Envelope.from_bytes(data).digest()
        for kind, data in zip(("claim", "solution"), honest().values(), strict=True)
    }
    assert verdict.evidence != true


def test_a_copy_of_a_stranger_is_rejected_by_the_strangers_name(capsys: pytest.CaptureFixture[str]) -> None:
    KEY.verify_key.save(Path("key.pub"))
    CLAIM.write_bytes(seal(solved().claim, STRANGER).to_bytes())
    SOLUTION.write_bytes(seal(solved().solution, STRANGER).to_bytes())
    assert called(capsys, "verify", CLAIM, "--signer", "key.pub", "--key", "key.pem").code == 1
    verdict = read_record(Path("x.verdict"), Verdict).record
    assert (verdict.claim_signer, verdict.terms.signer) == (STRANGER.verify_key.raw, KEY.verify_key.raw)


def test_the_log_notices_what_was_spoilt_and_mended(capsys: pytest.CaptureFixture[str]) -> None:
    good = CLAIM.read_bytes()
    for attack, code in ((lambda: None, 0), (lambda: spoilt(CLAIM), 2), (lambda: CLAIM.write_bytes(good), 0)):
        attack()
        assert called(capsys, "verify", CLAIM, "--out", LOG).code == code
        assert len(LOG.read_text().splitlines()) == 1
    assert set(json.loads(LOG.read_text())["evidence"]) == {"claim", "solution"}


@pytest.mark.parametrize(
    "attempt", [attempt for attempt in ATTEMPTS if "solution" in attempt and "as claim" not in attempt]
)
def test_what_is_put_beside_a_decided_claim_changes_nothing(attempt: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A verdict is on a claim and the solution that it names; before it there is none, and after it the same one."""
    attack, message = ATTEMPTS[attempt]
    good = SOLUTION.read_bytes()
    attack()
    before = called(capsys, "verify", CLAIM, "--out", LOG)
    assert (before.code, LOG.read_text()) == (2, "")
    assert before.err.startswith(f"tig-verify: {message}")
    SOLUTION.write_bytes(good)
    assert called(capsys, "verify", CLAIM, "--out", LOG).code == 0
    attack()
    after = called(capsys, "verify", CLAIM, "--out", LOG)
    assert after == Ended(0, "", "tig-verify: 1 accepted; 1 of them from before\n")
    assert len(LOG.read_text().splitlines()) == 1


def test_a_lost_process_gives_a_verdict_on_evidence_only() -> None:
    judge, lost = Judge(Terms(), "none"), TaskLost("killed")
    answer = judge.undetermined(CaseReader().read(CLAIM, Level.EVALUATE), lost.why)
    assert isinstance(answer, Verdict)
    assert answer.outcome is Outcome.UNDETERMINED
    assert answer.evidence["claim"] == Envelope.from_bytes(CLAIM.read_bytes()).digest()
    spoilt(SOLUTION)
    assert not isinstance(judge.undetermined(CaseReader().read(CLAIM, Level.EVALUATE), lost.why), Verdict)


def test_the_terms_name_who_signed_the_precommit() -> None:
    """The same precommit signed again and put in the place of the validator's: the verdict has its signer."""
    task = solved().claim.task
    choice = Choice(task.edition, task.settings, task.optimiser_digest, task.hyperparameters, task.fuel_budget)
    record = Precommit(choice, 1)
    seeding = Seeding(Signed(record, record.digest(), STRANGER.verify_key.raw), "1f")
    claim, solution = (Envelope.from_bytes(path.read_bytes()) for path in (CLAIM, SOLUTION))
    verdict = verify(Evidence(claim, solution, terms=Terms(seeding=seeding)), Level.EVALUATE, InProcess())
    assert verdict.reason is Reason.SIGNER
    assert verdict.terms == StatedTerms(None, record.digest(), STRANGER.verify_key.raw, "1f")


ELSEWHERE = Path("elsewhere.solution")


def test_a_solution_that_is_named_is_looked_at_like_any(capsys: pytest.CaptureFixture[str]) -> None:
    other_solution(KEY)
    SOLUTION.rename(ELSEWHERE)
    SOLUTION.write_bytes(honest()[SOLUTION])
    done = called(capsys, "verify", CLAIM, "--solution", ELSEWHERE, "--key", "key.pem")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"tig-verify: {ELSEWHERE}: the solution is not the one that the claim names")
    assert not Path("x.verdict").exists()


def test_a_named_solution_without_that_is_in_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    other_solution(KEY)
    SOLUTION.rename(ELSEWHERE)
    monkeypatch.setattr(evaluate, "open_evidence", unchecked)
    with Judge(Terms(), "none").opened() as judged:
        verdict = judged(CaseReader(solution=ELSEWHERE).read(CLAIM, Level.EVALUATE))
    assert isinstance(verdict, Verdict)
    assert verdict.evidence["solution"] == Envelope.from_bytes(ELSEWHERE.read_bytes()).digest()


def swapped_while_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim becomes a stranger's as soon as the solution is read."""

    def read(path: Path) -> bytes:
        found = read_file(path)
        if path == SOLUTION:
            CLAIM.write_bytes(seal(solved().claim, STRANGER).to_bytes())
        return found

    monkeypatch.setattr(claim_cases, "read_file", read)


def test_a_claim_that_is_replaced_while_it_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped_while_read(monkeypatch)
    done = called(capsys, "verify", CLAIM, "--key", "key.pem")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: x.claim: was replaced while it was read")


def test_a_claim_replaced_later_without_that_is_not_in_the_verdict() -> None:
    """What is judged is what was read, and the verdict is about that."""
    case = CaseReader().read(CLAIM, Level.EVALUATE)
    CLAIM.write_bytes(seal(solved().claim, STRANGER).to_bytes())
    spoilt(SOLUTION)
    with Judge(Terms(), "none").opened() as judged:
        verdict = judged(case)
    assert isinstance(verdict, Verdict)
    assert verdict.outcome is Outcome.ACCEPTED
    assert verdict.evidence["claim"] == Envelope.from_bytes(honest()[CLAIM]).digest()


@pytest.mark.parametrize("suffix", [".verdict", ".solution", ".transcript", ".response", ".png"])
def test_a_claim_is_not_named_like_its_other_files(suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    named = CLAIM.rename(Path(f"y{suffix}"))
    before = named.read_bytes()
    done = called(capsys, "verify", named, "--solution", SOLUTION, "--key", "key.pem")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"tig-verify: {named}: ends in {suffix}, as a file beside a claim; name a .claim"
    assert named.read_bytes() == before


def test_two_claims_have_two_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.copy").write_bytes(CLAIM.read_bytes())
    done = called(capsys, "verify", CLAIM, "x.copy", "--key", "key.pem")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tig-verify: x.copy: its .verdict would be that of x.claim; ")
    assert not Path("x.verdict").exists()
    assert called(capsys, "verify", CLAIM, "x.copy").code == 0


@pytest.mark.parametrize("fault", [MemoryError(), OSError("no"), RuntimeError("no memory")])
def test_a_fault_before_the_signatures_names_nobody(
    fault: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim may be a forgery in another's name, so there is no record; the next claim is judged all the same."""
    good = open_envelope
    faults = iter([fault])

    def failing(*arguments: Any) -> Any:
        for raised in faults:
            raise raised
        return good(*arguments)

    monkeypatch.setattr(evaluate, "open_envelope", failing)
    Path("z.claim").write_bytes(CLAIM.read_bytes())
    Path("z.solution").write_bytes(SOLUTION.read_bytes())
    done = called(capsys, "verify", CLAIM, "z.claim", "--key", "key.pem")
    assert done.code == 3
    assert done.err.startswith("tig-verify: x.claim: undetermined: the signatures could not be checked: ")
    assert (Path("x.verdict").exists(), Path("z.verdict").exists()) == (False, True)
