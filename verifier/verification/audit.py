"""The checks of level `audit`: some epochs of a claim are trained again, from states that the benchmarker ships.

Specification, 10.2 and 10.11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from protocol.audit import AuditResponse, EpochState, OpenedLeaf, asked
from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope
from protocol.errors import CodecError, RecordError, SignatureError
from protocol.hashes import blake3_digest
from protocol.record import Record
from protocol.solution import Solution
from protocol.transcript import Leaf
from protocol.verdict import Reason
from sandbox.errors import OptimiserError, StateError
from verifier.challenge.errors import InputError, NoEvidenceError, Part
from verifier.challenge.network.weights import Weights, read_array, read_weights
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Checkpoint
from verifier.verification.audit_response import AuditEvidence
from verifier.verification.context import Context
from verifier.verification.rejection import Rejection, module_faults, require

_R = TypeVar("_R", bound=Record)


def steps(context: Context) -> Iterator[tuple[int, Callable[[Context], None]]]:
    """The steps of an audit: those of the whole, then two for each epoch that is asked for."""
    yield from STEPS
    for epoch in asked(context.claim.record, context.audit.request).states:
        context.epoch = epoch
        yield from EPOCH_STEPS


def check_response(context: Context) -> None:
    """The response answers this request, and the claim's signer signed it and every state, or there is no verdict.

    Raises NoEvidenceError otherwise: what the signer has not signed as an answer to this request is no evidence against
    them, since anybody can have put it in the place of one.
    """
    given = context.evidence.audit
    assert given is not None  # verify requires it
    if not isinstance(given, AuditEvidence):
        with module_faults():
            given = given.answer(context.claim, context.session, context.stack)
    elif given.signer != context.claim.signer:
        raise _no_answer("the answer is of another signer than the claim; get the one of the claim's signer")
    if given.request.claim_digest != context.claim.digest:
        raise InputError("the request is about another claim; name the one that it is for")
    response = _signed(given.response, AuditResponse, given.signer, "the response")
    if response.request_digest != given.request.digest():
        raise _no_answer("the response is to another request; get the one to this from the claim's signer")
    context.audit, context.response = given, response


def check_opening(context: Context) -> None:
    """It opens exactly the leaves that are asked for, and their branches lead to the claim's root."""
    claim, opened = context.claim.record, context.response.leaves
    found = tuple(one.leaf.epoch for one in opened)
    wanted = asked(claim, context.audit.request).leaves
    detail = f"leaves {_listed(wanted)} were asked for, {_listed(found)} opened"
    require(found == wanted, Reason.OPENING, detail)
    for one in opened:
        detail = f"the branch of leaf {one.leaf.epoch} does not lead to the root"
        require(_leads(one, claim), Reason.OPENING, detail)
    context.leaves = {one.leaf.epoch: one.leaf for one in opened}


def check_leaves(context: Context) -> None:
    """The leaves agree with the claim: losses, stale epochs, fuel; the solution is that of the best epoch's leaf."""
    claim = context.claim.record
    fuel = 0
    for epoch, leaf in context.leaves.items():
        losses = _claimed_losses(claim, epoch)
        require((leaf.train_loss, leaf.validation_loss) == losses, Reason.LOSSES, _of(epoch, "losses"))
        stale = EarlyStopping.after(claim.epochs + 1, claim.validation_losses[:epoch]).stale_epochs
        require(leaf.stale_epochs == stale, Reason.EPOCHS, _of(epoch, "count of stale epochs"))
        require(fuel <= leaf.fuel_used <= claim.fuel_used, Reason.FUEL, _of(epoch, "fuel"))
        fuel = leaf.fuel_used
    require(claim.stop_reason.is_inside_epoch or fuel == claim.fuel_used, Reason.FUEL, _of(claim.epochs, "fuel"))
    same = context.leaves[claim.best_epoch].network_digest == context.weights.digest()
    require(same, Reason.SOLUTION, f"the solution is not the network of the best epoch, {claim.best_epoch}")


def check_start(context: Context) -> None:
    """The first leaf is that of the initial parameters."""
    with module_faults(), context.session.trainer() as trainer:
        trainer.start(context.session.initial)
        same = trainer.leaves[0] == context.leaves[0]
        require(same, Reason.INITIAL_STATE, "the first leaf is not that of the start")
        context.checkpoint = trainer.checkpoint()


