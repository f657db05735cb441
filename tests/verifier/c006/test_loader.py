"""Loading a solution as the live network does, and everything odd about one."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.network.blob import Blob, BlobError, DecodedBlob, decode_blob, encode_blob, to_bincode
from tests.support.folders import FIXTURES
from verifier.c006.findings import FindingKind, Unloadable
from verifier.c006.loader import Array, Linear, Loaded, Norm, Weights, blob_of, dimensions, load_weights

_FILE = FIXTURES / "vectors" / "c006_solution_blob.json"
VECTORS = json.loads(_FILE.read_text(encoding="utf-8"))["vectors"]
SYNTHETIC, EMPTY = VECTORS[0], VECTORS[2]


def honest(n_hidden: int = 2) -> Weights:
    """Random weights whose frozen parts are as they were at the start."""
    generator = np.random.default_rng(n_hidden)

    def drawn(*shape: int) -> Array:
        return generator.uniform(-1.0, 1.0, shape).astype(np.float32)

    zeros, ones = np.zeros(256, dtype=np.float32), np.ones(256, dtype=np.float32)
    linear = [Linear(drawn(inputs, out), drawn(out)) for inputs, out in dimensions(n_hidden)]
    linear[-2:] = [Linear(weight, np.zeros_like(bias)) for weight, bias in linear[-2:]]
    norms = [Norm(drawn(256), drawn(256), drawn(256), np.abs(drawn(256))) for _ in range(n_hidden)]
    norms[-1] = norms[-1]._replace(weight=ones, bias=zeros)
    return Weights(tuple(linear), tuple(norms))


HONEST = blob_of(honest(), 7)


def load(blob: Blob, n_hidden: int = 2) -> Loaded:
    return load_weights(DecodedBlob(blob), n_hidden)


def with_layers(name: str, layers: Any) -> Blob:
    """The honest solution with one field replaced."""
    changes: dict[str, Any] = {name: layers}
    return replace(HONEST, **changes)


def found(blob: Blob) -> list[tuple[str, str]]:
    return [(str(finding.kind), finding.detail) for finding in load(blob).findings]


def changed(arrays: tuple[bytes, ...], layer: int, *values: tuple[int, float]) -> tuple[bytes, ...]:
    """The arrays with some values of one layer replaced."""
    array = np.frombuffer(arrays[layer], dtype="<f4").copy()
    for index, value in values:
        array[index] = value
    return (*arrays[:layer], array.tobytes(), *arrays[layer + 1 :])


# -- what is read ------------------------------------------------------------------------------------------------


def test_the_vectors_matrices_are_read_by_columns() -> None:
    loaded = load_weights(decode_blob(SYNTHETIC["base64"]), 1)
    first, last = loaded.weights.linear
    (norm,) = loaded.weights.norms
    expected = {
        "W0_in_x_out": first.weight, "W1_in_x_out": last.weight, "b0": first.bias, "b1": last.bias,
        "bn_w": norm.weight, "bn_b": norm.bias, "mean": norm.mean, "var": norm.variance,
    }  # fmt: skip
    for name, data in SYNTHETIC["arrays_f32_b64"].items():
        assert base64.b64encode(expected[name].tobytes()).decode() == data, name
    assert (first.weight.shape, last.weight.shape) == ((1, 256), (256, 2))
    flat = np.frombuffer(base64.b64decode(SYNTHETIC["arrays_f32_b64"]["W1_in_x_out"]), dtype="<f4")
    assert (last.weight[5, 0], last.weight[5, 1]) == (flat[10], flat[11])  # the two outputs are interleaved


@pytest.mark.parametrize("n_hidden", [1, 2, 5])
def test_weights_survive_bit_for_bit(n_hidden: int) -> None:
    weights = honest(n_hidden)
    blob = blob_of(weights, 3)
    decoded = decode_blob(encode_blob(blob))
    loaded = load_weights(decoded, n_hidden)
    assert loaded.findings == ()
    assert loaded.weights.n_hidden == n_hidden
    assert blob_of(loaded.weights, 3) == blob == decoded.blob
    for before, after in zip(weights.linear, loaded.weights.linear, strict=True):
        assert np.array_equal(before.weight, after.weight)
        assert np.array_equal(before.bias, after.bias)


def test_a_weights_memory_order_does_not_matter() -> None:
    weights = honest()
    turned = Weights(tuple(Linear(np.asfortranarray(weight), bias) for weight, bias in weights.linear), weights.norms)
    assert blob_of(turned, 7) == HONEST


def test_the_vectors_solution_is_written_again() -> None:
    decoded = decode_blob(SYNTHETIC["base64"])
    assert to_bincode(blob_of(load_weights(decoded, 1).weights, 7)) == to_bincode(decoded.blob)


def test_not_a_bit_of_a_nan_is_lost() -> None:
    data = np.array([0x7F800001, 0xFFC12345, 0x80000000, 0x00000001], dtype="<u4").tobytes()
    blob = replace(HONEST, running_means=(data + bytes(1008), HONEST.running_means[1]))
    assert load(blob).weights.norms[0].mean.tobytes()[:16] == data
    assert blob_of(load(blob).weights, 7) == blob


# -- where the network's loader panics ---------------------------------------------------------------------------


def refusal(blob: Blob, n_hidden: int = 2) -> tuple[FindingKind, str]:
    with pytest.raises(Unloadable) as error:
        load(blob, n_hidden)
    finding = error.value.finding
    assert finding.kind.fatal
    assert str(error.value) == f"{finding.kind}: {finding.detail}"
    return finding.kind, finding.detail


def test_the_empty_solution_does_not_load() -> None:
    assert refusal(decode_blob(EMPTY["base64"]).blob)[0] is FindingKind.EMPTY


ARRAYS = ["weights", "biases", "norm_weights", "norm_biases", "running_means", "running_variances"]


@pytest.mark.parametrize("name", ARRAYS)
def test_a_missing_layer_is_named(name: str) -> None:
    layers = getattr(HONEST, name)[:-1]
    kind, detail = refusal(with_layers(name, layers))
    assert kind is FindingKind.MISSING_LAYER
    assert detail.startswith(f"{name}[{len(layers)}] is missing; with n_hidden=2 ")


def test_a_solution_of_a_shallower_track_does_not_load() -> None:
    assert refusal(HONEST, 3) == (
        FindingKind.MISSING_LAYER, "weights[3] is missing; with n_hidden=3 the network reads 4 layers",
    )  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_a_layer_that_is_too_long_is_named(name: str) -> None:
    layers = getattr(HONEST, name)
    longer = (*layers[1], bytes(4)) if name == "weights" else layers[1] + bytes(4)
    kind, detail = refusal(with_layers(name, (layers[0], longer, *layers[2:])))
    assert kind is FindingKind.LONG_LAYER
    size = 65536 if name == "weights" else 256
    assert detail == f"{name}[1]: {size + 1} values, but the network has room for {size}"


# -- what it reads all the same ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARRAYS)
def test_a_short_layer_keeps_fresh_values_in_its_tail(name: str) -> None:
    layers, fresh = getattr(HONEST, name), 1.0 if name in ("norm_weights", "running_variances") else 0.0
    short = (layers[0][0],) if name == "weights" else layers[0][:4]
    loaded = load(with_layers(name, (short, *layers[1:])))
    assert [(finding.kind, finding.detail) for finding in loaded.findings] == [
        (FindingKind.SHORT_LAYER, f"{name}[0]: 1 of 256 values; the others stay {fresh:g}")
    ]
    array = {
        "weights": loaded.weights.linear[0].weight[0], "biases": loaded.weights.linear[0].bias,
        "norm_weights": loaded.weights.norms[0].weight, "norm_biases": loaded.weights.norms[0].bias,
        "running_means": loaded.weights.norms[0].mean, "running_variances": loaded.weights.norms[0].variance,
    }[name]  # fmt: skip
    assert array[:1].tobytes() == (short[0] if name == "weights" else short)
    assert array[1:].tolist() == [fresh] * 255


@pytest.mark.parametrize("name", ARRAYS)
def test_an_extra_layer_is_ignored(name: str) -> None:
    layers = getattr(HONEST, name)
    blob = with_layers(name, (*layers, layers[0]))
    assert found(blob) == [
        ("extra-layer", f"{name}: {len(layers) + 1} layers, of which the network reads {len(layers)}")
    ]
    assert blob_of(load(blob).weights, 7) == HONEST


@pytest.mark.parametrize("rows", ["one", "transposed", "ragged"])
def test_other_rows_are_read_as_the_same_weights(rows: str) -> None:
    flat = b"".join(HONEST.weights[0])
    other = {
        "one": (flat,),
        "transposed": tuple(flat[i : i + 8] for i in range(0, len(flat), 8)),
        "ragged": (flat[:8], b"", *(flat[i : i + 4] for i in range(8, len(flat), 4))),
    }[rows]
    blob = replace(HONEST, weights=(other, *HONEST.weights[1:]))
    assert found(blob) == [("rows", "weights[0]: not 256 rows of 1 values each, as the harness writes them")]
    assert blob_of(load(blob).weights, 7) == HONEST


def test_trailing_bytes_are_reported() -> None:
    findings = load_weights(DecodedBlob(HONEST, after_gzip=3, after_value=5), 2).findings
    assert [(str(finding.kind), finding.detail) for finding in findings] == [
        ("trailing-bytes", "3 after the gzip member, which the network ignores"),
        ("trailing-bytes", "5 after the bincode value, which the network ignores"),
    ]


# -- odd values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted(name: str, value: float) -> None:
    layers = getattr(HONEST, name)
    flat = b"".join(layers[0]) if name == "weights" else layers[0]
    (bad,) = changed((flat,), 0, (1, value), (200, value))
    blob = with_layers(name, ((bad,) if name == "weights" else bad, *layers[1:]))
    assert ("not-finite", f"{name}[0]: 2 of 256 values are infinite or NaN") in found(blob)


def test_a_signalling_nan_is_counted_without_a_warning() -> None:
    data = np.array([0x7F800001], dtype="<u4").tobytes() + HONEST.running_variances[0][4:]
    blob = replace(HONEST, running_variances=(data, HONEST.running_variances[1]))
    assert found(blob) == [("not-finite", "running_variances[0]: 1 of 256 values are infinite or NaN")]


def test_negative_variances_are_counted() -> None:
    blob = replace(HONEST, running_variances=changed(HONEST.running_variances, 1, (0, -1e-30), (1, -0.0), (9, -2.0)))
    assert found(blob) == [("negative-variance", "running_variances[1]: 2 of 256 values are below 0")]


@pytest.mark.parametrize("value", [1e-45, -0.0, 3.0])
def test_frozen_biases_are_0_bit_for_bit(value: float) -> None:
    assert found(replace(HONEST, biases=changed(HONEST.biases, 0, (3, value)))) == []
    for layer, size in ((1, 256), (2, 2)):
        assert found(replace(HONEST, biases=changed(HONEST.biases, layer, (1, value)))) == [
            ("frozen-bias", f"biases[{layer}]: 1 of {size} values are not 0, though they are frozen")
        ]


def test_the_frozen_norm_is_1_and_0_bit_for_bit() -> None:
    just_above = float(np.nextafter(np.float32(1.0), np.float32(2.0)))
    assert found(replace(HONEST, norm_weights=changed(HONEST.norm_weights, 1, (5, just_above)))) == [
        ("frozen-norm", "norm_weights[1]: 1 of 256 values are not 1, though they are frozen")
    ]
    assert found(replace(HONEST, norm_biases=changed(HONEST.norm_biases, 1, (5, -0.0), (6, 1.0)))) == [
        ("frozen-norm", "norm_biases[1]: 2 of 256 values are not 0, though they are frozen")
    ]
    assert found(replace(HONEST, norm_weights=changed(HONEST.norm_weights, 0, (5, 0.0)))) == []


def test_the_texts_of_the_findings_are_stable() -> None:
    assert list(FindingKind) == [
        "empty", "missing-layer", "long-layer", "short-layer", "extra-layer", "rows", "trailing-bytes", "not-finite",
        "negative-variance", "frozen-bias", "frozen-norm",
    ]  # fmt: skip
    assert [kind for kind in FindingKind if kind.fatal] == ["empty", "missing-layer", "long-layer"]


# -- any input ---------------------------------------------------------------------------------------------------

rows = st.lists(st.integers(0, 300).map(lambda count: bytes(4 * count)), max_size=4).map(tuple)
blobs = st.builds(
    Blob, st.lists(rows, max_size=4).map(tuple), rows, st.integers(0, 2**64 - 1), rows, rows, rows, rows
)  # fmt: skip


@given(blobs, st.integers(1, 3))
def test_any_nesting_is_loaded_or_has_a_reason(blob: Blob, n_hidden: int) -> None:
    with suppress(Unloadable):
        weights = load(blob, n_hidden).weights
        assert [linear.weight.shape for linear in weights.linear] == dimensions(n_hidden)
        assert [len(linear.bias) for linear in weights.linear] == [out for _, out in dimensions(n_hidden)]
        assert {array.shape for norm in weights.norms for array in norm} == {(256,)}


@given(st.integers(0, len(SYNTHETIC["base64"]) - 1), st.binary(min_size=1, max_size=1), st.booleans())
def test_any_cut_or_changed_text_is_a_fault_or_a_network(index: int, byte: bytes, cut: bool) -> None:
    text = SYNTHETIC["base64"].encode()
    with suppress(BlobError):
        decoded = decode_blob(text[:index] if cut else text[:index] + byte + text[index + 1 :])
        assert load_weights(decoded, 1).weights.n_hidden == 1
