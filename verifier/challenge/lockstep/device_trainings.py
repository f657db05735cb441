"""The trainings of one device: as many at once as fit into its memory, of one task and module after the other."""

from __future__ import annotations

import gc
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import Final, Protocol

import torch

from protocol.errors import ProtocolError
from protocol.task import Task
from sandbox.errors import SandboxError
from sandbox.isolation import InProcess, Isolation, Jail
from verifier.challenge.editions import Track
from verifier.challenge.errors import VerifierError
from verifier.challenge.lockstep.device import Trained, Wanted
from verifier.challenge.lockstep.lockstep_trainer import LockstepTrainer
from verifier.challenge.lockstep.network_choice import networks_for
from verifier.challenge.lockstep.starts import Draw
from verifier.challenge.module import Module
from verifier.challenge.session import Session
from verifier.challenge.training.trainer import Training

Numbered = tuple[int, Wanted]
Answered = tuple[int, Trained | None]

MOST_PLACES: Final = 1024
"""More of them need more memory, and are no faster."""
_SHARE: Final = 0.8
"""Of the free memory: what torch keeps for itself and cannot hand out is in the rest."""


class Trainer(Protocol):
    """What trains nonces of a task in so many places."""

    def run(self, nonces: Iterable[int]) -> Iterator[tuple[int, Training | None]]:
        """Trainings as they end; None for a nonce that the device cannot train."""


Make = Callable[[Task, Module, InProcess | Jail, str, int], Trainer]


class DeviceTrainings:
    """Trains what is wanted on a device; its answers are numbered as what it was given, and come as they are done.

    None is for what is to be trained elsewhere: it is not known yet how it ends.
    """

    def __init__(
        self, device: str, isolation: InProcess | Jail, expected: int, draw: Draw, make: Make | None = None
    ) -> None:
        """`expected` is about the number of trainings that will be wanted."""
        self._device, self._isolation, self._expected = device, isolation, expected
        self._make = make or partial(_lockstep_trainer, draw)

    def train(self, wanted: Iterable[Numbered]) -> Iterator[Answered]:
        """Take one after the other, when there is a place for it."""
        for (task, module), group in groupby(wanted, lambda each: (each[1].task, each[1].module)):
            yield from self._group(task, module, _Hand(group))

    def _group(self, task: Task, module: Module, hand: _Hand) -> Iterator[Answered]:
        """Train what is of one task and module. Out of memory, half as many places go on with what is not done."""
        places = self._places(task, module, hand)
        while places:
            try:
                for nonce, training in self._make(task, module, self._isolation, self._device, places).run(hand.take()):
                    yield hand.done(nonce, training, self._isolation.describe())
                return
            except torch.OutOfMemoryError:
                pass  # and let go of what its traceback holds
            hand.put_back()
            places //= 2
            _release(self._device)
        for nonce in hand.take():
            yield hand.done(nonce, None, {})

    def _places(self, task: Task, module: Module, hand: _Hand) -> int:
        room = int(free_memory(self._device) * _SHARE) // place_bytes(task, module, hand.first, self._isolation)
        return max(1, min(room, self._expected, MOST_PLACES))


def _lockstep_trainer(
    draw: Draw, task: Task, module: Module, isolation: InProcess | Jail, device: str, places: int
) -> LockstepTrainer:
    edition = Track.parse(task.edition, task.settings.track_id).edition
    return LockstepTrainer(task, module, isolation, device, places, networks_for(edition, device), draw)


class _Hand:
    """What was taken and is not done: the numbers of each nonce, for it may be wanted twice."""

    def __init__(self, wanted: Iterator[Numbered]) -> None:
        self._wanted = wanted
        self._again = [next(wanted)]
        self._numbers: defaultdict[int, list[tuple[float, Numbered]]] = defaultdict(list)

    @property
    def first(self) -> int:
        """A nonce that was not taken yet."""
        return self._again[0][1].nonce

    def take(self) -> Iterator[int]:
        """The nonces, those first that were put back."""
        while (each := self._again.pop(0) if self._again else next(self._wanted, None)) is not None:
            self._numbers[each[1].nonce].append((time.perf_counter(), each))
            yield each[1].nonce

    def done(self, nonce: int, training: Training | None, protection: Mapping[str, str]) -> Answered:
        """The answer about a nonce."""
        began, (number, _) = self._numbers[nonce].pop()
        return number, None if training is None else Trained(training, time.perf_counter() - began, protection)

    def put_back(self) -> None:
        """Nothing is in hand any more."""
        self._again = [each for taken in self._numbers.values() for _, each in taken] + self._again
        self._numbers.clear()


def place_bytes(task: Task, module: Module, nonce: int, isolation: Isolation) -> int:
    """About the memory of a place, with what its network and its optimiser hold and compute with."""
    try:
        session = Session(task, nonce, module, isolation)
        with session.start_optimiser() as optimiser:
            optimiser.parameters[:] = session.initial
            optimiser.initialise()
            state = len(optimiser.save())
    except (ProtocolError, SandboxError, VerifierError):  # who trains it elsewhere says what it is
        return 1
    edition, n_hidden = session.instance_id.edition, session.instance_id.track.n_hidden
    size, width = optimiser.parameters.size, edition.width
    points = edition.train_points + edition.validation_points
    batch = max(*edition.batch_sizes, edition.validation_points)
    held = 4 * _VECTORS * size + 8 * (width * width + points * edition.inputs)
    step = 8 * size + 8 * _OPERANDS * (n_hidden + 2) * batch * width
    return held + step + 2 * state + 4 * _VALUES * size


_VECTORS: Final = 4
"""Parameters, gradient, location and the best parameters."""
_OPERANDS: Final = 4
"""What a forward pass keeps of each layer, and a backward pass makes of it."""
_VALUES: Final = 8
"""Vectors that a program of an optimiser makes at once."""


def free_memory(device: str) -> int:
    """Bytes that are free on a device; of this machine's own memory a quarter, as others use it too."""
    if device == "cpu":
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
    free: int = torch.cuda.mem_get_info(device)[0]
    return free


def _release(device: str) -> None:
    """Give back the memory of trainings that are not there any more."""
    gc.collect()
    if device != "cpu":
        torch.cuda.empty_cache()