def check_state(context: Context) -> None:
    """The shipped state is that of its leaf; the one before the first epoch follows from the seed."""
    epoch, claim, track = context.epoch, context.claim.record, context.instance_id.track
    if epoch == 0:
        return
    name = f"the state after epoch {epoch}"
    envelope = context.audit.states(epoch)
    state = _signed(envelope, EpochState, context.audit.signer, name)
    context.looked_at(state=envelope)
    if (state.claim_digest, state.epoch) != (context.claim.digest, epoch):
        raise _no_answer(f"{name} is of another epoch or claim; get the right one from the claim's signer")
    parts = state.parameters, state.running_means, state.running_variances
    weights = read_weights(Solution(track.edition.name, track.id, *parts), track)
    leaf = context.leaves[epoch]
    if weights is None or not _is_of_leaf(state, weights, leaf):
        raise Rejection(Reason.OPENING, _of(epoch, "state"))
    losses = tuple(zip(claim.train_losses, claim.validation_losses, strict=True))[:epoch]
    context.checkpoint = Checkpoint(
        leaves=(leaf,),
        losses=losses,
        weights=weights,
        gradient=read_array(state.gradient),
        state=state.optimiser_state,
        fuel_used=leaf.fuel_used,
        best=weights,
    )


def check_epoch(context: Context) -> None:
    """The epoch, trained again from the state before it, ends with its leaf; training ends as claimed."""
    epoch, claim = context.epoch + 1, context.claim.record
    with module_faults(), context.session.trainer() as trainer:
        try:
            trainer.resume(context.checkpoint)
            reason = trainer.advance()
        except (OptimiserError, StateError) as error:
            raise Rejection(Reason.EPOCH, f"epoch {epoch} cannot be trained from its state: {error}") from None
        completed = len(trainer.losses) == epoch
    after = context.leaves.get(epoch)  # None where the claim ends inside the epoch
    again = after is None or (completed and trainer.leaves[-1] == after)
    require(again, Reason.EPOCH, f"epoch {epoch}, trained again, does not end as committed")
    if epoch == _last(claim):
        require(reason is claim.stop_reason, Reason.STOP_REASON, f"training ends otherwise: {reason}")
        require(trainer.fuel_used == claim.fuel_used, Reason.FUEL, "training ends with another count of fuel")


STEPS: Final = (
    (9, check_response),
    (10, check_opening),
    (11, check_leaves),
    (12, check_start),
)
EPOCH_STEPS: Final = (
    (12, check_state),
    (13, check_epoch),
)


def _signed(envelope: Envelope, record_type: type[_R], signer: bytes, name: str) -> _R:
    """A record that the claim's signer has signed, named for the message. Raises NoEvidenceError."""
    if envelope.public_key != signer:
        raise _no_answer(f"{name} is not signed with the key of the claim; get it from the claim's signer")
    try:
        return open_envelope(envelope, record_type).record
    except (SignatureError, RecordError, CodecError) as error:
        raise _no_answer(f"{name} cannot be used: {error}; get it from the claim's signer") from None


def _no_answer(problem: str) -> NoEvidenceError:
    return NoEvidenceError(Part.ANSWER, problem)


def _leads(opened: OpenedLeaf, claim: Claim) -> bool:
    try:
        return opened.leads_to(claim.transcript_root, claim.epochs + 1)
    except CodecError:
        return False


def _is_of_leaf(state: EpochState, weights: Weights, leaf: Leaf) -> bool:
    return (
        len(state.gradient) == len(state.parameters)
        and weights.digest() == leaf.network_digest
        and blake3_digest(state.gradient) == leaf.gradient_digest
        and blake3_digest(state.optimiser_state) == leaf.state_digest
    )


def _last(claim: Claim) -> int:
    """The epoch after which, or inside which, training ended."""
    return claim.epochs + 1 if claim.stop_reason.is_inside_epoch else claim.epochs


def _claimed_losses(claim: Claim, epoch: int) -> tuple[float | None, float | None]:
    return (claim.train_losses[epoch - 1], claim.validation_losses[epoch - 1]) if epoch else (None, None)


def _of(epoch: int, part: str) -> str:
    return f"the {part} of leaf {epoch} is not what the claim says"


def _listed(epochs: tuple[int, ...]) -> str:
    return ", ".join(map(str, epochs[:20])) + (", .." if len(epochs) > 20 else "") or "none"
