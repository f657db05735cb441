"""`tig-verify c006 evaluate`: every kind of solution, well-formed or not, and every mistake in the call."""

from __future__ import annotations

import base64
import gzip
import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from protocol.canonical_json import jsonify
from protocol.network.blob import decode_blob, encode_blob
from protocol.settings import Settings, instance_seed
from tests.support.folders import VECTORS
from verifier.c006.evaluation import evaluate as evaluate_text
from verifier.challenge.errors import InputError
from verifier.command_line.commands.c006.evaluate import evaluate

_FILE = VECTORS / "c006_solution_blob.json"
VECTOR = json.loads(_FILE.read_text(encoding="utf-8"))["vectors"][0]
TEXT: str = VECTOR["base64"]
BLOB = decode_blob(TEXT).blob
BY_SEED = ("--seed", VECTOR["dataset_seed_hex"], "--track", "n_hidden=1")
QUALITY = -2757240
SETTINGS = Settings("c006_a012", "02914ae09391b719e3e4aa8a1bd8d9bd", "c006", "0xaeb96d", "n_hidden=1")
RAND_HASH = "4c3594711e8362ac9d2ec9ae55abb055"


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    code: int | None
    out: str
    error: BaseException | None

    @property
    def refusal(self) -> str:
        """The message of a mistake in the call."""
        assert isinstance(self.error, InputError), self.error
        return str(self.error)


