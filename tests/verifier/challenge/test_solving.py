"""A benchmarker's claim: the same from every isolation, and about what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from arithmetic.canonical_bytes import canonical_bytes
from protocol.claim import Claim, StopReason
from protocol.hashes import blake3_digest
from protocol.solution import Solution
from sandbox.errors import ModuleRefused, OptimiserError
from sandbox.isolation import Jail
from tests.support.small_contest import SETTINGS, SMALL, instance_id, module, session
from verifier.challenge import scoring
from verifier.challenge.editions import DECEMBER_2025, Track
from verifier.challenge.errors import TrackError
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.weights import read_weights
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.challenge.training.trainer import Epoch

EVERYTHING = module(
    query='None if epoch == 0 else parameters + 0.5 * state["v"]',
    state='{"v": torch.zeros_like(parameters), "rng": rng.normal(3), "h": hyperparameters}',
    updates='state["v"].mul_(0.9).add_(-0.05 * gradient), '
    '{"v": state["v"], "rng": state["rng"], "h": state["h"], "losses": [train_loss, validation_loss, epoch]}',
)
"""Momentum that looks ahead, with random numbers and losses in its state."""


def test_isolation_does_not_change_a_byte_of_the_claim(jail: Jail) -> None:
    isolated, hosted = (solve(session(EVERYTHING, isolation=isolation)) for isolation in (jail, None))
    assert isolated.solution.to_bytes() == hosted.solution.to_bytes()
    without = [replace(solved.claim, run={}).to_bytes() for solved in (isolated, hosted)]
    assert without[0] == without[1]
    assert isolated.claim.epochs > 3
    assert hosted.claim.run["isolation"] == "none"
    assert {"isolation": "process", "seccomp": "allow-list"}.items() <= isolated.claim.run.items()
    assert {"landlock", "namespaces", "user"} <= isolated.claim.run.keys()


def test_the_claim_says_what_was_done() -> None:
    asked = session(EVERYTHING, fuel_budget=10**11, lr=0.25)
    solved = solve(asked)
    claim, training = solved.claim, solved.training
    assert (claim.task.edition, claim.task.settings, claim.nonce) == ("small", SETTINGS, 7)
    assert claim.task.rand_hash == asked.task.rand_hash
    assert claim.task.optimiser_digest == blake3_digest(EVERYTHING)
    assert dict(claim.task.hyperparameters) == {"lr": 0.25}
    assert claim.task.fuel_budget == 10**11
    assert 0 < claim.fuel_used == training.fuel_used < 10**11
    assert claim.epochs == training.epochs == len(claim.train_losses) == len(claim.validation_losses)
    assert claim.validation_losses[claim.best_epoch - 1] == min(claim.validation_losses)
    assert claim.quality == solved.score.quality
    assert claim.solution_digest == solved.solution.digest()
    assert {"tig-verify", "torch", "python"} <= claim.run.keys()
    assert Claim.from_bytes(claim.to_bytes()) == claim


def test_the_solution_is_the_best_epochs_weights_and_scores_what_is_claimed() -> None:
    solved, identity = solve(session()), session().instance_id
    weights = read_weights(Solution.from_bytes(solved.solution.to_bytes()), identity.track)
    assert weights is not None
    best = solved.training.best
    assert np.array_equal(weights.parameters, best.parameters)
    assert np.array_equal(weights.statistics.means, best.statistics.means)
    assert np.array_equal(weights.statistics.variances, best.statistics.variances)
    subset = scoring.test_subset(identity, solved.claim.epochs)
    assert scoring.score(EagerNetwork(identity), weights, subset) == solved.score


@pytest.mark.parametrize("name", ["parameters", "running_means", "running_variances"])
@pytest.mark.parametrize("elements", [-1, 1])
def test_a_solution_of_other_sizes_is_not_read(name: str, elements: int) -> None:
    sizes = {"parameters": 16 * 2 + 3 * 16, "running_means": 32, "running_variances": 32}
    whole = {field: canonical_bytes(np.ones(size, np.float32)) for field, size in sizes.items()}
    assert read_weights(Solution("small", "n_hidden=1", **whole), Track(SMALL, 1)) is not None
    for wrong in (canonical_bytes(np.ones(sizes[name] + elements, np.float32)), b""):
        other = Solution("small", "n_hidden=1", **{**whole, name: wrong})
        assert read_weights(other, Track(SMALL, 1)) is None


@pytest.mark.parametrize("track", [Track(SMALL, 2), Track(replace(DECEMBER_2025, width=16), 1)])
def test_a_solution_of_another_track_or_edition_is_not_read(track: Track) -> None:
    """Although the second one's network has the same sizes."""
    assert read_weights(solve(session()).solution, track) is None


