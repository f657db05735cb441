"""A benchmarker's claim: the same from every isolation, and about what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from protocol.claim import Claim, StopReason
from protocol.hashes import blake3_digest
from protocol.solution import Solution
from sandbox.errors import ModuleRefused, OptimiserError
from sandbox.isolation import InProcess, Jail
from sandbox.state import tensor_bytes
from tests.support.small_contest import SEED, SETTINGS, SMALL, module, task
from verifier.challenge import scoring
from verifier.challenge.errors import EditionError
from verifier.challenge.network.network import Architecture, Network
from verifier.challenge.solving import read_solution, solve
from verifier.challenge.streams import stream
from verifier.challenge.training.trainer import Epoch

EVERYTHING = module(
    query='None if epoch == 0 else parameters + 0.5 * state["v"]',
    state='{"v": torch.zeros_like(parameters), "rng": rng.normal(3), "h": hyperparameters}',
    updates='state["v"].mul_(0.9).add_(-0.05 * gradient), '
    '{"v": state["v"], "rng": state["rng"], "h": state["h"], "losses": [train_loss, validation_loss, epoch]}',
)
"""Momentum that looks ahead, with random numbers and losses in its state."""


def test_isolation_does_not_change_a_byte_of_the_claim(jail: Jail) -> None:
    isolated, hosted = (solve(task(EVERYTHING), isolation) for isolation in (jail, InProcess()))
    assert isolated.solution.to_bytes() == hosted.solution.to_bytes()
    without = [replace(solved.claim, run={}).to_bytes() for solved in (isolated, hosted)]
    assert without[0] == without[1]
    assert isolated.claim.epochs > 3
    assert hosted.claim.run["isolation"] == "none"
    assert {"isolation": "process", "seccomp": "allow-list"}.items() <= isolated.claim.run.items()
    assert {"landlock", "namespaces", "user"} <= isolated.claim.run.keys()


def test_the_claim_says_what_was_done() -> None:
    asked = task(EVERYTHING, fuel_budget=10**11, lr=0.25)
    solved = solve(asked, InProcess())
    claim, training = solved.claim, solved.training
    assert (claim.edition, claim.settings, claim.nonce) == ("small", SETTINGS, 7)
    assert claim.rand_hash == asked.rand_hash
    assert claim.optimiser_digest == blake3_digest(EVERYTHING)
    assert dict(claim.hyperparameters) == {"lr": 0.25}
    assert claim.fuel_budget == 10**11
    assert 0 < claim.fuel_used == training.fuel_used < 10**11
    assert claim.epochs == training.epochs == len(claim.train_losses) == len(claim.validation_losses)
    assert claim.validation_losses[claim.best_epoch - 1] == min(claim.validation_losses)
    assert claim.quality == solved.score.quality
    assert claim.solution_digest == solved.solution.digest()
    assert {"tig-verify", "torch", "python"} <= claim.run.keys()
    assert Claim.from_bytes(claim.to_bytes()) == claim


def test_the_solution_is_the_best_epochs_weights_and_scores_what_is_claimed() -> None:
    solved = solve(task(), InProcess())
    read = read_solution(Solution.from_bytes(solved.solution.to_bytes()), Architecture(SMALL, 1))
    assert read is not None
    parameters, statistics = read
    assert torch.equal(parameters, solved.training.parameters)
    assert torch.equal(statistics.means, solved.training.statistics.means)
    assert torch.equal(statistics.variances, solved.training.statistics.variances)
    subset = scoring.test_subset(SMALL, task().seed, solved.claim.epochs)
    assert scoring.score(Network(Architecture(SMALL, 1), task().seed), parameters, statistics, subset) == solved.score


@pytest.mark.parametrize("name", ["parameters", "running_means", "running_variances"])
@pytest.mark.parametrize("elements", [-1, 1])
def test_a_solution_of_other_sizes_is_not_read(name: str, elements: int) -> None:
    sizes = {"parameters": 16 * 2 + 3 * 16, "running_means": 32, "running_variances": 32}
    whole = {field: tensor_bytes(torch.ones(size)) for field, size in sizes.items()}
    assert read_solution(Solution("small", "n_hidden=1", **whole), Architecture(SMALL, 1)) is not None
    for wrong in ((tensor_bytes(torch.ones(sizes[name] + elements))), b""):
        other = Solution("small", "n_hidden=1", **{**whole, name: wrong})
        assert read_solution(other, Architecture(SMALL, 1)) is None


def test_hyperparameters_nonce_and_module_change_the_transcript() -> None:
    others = [task(), task(lr=0.051), task(nonce=8), task(module("-0.5 * state * gradient, state"))]
    assert len({solve(other, InProcess()).claim.transcript_root for other in others}) == 4


def test_an_override_equal_to_the_default_changes_nothing_but_the_claims_text() -> None:
    plain, named = solve(task(), InProcess()).claim, solve(task(lr=0.05), InProcess()).claim
    assert replace(named, hyperparameters={}) == plain


def test_a_budget_that_is_used_to_the_last_unit_is_not_exhausted() -> None:
    plenty = solve(task(), InProcess()).claim
    exact = solve(task(fuel_budget=plenty.fuel_used), InProcess()).claim
    short = solve(task(fuel_budget=plenty.fuel_used - 1), InProcess()).claim
    assert replace(exact, fuel_budget=plenty.fuel_budget) == plenty
    assert (short.stop_reason, short.fuel_used) == (StopReason.FUEL_EXHAUSTED, short.fuel_budget)
    assert short.epochs == plenty.epochs - 1


def test_errors_of_the_module_have_its_name_or_line() -> None:
    with pytest.raises(ModuleRefused, match=r"^small\.py:16:12: "):
        solve(task(module("open(1), state")), InProcess())
    with pytest.raises(OptimiserError, match=r"line 16: IndexError: list index out of range"):
        solve(task(module("[gradient][epoch + 1], state")), InProcess())
    with pytest.raises(OptimiserError, match=r"small\.py has no hyperparameter 'beta'; its HYPERPARAMETERS: 'lr'"):
        solve(task(beta=0.5), InProcess())
    with pytest.raises(OptimiserError, match="before the first epoch the fuel budget of 5 units"):
        solve(task(fuel_budget=5), InProcess())


def test_refusals_are_the_same_from_a_worker(jail: Jail) -> None:
    refused = task(module("open(1), state", query="eval(state)"))
    with pytest.raises(ModuleRefused) as hosted:
        solve(refused, InProcess())
    with pytest.raises(ModuleRefused) as isolated:
        solve(refused, jail)
    assert isolated.value.diagnostics == hosted.value.diagnostics
    assert str(isolated.value) == str(hosted.value)
    assert len(hosted.value.diagnostics) == 2


def test_the_observer_sees_the_claims_losses() -> None:
    seen: list[Epoch] = []
    claim = solve(task(), InProcess(), seen.append).claim
    assert tuple(epoch.validation_loss for epoch in seen) == claim.validation_losses


def test_a_track_that_does_not_exist() -> None:
    with pytest.raises(EditionError, match="n_hidden=L"):
        solve(replace(task(), settings=replace(SETTINGS, track_id="n_hidden=65")), InProcess())


def test_the_seed_is_not_what_the_optimiser_is_given() -> None:
    """Its key is derived from the seed one-way; the first words of the two streams have nothing in common."""
    key = stream(SMALL, SEED, "optimiser").read(32)
    assert key != SEED
    assert key not in stream(SMALL, SEED, "points").read(4096)
