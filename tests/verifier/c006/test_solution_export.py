"""Our solutions in the live network's format and back, and the commands that do it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from protocol.claim import Claim
from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.network.blob import Blob, BlobError, Rows, decode_blob, encode_blob, from_bincode, to_bincode
from protocol.network.output import OutputData
from protocol.solution import Solution
from protocol.verdict import Level, Outcome
from sandbox.isolation import InProcess
from tests.support.changed_claims import changed
from tests.support.small_contest import NONCE, SETTINGS, SMALL, module, task
from verifier.c006.solution_export import ExchangeError, ExchangeFault, export_blob, import_solution
from verifier.challenge.editions import Track
from verifier.challenge.errors import InputError
from verifier.challenge.instance.instance import draw_points
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.module import Module
from verifier.challenge.network.architecture import Architecture, initial_weight
from verifier.challenge.network.eager_network import EagerNetwork
from verifier.challenge.network.weights import read_weights
from verifier.challenge.session import Session
from verifier.challenge.solving import solve
from verifier.command_line.commands.c006.exchange import export_command, import_command
from verifier.verification.context import Evidence
from verifier.verification.verify import verify

DEPTH = 2


@cache
def solved() -> tuple[Claim, Solution]:
    """A training of two hidden layers; nobody changes it."""
    deep = replace(task(), settings=replace(SETTINGS, track_id=f"n_hidden={DEPTH}"))
    done = solve(Session(deep, NONCE, Module("small.py", module()), InProcess()))
    return done.claim, done.solution


@cache
def exported() -> Blob:
    return export_blob(*solved())


def instance_id() -> InstanceId:
    claim, _ = solved()
    return InstanceId.of(claim.task, claim.nonce)


# -- the format --------------------------------------------------------------------------------------------------


def floats(data: bytes) -> NDArray[np.float64]:
    return np.frombuffer(data, dtype="<f4").astype(np.float64)


def outputs(blob: Blob, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The network as the live one is read: by columns, ReLU before the norm; written for this test alone."""
    h = x
    for layer, rows in enumerate(blob.weights):
        flat = floats(b"".join(rows))
        h = h @ flat.reshape(h.shape[1], -1) + floats(blob.biases[layer])
        if layer < len(blob.norm_weights):
            means, variances = floats(blob.running_means[layer]), floats(blob.running_variances[layer])
            normed = (np.maximum(h, 0.0) - means) / np.sqrt(variances + 1e-5)
            h = normed * floats(blob.norm_weights[layer]) + floats(blob.norm_biases[layer])
    return h


def test_who_reads_the_blob_as_the_live_network_has_the_network_of_the_claim() -> None:
    """Up to the 22 bits of the operands here."""
    finer = replace(instance_id(), track=Track(replace(SMALL, operand_bits=22), DEPTH))
    weights = read_weights(solved()[1], finer.track)
    assert weights is not None
    points = draw_points(finer, 0, 40)
    expected = EagerNetwork(finer).predict(*weights, points.x)
    found = outputs(exported(), points.x.astype(np.float64))
    assert found.shape == (40, 1)
    assert found[:, 0] == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_the_blob_has_every_layer_and_the_frozen_ones_from_the_seed() -> None:
    claim, solution = solved()
    blob, width = exported(), SMALL.width
    assert [[len(row) for row in rows] for rows in blob.weights] == [
        [8] * width, *[[4 * width] * width] * DEPTH, [4 * width]
    ]  # fmt: skip
    assert [len(bias) for bias in blob.biases] == [*[4 * width] * (DEPTH + 1), 4]
    norms = (blob.norm_weights, blob.norm_biases, blob.running_means, blob.running_variances)
    assert all([len(row) for row in rows] == [4 * width] * (DEPTH + 1) for rows in norms)
    assert blob.epochs_used == claim.epochs
    for layer in (DEPTH, DEPTH + 1):
        weight = initial_weight(instance_id(), layer)
        assert b"".join(blob.weights[layer]) == weight.T.tobytes()
        assert not any(blob.biases[layer])
    assert (floats(blob.norm_weights[DEPTH]).tolist(), any(blob.norm_biases[DEPTH])) == ([1.0] * width, False)
    assert b"".join(blob.running_means) == solution.running_means
    assert b"".join(blob.running_variances) == solution.running_variances


