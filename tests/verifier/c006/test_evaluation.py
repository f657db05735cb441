"""The quality of a solution of the live challenge."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from protocol.network.blob import BlobError, BlobFault, decode_blob, encode_blob
from tests.support.folders import VECTORS
from verifier.c006.dataset import DataSet, draw_dataset
from verifier.c006.evaluation import (
    TOLERANCE,
    evaluate,
    evaluate_weights,
    mean_square,
    outputs,
    quality,
    threshold,
    tolerance,
)
from verifier.c006.findings import FindingKind, Unloadable
from verifier.c006.loader import Linear, Norm, Weights, blob_of, dimensions, load_weights

_FOLDER = VECTORS
Array = NDArray[np.float32]


def read(name: str) -> Any:
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))


QUALITIES = read("c006_quality.json")["vectors"]
DATASETS = [read(f"c006_dataset_{i}.json") for i in (0, 1)]
BLOB = read("c006_solution_blob.json")["vectors"][0]
SEED = bytes.fromhex(BLOB["dataset_seed_hex"])


def of_bits(text: str) -> float:
    return float(np.frombuffer(bytes.fromhex(text), dtype=">f4")[0])


def drawn_weights(n_hidden: int, number: int = 0) -> Weights:
    """Weights of about the size that training leaves."""
    random = np.random.default_rng(number)

    def values(size: int, low: float, high: float) -> Array:
        return random.uniform(low, high, size).astype(np.float32)

    linear = [Linear(values(i * o, -0.1, 0.1).reshape(i, o), values(o, -0.1, 0.1)) for i, o in dimensions(n_hidden)]
    norms = [
        Norm(values(256, 0.5, 1.5), values(256, -0.1, 0.1), values(256, 0.0, 0.1), values(256, 0.01, 0.1))
        for _ in range(n_hidden)
    ]
    return Weights(tuple(linear), tuple(norms))


# -- quality ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", QUALITIES, ids=lambda vector: f"{vector['loss']}-{vector['eps']}")
def test_quality_is_the_networks(vector: dict[str, Any]) -> None:
    assert quality(of_bits(vector["loss_f32_bits"]), of_bits(vector["eps_f32_bits"])) == vector["quality"]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (float("nan"), 0),
        (1.0 + 0.5e-6 - 1e-12, 0),
        (1.0 + 0.5e-6 + 1e-12, -1),
        (1.0 - 1.5e-6 - 1e-12, 2),
        (11.0, -10_000_000),
        (12.0, -10_000_000),
    ],
)
def test_quality_is_rounded_and_limited(loss: float, expected: int) -> None:
    assert quality(loss, 1.0) == expected


def test_halves_are_rounded_away_from_zero() -> None:
    assert quality(1.0 - 1.0 / 128.0, 1.0) == 7813  # of 7812.5
    assert quality(1.0 + 1.0 / 128.0, 1.0) == -7813


# -- threshold and loss -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", DATASETS, ids=["0", "1"])
def test_the_threshold_is_the_networks_bit_for_bit(vector: dict[str, Any]) -> None:
    found = threshold(draw_dataset(bytes.fromhex(vector["seed_hex"])).test)
    assert found == of_bits(vector["sass_emulated"]["eps"]["epsilon_star_squared_f32_bits"])


@pytest.mark.parametrize("vector", DATASETS, ids=["0", "1"])
def test_the_true_function_scores_875000(vector: dict[str, Any]) -> None:
    test = draw_dataset(bytes.fromhex(vector["seed_hex"])).test
    assert quality(mean_square(test.f.astype(np.float64), test.y), threshold(test)) == 875_000


def test_a_constant_network_scores_what_its_constants_do() -> None:
    linear = [Linear(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32)) for shape in dimensions(2)]
    linear[-1].bias[:] = (0.25, -0.5)
    fresh = Norm(*(np.full(256, value, np.float32) for value in (1.0, 0.0, 0.0, 1.0)))
    data = draw_dataset(SEED)
    evaluation = evaluate_weights(Weights(tuple(linear), (fresh, fresh)), data)
    errors = [(float(y) - c) ** 2 for row in data.test.y for y, c in zip(row, (0.25, -0.5), strict=True)]
    assert evaluation.loss == pytest.approx(sum(errors) / 500, rel=1e-12)
    assert evaluation.quality == quality(evaluation.loss, threshold(data.test)) < -1_000_000


# -- the network's outputs --------------------------------------------------------------------------------------


def test_the_vectors_solution_has_its_outputs_and_quality() -> None:
    expected = BLOB["quality_on_that_dataset"]
    weights = load_weights(decode_blob(BLOB["base64"]), 1).weights
    rows = outputs(weights, draw_dataset(SEED).test.x)[:3]
    np.testing.assert_allclose(rows, expected["sass_emulated_f64"]["output_first3"], rtol=1e-6)
    evaluation = evaluate(BLOB["base64"], 1, SEED)
    assert abs(evaluation.quality - expected["sass_emulated_f32"]["quality"]) <= 1
    assert all(evaluation.agrees(variant["quality"]) for variant in expected.values())
    assert evaluation.quality_without_nan == evaluation.quality
    assert not evaluation.agrees(evaluation.quality + tolerance(evaluation.quality) + 1)


def test_the_text_as_an_output_file_holds_it_is_read_too() -> None:
    stored = BLOB["solution_field_as_stored_in_OutputData"]
    assert evaluate(stored, 1, SEED) == evaluate(BLOB["base64"], 1, SEED)


def test_reading_the_rows_as_a_matrix_is_wrong() -> None:
    flat = np.frombuffer(base64.b64decode(BLOB["arrays_f32_b64"]["W1_in_x_out"]), dtype="<f4")
    weights = load_weights(decode_blob(BLOB["base64"]), 1).weights
    assert weights.linear[1].weight.tobytes() == flat.tobytes()
    naive = Weights((weights.linear[0], Linear(flat.reshape(2, 256).T, weights.linear[1].bias)), weights.norms)
    rows = outputs(naive, draw_dataset(SEED).test.x)[:3]
    expected = np.array(BLOB["quality_on_that_dataset"]["sass_emulated_f64"]["output_first3"])
    assert (np.abs(rows - expected) > 0.01).any()


@pytest.mark.parametrize("n_hidden", [1, 4])
def test_outputs_are_those_of_another_implementation(n_hidden: int) -> None:
    weights, x = drawn_weights(n_hidden), draw_dataset(SEED).test.x
    hidden = torch.from_numpy(x).double()
    for linear, norm in zip(weights.linear, weights.norms, strict=False):
        flat = torch.from_numpy(linear.weight).double().flatten()
        matrix = flat.view(len(linear.weight), -1).T  # element (o, i) is flat[i * out + o]
        hidden = torch.relu(torch.nn.functional.linear(hidden, matrix, torch.from_numpy(linear.bias).double()))
        weight, bias, mean, variance = (torch.from_numpy(part).double() for part in norm)
        hidden = torch.nn.functional.batch_norm(hidden, mean, variance, weight, bias, training=False, eps=1e-5)
    last = [torch.from_numpy(part).double() for part in weights.linear[-1]]
    np.testing.assert_allclose(outputs(weights, x), (hidden @ last[0] + last[1]).numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("vector", DATASETS, ids=["0", "1"])
@pytest.mark.parametrize("number", range(4))
def test_another_reading_of_the_data_sets_arithmetic_stays_within_the_tolerance(
    vector: dict[str, Any], number: int
) -> None:
    ours = draw_dataset(bytes.fromhex(vector["seed_hex"]))
    f, y = (np.frombuffer(base64.b64decode(vector["libm"][name]), dtype="<f4") for name in ("true", "noisy"))
    other = DataSet(ours.x, f.reshape(1450, 2), y.reshape(1450, 2))
    for factor in (0.1, 1.0, 1.6):  # qualities from -2 to -10 million
        weights = drawn_weights(2, number)
        weights.linear[-1].weight[:] *= factor
        assert evaluate_weights(weights, ours).agrees(evaluate_weights(weights, other).quality)


def test_a_good_networks_tolerance_is_5_units() -> None:
    assert [tolerance(quality) for quality in (1_000_000, 400_000, 0, -1, -1_000_000)] == [TOLERANCE, 5, 5, 6, 10]


# -- what no training gives -------------------------------------------------------------------------------------


def test_nan_in_the_output_layer_scores_zero() -> None:
    weights = drawn_weights(2)
    weights.linear[-1].weight[7, 0] = np.nan
    evaluation = evaluate_weights(weights, draw_dataset(SEED))
    assert np.isnan(evaluation.loss)
    assert (evaluation.quality, evaluation.quality_without_nan) == (0, 0)


def test_nan_before_a_relu_has_two_readings() -> None:
    weights, data = drawn_weights(2), draw_dataset(SEED)
    weights.linear[1].weight[7, 9] = np.nan
    evaluation = evaluate_weights(weights, data)
    weights.linear[1].weight[:, 9] = 0.0
    weights.linear[1].bias[9] = 0.0
    without = evaluate_weights(weights, data).quality
    assert (evaluation.quality, evaluation.quality_without_nan) == (0, without)
    assert without != 0
    assert evaluation.agrees(without)
    assert evaluation.agrees(0)
    assert not evaluation.agrees(100)


def test_overflow_is_that_of_binary32() -> None:
    weights, data = drawn_weights(1), draw_dataset(SEED)
    weights.linear[0].weight[:] = 3e38
    weights.linear[0].bias[:] = 3e38
    weights.linear[1].weight[:] = 1.0
    found = outputs(weights, data.test.x)
    assert np.isinf(found[data.test.x[:, 0] > 0.5]).all()
    assert evaluate_weights(weights, data).quality == -10_000_000


def test_a_solution_that_cannot_be_read_is_refused_with_its_reason() -> None:
    with pytest.raises(BlobError) as cut:
        evaluate(BLOB["base64"][:4000], 1, SEED)
    assert cut.value.fault is BlobFault.TRUNCATED
    with pytest.raises(Unloadable) as missing:
        evaluate(encode_blob(blob_of(drawn_weights(1), 1)), 2, SEED)
    assert missing.value.finding.kind is FindingKind.MISSING_LAYER
