"""The set-up of one training, for those who train, audit, replay and decide disputes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from arithmetic import self_test
from protocol.task import Task
from sandbox.isolation import Isolation
from sandbox.optimiser import Assignment, Optimiser
from verifier.challenge.instance.instance import Instance, draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.architecture import Architecture, initial_parameters
from verifier.challenge.network.network import Network
from verifier.challenge.network.network_choice import network_for
from verifier.challenge.training.trainer import Observer, Trainer, Training, finish


class Session:
    """One nonce of a task on this machine: the instance, the network, and where the module runs.

    Raises EditionError, TrackError or SettingsError for a task that has no instance, MachineError where this machine
    cannot compute what it must.
    """

    def __init__(
        self,
        task: Task,
        nonce: int,
        module: Module,
        isolation: Isolation,
        instance_id: InstanceId | None = None,
    ) -> None:
        """`instance_id` is that of the nonce, if it is known."""
        self_test.require_sound()
        self.task, self.nonce, self.module = task, nonce, module
        self.instance_id = instance_id or InstanceId.of(task, nonce)
        self.isolation = isolation

    @cached_property
    def instance(self) -> Instance:
        """The points that are trained on."""
        return draw_instance(self.instance_id)

    @cached_property
    def network(self) -> Network:
        """The network, with its frozen layers."""
        return network_for(self.instance_id)

    @cached_property
    def initial(self) -> NDArray[np.float32]:
        """The trainable parameters before the first epoch, flat."""
        return initial_parameters(self.instance_id)

    @contextmanager
    def trainer(self) -> Iterator[Trainer]:
        """A trainer with an optimiser of its own, to be started or resumed."""
        with self.start_optimiser() as optimiser:  # first: a worker enters its jail while the instance is drawn
            yield Trainer(self.instance_id, self.instance, self.network, optimiser)

    def start_optimiser(self) -> Optimiser:
        """The task's optimiser, with buffers for the network's parameters."""
        return self.isolation.start(assignment_of(self.task, self.module, self.instance_id))

    def train(self, observer: Observer | None = None) -> Training:
        """Train from the start to the end (specification, section 6).

        Raises OptimiserError, ModuleRefused or WorkerFault; every other end is a `stop_reason`.
        """
        with self.trainer() as trainer:
            trainer.start(self.initial)
            return finish(trainer, observer)


def assignment_of(task: Task, module: Module, instance_id: InstanceId) -> Assignment:
    """What a task's optimiser is given on an instance."""
    return Assignment(
        source=module.source,
        name=module.name,
        layout=Architecture(instance_id.track).layout(),
        difficulty=instance_id.track.difficulty,
        hyperparameters=task.hyperparameters,
        key=optimiser_key(instance_id),
        fuel_budget=task.fuel_budget,
    )


def optimiser_key(instance_id: InstanceId) -> bytes:
    """The 32 bytes of an instance for the optimiser's own random numbers."""
    return instance_id.stream("optimiser").read(32)
