"""Everything that a training depends on but the nonce: what a benchmarker chooses, and where the seeds come from.

Specification, 10.6 and 10.13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Self

from protocol.canonical_msgpack import MAX_U64, Scalar, encode
from protocol.errors import RecordError
from protocol.hashes import DIGEST_SIZE, blake3_digest
from protocol.settings import Settings, instance_seed

MAX_HYPERPARAMETERS: Final = 1024
"""Bytes of the encoded overrides: room for numbers, none for weights that were found elsewhere."""


@dataclass(frozen=True)
class Choice:
    """Everything that a benchmarker chooses about a training."""

    edition: str
    settings: Settings
    optimiser_digest: bytes  # BLAKE3 of the exact bytes of the module
    hyperparameters: Mapping[str, Scalar]  # those that the benchmarker overrides
    fuel_budget: int  # u64

    def __post_init__(self) -> None:
        object.__setattr__(self, "hyperparameters", MappingProxyType(dict(self.hyperparameters)))
        _require_digest("optimiser_digest", self.optimiser_digest)
        if (size := len(encode(dict(self.hyperparameters)))) > MAX_HYPERPARAMETERS:
            problem = f"expected at most {MAX_HYPERPARAMETERS} bytes when encoded, found {size}"
            raise RecordError("task.hyperparameters", problem)
        if not 0 <= self.fuel_budget <= MAX_U64:
            raise RecordError("task.fuel_budget", f"expected 0 to {MAX_U64}, found {self.fuel_budget}")

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...]]:  # a read-only map cannot be pickled
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self), tuple((values | {"hyperparameters": dict(self.hyperparameters)}).values())


@dataclass(frozen=True)
class Task(Choice):
    """A choice with the text that its seeds depend on; every record about a training contains it."""

    rand_hash: str
    precommit_digest: bytes | None = None
    """Of the precommit record that the seeds follow from; None where `rand_hash` was given."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.precommit_digest is not None:
            _require_digest("precommit_digest", self.precommit_digest)

    @classmethod
    def of(cls, choice: Choice, rand_hash: str, precommit_digest: bytes | None = None) -> Self:
        """Return the task of a choice."""
        return cls(
            choice.edition, choice.settings, choice.optimiser_digest, choice.hyperparameters, choice.fuel_budget,
            rand_hash, precommit_digest,
        )  # fmt: skip

    def seed(self, nonce: int) -> bytes:
        """Return the 32-byte seed of the instance of a nonce. Raises `SettingsError`."""
        return instance_seed(self.settings, self.rand_hash, nonce)

    def digest(self) -> bytes:
        """Return the 32-byte BLAKE3 digest of all fields: equal tasks have equal ones."""
        return blake3_digest(encode(self._encoded_fields()))

    def differing_field(self, other: Task) -> str | None:
        """Return the first field in which `other` is another task, such as `settings.track_id`, or None."""
        ours, theirs = self._encoded_fields(), other._encoded_fields()
        return next((name for name in ours if ours[name] != theirs[name]), None)

    def _encoded_fields(self) -> dict[str, bytes]:
        """Every field encoded: to Python 1, 1.0 and True are equal, to an optimiser they are not."""
        fields = {
            "precommit_digest": self.precommit_digest,
            "edition": self.edition,
            **{f"settings.{name}": text for name, text in asdict(self.settings).items()},
            "rand_hash": self.rand_hash,
            "optimiser_digest": self.optimiser_digest,
            "hyperparameters": dict(self.hyperparameters),
            "fuel_budget": self.fuel_budget,
        }
        return {name: encode(value) for name, value in fields.items()}


def _require_digest(field: str, digest: bytes) -> None:
    if (size := len(digest)) != DIGEST_SIZE:
        raise RecordError(f"task.{field}", f"expected {DIGEST_SIZE} bytes, found {size}")
