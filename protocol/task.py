"""Everything that a training depends on but the nonce (specification, 10.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

from protocol.canonical_msgpack import MAX_U64, Scalar, encode
from protocol.errors import RecordError
from protocol.hashes import DIGEST_SIZE
from protocol.settings import Settings, instance_seed

MAX_HYPERPARAMETERS: Final = 1024
"""Bytes of the encoded overrides: room for numbers, none for weights that were found elsewhere."""


@dataclass(frozen=True)
class Task:
    """The training of one optimiser on the instances of one track; every record about it contains it."""

    edition: str
    settings: Settings
    rand_hash: str
    optimiser_digest: bytes  # BLAKE3 of the exact bytes of the module
    hyperparameters: Mapping[str, Scalar]  # those that the benchmarker overrides
    fuel_budget: int  # u64

    def __post_init__(self) -> None:
        object.__setattr__(self, "hyperparameters", MappingProxyType(dict(self.hyperparameters)))
        if (size := len(self.optimiser_digest)) != DIGEST_SIZE:
            raise RecordError("task.optimiser_digest", f"expected {DIGEST_SIZE} bytes, found {size}")
        if (size := len(encode(dict(self.hyperparameters)))) > MAX_HYPERPARAMETERS:
            problem = f"expected at most {MAX_HYPERPARAMETERS} bytes when encoded, found {size}"
            raise RecordError("task.hyperparameters", problem)
        if not 0 <= self.fuel_budget <= MAX_U64:
            raise RecordError("task.fuel_budget", f"expected 0 to {MAX_U64}, found {self.fuel_budget}")

    def __reduce__(self) -> tuple[Callable[..., Task], tuple[Any, ...]]:  # a read-only map cannot be pickled
        overrides = dict(self.hyperparameters)
        return Task, (
            self.edition, self.settings, self.rand_hash, self.optimiser_digest, overrides, self.fuel_budget,
        )  # fmt: skip

    def seed(self, nonce: int) -> bytes:
        """Return the 32-byte seed of the instance of a nonce. Raises `SettingsError`."""
        return instance_seed(self.settings, self.rand_hash, nonce)

    def differing_field(self, other: Task) -> str | None:
        """Return the first field in which `other` is another task, such as `settings.track_id`, or None."""
        ours, theirs = self._encoded_fields(), other._encoded_fields()
        return next((name for name in ours if ours[name] != theirs[name]), None)

    def _encoded_fields(self) -> dict[str, bytes]:
        """Every field encoded: to Python 1, 1.0 and True are equal, to an optimiser they are not."""
        fields = {
            "edition": self.edition,
            **{f"settings.{name}": text for name, text in asdict(self.settings).items()},
            "rand_hash": self.rand_hash,
            "optimiser_digest": self.optimiser_digest,
            "hyperparameters": dict(self.hyperparameters),
            "fuel_budget": self.fuel_budget,
        }
        return {name: encode(value) for name, value in fields.items()}
