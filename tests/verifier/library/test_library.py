"""`import verifier` does what the commands do: the same claims, the same verdicts, the same numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

import verifier
from sandbox.isolation import InProcess, Jail
from tests.support.called import called
from tests.support.folders import FIXTURES
from verifier import (
    Epoch,
    InputError,
    Level,
    Module,
    ModuleRefused,
    OptimiserError,
    Outcome,
    Reason,
    SignedClaim,
    SigningKey,
    TrackError,
)
from verifier.experiments.comparison import Comparison
from verifier.library.comparing import Candidate

pytestmark = pytest.mark.slow  # every test trains

ADAM = FIXTURES / "optimisers" / "adam.py"
TRACK, FUEL = "n_hidden=1", 2 * 10**7
FAILING = Module("failing.py", ADAM.read_bytes().replace(b"return {", b"return [][0] or {", 1))


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="module")
def claim(key: SigningKey) -> SignedClaim:
    """A short training: its fuel ends it after a few epochs."""
    (signed,) = verifier.solve(ADAM, key=key, nonces=[3], track=TRACK, fuel=FUEL, isolation="none")
    return signed


@pytest.fixture(scope="module")
def folder(claim: SignedClaim, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The claim's files, as a benchmarker hands them over."""
    path = tmp_path_factory.mktemp("claims")
    for name, data in claim.files().items():
        (path / name).write_bytes(data)
    return path


def test_a_result_has_the_numbers_of_the_claim(claim: SignedClaim) -> None:
    told: list[Epoch] = []
    result = verifier.train(ADAM, track=TRACK, nonce=3, fuel=FUEL, callback=told.append, isolation=InProcess())
    record = claim.record
    assert record.epochs == result.epochs == len(told) > 2
    assert [each.number for each in told] == list(range(1, result.epochs + 1))
    for name in ("train_losses", "validation_losses"):
        losses = getattr(result, name)
        assert (losses.dtype, losses.shape) == (np.float64, (result.epochs,))
        assert tuple(losses) == getattr(record, name)
    for name in ("quality", "best_epoch", "stop_reason", "fuel_used", "nonce"):
        assert getattr(result, name) == getattr(record, name)
    assert result.qualified == (result.quality > 0) == (result.test_loss < result.threshold)
    assert (result.optimiser, result.optimiser_digest) == ("adam.py", record.task.optimiser_digest.hex())
    assert (result.edition, result.track, result.hyperparameters) == ("december-2025", TRACK, {})
    assert result.parameters.dtype == np.float32


def test_fields_have_the_names_that_json_has() -> None:
    names = (
        "optimiser optimiser_digest edition track nonce quality qualified epochs best_epoch stop_reason train_losses "
        "validation_losses test_loss threshold fuel_used seconds hyperparameters"
    )
    assert {field.name for field in fields(verifier.TrainingResult)} == {*names.split(), "parameters"}


def test_hyperparameters_change_a_training() -> None:
    losses = {
        lr: verifier.train(
            ADAM, track=TRACK, fuel=FUEL // 4, hyperparameters={"lr": lr} if lr else None, isolation="none"
        ).train_losses
        for lr in (None, 0.5)
    }
    assert list(losses[None]) != list(losses[0.5])


