"""Forged claims: a training as a cheat tells it, signed, with the best answers that it can give to an audit.

A cheat may do anything but break the hashes and the signatures. So a story is a list of moments, each of them a state
and its leaf; whatever the cheat did to them, the claim, the root, the quality and the answers fit together.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.audit import AuditRequest, AuditResponse, OpenedLeaf, asked
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.precommit import Precommit, Seeding
from protocol.solution import Solution
from protocol.transcript import Leaf
from tests.forgeries.promise import BEACON, precommit
from tests.support.sample_records import signed
from verifier.challenge.instance.instance import Instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.network import Network
from verifier.challenge.network.statistics import Statistics
from verifier.challenge.network.weights import Weights
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.session import Session
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Checkpoint, Trainer
from verifier.challenge.training.transcript import array_digest, transcript_tree
from verifier.verification.audit_response import AuditEvidence, epoch_state
from verifier.verification.context import Evidence, Terms

KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()


def varied(session: Session, nonce: int | None = None, source: bytes | None = None, **task: Any) -> Session:
    """Another training: of another nonce, another module, or with other fields of the task.

    The precommit that it names and its random hash stay, unless they are changed too.
    """
    module = session.module if source is None else Module(session.module.name, source)
    changed = replace(session.task, **{"optimiser_digest": module.digest, **task})
    return Session(changed, session.nonce if nonce is None else nonce, module, session.isolation)


@dataclass(frozen=True, eq=False)  # arrays have no one answer to ==
class Moment:
    """A leaf and the state that is shipped for it."""

    leaf: Leaf
    weights: Weights
    gradient: NDArray[np.float32]
    state: bytes

    def forged(self, weights: Weights | None = None, state: bytes | None = None, **leaf: Any) -> Moment:
        """Another moment, whose leaf commits to other weights, another optimiser state or other numbers."""
        weights, state = weights or self.weights, self.state if state is None else state
        digests: dict[str, Any] = {"network_digest": weights.digest(), "state_digest": blake3_digest(state)}
        return Moment(replace(self.leaf, **{**digests, **leaf}), weights, self.gradient, state)

    def at_rate(self, old: float, new: float) -> Moment:
        """The same with another learning rate, which the shipped Adam keeps in its state."""
        before, after = struct.pack("<d", old), struct.pack("<d", new)
        assert self.state.count(before) == 1
        return self.forged(state=self.state.replace(before, after))


Moments = tuple[Moment, ...]


@dataclass(frozen=True)
class Story:
    """A training as a benchmarker tells it: what it is of, leaf 0 and one moment for each epoch, the end."""

    session: Session
    moments: Moments
    stop_reason: StopReason
    fuel_used: int

    @property
    def epochs(self) -> int:
        """T."""
        return len(self.moments) - 1

    @property
    def losses(self) -> tuple[tuple[float, float], ...]:
        """Training and validation loss of each epoch."""
        return losses_of(self.moments)

    @property
    def lowest(self) -> float:
        """The lowest validation loss."""
        return min(validation for _, validation in self.losses)

    @property
    def best_epoch(self) -> int:
        """Where the rule of early stopping puts it."""
        return EarlyStopping.after(self.epochs + 1, (validation for _, validation in self.losses)).best_epoch

    def changed(self, epoch: int, **leaf: Any) -> Story:
        """The same story with another leaf; the counts of stale epochs are made to fit."""
        moments = (*self.moments[:epoch], self.moments[epoch].forged(**leaf), *self.moments[epoch + 1 :])
        return replace(self, moments=consistent(moments))

    def broken_off(self, end: int) -> Story:
        """The same story up to an epoch; then, it says, came an update that was not finite."""
        moments = self.moments[: end + 1]
        return Story(self.session, moments, StopReason.NON_FINITE_UPDATE, moments[-1].leaf.fuel_used)

    def quality(self, weights: Weights) -> int:
        """What weights reach on the test points that count for the best epoch."""
        return score(self.session.network, weights, test_subset(self.session.instance_id, self.best_epoch)).quality

    @cached_property
    def score(self) -> int:
        """The quality of the best epoch's weights."""
        return self.quality(self.moments[self.best_epoch].weights)


def losses_of(moments: Moments) -> tuple[tuple[float, float], ...]:
    pairs = [(moment.leaf.train_loss, moment.leaf.validation_loss) for moment in moments[1:]]
    return tuple((train, validation) for train, validation in pairs if train is not None and validation is not None)


def consistent(moments: Moments) -> Moments:
    stopping, counted = EarlyStopping(len(moments)), [moments[0]]
    for moment, (_, validation) in zip(moments[1:], losses_of(moments), strict=True):
        stopping.improved(validation)
        counted.append(replace(moment, leaf=replace(moment.leaf, stale_epochs=stopping.stale_epochs)))
    return tuple(counted)


