"""Attacks on the contest itself (section E) that no single module shows: the training loop, the claim, the replay."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from protocol.claim import StopReason
from protocol.envelope import seal
from protocol.errors import RecordError
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.errors import OptimiserError, WorkerFault
from sandbox.isolation import InProcess, Isolation
from sandbox.optimiser import Assignment, Optimiser, Vector
from tests.support import sample_optimisers
from tests.support.sample_optimisers import assignment, in_process, play
from tests.support.small_contest import module, session, task
from verifier.challenge.errors import NoEvidenceError
from verifier.challenge.instance.instance import Instance, Points
from verifier.challenge.module import Module
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.session import Session
from verifier.challenge.solving import Solved, solve
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Training
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

pytestmark = pytest.mark.slow

KEY = SigningKey.generate()
ENDS = frozenset((StopReason.EARLY_STOPPING, StopReason.EPOCH_LIMIT, StopReason.NON_FINITE_LOSS))


def replay(solved: Solved, source: bytes, isolation: Isolation | None = None) -> Verdict:
    """The verdict of a replay on a claim that was signed as it is."""
    evidence = Evidence(seal(solved.claim, KEY), seal(solved.solution, KEY), lambda _: Module("a.py", source))
    return verify(evidence, Level.REPLAY, isolation or InProcess())


# -- what an optimiser is shown ----------------------------------------------------------------------------------


def trained(change: Callable[[Instance], Instance]) -> Training:
    """A training on an instance that is not what the seed says."""
    changed = session()
    changed.instance = change(changed.instance)
    return changed.train()


def spoilt(points: Points) -> Points:
    return Points(*(np.full_like(values, 0.25) for values in (points.x, points.f, points.y)))


def test_nothing_that_an_optimiser_sees_depends_on_the_test_set() -> None:
    whole = trained(lambda instance: instance)
    other = trained(lambda instance: replace(instance, test=spoilt(instance.test)))
    assert other.transcript_root == whole.transcript_root
    assert (other.best.parameters == whole.best.parameters).all()
    seen = trained(lambda instance: replace(instance, validation=spoilt(instance.validation)))
    assert seen.transcript_root != whole.transcript_root


@dataclass
class Watching(InProcess):
    """Notes what every optimiser is given."""

    given: list[Assignment] = field(default_factory=list)

    def start(self, assignment: Assignment) -> Optimiser:
        self.given.append(assignment)
        return super().start(assignment)


def test_two_nonces_are_told_apart_by_their_numbers_alone() -> None:
    watching = Watching()
    for nonce in (7, 8):
        solve(session(nonce=nonce, isolation=watching))
    first, second = watching.given
    assert first.key != second.key
    assert replace(first, key=second.key) == second
    asked = task()
    for secret in (asked.seed(7).hex(), asked.rand_hash, asked.settings.block_id, asked.settings.player_id):
        assert secret not in f"{first} {first.key.hex()}"


def test_a_second_nonce_does_not_know_of_the_first() -> None:
    alone = solve(session(nonce=8)).claim
    place = InProcess()
    solve(session(nonce=7, isolation=place))
    assert solve(session(nonce=8, isolation=place)).claim == alone


@pytest.mark.parametrize("scale", ["1e10", "1e30", "3e38"])
def test_a_far_location_ends_training_or_leaves_the_same_transcript(scale: str) -> None:
    source = module("(gradient / 1e32).clamp(-0.1, 0.1), state", query=f"parameters * {scale}")
    solved = solve(session(source))
    assert solved.claim.stop_reason in ENDS
    assert replay(solved, source).outcome is Outcome.ACCEPTED


def test_awkward_hyperparameters_reach_the_module_unchanged() -> None:
    values = [5e-324, -0.0, 0.1 + 0.2, 1.7976931348623157e308, 2**63, -(2**63), True, 1, 1.0, None, "\x1b\u2028\ud800"]
    awkward = {f"h{i}": value for i, value in enumerate(values)}
    names = ", ".join(f'"{name}": 0' for name in awkward)
    source = sample_optimisers.module(initial="return hyperparameters").replace(b'"lr": 0.5', names.encode())
    crossed = json.loads(json.dumps(awkward))  # as the channel carries them
    digests = [play(in_process(assignment(source, hyperparameters=given)), 1) for given in (awkward, crossed)]
    assert digests[0] == digests[1]
    assert play(in_process(assignment(source, hyperparameters={**awkward, "h1": 0.0})), 1) != digests[0]


# -- what would tell one machine, or one isolation, from another -------------------------------------------------


def answered(source: bytes, *losses: float) -> list[object]:
    """What a module answers that is told these losses in its first epoch."""
    optimiser = in_process(assignment(source))
    optimiser.parameters[:] = sample_optimisers.numbers()
    optimiser.gradient.fill(0.5)
    optimiser.initialise()
    train_loss, validation_loss = losses
    optimiser.begin_epoch(0, train_loss, validation_loss, 1)
    updates = optimiser.step_updates()
    return [updates.tolist(), optimiser.state_digest(), optimiser.fuel_used]


@pytest.mark.parametrize(
    "condition",
    ["[train_loss] == [validation_loss]", "train_loss in [validation_loss]", "[validation_loss].count(train_loss) > 0"],
)
def test_losses_that_are_nans_are_the_same_to_an_optimiser_everywhere(condition: str) -> None:
    """In this process the losses of epoch 0 are one object, from the channel they are two."""
    source = sample_optimisers.module(step=f"return gradient * (2.0 if {condition} else 1.0), state")
    assert answered(source, math.nan, math.nan) == answered(source, float("nan"), float("nan"))


NANS = ["-math.nan", "math.inf - math.inf", "(torch.zeros(9) / 0.0)[8].item()", "-(torch.full((1,), math.nan)).item()"]


@pytest.mark.parametrize("nan", NANS)
def test_the_sign_of_a_nan_does_not_show(nan: str) -> None:
    """0 / 0 has its sign set on x86 and not on ARM."""
    source = sample_optimisers.module(
        initial=f"return math.copysign(1.0, {nan}) == math.copysign(1.0, math.nan)", math=True
    )
    same = sample_optimisers.module(initial="return True", math=True)
    assert answered(source, 1.0, 1.0)[1] == answered(same, 1.0, 1.0)[1]


HIDDEN = {
    "sign": ("[math.nan]", "[-math.nan]"),
    "identity": ("[x, x]", "[x, math.inf - math.inf]"),
    "sign in a tensor": ("[torch.full((1,), math.nan)]", "[-torch.full((1,), math.nan)]"),
}


@pytest.mark.parametrize(
    "kind",
    ["sign", "identity", "sign in a tensor"],
)
def test_no_bit_of_a_nan_is_state_that_the_digest_misses(kind: str) -> None:
    looks = "a, b = float(state[0]), float(state[-1])\n    told = math.copysign(1.0, a) * (2.0 if [a] == [b] else 3.0)"
    runs = []
    for state in HIDDEN[kind]:
        source = sample_optimisers.module(
            initial=f"x = math.inf - math.inf\n    return {state}",
            step=f"{looks}\n    return gradient * told, state",
            math=True,
        )
        updates, digest, _ = answered(source, 1.0, 1.0)
        runs.append((updates, digest))
    assert runs[0][1] == runs[1][1]
    assert runs[0] == runs[1]


def test_every_bit_of_the_parameters_is_in_the_transcript() -> None:
    parameters, statistics = session().initial, Statistics.initial(session().network.architecture)
    digests = set()
    for bit in range(-1, 31):
        flipped = parameters.copy()
        if bit >= 0:
            flipped.view(np.int32)[3] ^= 1 << bit
        digests.add(Weights(flipped, statistics).digest())
    zeros = [np.full(80, value, np.float32) for value in (0.0, -0.0, 1e-45)]
    digests |= {Weights(zero, statistics).digest() for zero in zeros}
    assert len(digests) == 35


# -- what a replay finds, and what it does not -------------------------------------------------------------------


@dataclass
class Nudging(InProcess):
    """Moves one parameter by a few units in the last place, at one step."""

    at: int
    steps: int = 0

    def start(self, assignment: Assignment) -> Optimiser:
        optimiser = super().start(assignment)
        honest = optimiser.step_updates

        def nudged() -> Vector:
            updates = honest().copy()
            if self.steps == self.at:
                moved = optimiser.parameters[0] + updates[0]
                updates[0] += moved * 2.0**-20
            self.steps += 1
            return updates

        optimiser.step_updates = nudged  # type: ignore[method-assign]
        return optimiser


@pytest.mark.parametrize("at", [0, 1, 3, 17, 18, -1])
def test_a_difference_in_the_last_bits_at_any_step_is_rejected(at: int) -> None:
    """Whatever made the difference: hidden state, a clock, an address, another processor, a window."""
    honest = solve(session(isolation=(counting := Nudging(-1))))
    last = counting.steps - 1
    cheated = solve(session(isolation=Nudging(last if at == -1 else at)))
    assert cheated.claim.transcript_root != honest.claim.transcript_root
    verdict = replay(cheated, module())
    assert verdict.outcome is Outcome.REJECTED
    assert verdict.step in (14, 15)


@dataclass
class Dying(InProcess):
    """Optimisers whose worker dies at their first step."""

    started: int = 0

    def start(self, assignment: Assignment) -> Optimiser:
        self.started += 1
        optimiser = super().start(assignment)

        def die() -> Vector:
            raise WorkerFault("gone")

        optimiser.step_updates = die  # type: ignore[method-assign]
        return optimiser


def test_a_fault_is_not_tried_again() -> None:
    dying = Dying()
    with pytest.raises(WorkerFault):
        solve(session(isolation=dying))
    assert dying.started == 1
    verdict = replay(solve(session()), module(), dying)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNDETERMINED, Reason.MACHINE_FAULT)
    assert dying.started == 2


def test_the_digest_is_that_of_the_exact_bytes() -> None:
    source = module()
    variants = [source.replace(b"\n", b"\r\n"), source + b"\n", source.replace(b"0.05", b"5e-2")]
    solved = solve(session())
    for variant in variants:
        again = solve(session(variant)).claim
        assert again.transcript_root == solved.claim.transcript_root or b"\r" not in variant
        assert again.task.optimiser_digest != solved.claim.task.optimiser_digest
        with pytest.raises(NoEvidenceError, match="not the one that the claim names"):
            replay(solved, variant)


def test_a_validation_loss_that_is_no_number_is_never_the_best() -> None:
    stopping = EarlyStopping(5)
    assert [stopping.improved(loss) for loss in (math.nan, math.inf, 1e300, math.nan, -math.nan)] == [
        False, False, True, False, False,
    ]  # fmt: skip


BROUGHT = b"""
import torch

