"""Forged claims: a training as a cheat tells it, signed, with the best answers that it can give to an audit.

A cheat may do anything but break the hashes and the signatures. So a story is a list of moments, each of them a state
and its leaf; whatever the cheat did to them, the claim, the root, the quality and the answers fit together.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from protocol.audit import AuditRequest, AuditResponse, EpochState, OpenedLeaf, asked
from protocol.claim import Claim, StopReason
from protocol.envelope import Envelope, seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.solution import Solution
from protocol.transcript import Leaf
from sandbox.isolation import InProcess
from sandbox.layout import Layout
from sandbox.state import tensor_bytes
from verifier.challenge.editions import Edition
from verifier.challenge.instance.instance import Instance, draw_instance
from verifier.challenge.network.kernel_choice import training_kernels
from verifier.challenge.network.network import Architecture, Network, Statistics, initial_parameters
from verifier.challenge.scoring import score, test_subset
from verifier.challenge.solving import Task, start_optimiser
from verifier.challenge.training.early_stopping import EarlyStopping
from verifier.challenge.training.trainer import Checkpoint, Trainer, Weights
from verifier.challenge.training.transcript import network_digest, tensor_digest, transcript_tree
from verifier.verification.audit import AuditEvidence
from verifier.verification.context import Evidence

KEY, OTHER_KEY = SigningKey.generate(), SigningKey.generate()


def architecture_of(task: Task) -> Architecture:
    return Architecture(task.edition, task.track.n_hidden)


def layout_of(task: Task) -> Layout:
    return architecture_of(task).layout()


@dataclass(frozen=True)
class Moment:
    """A leaf and the state that is shipped for it."""

    leaf: Leaf
    weights: Weights
    gradient: torch.Tensor
    state: bytes

    def forged(self, weights: Weights | None = None, state: bytes | None = None, **leaf: Any) -> Moment:
        """Another moment, whose leaf commits to other weights, another optimiser state or other numbers."""
        weights, state = weights or self.weights, self.state if state is None else state
        digests: dict[str, Any] = {"network_digest": network_digest(*weights), "state_digest": blake3_digest(state)}
        return Moment(replace(self.leaf, **{**digests, **leaf}), weights, self.gradient, state)

    def at_rate(self, old: float, new: float) -> Moment:
        """The same with another learning rate, which the shipped Adam keeps in its state."""
        before, after = struct.pack("<d", old), struct.pack("<d", new)
        assert self.state.count(before) == 1
        return self.forged(state=self.state.replace(before, after))


Moments = tuple[Moment, ...]


@dataclass(frozen=True)
class Story:
    """A training as a benchmarker tells it: the task of the claim, leaf 0 and one moment for each epoch, the end."""

    task: Task
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

    def quality(self, weights: Weights, epochs: int | None = None) -> int:
        """What weights reach on the test subset of this T, or of another."""
        task = self.task
        subset = test_subset(task.edition, task.seed, self.epochs if epochs is None else epochs)
        return score(Network(architecture_of(task), task.seed), *weights, subset).quality


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
    """Algorithm 1 for a task, or something like it: each part can be replaced by one that cheats."""

    task: Task
    edition: Edition
    shuffle_seed: bytes
    instance: Instance
    network: Network
    initial: torch.Tensor
    trainer_class: type[Trainer] = Trainer

    @staticmethod
    def honest(task: Task) -> Rig:
        architecture = architecture_of(task)
        network = Network(architecture, task.seed, "cpu", training_kernels("cpu"))
        initial = initial_parameters(architecture, task.seed)
        return Rig(task, task.edition, task.seed, draw_instance(task.edition, task.seed), network, initial)

    def told_as(self, task: Task) -> Story:
        """Train, and tell it as another task's training."""
        return replace(self.train(), task=task)

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
        with torch.inference_mode(), start_optimiser(self.task, architecture_of(self.task), InProcess()) as optimiser:
            yield self.trainer_class(self.edition, self.shuffle_seed, self.instance, self.network, optimiser)

    def _go_on(self, trainer: Trainer, moments: Moments, until: int | None) -> Story:
        told, reason = list(moments), None
        while reason is None and len(trainer.losses) != until:
            reason = trainer.advance()
            if len(trainer.losses) == len(told):
                told.append(_moment(trainer))
        end = reason or StopReason.EPOCH_LIMIT  # where the caller stopped it, whatever is told
        return Story(self.task, tuple(told), end, trainer.fuel_used)