def test_what_a_callback_raises_ends_the_training() -> None:
    def stop(epoch: Epoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verifier.train(ADAM, track=TRACK, fuel=FUEL, callback=stop, isolation="none")


@pytest.mark.parametrize("level", Level)
def test_a_claim_is_verified_at_every_level(claim: SignedClaim, level: Level, key: SigningKey) -> None:
    verdict = verifier.verify(claim, level=level, signer=key.verify_key.raw, isolation="none")
    assert (verdict.outcome, verdict.level) == (Outcome.ACCEPTED, level)


@pytest.mark.parametrize("level", Level)
def test_a_folder_is_verified_as_the_command_does(folder: Path, level: str, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = folder.glob("*.claim")
    verdict = verifier.verify(path, level=level, isolation="none")
    assert verdict.outcome is Outcome.ACCEPTED
    audit = ("--epochs", "1") if level == "audit" else ()
    ended = called(capsys, "verify", str(path), "--level", level, *audit, "--isolation", "none", "--jobs", "1")
    assert (ended.code, ended.out.count("accepted")) == (0, 1)


def test_a_false_claim_is_rejected_by_its_reason(claim: SignedClaim, key: SigningKey) -> None:
    from protocol.envelope import seal

    record = replace(claim.record, quality=claim.record.quality + 1)
    verdict = verifier.verify(replace(claim, record=record, claim=seal(record, key)), level="evaluate")
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECTED, Reason.QUALITY)
    other = SigningKey.generate().verify_key.raw
    assert verifier.verify(claim, level="evaluate", signer=other).reason is Reason.SIGNER
    assert verifier.verify(claim, level="evaluate", threshold=10**6 - 1).reason is Reason.UNQUALIFIED


def test_modules_are_compared(key: SigningKey) -> None:
    candidates: dict[str, Candidate] = {
        "adam": ADAM,
        "fast": (ADAM, {"lr": 0.05}),
        "same": Module("other.py", ADAM.read_bytes()),
    }
    told: list[Epoch] = []
    found = verifier.compare(
        candidates, nonces=range(2), track=TRACK, fuel=FUEL // 4, callback=told.append, isolation="none"
    )
    assert [each.name for each in found] == ["adam", "fast", "same"]
    assert all(isinstance(each, Comparison) and sorted(each.runs) == [0, 1] for each in found)
    adam, fast, same = found
    assert [run.quality for run in adam.runs.values()] == [run.quality for run in same.runs.values()]
    assert fast.quality != adam.quality
    assert len(told) == sum(run.epochs for each in found for run in each.runs.values())


def test_other_processes_give_the_same(claim: SignedClaim, key: SigningKey, jail: Jail) -> None:
    options = {"track": TRACK, "fuel": FUEL}
    claims = list(verifier.solve(ADAM, key=key, nonces=[3, 4], jobs=2, **options))  # type: ignore[arg-type]
    assert {each.record.nonce for each in claims} == {3, 4}
    (same,) = (each for each in claims if each.record.nonce == 3)
    assert replace(same.record, run={}) == replace(claim.record, run={})
    assert verifier.verify(same, isolation=jail).outcome is Outcome.ACCEPTED
    assert verifier.check(ADAM, isolation=jail) == ()


def test_a_module_that_fails_ends_a_comparison_or_is_told() -> None:
    candidates: dict[str, Candidate] = {"adam": ADAM, "bad": FAILING}
    options = {"nonces": [0], "track": TRACK, "fuel": FUEL // 4, "isolation": "none"}
    with pytest.raises(OptimiserError, match="IndexError"):
        verifier.compare(candidates, **options)  # type: ignore[arg-type]
    told: list[tuple[str, int, str]] = []
    adam, bad = verifier.compare(candidates, failed=lambda *why: told.append(why), **options)  # type: ignore[arg-type]
    assert (adam.missing, bad.missing, bad.difference) == (0, 1, None)
    assert [(name, nonce) for name, nonce, _ in told] == [("bad", 0)]
    assert "IndexError" in told[0][2]


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_every_problem_of_a_module_is_told(isolation: str) -> None:
    module = Module("bad.py", b"import os\nimport sys\n")
    problems = verifier.check(module, isolation=isolation)
    assert {problem.line for problem in problems} >= {1, 2}
    with pytest.raises(ModuleRefused) as refused:
        verifier.train(module, isolation=isolation)
    assert refused.value.diagnostics == problems


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"module": "no_such.py"}, InputError, r"no_such\.py: No such file or directory; check the name"),
        ({"module": "."}, InputError, r"\.: is a folder; name a file in it"),
        ({"track": "n_hidden=0"}, TrackError, "track 'n_hidden=0' is not one of edition december-2025"),
        ({"edition": "march"}, verifier.EditionError, "unknown edition 'march'; known: december-2025"),
        ({"fuel": 0}, InputError, "fuel: 0 is not from 1 to the edition's maximum, 5000000000000"),
        ({"isolation": "jail"}, InputError, "isolation: 'jail' is not one of process, none, and no open place"),
        ({"hyperparameters": {"lrr": 1.0}}, OptimiserError, "lrr"),
        ({"module": FAILING}, OptimiserError, r"line \d+: IndexError"),
    ],
)
def test_a_mistake_is_told(arguments: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        verifier.train(**{"module": ADAM, "track": TRACK, "isolation": "none", **arguments})  # type: ignore[arg-type]


def test_a_mistake_about_a_claim_is_told(folder: Path, tmp_path: Path) -> None:
    (path,) = folder.glob("*.claim")
    with pytest.raises(InputError, match="level: 'reply' is not one of evaluate, audit, replay"):
        verifier.verify(path, level="reply")
    with pytest.raises(InputError, match="is not the one that the claim names"):
        verifier.verify(path, module=FIXTURES / "optimisers" / "sgd.py", isolation="none")
    alone = tmp_path / path.name
    alone.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"\.solution: No such file"):
        verifier.verify(alone, level="evaluate")
    with pytest.raises(InputError, match="is not a signed record of tig-verify"):
        verifier.verify(ADAM)


THREADS = f"""
import json, os
import numpy, torch
before = dict(os.environ, KMP_DUPLICATE_LIB_OK="True")  # threadpoolctl sets it
from threadpoolctl import threadpool_info
import verifier
def threads():
    return [torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())]
seen = [threads()]
note = lambda _: seen.append(threads())
verifier.train({str(ADAM)!r}, track="n_hidden=1", fuel=10**7, isolation="none", callback=note)
print(json.dumps([seen[0], seen[1], threads(), sorted(os.environ.items() ^ before.items())]))
"""


def test_a_training_uses_one_thread_whatever_was_imported_before_and_changes_nothing_else() -> None:
    environment = {"OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "3", "PATH": "", "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=False, env=environment)
    assert done.stderr == ""
    before, inside, after, changes = json.loads(done.stdout)
    assert max(before) > 1 or os.cpu_count() == 1
    assert set(inside) == {1}
    assert after == before
    assert changes == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"jobs": 0}, "jobs: 0 is no number of processes; 1 is this one alone"),
        (
            {"jobs": 2, "isolation": InProcess()},
            "isolation: an open place is for this process alone; with 2 jobs name one",
        ),
    ],
)
def test_impossible_jobs_are_refused_by_the_call_itself(
    arguments: dict[str, object], says: str, key: SigningKey
) -> None:
    with pytest.raises(InputError, match=says):
        verifier.solve(ADAM, key=key, nonces=[0], **arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=says):
        verifier.compare({"adam": ADAM}, nonces=[0], **arguments)  # type: ignore[arg-type]
