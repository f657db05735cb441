"""Audits: some epochs of a claim are trained again, from states that the benchmarker ships (specification, 10.11).

7   the response answers this request, and the claim's signer signed it and every state, or there is no verdict
8   it opens exactly the leaves that are asked for, and their branches lead to the claim's root
9   the leaves agree with the claim: losses, stale epochs, fuel; the solution is that of the best epoch's leaf
10  the first leaf is that of the initial parameters, and every shipped state is that of its leaf
11  every asked epoch, trained again from the state before it, ends with its leaf; training ends as claimed
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch

from arithmetic import self_test
from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf, asked
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, open_envelope
from protocol.errors import CodecError, RecordError, SignatureError
from protocol.hashes import blake3_digest
from protocol.record import Record
from protocol.solution import Solution
from protocol.transcript import Leaf
from protocol.verdict import Reason
from sandbox.errors import OptimiserError, StateError
from sandbox.isolation import Isolation
from sandbox.state import tensor_bytes
from verifier.challenge.errors import InputError, NoAnswerError
from verifier.challenge.instance.instance import Instance, draw_instance
from verifier.challenge.network.kernel_choice import training_kernels
from verifier.challenge.network.network import Architecture, Network, Statistics, initial_parameters
from verifier.challenge.solving import Task, read_solution, start_optimiser, tensor_of
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Checkpoint, Trainer
from verifier.challenge.training.transcript import network_digest, transcript_tree
from verifier.verification.rejection import Rejection

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class AuditEvidence:
    """What a validator has asked, and was given."""

    request: AuditRequest
    response: Envelope
    states: Callable[[int], Envelope]
    """The state after an epoch; only asked ones are fetched, one at a time. May raise InputError."""


def choose_epochs(claim: Claim, count: int) -> AuditRequest:
    """A request for the first epoch, the best one, the last, and `count` others that nobody can foresee.

    What is paid for are the best epoch's weights; it is always asked for, so that they come out of an honest epoch.
    """
    epochs = range(1, claim.epochs + 1)  # none, if training ended inside the first
    fixed = {1, claim.best_epoch, claim.epochs}.intersection(epochs)
    others = [epoch for epoch in epochs if epoch not in fixed]
    chosen = secrets.SystemRandom().sample(others, min(count, len(others)))
    return AuditRequest(claim.digest(), tuple(sorted(fixed.union(chosen))))


class Ground:
    """A task and what every epoch of it needs: instance, network, isolation."""

    def __init__(self, task: Task, isolation: Isolation, device: str = "cpu") -> None:
        self_test.require_sound(device)
        self.task = task
        self.architecture = Architecture(task.edition, task.track.n_hidden)
        self.initial = initial_parameters(self.architecture, task.seed)
        self._isolation = isolation
        self._instance: Instance = draw_instance(task.edition, task.seed)
        self._network = Network(self.architecture, task.seed, device, training_kernels(device))

    @contextmanager
    def trainer(self) -> Iterator[Trainer]:
        """A trainer with an optimiser of its own, in inference mode, to be started or resumed."""
        with torch.inference_mode(), start_optimiser(self.task, self.architecture, self._isolation) as optimiser:
            yield Trainer(self.task.edition, self.task.seed, self._instance, self._network, optimiser)


def respond(
    request: AuditRequest,
    claim: Claim,
    ground: Ground,
    keep: Callable[[EpochState], None],
    observe: Callable[[int], None] = lambda epoch: None,
) -> AuditResponse:
    """Train again, hand every asked state to `keep`, and open the asked leaves; `observe` is told every epoch.

    Raises InputError when the request is about another claim, or training does not give the claim.
    """
    if request.claim_digest != claim.digest():
        raise InputError("the request is about another claim; name the one that it is for")
    wanted = asked(claim, request)
    with ground.trainer() as trainer:
        trainer.start(ground.initial)
        reason: StopReason | None = None
        while reason is None:
            epoch = len(trainer.losses)
            if epoch and epoch in wanted.states:  # the one before the first epoch follows from the seed
                keep(epoch_state(claim.digest(), trainer.checkpoint()))
            reason = trainer.advance()
            observe(len(trainer.losses))
    tree = transcript_tree(trainer.leaves)
    if (tree.root, len(trainer.losses)) != (claim.transcript_root, claim.epochs):
        raise InputError("training this module again does not give the claim's transcript; the claim is not honest")
    leaves = tuple(OpenedLeaf(trainer.leaves[t], tree.branch(t).to_text()) for t in wanted.leaves)
    return AuditResponse(request.digest(), leaves)


def epoch_state(claim_digest: bytes, checkpoint: Checkpoint) -> EpochState:
    """A checkpoint as a record."""
    return EpochState(
        claim_digest=claim_digest,
        epoch=len(checkpoint.losses),
        parameters=tensor_bytes(checkpoint.parameters),
        running_means=tensor_bytes(checkpoint.statistics.means),
        running_variances=tensor_bytes(checkpoint.statistics.variances),
        gradient=tensor_bytes(checkpoint.gradient),
        optimiser_state=checkpoint.state,
    )


def audit(claim: Claim, solution: Solution, signer: bytes, evidence: AuditEvidence, ground: Ground) -> None:
    """Steps 7 to 11. Raises Rejection; InputError for a state that cannot be read, NoAnswerError for step 7.

    What the signer has not signed as an answer to this request is no evidence against them: anybody can have put it
    in the place of one.
    """
    if evidence.request.claim_digest != claim.digest():
        raise InputError("the request is about another claim; name the one that it is for")
    leaves = _opened(claim, signer, evidence)
    _check_leaves(claim, solution, leaves, ground)
    with ground.trainer() as trainer:
        trainer.start(ground.initial)
        _require(trainer.leaves[0] == leaves[0], 10, Reason.INITIAL_STATE, "the first leaf is not that of the start")
        first = trainer.checkpoint()
    ends = asked(claim, evidence.request)
    for epoch in ends.states:
        checkpoint = first if epoch == 0 else _checkpoint(claim, signer, evidence, leaves[epoch], ground)
        _advance(claim, checkpoint, leaves.get(epoch + 1), ground)


def _opened(claim: Claim, signer: bytes, evidence: AuditEvidence) -> dict[int, Leaf]:
    """Steps 7 and 8: the opened leaves by epoch."""
    response = _signed(evidence.response, AuditResponse, signer, "the response")
    if response.request_digest != evidence.request.digest():
        raise NoAnswerError("the response is to another request; get the one to this from the claim's signer")
    found = tuple(opened.leaf.epoch for opened in response.leaves)
    wanted = asked(claim, evidence.request).leaves
    _require(found == wanted, 8, Reason.OPENING, f"leaves {_listed(wanted)} were asked for, {_listed(found)} opened")
    for opened in response.leaves:
        if not _leads(opened, claim):
            raise Rejection(8, Reason.OPENING, f"the branch of leaf {opened.leaf.epoch} does not lead to the root")
    return {opened.leaf.epoch: opened.leaf for opened in response.leaves}


def _leads(opened: OpenedLeaf, claim: Claim) -> bool:
    try:
        return opened.leads_to(claim.transcript_root, claim.epochs + 1)
    except CodecError:
        return False


def _check_leaves(claim: Claim, solution: Solution, leaves: Mapping[int, Leaf], ground: Ground) -> None:
    """Step 9."""
    fuel = 0
    for epoch, leaf in leaves.items():
        losses = _claimed_losses(claim, epoch)
        _require((leaf.train_loss, leaf.validation_loss) == losses, 9, Reason.LOSSES, _of(epoch, "losses"))
        stale = EarlyStopping.after(claim.epochs + 1, claim.validation_losses[:epoch]).stale_epochs
        _require(leaf.stale_epochs == stale, 9, Reason.EPOCHS, _of(epoch, "count of stale epochs"))
        _require(fuel <= leaf.fuel_used <= claim.fuel_used, 9, Reason.FUEL, _of(epoch, "fuel"))
        fuel = leaf.fuel_used
    _require(claim.stop_reason.is_inside_epoch or fuel == claim.fuel_used, 9, Reason.FUEL, _of(claim.epochs, "fuel"))
    weights = read_solution(solution, ground.architecture)
    assert weights is not None  # step 3
    best = leaves[claim.best_epoch]
    detail = f"the solution is not the network of the best epoch, {claim.best_epoch}"
    _require(best.network_digest == network_digest(*weights), 9, Reason.SOLUTION, detail)


def _checkpoint(claim: Claim, signer: bytes, evidence: AuditEvidence, leaf: Leaf, ground: Ground) -> Checkpoint:
    """Step 10 for one shipped state."""
    name = f"the state after epoch {leaf.epoch}"
    state = _signed(evidence.states(leaf.epoch), EpochState, signer, name)
    if (state.claim_digest, state.epoch) != (claim.digest(), leaf.epoch):
        raise NoAnswerError(f"{name} is of another epoch or claim; get the right one from the claim's signer")
    weights = _read_weights(state, claim, ground)
    gradient = tensor_of(state.gradient)
    same = (
        weights is not None
        and gradient.numel() == ground.architecture.layout().size
        and network_digest(*weights) == leaf.network_digest
        and blake3_digest(state.gradient) == leaf.gradient_digest
        and blake3_digest(state.optimiser_state) == leaf.state_digest
    )
    _require(same, 10, Reason.OPENING, _of(leaf.epoch, "state"))
    assert weights is not None
    losses = tuple(zip(claim.train_losses, claim.validation_losses, strict=True))[: leaf.epoch]
    return Checkpoint((leaf,), losses, *weights, gradient, state.optimiser_state, leaf.fuel_used, weights)


def _read_weights(state: EpochState, claim: Claim, ground: Ground) -> tuple[torch.Tensor, Statistics] | None:
    parts = state.parameters, state.running_means, state.running_variances
    return read_solution(Solution(claim.edition, claim.settings.track_id, *parts), ground.architecture)


def _advance(claim: Claim, checkpoint: Checkpoint, after: Leaf | None, ground: Ground) -> None:
    """Step 11 for one epoch: it ends with the leaf `after`, or, where the claim ends, inside it."""
    epoch = len(checkpoint.losses) + 1
    with ground.trainer() as trainer:
        try:
            trainer.resume(checkpoint)
            reason = trainer.advance()
        except (OptimiserError, StateError) as error:
            raise Rejection(11, Reason.EPOCH, f"epoch {epoch} cannot be trained from its state: {error}") from None
        completed = len(trainer.losses) == epoch
    again = after is None or (completed and trainer.leaves[-1] == after)
    _require(again, 11, Reason.EPOCH, f"epoch {epoch}, trained again, does not end as committed")
    if epoch == _last(claim):
        _require(reason is claim.stop_reason, 11, Reason.STOP_REASON, f"training ends otherwise: {reason}")
        _require(trainer.fuel_used == claim.fuel_used, 11, Reason.FUEL, "training ends with another count of fuel")


def _last(claim: Claim) -> int:
    """The epoch after which, or inside which, training ended."""
    return claim.epochs + 1 if claim.stop_reason.is_inside_epoch else claim.epochs


def _claimed_losses(claim: Claim, epoch: int) -> tuple[float | None, float | None]:
    return (claim.train_losses[epoch - 1], claim.validation_losses[epoch - 1]) if epoch else (None, None)


def _signed(envelope: Envelope, record_type: type[_R], signer: bytes, name: str) -> _R:
    """A record that the claim's signer has signed, named for the message. Raises NoAnswerError."""
    if envelope.public_key != signer:
        raise NoAnswerError(f"{name} is not signed with the key of the claim; get it from the claim's signer")
    try:
        return open_envelope(envelope, record_type)
    except (SignatureError, RecordError, CodecError) as error:
        raise NoAnswerError(f"{name} cannot be used: {error}; get it from the claim's signer") from None


def _require(holds: bool, step: int, reason: Reason, detail: str) -> None:
    if not holds:
        raise Rejection(step, reason, detail)


def _of(epoch: int, what: str) -> str:
    return f"the {what} of leaf {epoch} is not what the claim says"


def _listed(epochs: tuple[int, ...]) -> str:
    return ", ".join(map(str, epochs[:20])) + (", .." if len(epochs) > 20 else "") or "none"
