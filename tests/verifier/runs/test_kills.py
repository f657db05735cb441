"""Nothing is lost by `kill -9`: a short run of what `python -m proofs.kills` does for long."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from proofs.kills import day, trainings

pytestmark = pytest.mark.slow


def test_no_claim_is_lost(tmp_path: Path) -> None:
    for found in trainings(tmp_path, nonces=30, kills=6, jobs=2, seed=21, known={}, longest=1.5):
        assert sum(found["kills"].values()) <= 6


def test_no_item_is_lost(tmp_path: Path) -> None:
    day(tmp_path / "day.jsonl", items=5000, kills=10, jobs=2, lot=random.Random(21), longest=0.5)