def _moment(trainer: Trainer) -> Moment:
    checkpoint = trainer.checkpoint()
    return Moment(
        trainer.leaves[-1], (checkpoint.parameters, checkpoint.statistics), checkpoint.gradient, checkpoint.state
    )


def _checkpoint(moments: Moments) -> Checkpoint:
    last = moments[-1]
    losses = losses_of(moments)
    return Checkpoint((last.leaf,), losses, *last.weights, last.gradient, last.state, last.leaf.fuel_used, last.weights)


@dataclass(frozen=True)
class Forgery:
    """What a cheat publishes, and what it answers from."""

    claim: Claim
    solution: Solution
    story: Story
    source: bytes
    """The module that it hands out."""
    telling: frozenset[int] = frozenset()
    """Epochs of which an audit must ask one to see it; where there are none, every audit does."""
    key: SigningKey = KEY

    def evidence(self, request: AuditRequest | None = None) -> Evidence:
        """What a validator has in hand who expects a claim of `KEY`."""
        return Evidence(
            seal(self.claim, self.key),
            seal(self.solution, self.key),
            self.source,
            signer=KEY.verify_key.raw,
            audit=None if request is None else self._answer(request),
        )

    def seen_by(self, request: AuditRequest) -> bool:
        """Whether this request asks for a telling epoch."""
        return not self.telling.isdisjoint(request.epochs)

    def reworded(self, **changes: Any) -> Forgery:
        """Another claim over the same story."""
        return replace(self, claim=replace(self.claim, **changes))

    def with_weights(self, weights: Weights) -> Forgery:
        """Another solution, with the quality that it has, over the same story."""
        solution = solution_of(self.story.task, weights)
        return replace(self, solution=solution).reworded(
            solution_digest=solution.digest(), quality=self.story.quality(weights)
        )

    def _answer(self, request: AuditRequest) -> AuditEvidence:
        wanted, moments = asked(self.claim, request), self.story.moments
        tree = transcript_tree([moment.leaf for moment in moments])
        opened = tuple(OpenedLeaf(moments[t].leaf, tree.branch(t).to_text()) for t in wanted.leaves)
        return AuditEvidence(request, seal(AuditResponse(request.digest(), opened), self.key), self._state)

    def _state(self, epoch: int) -> Envelope:
        moment = self.story.moments[epoch]
        parameters, means, variances = map(tensor_bytes, _tensors(moment.weights))
        gradient, digest = tensor_bytes(moment.gradient), self.claim.digest()
        return seal(EpochState(digest, epoch, parameters, means, variances, gradient, moment.state), self.key)


def publish(story: Story, telling: set[int] | frozenset[int] = frozenset()) -> Forgery:
    """The claim of a story, as an honest benchmarker's would be made."""
    story = replace(story, moments=consistent(story.moments))
    task, weights = story.task, story.moments[story.best_epoch].weights
    solution = solution_of(task, weights)
    claim = Claim(
        edition=task.edition.name,
        settings=task.settings,
        rand_hash=task.rand_hash,
        nonce=task.nonce,
        optimiser_digest=blake3_digest(task.source),
        hyperparameters=task.hyperparameters,
        fuel_budget=task.fuel_budget,
        fuel_used=story.fuel_used,
        epochs=story.epochs,
        best_epoch=story.best_epoch,
        stop_reason=story.stop_reason,
        train_losses=tuple(train for train, _ in story.losses),
        validation_losses=tuple(validation for _, validation in story.losses),
        transcript_root=transcript_tree([moment.leaf for moment in story.moments]).root,
        quality=story.quality(weights),
        solution_digest=solution.digest(),
        run={},
    )
    return Forgery(claim, solution, story, task.source, frozenset(telling))


def solution_of(task: Task, weights: Weights) -> Solution:
    return Solution(task.edition.name, task.settings.track_id, *map(tensor_bytes, _tensors(weights)))


def _tensors(weights: Weights) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    parameters, statistics = weights
    return parameters, statistics.means, statistics.variances


def without_gradient(moment: Moment, weights: Weights) -> Moment:
    """A moment of a network of another size."""
    gradient = torch.zeros_like(weights[0])
    return replace(moment, gradient=gradient).forged(weights, gradient_digest=tensor_digest(gradient))


def statistics_like(statistics: Statistics, means: torch.Tensor, variances: torch.Tensor) -> Statistics:
    """Other numbers for the last norm, that of the frozen layer."""
    changed = statistics.copy()
    changed.means[-1], changed.variances[-1] = means.float(), variances.float()
    return changed