@dataclass(frozen=True)
class Rig:
    """Algorithm 1, or something like it: each part can be replaced by one that cheats."""

    session: Session
    """The optimiser, and what is told to be trained."""
    instance_id: InstanceId
    """The edition's rules, and the order of the batches."""
    instance: Instance
    network: Network
    initial: NDArray[np.float32]
    trainer_class: type[Trainer] = Trainer

    @staticmethod
    def honest(session: Session) -> Rig:
        return Rig(session, session.instance_id, session.instance, session.network, session.initial)

    def told_as(self, session: Session) -> Story:
        """Train, and tell it as another training."""
        return replace(self.train(), session=session)

    def train(self, until: int | None = None) -> Story:
        """Train from the start: to the end, or to an epoch."""
        with self._trainer() as trainer:
            trainer.start(self.initial)
            return self._go_on(trainer, (_moment(trainer),), until)

    def go_on(self, moments: Moments, until: int | None = None) -> Story:
        """Train on from the last of some moments: to the end, or to an epoch."""
        with self._trainer() as trainer:
            trainer.resume(_checkpoint(moments))
            return self._go_on(trainer, moments, until)

    @contextmanager
    def _trainer(self) -> Iterator[Trainer]:
        with self.session.start_optimiser() as optimiser:
            yield self.trainer_class(self.instance_id, self.instance, self.network, optimiser)

    def _go_on(self, trainer: Trainer, moments: Moments, until: int | None) -> Story:
        told, reason = list(moments), None
        while reason is None and len(trainer.losses) != until:
            reason = trainer.advance()
            if len(trainer.losses) == len(told):
                told.append(_moment(trainer))
        end = reason or StopReason.EPOCH_LIMIT  # where the caller stopped it, whatever is told
        return Story(self.session, tuple(told), end, trainer.fuel_used)


def _moment(trainer: Trainer) -> Moment:
    checkpoint = trainer.checkpoint()
    return Moment(trainer.leaves[-1], checkpoint.weights, checkpoint.gradient, checkpoint.state)


def _checkpoint(moments: Moments) -> Checkpoint:
    last = moments[-1]
    return Checkpoint(
        leaves=(last.leaf,),
        losses=losses_of(moments),
        weights=last.weights,
        gradient=last.gradient,
        state=last.state,
        fuel_used=last.leaf.fuel_used,
        best=last.weights,
    )


@dataclass(frozen=True)
class Forgery:
    """What a cheat publishes, and what it answers from."""

    claim: Claim
    solution: Solution
    story: Story
    module: Module
    """The one that it hands out."""
    telling: frozenset[int] = frozenset()
    """Epochs of which an audit must ask one to see it; where there are none, every audit does."""
    received: Precommit | None = None
    """What validators had in hand, signed with `KEY`, before the seeds existed."""
    key: SigningKey = KEY

    def evidence(self, request: AuditRequest | None = None) -> Evidence:
        """What a validator has in hand who expects a claim of `KEY`."""
        seeding = None if self.received is None else Seeding(signed(self.received, signer=KEY.verify_key.raw), BEACON)
        return Evidence(
            seal(self.claim, self.key),
            seal(self.solution, self.key),
            lambda digest: self.module,
            audit=None if request is None else self._answer(request),
            terms=Terms((KEY.verify_key.raw,), seeding),
        )

    def seen_by(self, request: AuditRequest) -> bool:
        """Whether this request asks for a telling epoch."""
        return not self.telling.isdisjoint(request.epochs)

    def reworded(self, **changes: Any) -> Forgery:
        """Another claim over the same story."""
        return replace(self, claim=replace(self.claim, **changes))

    def with_weights(self, weights: Weights) -> Forgery:
        """Another solution, with the quality that it has, over the same story."""
        solution = weights.to_solution(self.story.session.instance_id.track)
        return replace(self, solution=solution).reworded(
            solution_digest=solution.digest(), quality=self.story.quality(weights)
        )

    def _answer(self, request: AuditRequest) -> AuditEvidence:
        wanted, moments = asked(self.claim, request), self.story.moments
        tree = transcript_tree([moment.leaf for moment in moments])
        opened = tuple(OpenedLeaf(moments[t].leaf, tree.branch(t).to_text()) for t in wanted.leaves)
        response = seal(AuditResponse(request.digest(), opened), self.key)
        return AuditEvidence(request, response, self._state, self.key.verify_key.raw)

    def _state(self, epoch: int) -> Envelope:
        return seal(epoch_state(self.claim.digest(), _checkpoint(self.story.moments[: epoch + 1])), self.key)


def publish(story: Story, telling: set[int] | frozenset[int] = frozenset()) -> Forgery:
    """The claim of a story, as an honest benchmarker's would be made, who has promised what is claimed."""
    story = replace(story, moments=consistent(story.moments))
    session, weights = story.session, story.moments[story.best_epoch].weights
    solution = weights.to_solution(session.instance_id.track)
    claim = Claim(
        task=session.task,
        nonce=session.nonce,
        fuel_used=story.fuel_used,
        epochs=story.epochs,
        best_epoch=story.best_epoch,
        stop_reason=story.stop_reason,
        train_losses=tuple(train for train, _ in story.losses),
        validation_losses=tuple(validation for _, validation in story.losses),
        transcript_root=transcript_tree([moment.leaf for moment in story.moments]).root,
        quality=story.score,
        solution_digest=solution.digest(),
        run={},
    )
    return Forgery(claim, solution, story, session.module, frozenset(telling), precommit(session.task))


def without_gradient(moment: Moment, weights: Weights) -> Moment:
    """A moment of a network of another size."""
    gradient = np.zeros_like(weights.parameters)
    return replace(moment, gradient=gradient).forged(weights, gradient_digest=array_digest(gradient))


def statistics_like(statistics: Statistics, means: NDArray[np.float64], variances: NDArray[np.float64]) -> Statistics:
    """Other numbers for the last norm, that of the frozen layer."""
    changed = statistics.copy()
    changed.means[-1], changed.variances[-1] = means, variances
    return changed