def call(*arguments: object, stdin: bytes | None = None) -> Ended:
    done = CliRunner().invoke(evaluate, list(map(str, arguments)), input=stdin, standalone_mode=False)
    return Ended(done.return_value, done.output, done.exception)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a solution and settings."""
    monkeypatch.chdir(tmp_path)
    Path("blob.txt").write_text(TEXT)
    Path("7.json").write_text(output(nonce=7))
    Path("settings.json").write_text(json.dumps(SETTINGS.__dict__))
    return tmp_path


def output(nonce: int, text: str = TEXT) -> str:
    fields = {"cpu_arch": "amd64", "fuel_consumed": 5, "nonce": nonce, "runtime_signature": 2**64 - 1}
    return jsonify({**fields, "solution": f'"{text}"'})


def by_settings(nonce: int) -> list[object]:
    return ["--settings", "settings.json", "--rand-hash", RAND_HASH, "--nonce", nonce]


# -- solutions ---------------------------------------------------------------------------------------------------


def test_the_vectors_solution_is_evaluated(place: Path) -> None:
    done = call("blob.txt", *BY_SEED)
    assert (done.code, done.error) == (0, None)
    first, second, *findings = done.out.splitlines()
    assert first == f"blob.txt: quality {QUALITY:,}, within 19 units of what the network's GPU gives"
    assert second == "  loss 1.1743337, threshold 0.31255224"
    assert findings[0] == "  frozen-bias: biases[0]: 256 of 256 values are not 0, though they are frozen"
    assert len(findings) == 4


@pytest.mark.parametrize(
    "data",
    [TEXT, f'"{TEXT}"', TEXT + "\n", output(7), json.dumps(json.loads(output(7)), indent=2)],
    ids=["text", "quoted", "line", "output", "indented"],
)
def test_every_form_of_a_solution_is_read_from_standard_input(data: str) -> None:
    done = call("-", *BY_SEED, stdin=data.encode())
    assert done.code == 0
    assert done.out.startswith(f"-: quality {QUALITY:,}, ")


def test_settings_name_the_instance(place: Path) -> None:
    expected = evaluate_text(TEXT, 1, instance_seed(SETTINGS, RAND_HASH, 7)).quality
    assert expected != QUALITY
    for solution in ("7.json", "blob.txt"):
        done = call(solution, *by_settings(7))
        assert done.out.startswith(f"{solution}: quality {expected:,}, ")


def test_a_nonce_that_is_not_the_files_is_refused(place: Path) -> None:
    refusal = call("7.json", *by_settings(8)).refusal
    assert refusal == "--nonce: the solution is for nonce 7, not 8; name the nonce that it is for"


def test_the_nonce_of_the_file_is_enough(place: Path) -> None:
    named = by_settings(7)
    at = named.index("--nonce")
    done = call("7.json", *named[:at], *named[at + 2 :])
    assert done.out == call("7.json", *named).out
    assert "name the instance" in str(call("blob.txt", *named[:at], *named[at + 2 :]).refusal)


@pytest.mark.parametrize(("reported", "code"), [(0, 0), (19, 0), (-19, 0), (20, 1), (-20, 1), (3_000_000, 1)])
def test_a_reported_quality_is_compared(place: Path, reported: int, code: int) -> None:
    done = call("blob.txt", *BY_SEED, "--reported", QUALITY + reported)
    assert done.code == code
    verb = "differs from" if code else "agrees with"
    last = f"  {verb} the reported quality {QUALITY + reported:,}: {abs(reported):,} units apart"
    assert done.out.splitlines()[-1] == last


def test_json_has_everything(place: Path) -> None:
    done = call("blob.txt", *BY_SEED, "--reported", QUALITY + 20, "--json")
    assert done.code == 1
    found = json.loads(done.out)
    findings = found.pop("findings")
    assert [finding["finding"] for finding in findings] == ["frozen-bias", "frozen-bias", "frozen-norm", "frozen-norm"]
    assert found.pop("loss") == pytest.approx(1.1743337, rel=1e-7)
    assert found.pop("threshold") == pytest.approx(0.31255224, rel=1e-7)
    assert found == {
        "file": "blob.txt", "quality": QUALITY, "quality_without_nan": QUALITY, "tolerance": 19,
        "reported": QUALITY + 20, "agrees": False, "fault": None,
    }  # fmt: skip


# -- what the network's loader does not stand --------------------------------------------------------------------


def bomb() -> str:
    """A GiB of zeros: a MiB, which after a full flush decompresses by itself, again and again."""
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return base64.b64encode(base64.b64decode(TEXT)[:10] + block * 2**10 + deflate.flush()).decode()


def packed(bincode: bytes) -> str:
    return base64.b64encode(gzip.compress(bincode, 1, mtime=0)).decode()


def unpacked() -> bytes:
    return gzip.decompress(base64.b64decode(TEXT))


def flipped_checksum() -> str:
    member = bytearray(base64.b64decode(TEXT))
    member[-8] ^= 1
    return base64.b64encode(member).decode()


def changed(**fields: Any) -> Callable[[], str]:
    return lambda: encode_blob(replace(BLOB, **fields))


FATAL: dict[str, tuple[Callable[[], str], str]] = {
    "nothing": (str, "gzip|truncated"),
    "prose": (lambda: "this is no solution", "base64"),
    "cut": (lambda: TEXT[:-400], "truncated"),
    "cut odd": (lambda: TEXT[:-401], "base64"),
    "no gzip": (lambda: base64.b64encode(unpacked()).decode(), "gzip"),
    "checksum": (flipped_checksum, "checksum"),
    "bomb": (bomb, "too-large"),
    "cut inside": (lambda: packed(unpacked()[:-4]), "truncated"),
    "fat length": (lambda: packed(struct.pack("<Q", 2**60) + unpacked()[8:]), "truncated"),
    "empty": (lambda: packed(bytes(56)), "empty"),
    "missing": (changed(weights=BLOB.weights[:1]), "missing-layer"),
    "missing norm": (changed(running_means=()), "missing-layer"),
    "long": (changed(biases=(BLOB.biases[0], BLOB.biases[1] + bytes(4))), "long-layer"),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_the_networks_verifier_fails_on_has_a_reason(name: str) -> None:
    make, fault = FATAL[name]
    stdin = make().encode()
    done = call("-", *BY_SEED, stdin=stdin)
    assert (done.code, done.error) == (1, None)
    assert done.out.count("\n") == 1
    assert "the network's verifier" in done.out
    assert any(f": {each}: " in done.out for each in fault.split("|")), done.out
    done = call("-", *BY_SEED, "--json", stdin=stdin)
    assert done.code == 1
    found = json.loads(done.out)
    assert found["quality"] is None
    assert found["fault"]["fault"] in fault.split("|")


def test_a_bomb_in_an_output_file_takes_little_memory(place: Path) -> None:
    Path("7.json").write_text(output(7, bomb()))
    tracemalloc.start()
    done = call("7.json", *BY_SEED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 128 * 2**20
    assert done.code == 1
    assert done.out.startswith("7.json: not evaluated, though the network's verifier has no such limit: too-large: ")


NAN = np.full(256, np.nan, "<f4").tobytes()

ODD: dict[str, tuple[Callable[[], str], str]] = {
    "after the member": (lambda: base64.b64encode(base64.b64decode(TEXT) + b"more").decode(), "trailing-bytes"),
    "second member": (lambda: base64.b64encode(2 * base64.b64decode(TEXT)).decode(), "trailing-bytes"),
    "after the value": (lambda: packed(unpacked() + bytes(5)), "trailing-bytes"),
    "short": (changed(biases=(BLOB.biases[0][:40], BLOB.biases[1])), "short-layer"),
    "extra": (changed(running_means=BLOB.running_means * 2), "extra-layer"),
    "rows": (changed(weights=((b"".join(BLOB.weights[0]),), BLOB.weights[1])), "rows"),
    "variance": (changed(running_variances=(struct.pack("<256f", *[-1.0] * 256),)), "negative-variance"),
    "nan": (changed(running_means=(NAN,)), "not-finite"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_the_network_lets_pass_is_evaluated_and_named(name: str) -> None:
    make, finding = ODD[name]
    done = call("-", *BY_SEED, stdin=make().encode())
    assert done.code == 0
    assert f"\n  {finding}: " in done.out


def test_only_what_is_ignored_leaves_the_quality() -> None:
    same = {
        name
        for name, (make, _) in ODD.items()
        if evaluate_text(make(), 1, bytes.fromhex(BY_SEED[1])).quality == QUALITY
    }
    assert same == {"after the member", "second member", "after the value", "extra", "rows"}


def test_nan_is_zero_for_the_network() -> None:
    done = call("-", *BY_SEED, "--json", stdin=ODD["nan"][0]().encode())
    found = json.loads(done.out)
    assert (found["quality"], found["quality_without_nan"], found["loss"]) == (0, 0, None)


def test_a_nan_before_a_relu_is_shown_in_both_readings() -> None:
    text = changed(biases=(NAN[:512] + BLOB.biases[0][512:], BLOB.biases[1]))()
    other = evaluate_text(text, 1, bytes.fromhex(BY_SEED[1])).quality_without_nan
    assert other not in (0, QUALITY)
    done = call("-", *BY_SEED, "--reported", other, stdin=text.encode())
    assert done.code == 0
    assert done.out.startswith("-: quality 0, ")
    assert f"\n  or quality {other:,}, if the GPU's ReLU makes 0 of a NaN\n" in done.out
    assert f"\n  agrees with the reported quality {other:,}: {-other:,} units apart\n" in done.out


# -- mistakes in the call ----------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_a_mistake_in_the_call(place: Path) -> None:
    assert call("8.json", *BY_SEED).refusal.startswith("8.json: ")
    assert "folder" in call(".", *BY_SEED).refusal


@pytest.mark.parametrize("text", ["{", "{}", output(7)[:-2], output(7).replace("amd64", "vax"), '{"a":' * 99])
def test_an_output_file_that_is_none_is_a_mistake_in_the_call(text: str) -> None:
    refusal = call("-", *BY_SEED, stdin=text.encode()).refusal
    assert refusal.startswith("-: is no output file of the network: ")


def test_standard_input_is_read_up_to_a_limit() -> None:
    refusal = call("-", *BY_SEED, stdin=bytes(64 * 2**20 + 1)).refusal
    assert refusal == "standard input: is larger than 67108864 bytes, which no solution is"


def test_a_closed_standard_input_is_a_mistake_in_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="standard input: is closed"):
        evaluate.main(["-", *BY_SEED], standalone_mode=False)


def test_an_instance_must_be_named(place: Path) -> None:
    assert "--settings" in call("blob.txt").refusal