def test_an_element_of_ours_is_where_the_network_has_it() -> None:
    architecture, (_, solution) = Architecture(instance_id().track), solved()
    views = architecture.layout().views(np.frombuffer(bytearray(solution.parameters), np.float32))
    flat = floats(b"".join(exported().weights[1]))
    for out, inputs in ((0, 1), (1, 0), (15, 7)):
        assert flat[inputs * SMALL.width + out] == views[4][out, inputs]
    assert floats(exported().biases[1]).tolist() == views[5].tolist()
    assert floats(exported().norm_weights[1]).tolist() == views[6].tolist()
    assert floats(exported().norm_biases[1]).tolist() == views[7].tolist()


# -- there and back ----------------------------------------------------------------------------------------------


def test_the_imported_solution_is_the_claims() -> None:
    claim, solution = solved()
    imported = import_solution(claim, decode_blob(encode_blob(exported())).blob)
    assert imported == solution
    assert imported.digest() == claim.solution_digest


@given(st.randoms(use_true_random=False))
def test_any_patterns_survive(random: Any) -> None:
    """NaNs of any kind among them."""
    claim, solution = solved()
    shuffled = replace(
        solution, parameters=random.randbytes(len(solution.parameters)),
        running_means=random.randbytes(len(solution.running_means)),
        running_variances=random.randbytes(len(solution.running_variances)),
    )  # fmt: skip
    assert import_solution(claim, export_blob(claim, shuffled)) == shuffled


@given(st.integers(0), st.integers(1, 255))
def test_any_changed_byte_gives_another_solution_or_a_fault(place: int, flip: int) -> None:
    """Nothing of a blob is ignored."""
    claim, solution = solved()
    data = bytearray(to_bincode(exported()))
    data[place % len(data)] ^= flip
    try:
        blob, _ = from_bincode(bytes(data))
        imported = import_solution(claim, blob)
    except (BlobError, ExchangeError):
        return
    assert imported.digest() != solution.digest()


# -- refusals ----------------------------------------------------------------------------------------------------


def flipped(rows: Rows, layer: int) -> Rows:
    """The rows with the last byte of one of them changed."""
    return (*rows[:layer], rows[layer][:-1] + bytes([rows[layer][-1] ^ 1]), *rows[layer + 1 :])


def with_weight(layer: int, change: Callable[[Rows], Rows]) -> Blob:
    weights = exported().weights
    return replace(exported(), weights=(*weights[:layer], change(weights[layer]), *weights[layer + 1 :]))


