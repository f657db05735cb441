"""`tig-verify inspect`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from protocol.audit import AuditRequest, AuditResponse, EpochState
from protocol.benchmark import Benchmark
from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope
from protocol.errors import ProtocolError, SignatureError
from protocol.examination import Examination
from protocol.hashes import blake3_digest
from protocol.keys import VerifyKey
from protocol.precommit import Precommit
from protocol.proof import Proof
from protocol.record import Record
from protocol.solution import Solution
from protocol.transcript import Transcript
from protocol.tuning import Tuning
from protocol.verdict import Verdict
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE, USAGE
from verifier.command_line.files import read_envelope
from verifier.command_line.terminal import json_text, say
from verifier.command_line.verifying.claim_files import records_in

_RECORDS: tuple[type[Record], ...] = (
    Claim, Solution, Transcript, AuditRequest, AuditResponse, EpochState, Verdict, Precommit, Benchmark, Proof,
    Examination, Tuning,
)  # fmt: skip
_LONG = 40
_MANY = 9
_COUNTED = frozenset({"quality", "fuel_used", "fuel_budget"})


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file; losses and digests whole.")
def inspect(files: tuple[Path, ...], as_json: bool) -> int:
    """Show the contents of signed records: claims, solutions, precommits, benchmarks, verdicts ..

    A folder among FILES stands for its claims, or if it has none for its verdicts. The signature is checked; nothing
    else is (that is `verify`). With --json a file that cannot be shown is an object too, whose type is null and whose
    detail says why; its message and exit code 2 are the same.

    \b
    Example: tig-verify inspect out/adam-n_hidden=4-nonce=0.claim
             tig-verify inspect verdicts --json
    """
    code = DONE
    for path, shown in _contents(files):
        if not isinstance(shown, InputError):
            say(*([json_text({"file": str(path), **shown})] if as_json else [str(path), *_lines(_readable(shown))]))
            continue
        code = USAGE
        say(f"tig-verify: {shown}", is_error=True)
        if as_json:
            say(json_text({"file": str(path), "type": None, "detail": str(shown)}))
    return code


def _contents(paths: Iterable[Path]) -> Iterator[tuple[Path, dict[str, object] | InputError]]:
    """The contents of each file, also of those that a folder stands for, or why there are none."""
    for named in paths:
        try:
            found = records_in(named)
        except InputError as error:
            yield named, error
            continue
        for path in found:
            try:
                yield path, _describe(path)
            except InputError as error:
                yield path, error


def _readable(shown: dict[str, object]) -> dict[str, object]:
    """The same for people, who know keys by their fingerprints and count digits badly."""
    counted = {name: f"{value:,}" for name, value in shown.items() if name in _COUNTED and isinstance(value, int)}
    return {**shown, "signer": VerifyKey(bytes.fromhex(str(shown["signer"]))).fingerprint, **counted}


def _describe(path: Path) -> dict[str, object]:
    """The contents of a signed record as plain values. Raises InputError."""
    envelope = read_envelope(path)
    kind = next((kind for kind in _RECORDS if envelope.payload_type.endswith(f".{kind.TYPE}+msgpack")), None)
    if kind is None:
        raise InputError(f"{path}: is of the unknown type {envelope.payload_type[:80]!a}; use the version that made it")
    try:
        record, signature = _opened(envelope, kind)
    except ProtocolError as error:
        raise InputError(f"{path}: {error}") from None
    return {
        "type": kind.TYPE,
        "signature": signature,
        "signer": envelope.public_key.hex(),
        "digest": blake3_digest(envelope.payload).hex(),
        **{name: _plain(value) for name, value in record.to_map().items()},
    }


def _opened(envelope: Envelope, kind: type[Record]) -> tuple[Record, str]:
    """The record, and whether its signature holds. Raises ProtocolError."""
    try:
        return open_envelope(envelope, kind).record, "valid"
    except SignatureError:
        return kind.from_bytes(envelope.payload), "INVALID"


def _plain(value: object) -> object:
    """A value of a record with its bytes as text."""
    if isinstance(value, bytes):
        return value.hex() if len(value) <= _LONG else f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _lines(shown: Mapping[str, object], indent: str = "  ") -> list[str]:
    lines = []
    for name, value in shown.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}:", *_lines(value, indent + "  ")] if value else [f"{indent}{name}: none"]
        elif isinstance(value, list):
            lines += _list_lines(name, value, indent)
        else:
            lines.append(f"{indent}{name}: {'none' if value is None else value}")
    return lines


def _list_lines(name: str, values: list[object], indent: str) -> list[str]:
    if values and isinstance(values[0], Mapping):
        shown = range(len(values)) if len(values) <= _MANY else (0, len(values) - 1)
        count = [] if len(values) <= _MANY else [f"{indent}{name}: {len(values)} values, the first and the last:"]
        return [*count, *_lines({f"{name}[{index}]": values[index] for index in shown}, indent)]
    ends = f", {_number(values[0])} .. {_number(values[-1])}" if values else ""
    return [f"{indent}{name}: {len(values)} values{ends}"]


def _number(value: object) -> str:
    return f"{value:.5f}" if isinstance(value, float) else str(value)
