"""The share of nonces whose train loss cannot reach the threshold, by edition; results/unsolvable.json has it.

    python -m proofs.unsolvable [--instances 1000] [--edition NAME ...]

An instance counts as unsolvable if the squared mean of its training targets, below which no train loss can fall,
exceeds the threshold over the whole test set (specification, 9.4). A test loss can be lower. Nothing is trained.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import platform
from pathlib import Path
from typing import Final

import numpy as np

from protocol.settings import Settings, instance_seed
from verifier.challenge.editions import Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.instance.solvability import Solvability, solvability

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "proofs" / "results" / "unsolvable.json"
TRACKS: Final = (
    ("december-2025", "n_hidden=4"),
    ("december-2025-centred", "n_hidden=4"),
    ("april-2025", "n_hidden=4,n_data=1024"),
)
"""The depth changes nothing but the seeds; more data of April's leave the mean of the function what it is."""
NORMAL: Final = 1.959964
"""Of a two-sided interval of 95 %."""

Row = dict[str, object]


def draw(edition: str, track_id: str, nonce: int) -> Solvability:
    """The solvability of a nonce under plain settings."""
    seed = instance_seed(Settings("", "", "c006", "", track_id), "0" * 32, nonce)
    return solvability(InstanceId(Track.parse(edition, track_id), seed))


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of 95 % for a share."""
    share, square = hits / count, NORMAL * NORMAL / count
    middle = (share + square / 2.0) / (1.0 + square)
    half = NORMAL * math.sqrt(share * (1.0 - share) / count + square / (4.0 * count)) / (1.0 + square)
    return middle - half, middle + half


def measure(edition: str, track_id: str, instances: int) -> Row:
    """The share over the nonces from 0 on, and how the floors are spread."""
    found = [draw(edition, track_id, nonce) for nonce in range(instances)]
    unsolvable = sum(not one.is_solvable for one in found)
    floors = np.array([one.floor for one in found])
    low, high = interval(unsolvable, instances)
    return {
        "edition": edition,
        "track": track_id,
        "date": f"{datetime.date.today()}",
        "machine": platform.machine(),
        "numpy": np.__version__,
        "instances": instances,
        "unsolvable": unsolvable,
        "share": round(unsolvable / instances, 4),
        "interval_95": [round(low, 4), round(high, 4)],
        "deviation_of_the_mean": round(math.sqrt(floors.mean()), 4),
        "floor_in_thresholds_at_quantiles": {
            f"{q}": round(float(np.quantile(floors / [one.threshold for one in found], q)), 4)
            for q in (0.25, 0.5, 0.75, 0.9, 0.99)
        },
    }


def main() -> None:
    """Measures and prints, and records in place of what was known of the same editions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=1000, help="nonces of each edition")
    parser.add_argument("--edition", action="append", choices=[name for name, _ in TRACKS], help="default: all")
    arguments = parser.parse_args()
    known = json.loads(RESULTS.read_text(encoding="utf-8"))["editions"] if RESULTS.exists() else []
    rows = {row["edition"]: row for row in known}
    for edition, track_id in TRACKS:
        if edition in (arguments.edition or [edition]):
            rows[edition] = measure(edition, track_id, arguments.instances)
            print(json.dumps(rows[edition]), flush=True)
            RESULTS.write_text(json.dumps({"editions": list(rows.values())}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
