"""The network's kernels on a CUDA device: launched one by one the first time, and replayed as a graph from then on."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest
import torch

from tests.extras.interpreted.places import Contest, start_of
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, Edition, Track

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="NO CUDA DEVICE: no kernel was run on one"),
    pytest.mark.skipif(find_spec("triton") is None, reason="TRITON IS NOT INSTALLED: no kernel was run"),
    pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="TRITON INTERPRETS IN THIS PROCESS"),
]


@pytest.mark.parametrize("edition", [DECEMBER_2025, APRIL_2025[0]], ids=lambda each: each.name)
def test_launches_and_graphs_have_the_bits_of_a_cpu(edition: Edition) -> None:
    track = Track(edition, 4)
    contest = Contest(track, [start_of(track, nonce) for nonce in range(9)], torch.device("cuda"))
    for step in range(4):
        assert None not in contest.step([(step + place) % edition.batches for place in range(9)])
        contest.learn(0.1)
        assert None not in contest.evaluation()
    contest.rearrange([8, 1, 3])
    for step in range(3):
        assert None not in contest.step([step, 0, 1])
        assert None not in contest.step([step, 0, 1], locations=contest.parameters[:3] * 1.25)
