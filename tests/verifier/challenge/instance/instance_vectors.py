"""Golden instances of every edition: fixtures/vectors/instances.json.

python -m tests.verifier.challenge.instance.instance_vectors fill    writes the file anew
python -m tests.verifier.challenge.instance.instance_vectors check   draws all again and compares
"""

from __future__ import annotations

import json
import sys
from typing import Final

from arithmetic.canonical_bytes import canonical_bytes
from protocol.hashes import blake3_digest
from protocol.settings import Settings, instance_seed
from tests.support.folders import VECTORS
from verifier.challenge.editions import Track
from verifier.challenge.instance.instance import Points, draw_instance
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.instance.solvability import training_floor
from verifier.challenge.scoring import test_subset

FILE: Final = VECTORS / "instances.json"
INSTANCES: Final = (
    ("december-2025", "n_hidden=4", 0),
    ("december-2025-centred", "n_hidden=4", 0),
    ("december-2025-centred", "n_hidden=10", 7),
    ("april-2025", "n_hidden=3,n_data=1024", 0),
    ("april-2025", "n_hidden=3,n_data=2048", 0),
    ("april-2025", "n_hidden=3,n_data=4096", 0),
)
BEST_EPOCH: Final = 57

Vector = dict[str, object]


def identity(edition: str, track_id: str, nonce: int) -> InstanceId:
    """Its track and its seed."""
    seed = instance_seed(Settings("", "", "c006", "", track_id), "0" * 32, nonce)
    return InstanceId(Track.parse(edition, track_id), seed)


def digest(points: Points) -> str:
    """BLAKE3 of x, f and y."""
    return blake3_digest(b"".join(canonical_bytes(part) for part in (points.x, points.f, points.y))).hex()


def numbers(points: Points, row: int) -> list[str]:
    """x, f and y of a point, exactly."""
    return [value.hex() for value in (*points.x[row].tolist(), points.f[row].item(), points.y[row].item())]


def subset_digest(instance_id: InstanceId) -> str:
    """Of the test subset for the weights of epoch `BEST_EPOCH`, which needs no more than the test points."""
    return digest(test_subset(instance_id, BEST_EPOCH))


def vector(name: str, track_id: str, nonce: int) -> Vector:
    """An instance and what is drawn for it."""
    instance_id = identity(name, track_id, nonce)
    instance = draw_instance(instance_id)
    sets = {"train": instance.train, "validation": instance.validation, "test": instance.test}
    return {
        "edition": name,
        "track_id": track_id,
        "nonce": nonce,
        "seed": instance_id.seed.hex(),
        "sizes": {label: len(points.y) for label, points in sets.items()},
        "batch_sizes": instance_id.edition.batch_sizes,
        "digests": {label: digest(points) for label, points in sets.items()},
        "first_points": {label: numbers(points, 0) for label, points in sets.items()},
        "last_points": {label: numbers(points, -1) for label, points in sets.items()},
        "best_epoch": BEST_EPOCH,
        "subset_digest": subset_digest(instance_id),
        "floor": training_floor(instance).hex(),
    }


def recorded() -> list[Vector]:
    """The file."""
    vectors: list[Vector] = json.loads(FILE.read_text(encoding="utf-8"))["instances"]
    return vectors


def main(arguments: list[str]) -> int:
    """The two commands."""
    if arguments == ["fill"]:
        made = {"instances": [vector(*instance) for instance in INSTANCES]}
        FILE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        return 0
    if arguments == ["check"]:
        wrong = [instance for instance, known in zip(INSTANCES, recorded(), strict=True) if vector(*instance) != known]
        print("\n".join(f"{instance} differs" for instance in wrong) or f"all {len(INSTANCES)} instances agree")
        return int(bool(wrong))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