def test_hyperparameters_nonce_and_module_change_the_transcript() -> None:
    others = [session(), session(lr=0.051), session(nonce=8), session(module("-0.5 * state * gradient, state"))]
    assert len({solve(other).claim.transcript_root for other in others}) == 4


def test_an_override_equal_to_the_default_changes_nothing_but_the_claims_text() -> None:
    plain, named = solve(session()).claim, solve(session(lr=0.05)).claim
    assert replace(named, task=replace(named.task, hyperparameters={})) == plain


def test_a_budget_that_is_used_to_the_last_unit_is_not_exhausted() -> None:
    plenty = solve(session()).claim
    exact = solve(session(fuel_budget=plenty.fuel_used)).claim
    short = solve(session(fuel_budget=plenty.fuel_used - 1)).claim
    assert replace(exact, task=plenty.task) == plenty
    assert (short.stop_reason, short.fuel_used) == (StopReason.FUEL_EXHAUSTED, short.task.fuel_budget)
    assert short.epochs == plenty.epochs - 1


def test_errors_of_the_module_have_its_name_or_line() -> None:
    with pytest.raises(ModuleRefused, match=r"^small\.py:16:12: "):
        solve(session(module("open(1), state")))
    with pytest.raises(OptimiserError, match=r"line 16: IndexError: list index out of range"):
        solve(session(module("[gradient][epoch + 1], state")))
    with pytest.raises(OptimiserError, match=r"small\.py has no hyperparameter 'beta'; its HYPERPARAMETERS: 'lr'"):
        solve(session(beta=0.5))
    with pytest.raises(OptimiserError, match="fuel budget of 5 units is spent, at line 7 in init_opt"):
        solve(session(fuel_budget=5))


def test_refusals_are_the_same_from_a_worker(jail: Jail) -> None:
    refused = module("open(1), state", query="eval(state)")
    with pytest.raises(ModuleRefused) as hosted:
        solve(session(refused))
    with pytest.raises(ModuleRefused) as isolated:
        solve(session(refused, isolation=jail))
    assert isolated.value.diagnostics == hosted.value.diagnostics
    assert str(isolated.value) == str(hosted.value)
    assert len(hosted.value.diagnostics) == 2


def test_the_observer_sees_the_claims_losses() -> None:
    seen: list[Epoch] = []
    claim = solve(session(), seen.append).claim
    assert tuple(epoch.validation_loss for epoch in seen) == claim.validation_losses


def test_a_track_that_does_not_exist() -> None:
    given = session()
    deep = replace(given.task, settings=replace(SETTINGS, track_id="n_hidden=65"))
    with pytest.raises(TrackError, match="n_hidden=L"):
        Session(deep, given.nonce, given.module, given.isolation)


def test_the_seed_is_not_what_the_optimiser_is_given() -> None:
    """Its key is derived from the seed one-way; the first words of the two streams have nothing in common."""
    key = instance_id().stream("optimiser").read(32)
    assert key != instance_id().seed
    assert key not in instance_id().stream("points").read(4096)
