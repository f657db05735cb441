"""What an epoch of nonces in lockstep asks of a device, counted while it is trained here: launches, bytes, waits.

Torch's operations are counted as they are called: each that is no view is one launch, and moves its operands and
results once. So is each launch of an optimiser's fused group and of the kernels of digests, which are counted in place
of being made. Counted so, updates are zeros; nothing of what is counted depends on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from protocol.settings import Settings
from protocol.task import Task
from sandbox.isolation import InProcess
from sandbox.lockstep import executor, state
from sandbox.lockstep.cohort_optimiser import CohortOptimiser
from sandbox.lockstep.fused import Group, fused
from verifier.challenge.editions import Track
from verifier.challenge.lockstep import places
from verifier.challenge.lockstep.lockstep_trainer import LockstepTrainer
from verifier.challenge.lockstep.places import Places
from verifier.challenge.lockstep.torch_network import TorchNetwork
from verifier.challenge.module import Module

PLACES: Final = 4
"""Enough to count; more only take time here."""
_EPOCHS: Final = 2
"""Before the one that is counted: by then a program has its kernels."""
_CHUNK, _WORD = 1024, 4
"""Bytes of BLAKE3's."""
_NOTHING: Final = ("aten.empty", "aten.new_empty", "aten.lift_fresh", "aten.detach")
_WAITS: Final = ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.is_nonzero")
PARTS: Final = ("step", "network", "optimiser", "validation", "digests")
"""Of an epoch; what a part within another asks for is counted there alone."""


@dataclass
class Counts:
    """What a part of an epoch asked for, of all places together."""

    launches: int = 0
    bytes: int = 0
    products: int = 0
    """Binary64 operations of torch's products."""
    waits: int = 0
    groups: set[Group] = field(default_factory=set)


class Counter(TorchDispatchMode):
    """Counts what is called in it, by the part that calls it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.of = {part: Counts() for part in PARTS}
        self._parts = ["step"]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count for a part of the epoch."""
        self._parts.append(name)
        try:
            yield
        finally:
            self._parts.pop()

    def count(self, tensors: Sequence[Tensor]) -> Counts:
        """Count a launch that moves tensors once."""
        counts = self.of[self._parts[-1]]
        counts.launches += 1
        counts.bytes += sum(min(each.numel() * each.itemsize, each.untyped_storage().nbytes()) for each in tensors)
        return counts

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count a call of torch."""
        result, name = func(*args, **(kwargs or {})), str(func)
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        if name.startswith(_WAITS) or (
            name.startswith("aten.index.") and any(one.dtype == torch.bool for one in given)
        ):
            self.of[self._parts[-1]].waits += 1
        is_view = any(each.alias_info is not None and not each.alias_info.is_write for each in func._schema.returns)
        if not is_view and not name.startswith(_NOTHING):
            made = [each for each in tree_leaves(result) if isinstance(each, Tensor)]
            counts = self.count([*given, *made])
            if name.startswith(("aten.bmm", "aten.mm", "aten.baddbmm")):
                counts.products += 2 * made[0].numel() * given[-1].shape[-2]
        return result


def epoch(track: Track, optimiser: Path, *, is_fused: bool) -> dict[str, Counts]:
    """What an epoch of an optimiser asks for, with groups and digests in kernels or all in torch."""
    module = Module(optimiser.name, optimiser.read_bytes())
    settings = Settings("", "", "c006", "", track.id)
    task = Task(track.edition.name, settings, module.digest, {}, track.edition.max_fuel_budget, "0" * 32)
    trainer = LockstepTrainer(task, module, InProcess(), "cpu", PLACES)
    counting = _Counting(trainer)
    with ExitStack() as hooks:
        hooks.enter_context(patch.object(trainer, "_advance", counting.advance))
        hooks.enter_context(patch.object(trainer, "_collect", counting.collect))
        if is_fused:
            hooks.enter_context(patch.object(executor, "grouping_for", lambda _: fused))
            hooks.enter_context(patch.object(Group, "run", lambda group, tensors, *_: counting.launch(group, tensors)))
            hooks.enter_context(patch.object(places, "digests", counting.digests))
            hooks.enter_context(patch.object(state, "digests", counting.digests))
        try:
            list(trainer.run(range(PLACES)))
        except _Counted:
            return counting.counter.of
    raise RuntimeError("training ended before the epoch that was to be counted")


class _Counting:
    """Stands in a trainer's place, and counts one epoch."""

    def __init__(self, trainer: LockstepTrainer) -> None:
        self.counter = Counter()
        self._epochs = 0
        self._advance, self._collect = trainer._advance, trainer._collect

    @property
    def _is_counted(self) -> bool:
        return self._epochs > _EPOCHS

    def digests(self, rows: Tensor) -> Tensor:
        """For `digests`."""
        count, size = rows.shape
        with _disable_current_modes():
            levels = [torch.empty(count, -(-size // _CHUNK), 32, dtype=torch.uint8)]
            while (chunks := levels[-1].shape[1]) > 1:
                levels.append(torch.empty(count, (chunks + 1) // 2, 32, dtype=torch.uint8))
        if self._is_counted:
            if size % _WORD:
                self.counter.count([rows, rows])  # a copy whose rows are whole words
            for read, written in pairwise([rows, *levels]):
                self.counter.count([read, written])
        return levels[-1][:, 0].zero_()

    def advance(self) -> None:
        """For `_advance`."""
        self._epochs += 1
        if not self._is_counted:
            self._advance()
            return
        with ExitStack() as parts:
            for owner, name, part in (
                (TorchNetwork, "loss_and_gradient", "network"),
                (TorchNetwork, "validation_losses", "validation"),
                (CohortOptimiser, "step_updates", "optimiser"),
                (CohortOptimiser, "query_location", "optimiser"),
            ):
                parts.enter_context(patch.object(owner, name, self._counted(part, getattr(owner, name))))
            parts.enter_context(self.counter)
            self._advance()

    def collect(self, observer: Any) -> Any:
        """For `_collect`; it ends what is counted."""
        if not self._is_counted:
            return self._collect(observer)
        with self.counter, self.counter.part("digests"), patch.object(Places, "keep_best", lambda *_: None):
            self._collect(observer)
        raise _Counted

    def launch(self, group: Group, tensors: dict[int, Tensor]) -> None:
        """For a group's `run`."""
        with _disable_current_modes():
            written = [tensors[number].zero_() for number in group.writes]
        if self._is_counted:
            self.counter.count([*(tensors[root] for root in group.roots), *written]).groups.add(group)

    def _counted(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def within(*arguments: Any) -> Any:
            with self.counter.part(part):
                return function(*arguments)

        return within


class _Counted(Exception):
    """The epoch is counted."""
