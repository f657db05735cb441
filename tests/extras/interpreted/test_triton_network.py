"""The network's kernels give the bits of the networks of a CPU: whole steps, evaluations, and what is at the edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.extras.interpreted.places import Contest, Single, small, start_of
from verifier.challenge.editions import APRIL_2025, DECEMBER_2025, DECEMBER_2025_CENTRED, Edition, Track
from verifier.challenge.instance.instance import Points
from verifier.challenge.lockstep.agreement import agree
from verifier.challenge.lockstep.starts import Start
from verifier.challenge.network.architecture import Architecture

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("edition", "n_hidden", "places", "steps"),
    [
        pytest.param(small(), 1, 1, 2, id="small-1"),
        pytest.param(small(width=64), 2, 3, 3, id="small-2"),
        pytest.param(small(train_points=260), 4, 3, 2, id="small-4, several blocks of rows"),
        pytest.param(DECEMBER_2025, 1, 1, 1, id="december-1"),
        pytest.param(DECEMBER_2025, 2, 2, 1, id="december-2"),
        pytest.param(DECEMBER_2025, 4, 1, 1, id="december-4"),
        pytest.param(APRIL_2025[0], 2, 2, 1, id="april-2, batches of 137 and 136"),
        pytest.param(APRIL_2025[2], 1, 1, 1, id="april-1, 819 points of validation"),
    ],
)
def test_steps_and_evaluations_have_the_bits_of_a_cpu(edition: Edition, n_hidden: int, places: int, steps: int) -> None:
    track = Track(edition, n_hidden)
    contest = Contest(track, [start_of(track, nonce) for nonce in range(places)])
    for step in range(steps):
        batches = [(step + place * (edition.batches - 1)) % edition.batches for place in range(places)]
        assert None not in contest.step(batches)
        contest.learn(0.1)
    assert None not in contest.evaluation()


Edit = Callable[[dict[str, Single]], None]


def scaled(name: str, exponent: int) -> Edit:
    """Numbers times a power of two."""

    def edit(parts: dict[str, Single]) -> None:
        parts[name][:] = np.ldexp(parts[name], exponent)

    return edit


def filled(name: str, value: float, *, first: int | None = None) -> Edit:
    """All numbers, or the first ones, are the same."""

    def edit(parts: dict[str, Single]) -> None:
        parts[name].reshape(-1)[:first] = value

    return edit


def largest(name: str) -> Edit:
    """All integers are the largest: the numbers are just below a power of two, and are rounded up to it."""

    def edit(parts: dict[str, Single]) -> None:
        parts[name][:] = np.copysign(np.float32(1 - 2.0**-24), parts[name])

    return edit


def low_outlier(parts: dict[str, Single]) -> None:
    """One point is far below all others, which are alike, in each feature of layer 0, and none is cut off."""
    parts["layers.0.weight"][:] = np.abs(parts["layers.0.weight"])
    parts["layers.0.bias"][:] = 4.0
    parts["x"][1:], parts["x"][0] = np.abs(parts["x"][1:]) * 0.1 + 0.5, -1.0


FINITE = {
    "as they are": filled("layers.0.bias", 0.0),
    "subnormal weight of the inputs": scaled("layers.0.weight", -140),
    "smallest weight of the inputs": filled("layers.0.weight", 2.0**-149),
    "subnormal weight": scaled("layers.1.weight", -142),
    "subnormal scale": scaled("layers.0.norm.weight", -149),
    "tiny scale": scaled("layers.1.norm.weight", -120),
    "no weight at all": filled("layers.1.weight", 0.0),
    "no scale at all": filled("layers.1.norm.weight", 0.0),
    "no inputs at all": filled("x", 0.0),
    "a dead feature": filled("layers.0.bias", -100.0, first=1),
    "a dead first layer": filled("layers.0.bias", -1e6),
    "a dead layer": filled("layers.1.bias", -1e6),
    "gradients that underflow to -0": scaled("layers.0.norm.weight", -146),
    "gradients of a hidden layer that underflow to -0": scaled("layers.1.norm.weight", -146),
    "a low outlier": low_outlier,
    "negative shift": filled("layers.1.norm.bias", -3.0),
    "negative scale": filled("layers.0.norm.weight", -2.0),
    "largest integers": largest("layers.1.weight"),
    "largest integers of the inputs": largest("x"),
    "largest integers of their weight": largest("layers.0.weight"),
    "large weight of the inputs": scaled("layers.0.weight", 60),
    "large weight": scaled("layers.1.weight", 62),
    "large scale": scaled("layers.1.norm.weight", 40),
    "large targets": scaled("y", 60),
    "tiny targets": scaled("y", -140),
}
"""What is done to the parameters and points of one place each."""
NOT_FINITE = {
    "a square that overflows": scaled("layers.1.weight", 66),
    "a square of a residual that overflows": filled("y", 2.0**64),
    "a product that overflows": scaled("layers.1.weight", 126),
    "a scale that overflows": scaled("layers.0.norm.weight", 127),
    "a bias of -inf": filled("layers.1.bias", -np.inf, first=1),
    "a bias of NaN": filled("layers.0.bias", np.nan, first=1),
    "a shift of inf": filled("layers.0.norm.bias", np.inf, first=1),
    "a weight of NaN": filled("layers.1.weight", np.nan, first=1),
    "a weight of the inputs of -inf": filled("layers.0.weight", -np.inf, first=1),
    "a scale of -NaN": filled("layers.1.norm.weight", np.copysign(np.nan, -1.0), first=1),
}


def edited(track: Track, edit: Edit) -> Start:
    """The start of nonce 0 with other parameters and training points."""
    start = start_of(track, nonce=0)
    parameters, x, y = start.parameters.copy(), start.train.x.copy(), start.train.y.copy()
    layout = Architecture(track).layout()
    edit(dict(zip(layout.names, layout.views(parameters), strict=True)) | {"x": x, "y": y})
    return replace(start, parameters=parameters, train=Points(x, y, y))


def test_edges_have_the_bits_of_a_cpu_and_disturb_no_other_place() -> None:
    track, edges = Track(small(), 2), FINITE | NOT_FINITE
    contest = Contest(track, [edited(track, edit) for edit in edges.values()])
    assert None in contest.evaluation()
    outcomes = dict(zip(edges, contest.step([0] * len(edges)), strict=True))
    assert {name for name, outcome in outcomes.items() if outcome is None} == NOT_FINITE.keys()
    assert None not in contest.evaluation(among=range(len(FINITE)))


def test_largest_magnitudes_that_follow_from_extremes_are_those_of_the_matrices() -> None:
    from verifier.challenge.lockstep.kernels.numbers import ACTIVATION, NORMALISED, SQUARE
    from verifier.challenge.lockstep.kernels.triton_network import TritonNetwork

    track = Track(small(), 2)
    contest = Contest(track, [edited(track, edit) for edit in (FINITE["as they are"], low_outlier)])
    contest.step([0, 0])
    network = contest.by_triton.network
    assert isinstance(network, TritonNetwork)
    for layer, tops in zip(network._memory.layers, network._memory.tops, strict=False):
        z = layer.z[:, : track.edition.batch_sizes[0]]
        c = z - layer.mean[:, None]
        y = c * layer.scale[:, None]  # the shifts of a start are 0
        for kind, matrix in ((ACTIVATION, z), (SQUARE, c * c), (NORMALISED, y)):
            assert torch.equal(tops[:, kind.value], matrix.abs().view(torch.int32).amax((1, 2)))


def test_a_running_variance_that_is_infinite_is_found() -> None:
    track = Track(small(), 1)
    contest = Contest(track, [start_of(track, nonce) for nonce in range(2)])
    contest.by_torch.network.variances[1, 0, 0] = np.inf
    contest.by_triton.network.variances[1, 0, 0] = np.inf
    contest.alone[1].statistics.variances[0, 0] = np.inf
    first, second = contest.step([0, 0])
    assert first is not None
    assert second is None


def test_places_move_and_idle_and_are_taken_again() -> None:
    track = Track(small(), 3)
    contest = Contest(track, [start_of(track, nonce) for nonce in range(4)])
    contest.step([0, 1, 0, 1])
    contest.learn(0.1)
    contest.rearrange([3, 1])
    assert None not in contest.step([0, 0])
    heavier = start_of(track, nonce=7)
    contest.by_triton.network.enter(1, replace(heavier, frozen=heavier.frozen * 8))
    contest.enter(1, start_of(track, nonce=7))
    contest.enter(2, start_of(track, nonce=8))
    assert None not in contest.step([1, 0, 1])
    assert None not in contest.evaluation()


def test_a_step_is_taken_at_the_query_location_and_the_parameters_stay() -> None:
    track = Track(small(), 2)
    contest = Contest(track, [start_of(track, nonce) for nonce in range(2)])
    before = contest.parameters.clone()
    at_parameters = contest.step([0, 1])
    elsewhere = contest.step([0, 1], locations=before * 1.5)
    assert elsewhere != at_parameters
    assert contest.step([0, 1], locations=before * 1.25) != elsewhere
    assert torch.equal(contest.parameters, before)


def test_products_of_the_largest_integers_are_exact() -> None:
    from verifier.challenge.lockstep.kernels import backward
    from verifier.challenge.lockstep.kernels.launches import Launch, Options

    width, rows = 256, 128
    generator = torch.Generator().manual_seed(0)
    choices = torch.tensor([2048, -2048, 2047, -2047, 32, -32, 31, -33, 0])
    a, b = (choices[torch.randint(len(choices), (width, rows), generator=generator)] for _ in range(2))
    a[:2], b[:2] = 2048, torch.tensor([[2048], [-2048]])  # sums of 2^29 with either sign
    top = torch.zeros(8, dtype=torch.int32)
    top[:] = torch.tensor(2048.0).view(torch.int32)  # its exponent is 12, so a unit is 2
    gradient = torch.full((1, width * width), np.nan)
    tensors = (digits(a), top, digits(b), top, gradient)
    sizes = {"PARAMETERS": 0, "B": rows, "H": width, "M": rows, "N": 64, "OUT": 128, "BITS": 11, "DIGIT": 6}
    Launch.of(backward.find_weight_gradient, (1, 2, 4), tensors, sizes, Options(warps=8))()
    exact = (a.double() @ b.double().T) * 4.0
    assert torch.equal(gradient.reshape(width, width), exact.float())
    assert exact.abs().max() == 2.0**31


def digits(integers: torch.Tensor) -> torch.Tensor:
    """The two digits of integers, int8."""
    high = (integers + 32) >> 6
    return torch.stack([high, integers - (high << 6)]).to(torch.int8)


def test_the_self_test_of_networks_is_passed() -> None:
    from verifier.challenge.lockstep.kernels.triton_network import TritonNetwork

    assert agree("cpu", TritonNetwork)


def test_all_editions_fit_and_others_are_told_apart() -> None:
    from verifier.challenge.lockstep.kernels.triton_network import fits

    assert all(fits(edition) for edition in (DECEMBER_2025, DECEMBER_2025_CENTRED, *APRIL_2025))
    assert not fits(replace(DECEMBER_2025, operand_bits=12))
    assert not fits(replace(DECEMBER_2025, width=96))
    assert not fits(replace(DECEMBER_2025, width=512))
    assert not fits(replace(DECEMBER_2025, width=16))
    assert not fits(replace(DECEMBER_2025, batches=1))
