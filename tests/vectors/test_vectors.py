"""The files of vectors are those that the product writes, and the second implementation meets them as well."""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
import pytest

from tests.reference import arithmetic, streams, training, transcript
from tests.reference.executor import read
from tests.reference.recorder import NEXT_SCALAR, READ, Instruction, Kept
from tests.vectors.files import FILES, main, path, recorded
from tests.vectors.texts import binary32, binary64, hexadecimal, hexadecimals, numbers, written

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", FILES)
def test_the_product_writes_the_recorded_file(name: str) -> None:
    assert path(name).read_text(encoding="utf-8") == written(FILES[name]()) + "\n"


def test_lists_of_numbers_are_on_one_line() -> None:
    assert written({"a": [1, 2], "b": [[1], {"c": "é"}], "d": []}) == (
        '{\n "a": [1, 2],\n "b": [\n  [1],\n  {"c": "\\u00e9"}\n ],\n "d": []\n}'
    )


def test_a_file_that_is_not_one_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["files", "check", "powers"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "no file of vectors 'powers'" in capsys.readouterr().err


def test_a_difference_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(FILES, "scores", lambda: {"qualities": []})
    monkeypatch.setattr("sys.argv", ["files", "check", "scores"])
    assert main() == 1
    assert capsys.readouterr().out == "scores.json differs\n"


def test_what_is_free_is_free() -> None:
    assert {vector["units"] for vector in recorded("fuel")["statements"]["free"]} == {0}


# The second implementation


@pytest.mark.parametrize("name", ["exp", "log", "cos"])
def test_functions_of_the_second_implementation(name: str) -> None:
    for argument, result in recorded("numbers")["functions"][name]:
        x = float.fromhex(argument)
        if (name == "exp" and not -700 <= x <= 0) or x == np.inf:  # it needs no others
            continue
        assert hexadecimal(getattr(arithmetic, name)(np.array([x]))) == [result]


def test_streams_of_the_second_implementation() -> None:
    for vector in recorded("numbers")["streams"]:
        edition, label = vector["context"].split()[2:]
        seed, index = bytes.fromhex(vector["key"])[:32], int.from_bytes(bytes.fromhex(vector["key"])[32:], "little")
        assert [str(word) for word in streams.Streams(edition, seed).words(label, index, 4)] == vector["words"]


def words(texts: list[str]) -> streams.Words:
    return np.array([int(text) for text in texts], np.uint64)


def test_numbers_of_the_second_implementation() -> None:
    made = recorded("numbers")["made_of_words"]
    drawn = words(made["words"])
    assert hexadecimal(streams.uniform(drawn)) == made["uniforms"]
    assert hexadecimal(streams.normal(drawn[::2], drawn[1::2])) == made["normals"]
    assert streams.permutation(drawn).tolist() == made["permutation"]
    assert streams.permutation(words(made["ties"]["words"])).tolist() == made["ties"]["permutation"]


def test_sums_of_the_second_implementation() -> None:
    for vector in recorded("passes")["sums"]:
        matrix = binary32(vector["matrix"])
        assert hexadecimals(arithmetic.column_sums(matrix)) == vector["column_sums"]
        assert arithmetic.total(matrix).hex() == vector["total"]
        assert hexadecimals(arithmetic.row_sums(binary64(vector["matrix"]) / 3)) == vector["row_sums"]


PLAIN = ("0", "1", "-1", "127", "128", "-129", "255", "2**64", "0.1", "-0.0", "''", "'lr'", "{}")


def test_states_of_the_second_implementation() -> None:
    """The kinds that it has: numbers, texts and dicts."""
    known = {vector["state"]: vector["encoding"] for vector in recorded("transcript")["states"]}
    values: dict[str, Any] = {text: eval(text) for text in (*PLAIN, *(t for t in known if t.startswith("{'lr'")))}
    assert {text: transcript.encode(value).hex() for text, value in values.items()} == {t: known[t] for t in values}


def test_leaves_and_roots_of_the_second_implementation() -> None:
    found = recorded("transcript")
    network = found["network"]
    arrays = [binary32(network[name]) for name in ("parameters", "running_means", "running_variances")]
    data = b"".join(transcript.elements(array) for array in arrays)
    assert (data.hex(), transcript.digest(data).hex()) == (network["bytes"], network["digest"])
    for leaf in found["leaves"]:
        losses = (float.fromhex(leaf[name] or "nan") for name in ("train_loss", "validation_loss"))
        digests = (bytes.fromhex(leaf[name]) for name in ("network_digest", "state_digest", "gradient_digest"))
        fields = struct.pack("<Qdd", leaf["epoch"], *losses) + b"".join(digests)
        fields += struct.pack("<QQ", leaf["fuel_used"], leaf["stale_epochs"])
        assert transcript.digest(fields).hex() == leaf["digest"]
    leaves = [bytes.fromhex(text) for text in found["roots"]["leaves"]]
    for count, root in found["roots"]["of_the_first"].items():
        assert transcript.merkle_root(leaves[: int(count)]).hex() == root


def instruction(each: Instruction) -> str:
    """As the vectors write it, without the name."""
    operands = ("#" if number == NEXT_SCALAR else str(number) for number in each.operands)
    parts = (
        str(each.code),
        " ".join(operands),
        " ".join(map(str, each.parameters)),
        " ".join(hexadecimal(each.scalars)),
    )
    return "; ".join(parts)


@pytest.mark.parametrize("module", recorded("programs")["modules"], ids=lambda module: str(module["name"]))
def test_programs_are_read_by_the_second_implementation(module: Any) -> None:
    kept = Kept()
    for call in module["calls"]:
        for number, vector in enumerate(call["segments"]):
            place, data = (call["function"], number), bytes.fromhex(vector["bytes"])
            segment = read(data, kept.get(place))
            assert segment.encode(kept.get(place)) == data
            kept.keep(place, segment)
            found = [text[re.search("[0-9]+;", text).start() :] for text in vector["instructions"]]  # type: ignore[union-attr]
            assert [instruction(each) for each in segment.instructions] == found
            assert bool(vector["answer"]) is (segment.flags == READ)
        assert (list(segment.results), segment.template.text.hex()) == (call["results"], call["template"])
        assert hexadecimal(segment.template.scalars) == call["template_scalars"]
        assert [str(number) for number in segment.template.integers] == call["template_integers"]


def test_vectors_of_programs_have_what_crosses() -> None:
    """A location and none, answers of one and more elements, integers of both sizes, structures kept and not."""
    calls = [call for module in recorded("programs")["modules"] for call in module["calls"]]
    answers = {len(vector["answer"]) > 16 for call in calls for vector in call["segments"] if vector["answer"]}
    assert answers == {False, True}
    assert {len(call["results"]) for call in calls if call["function"] == "query"} == {0, 1, 2}
    assert any("690900000000" in call["template"] for call in calls)  # of more than 63 bits
    ends = [vector["instructions"][-1] for call in calls for vector in call["segments"] if vector["answer"]]
    assert {end.partition(" ")[0] for end in ends} == {"item", "last", "list", "permutation"}
    assert {vector["bytes"][56:58] for call in calls for vector in call["segments"]} == {"01", "02", "04"}


def test_scores_of_the_second_implementation() -> None:
    found = recorded("scores")
    for loss, threshold, quality in found["qualities"]:
        if np.isfinite(float.fromhex(loss)):  # else the loss has no value
            assert training.quality(float.fromhex(loss), float.fromhex(threshold)) == quality
    for vector in found["thresholds"]:
        residual = binary32(vector["y"]) - binary32(vector["f"])
        assert (training.FACTOR * arithmetic.mean_square(residual)).hex() == vector["threshold"]


def test_early_stopping_follows_from_losses_alone() -> None:
    for vector in recorded("scores")["early_stopping"]:
        losses, best, epochs = numbers(vector["validation_losses"]), 0, 0
        for t, loss in enumerate(losses, 1):
            best = t if all(loss < before for before in losses[: t - 1]) else best
            epochs = t
            if t - best == 50:
                break
        assert (epochs, best, epochs - best == 50) == (vector["epochs"], vector["best_epoch"], vector["is_over"])
