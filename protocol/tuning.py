"""Hyperparameters alone, submitted for a module that exists: values for each track (specification, 10.15).

It says what its signer says: which qualities the values reach on some nonces, and the module's own values on the same.
Training shows whether that is so. Nothing shows how the nonces were chosen, so that a validator who rewards the values
judges them on instances that follow from the record and from a beacon that was published after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Final

from blake3 import blake3

from protocol.beacon import check_beacon
from protocol.canonical_msgpack import MAX_U64
from protocol.record import Embedded, Record
from protocol.task import Task

CONTEXT: Final = "tig-verify v2 tuning"
_I32: Final = 1 << 31


@dataclass(frozen=True)
class TunedTrack:
    """The values for one track, and what they reach."""

    task: Embedded[Task]
    """Its hyperparameters are the values."""
    nonces: tuple[int, ...]
    """Ascending, u64."""
    qualities: tuple[int, ...]
    """With the values, by nonce: i32, in units of 1e-6."""
    own_qualities: tuple[int, ...]
    """With the module's own values."""

    @property
    def own_task(self) -> Task:
        """The same training with the module's own values."""
        return replace(self.task, hyperparameters={})


@dataclass(frozen=True)
class Tuning(Record):
    """The values for some tracks of one edition, in the ascending order of the texts of these tracks."""

    TYPE: ClassVar[str] = "tuning.v1"

    tracks: tuple[TunedTrack, ...]

    def check(self) -> None:
        """Raise `RecordError` for a field out of range, and for tracks that are not of one module and edition."""
        self.require(bool(self.tracks), "tracks", "expected at least one")
        ids = [each.task.settings.track_id for each in self.tracks]
        self.require(ids == sorted(set(ids)), "tracks", "expected each once, their track_id ascending")
        for index, each in enumerate(self.tracks):
            self._check_task(each.task, f"tracks[{index}]")
            self._check_judged(each, f"tracks[{index}]")

    def rand_hash(self, beacon: str) -> str:
        """Return the text for the seeds of instances that nobody could foresee who signed this record.

        Raises `RecordError` for a beacon that is not printable ASCII.
        """
        check_beacon(beacon, "beacon")
        seed = blake3(self.digest() + beacon.encode("ascii"), derive_key_context=CONTEXT)
        return seed.hexdigest(length=16)

    def _check_task(self, task: Task, where: str) -> None:
        self.require(bool(task.hyperparameters), f"{where}.hyperparameters", "expected at least one")
        self.require(task.precommit_digest is None, f"{where}.precommit_digest", "expected nothing")
        first = self.tracks[0].task
        settings = replace(task.settings, track_id=first.settings.track_id)
        alike = replace(task, settings=settings, hyperparameters=first.hyperparameters)
        if (field := alike.differing_field(first)) is not None:
            self.require(False, f"{where}.{field}", "expected that of the first track")

    def _check_judged(self, track: TunedTrack, where: str) -> None:
        nonces = track.nonces
        self.require(bool(nonces), f"{where}.nonces", "expected at least one")
        ascend = all(low < high for low, high in pairwise(nonces))
        self.require(ascend, f"{where}.nonces", "expected each once, ascending")
        in_range = nonces[0] >= 0 and nonces[-1] <= MAX_U64
        self.require(in_range, f"{where}.nonces", f"expected 0 to {MAX_U64}")
        for name, qualities in (("qualities", track.qualities), ("own_qualities", track.own_qualities)):
            count, found = len(nonces), len(qualities)
            self.require(found == count, f"{where}.{name}", f"expected one per nonce ({count}), found {found}")
            known = all(-_I32 <= quality < _I32 for quality in qualities)
            self.require(known, f"{where}.{name}", f"expected {-_I32} to {_I32 - 1}")