REFUSED: dict[str, tuple[Callable[[], Blob], ExchangeFault, str]] = {
    "epochs": (lambda: replace(exported(), epochs_used=0), ExchangeFault.EPOCHS, "epochs_used is 0, but"),
    "no layers": (lambda: replace(exported(), weights=()), ExchangeFault.LAYERS, "weights: 0 layers, but"),
    "biases": (lambda: replace(exported(), biases=exported().biases[1:]), ExchangeFault.LAYERS, "biases: 3 layers"),
    "norms": (
        lambda: replace(exported(), running_means=exported().running_means * 2),
        ExchangeFault.LAYERS, "running_means: 6 layers, but the claim's network has 3",
    ),
    "short": (lambda: with_weight(1, lambda rows: rows[1:]), ExchangeFault.SIZES, "weights[1]: is not of the size"),
    "rows": (lambda: with_weight(0, lambda rows: (b"".join(rows),)), ExchangeFault.SIZES, "weights[0]: is not"),
    "long": (
        lambda: replace(exported(), norm_biases=(*exported().norm_biases[:2], bytes(68))),
        ExchangeFault.SIZES, "norm_biases[2]: is not",
    ),
    "hidden": (
        lambda: with_weight(DEPTH, lambda rows: flipped(rows, 3)),
        ExchangeFault.FROZEN_WEIGHT, "weights[2]: 1 of 256 values are not those of the claim's seed",
    ),
    "output": (
        lambda: with_weight(DEPTH + 1, lambda rows: (bytes(len(rows[0])),)),
        ExchangeFault.FROZEN_WEIGHT, "weights[3]: 16 of 16 values are not those of the claim's seed",
    ),
    "hidden bias": (
        lambda: replace(exported(), biases=flipped(exported().biases, DEPTH)),
        ExchangeFault.FROZEN_BIAS, "biases[2]: is not 0",
    ),
    "output bias": (
        lambda: replace(exported(), biases=flipped(exported().biases, DEPTH + 1)),
        ExchangeFault.FROZEN_BIAS, "biases[3]: is not 0",
    ),
    "norm weight": (
        lambda: replace(exported(), norm_weights=flipped(exported().norm_weights, DEPTH)),
        ExchangeFault.FROZEN_NORM, "norm_weights[2]: is not 1",
    ),
    "norm bias": (
        lambda: replace(exported(), norm_biases=flipped(exported().norm_biases, DEPTH)),
        ExchangeFault.FROZEN_NORM, "norm_biases[2]: is not 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_export_wrote_is_refused_with_its_reason(case: str) -> None:
    blob, fault, text = REFUSED[case]
    with pytest.raises(ExchangeError) as error:
        import_solution(solved()[0], blob())
    assert error.value.fault is fault
    assert str(error.value).startswith(f"{fault}: {text}")


def test_a_blob_of_another_nonce_is_refused() -> None:
    with pytest.raises(ExchangeError, match=r"^frozen-weight: weights\[2\]: 256 of 256 "):
        import_solution(replace(solved()[0], nonce=8), exported())


@pytest.mark.parametrize(
    "change",
    [{"edition": "other"}, {"track_id": "n_hidden=3"}, {"parameters": b""}, {"running_means": bytes(4)}],
    ids=str,
)  # fmt: skip
def test_a_solution_of_another_network_is_not_exported(change: dict[str, Any]) -> None:
    claim, solution = solved()
    with pytest.raises(ExchangeError, match=r"^solution: the solution is not one of edition small, n_hidden=2$"):
        export_blob(claim, replace(solution, **change))


def test_the_texts_of_the_faults_are_stable() -> None:
    assert list(ExchangeFault) == [
        "solution", "epochs", "layers", "sizes", "frozen-weight", "frozen-bias", "frozen-norm",
    ]  # fmt: skip


# -- commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the claim, as the current folder."""
    monkeypatch.chdir(tmp_path)
    SigningKey.generate().save(Path("key.pem"))
    SigningKey.generate().save(Path("other.pem"))
    for record, name in zip(solved(), ("a.claim", "a.solution"), strict=True):
        Path(name).write_bytes(seal(record, SigningKey.load(Path("key.pem"))).to_bytes())
    Path("a.blob").write_text(encode_blob(exported()))
    return tmp_path


def run(command: click.Command, *arguments: str) -> str:
    """Its standard output. Raises what the entry point turns into a message and exit code 2."""
    done = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    assert done.exit_code == 0
    return str(done.stdout)


@pytest.mark.usefixtures("folder")
def test_export_and_import_give_a_solution_that_is_accepted() -> None:
    assert run(export_command, "a.claim", "-o", "new/b.blob") == ""
    assert decode_blob(Path("new/b.blob").read_bytes()).blob == exported()
    printed = run(import_command, "a.claim", "new/b.blob", "--key", "key.pem", "-o", "b.solution")
    assert printed == "b.solution: the solution that a.claim names\n"
    claim, solution = (Envelope.from_bytes(Path(name).read_bytes()) for name in ("a.claim", "b.solution"))
    assert verify(Evidence(claim, solution), Level.EVALUATE, InProcess()).outcome is Outcome.ACCEPTED
    assert Path("b.solution").read_bytes() == Path("a.solution").read_bytes()


@pytest.mark.usefixtures("folder")
def test_export_prints_the_blob_and_import_writes_beside_the_claim() -> None:
    before = Path("a.solution").read_bytes()
    Path("a.solution").rename("kept.solution")
    Path("c.blob").write_text(run(export_command, "a.claim", "--solution", "kept.solution"))
    run(import_command, "a.claim", "c.blob", "--key", "key.pem")
    assert Path("a.solution").read_bytes() == before


@pytest.mark.usefixtures("folder")
def test_an_output_record_carries_nonce_fuel_and_a_signature_of_the_training() -> None:
    claim = solved()[0]
    run(export_command, "a.claim", "--output-data", "-o", "7.json")
    output = OutputData.from_json(Path("7.json").read_bytes().strip())
    assert (output.nonce, output.fuel_consumed) == (claim.nonce, claim.fuel_used)
    assert struct.pack("<Q", output.runtime_signature) == claim.transcript_root[:8]
    assert decode_blob(output.solution).blob == exported()
    run(import_command, "a.claim", "7.json", "--key", "key.pem", "-o", "b.solution")
    assert Path("b.solution").read_bytes() == Path("a.solution").read_bytes()


def _output_of_another_nonce() -> None:
    text = run(export_command, "a.claim", "--output-data")
    output = OutputData.from_json(text.strip())
    Path("a.blob").write_text(replace(output, nonce=output.nonce + 1).to_json())


def _other_claim() -> None:
    claim = replace(solved()[0], solution_digest=bytes(32))
    Path("a.claim").write_bytes(seal(claim, SigningKey.load(Path("key.pem"))).to_bytes())


def _other_track() -> None:
    claim = changed(solved()[0], settings=replace(SETTINGS, track_id="n_hidden=0"))
    Path("a.claim").write_bytes(seal(claim, SigningKey.load(Path("key.pem"))).to_bytes())


def _forged() -> None:
    envelope = Envelope.from_bytes(Path("a.claim").read_bytes())
    Path("a.claim").write_bytes(replace(envelope, signature=bytes(64)).to_bytes())


def _cut_blob() -> None:
    Path("a.blob").write_text(encode_blob(exported())[:400])


def _nothing() -> None:
    pass


EXPORT = (export_command, "a.claim")
IMPORT = (import_command, "a.claim", "a.blob", "--key", "key.pem", "-o", "b.solution")
MISTAKES: list[tuple[Callable[[], None], tuple[Any, ...], str]] = [
    (_nothing, (*EXPORT, "-o", "a.blob"), r"^a\.blob: exists"),
    (_nothing, (export_command, "b.claim"), r"^b\.claim: No such file"),
    (_nothing, (*EXPORT, "--solution", "a.claim"), r"^a\.claim: .*solution"),
    (_nothing, (export_command, "a.solution"), r"^a\.solution: .*claim"),
    (_nothing, (*EXPORT, "--solution", "key.pem"), r"^key\.pem: is a key, no signed record"),
    (_other_claim, EXPORT, r"^a\.solution: is not the solution that the claim names"),
    (_other_track, EXPORT, r"^a\.claim: track 'n_hidden=0'"),
    (_forged, EXPORT, r"^a\.claim: the signature does not hold"),
    (_nothing, (*IMPORT, "-o", "a.solution"), r"^a\.solution: exists"),
    (_nothing, IMPORT[:-2], r"^a\.solution: exists"),
    (_nothing, (*IMPORT, "--key", "other.pem"), r"^other\.pem: did not sign a\.claim"),
    (_nothing, (import_command, "a.claim", "b.blob", *IMPORT[3:]), r"^b\.blob: No such file"),
    (_nothing, (import_command, "a.claim", "key.pem", *IMPORT[3:]), r"^key\.pem: character 0: "),
    (_cut_blob, IMPORT, r"^a\.blob: the gzip member ends early"),
    (_output_of_another_nonce, IMPORT, r"^a\.blob: is of nonce \d+, the claim of \d+"),
    (_other_claim, IMPORT, r"^a\.blob: is not the solution that the claim names"),
    (_forged, IMPORT, r"^a\.claim: the signature does not hold"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[2])
def test_a_mistake_is_named_and_nothing_is_written(mistake: tuple[Callable[[], None], tuple[Any, ...], str]) -> None:
    prepare, call, message = mistake
    prepare()
    before = {path: path.read_bytes() for path in Path().iterdir()}
    with pytest.raises(InputError, match=message):
        run(*call)
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


@pytest.mark.parametrize("command", [export_command, import_command])
def test_the_help_says_that_live_networks_are_others(command: click.Command) -> None:
    assert "dimensions" in run(command, "--help")
