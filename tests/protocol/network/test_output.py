"""Output records of the network, their signatures and leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import CodecError, RecordError
from protocol.network.output import CpuArch, OutputData, OutputMetadata
from tests.support.folders import FIXTURES

_FILE = FIXTURES / "vectors" / "network_hash_seed_merkle.json"
VECTORS = json.loads(_FILE.read_text(encoding="utf-8"))["outputs"]
FIELDS: dict[str, Any] = {
    "cpu_arch": "amd64", "fuel_consumed": 1, "nonce": 2, "runtime_signature": (1 << 64) - 1, "solution": '"H4sI"'
}  # fmt: skip

u64 = st.integers(0, (1 << 64) - 1)
outputs = st.builds(
    OutputData,
    cpu_arch=st.sampled_from(CpuArch),
    fuel_consumed=u64,
    nonce=u64,
    runtime_signature=u64,
    solution=st.text(st.characters(max_codepoint=0x7E)),
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["output"]["nonce"])
def test_an_output_agrees_with_the_network(vector: dict[str, Any]) -> None:
    output = OutputData.from_json(vector["output_json"])
    given_output = vector["output"]
    assert output == OutputData(
        CpuArch(given_output["cpu_arch"]),
        int(given_output["fuel_consumed"]),
        int(given_output["nonce"]),
        int(given_output["runtime_signature"]),
        given_output["solution"],
    )
    assert output.to_json() == vector["output_json"]
    assert json.dumps(output.solution) == vector["solution_preimage"]
    assert str(output.solution_signature()) == vector["solution_signature"]
    assert output.metadata().to_json() == vector["metadata_json"]
    assert OutputMetadata.from_json(vector["metadata_json"]) == output.metadata()
    assert output.metadata().leaf().hex() == vector["leaf_hex"]


@given(outputs)
def test_every_output_is_read_back(output: OutputData) -> None:
    assert OutputData.from_json(output.to_json()) == output
    assert OutputData.from_json(output.to_json().encode()) == output
    assert OutputMetadata.from_json(output.metadata().to_json()) == output.metadata()


@pytest.mark.parametrize("name", ["fuel_consumed", "nonce", "runtime_signature", "solution"])
def test_all_but_the_processor_enters_the_leaf(name: str) -> None:
    output = OutputData.from_json(json.dumps(FIELDS))
    other = OutputData.from_json(json.dumps({**FIELDS, name: "x" if name == "solution" else 7}))
    same = OutputData.from_json(json.dumps({**FIELDS, "cpu_arch": "arm64"}))
    assert output.metadata().leaf() == same.metadata().leaf() != other.metadata().leaf()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("nonce", -1, "output.nonce: expected 0 to 18446744073709551615, found -1"),
        ("nonce", "7", "output.nonce: expected integer, found text"),
        ("nonce", 7.0, "output.nonce: expected integer, found fraction"),
        ("nonce", True, "output.nonce: expected integer, found boolean"),
        ("fuel_consumed", None, "output.fuel_consumed: expected integer, found null"),
        ("runtime_signature", [], "output.runtime_signature: expected integer, found list"),
        ("solution", {}, "output.solution: expected text, found object"),
        ("cpu_arch", "x86", "output.cpu_arch: expected amd64 or arm64, found 'x86'"),
        ("quality", 1, "output['quality']: unknown field"),
    ],
)
def test_a_wrong_field_is_named(name: str, value: object, problem: str) -> None:
    with pytest.raises(RecordError) as refusal:
        OutputData.from_json(json.dumps({**FIELDS, name: value}))
    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_named(name: str) -> None:
    with pytest.raises(RecordError, match=rf"^output\.{name}: missing"):
        OutputData.from_json(json.dumps({other: value for other, value in FIELDS.items() if other != name}))


@pytest.mark.parametrize("text", ["[]", "1", '"x"', "null"])
def test_an_output_is_an_object(text: str) -> None:
    with pytest.raises(RecordError, match=r"^output: expected object, found"):
        OutputData.from_json(text)


def test_faults_of_the_syntax_have_an_offset() -> None:
    with pytest.raises(CodecError, match="ASCII") as refusal:
        OutputData.from_json('{"solution": "é"}')
    assert refusal.value.offset == 14
    with pytest.raises(CodecError, match="outside"):
        OutputData.from_json(json.dumps({**FIELDS, "nonce": 1 << 64}))
    with pytest.raises(CodecError, match="appears twice"):
        OutputData.from_json('{"nonce": 1, "nonce": 1}')


def test_metadata_has_its_own_fields() -> None:
    text = OutputData.from_json(json.dumps(FIELDS)).metadata().to_json()
    with pytest.raises(RecordError, match=r"^metadata\['cpu_arch'\]: unknown field"):
        OutputMetadata.from_json(text.replace("{", '{"cpu_arch":"amd64",'))
    with pytest.raises(RecordError, match=r"^metadata\.nonce: missing"):
        OutputMetadata.from_json("{}".replace("}", '"fuel_consumed":1}'))