HYPERPARAMETERS = {"weights": ""}


def init_optimiser_state(difficulty, parameters, hyperparameters, rng):
    return torch.tensor([float(text) for text in hyperparameters["weights"].split()])


def query_location_parameters(parameters, state, gradient, epoch, train_loss, validation_loss):
    return None


def optimiser_step_updates(state, gradient, parameters, epoch, train_loss, validation_loss):
    updates, first = [], 0
    for part in parameters:
        updates.append(state[first : first + part.numel()].reshape(part.shape) - part)
        first += part.numel()
    return updates, state
"""


def fitted_to_the_test_set(given: Session) -> Vector:
    """Weights that no optimiser has seen the data for: gradient descent on the test points."""
    points, network, weights = given.instance.test, given.network, given.initial
    gradient, statistics = np.zeros_like(weights), Statistics.initial(network.architecture)
    for _ in range(300):
        network.loss_and_gradient(weights, statistics, network.batch(points.x, points.y), gradient)
        weights -= np.float32(0.1) * gradient
    return weights


def test_weights_do_not_fit_the_hyperparameters_of_a_claim() -> None:
    """A replay shows that this module with these hyperparameters makes this claim, whoever found the numbers."""
    weights = " ".join(map(repr, fitted_to_the_test_set(session()).tolist()))
    with pytest.raises(RecordError, match="hyperparameters: expected at most 1024 bytes"):
        replace(task(BROUGHT), hyperparameters={"weights": weights})


ENDINGS = {
    StopReason.NON_FINITE_UPDATE: "math.nan",
    StopReason.FUEL_EXHAUSTED: "(torch.zeros(2048, 2048) @ torch.zeros(2048, 2048))[0, 0]",  # too dear to be begun
    StopReason.MEMORY_EXHAUSTED: "max([x.reshape(-1)[0].item() for x in [torch.zeros(2**24)] for _ in range(40)])",
}
"""Factors of a gradient that end training."""


def turning(factor: str) -> bytes:
    """A module that descends up to an epoch, then ascends, and uses a factor in another epoch."""
    factors = f'{factor} if epoch == state["stop"] else -0.05 if epoch < state["turn"] else 0.05'
    source = module(f"gradient * ({factors}), state", state="hyperparameters")
    return source.replace(b'"lr": 0.05', b'"stop": 99, "turn": 99')


@pytest.mark.parametrize(("turn", "natural"), [(4, StopReason.EARLY_STOPPING), (11, StopReason.EPOCH_LIMIT)])
@pytest.mark.parametrize("reason", ENDINGS)
def test_an_optimiser_that_ends_training_after_the_best_epoch_gains_nothing(
    reason: StopReason, turn: int, natural: StopReason
) -> None:
    """T is its choice, but the test points that count follow from the best epoch."""
    source, budget = turning(ENDINGS[reason]), 10**12 if reason is StopReason.MEMORY_EXHAUSTED else 10**9
    whole = solve(session(source, budget, turn=turn))
    best = whole.claim.best_epoch
    assert whole.claim.stop_reason is natural
    assert best < whole.claim.epochs
    for end in range(best, whole.claim.epochs):
        ended = solve(session(source, budget, turn=turn, stop=end))
        assert (ended.claim.epochs, ended.claim.stop_reason) == (end, reason)
        assert (ended.claim.best_epoch, ended.score, ended.solution) == (best, whole.score, whole.solution)
        assert replay(ended, source).outcome is Outcome.ACCEPTED


def test_an_optimiser_that_ends_training_at_an_improvement_has_its_weights_and_test_points() -> None:
    """Where to stop is its choice, as it is any optimiser's; it knows no test point."""
    source = turning("math.nan")
    ends = [solve(session(source, stop=stop)) for stop in (3, 5, 8)]
    assert [solved.claim.best_epoch for solved in ends] == [3, 5, 8]
    assert {solved.claim.stop_reason for solved in ends} == {StopReason.NON_FINITE_UPDATE}
    assert len({solved.score.threshold for solved in ends}) == 3
    assert all(replay(solved, source).outcome is Outcome.ACCEPTED for solved in ends)


# -- what reaches people, and what reaches the worker ------------------------------------------------------------


def test_the_names_of_hyperparameters_are_shown_escaped() -> None:
    source = sample_optimisers.module().replace(b'"lr"', b'"\\x1b[31m\\n\\u202e"')
    with pytest.raises(OptimiserError, match="has no hyperparameter") as raised:
        in_process(assignment(source, hyperparameters={"lr": 0.1})).initialise()
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("name", ["a\nb.py", "\x1b[31m.py", "\u202e.py", "\udcff.py"])
def test_the_names_of_modules_are_shown_escaped(name: str) -> None:
    """A worker cannot send what is no text: its module failed, and it must not."""
    with pytest.raises(OptimiserError, match=r"\.py has no hyperparameter") as raised:
        in_process(assignment(sample_optimisers.module(), name, hyperparameters={"beta": 0.1})).initialise()
    assert str(raised.value).isascii()
    assert str(raised.value).isprintable()


def test_a_worker_s_process_never_imports_what_holds_a_key() -> None:
    code = "import sandbox.worker.zygote_server, sandbox.worker.server, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", code], env={}, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "sandbox" in loaded
    assert not loaded & {"protocol", "verifier", "cryptography", "click"}
