"""The plain trainings that the toolkit is compared with train the same network."""

from __future__ import annotations

import pytest
import torch

from benchmarks.plain import Tuned, Usual, WrittenOut, network_of
from tests.support.small_contest import instance_id
from verifier.challenge.instance.instance import draw_instance

INSTANCE_ID = instance_id(n_hidden=2)
INSTANCE = draw_instance(INSTANCE_ID)


def test_passes_by_hand_are_those_of_autograd() -> None:
    losses = []
    for way in (Tuned, WrittenOut):
        torch.manual_seed(1)  # of the batches' order
        training = way(INSTANCE_ID, INSTANCE)
        losses.append([training.epoch() for _ in range(4)])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert len(set(losses[0])) == 4


def test_the_usual_way_learns_as_the_tuned_one_does() -> None:
    torch.manual_seed(1)
    usual, tuned = (way(INSTANCE_ID, INSTANCE) for way in (Usual, Tuned))
    lowest = [min(training.epoch() for _ in range(60)) for training in (usual, tuned)]
    assert lowest[0] == pytest.approx(lowest[1], rel=0.5)


def test_the_last_two_layers_are_frozen() -> None:
    network = network_of(INSTANCE_ID)
    frozen = {name.partition(".")[0] for name, part in network.named_parameters() if not part.requires_grad}
    last = len(network) - 1
    assert frozen == {str(last - 3), str(last - 1), str(last)}
