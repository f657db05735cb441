"""Nonces in lockstep whose programs run in fused kernels get the trainings that each gets alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.isolation import InProcess
from tests.support.folders import ROOT
from tests.support.small_contest import session, task
from verifier.challenge.lockstep.lockstep_trainer import LockstepTrainer
from verifier.challenge.module import Module

if TYPE_CHECKING:
    from sandbox.lockstep.fused import FusedPass

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("optimiser", ["adam", "lion", "schedule_free", "lookahead"])
def test_trainings_are_those_of_single_nonces(optimiser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.lockstep import cohort_optimiser
    from sandbox.lockstep import fused as groups
    from sandbox.lockstep.executor import Executor

    launched: list[FusedPass] = []
    monkeypatch.setattr(cohort_optimiser, "Executor", partial(Executor, grouping=groups.fused, turns=0))
    run = groups.FusedPass.run

    def noted(self: FusedPass, *given: Any) -> None:
        launched.append(self)
        run(self, *given)

    monkeypatch.setattr(groups.FusedPass, "run", noted)
    source = (ROOT / f"fixtures/optimisers/{optimiser}.py").read_bytes()
    trainer = LockstepTrainer(task(source, 10**12), Module("small.py", source), InProcess(), "cpu", 3)
    ended = dict(trainer.run(range(4)))
    assert sorted(ended) == [0, 1, 2, 3]
    for nonce, training in ended.items():
        alone = session(source, 10**12, nonce).train()
        assert training is not None
        assert training.transcript_root == alone.transcript_root
        assert training.leaves == alone.leaves
        assert training.fuel_used == alone.fuel_used
    assert len(launched) >= 16
