"""Claims and benchmarks as files, for the commands that commit, sample and prove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from protocol.benchmark import Benchmark, Ledger
from protocol.claim import Claim
from protocol.envelope import Envelope, open_envelope
from protocol.errors import ProtocolError, RecordError, SignatureError
from protocol.keys import VerifyKey
from protocol.record import Record
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_envelope, read_record


def read_benchmark(path: Path) -> tuple[Envelope, Benchmark]:
    """A benchmark whose signature holds, in and out of its envelope: its digest is that of the payload. InputError."""
    envelope = read_envelope(path)
    try:
        return envelope, open_envelope(envelope, Benchmark)
    except ProtocolError as error:
        raise InputError(f"{path}: {error}") from None


def read_unjudged(path: Path, kind: type[Record]) -> Envelope:
    """A record of `kind` whose signature may not hold: what to answer then is not said here. Raises InputError."""
    envelope = read_envelope(path)
    try:
        open_envelope(envelope, kind)
    except SignatureError:
        return envelope
    except ProtocolError as error:
        raise InputError(f"{path}: {error}") from None
    return envelope


def entered(paths: Sequence[Path], ledger: Ledger, signer: VerifyKey) -> Iterator[Claim]:
    """Claims signed by `signer`, each once it is in the ledger. Raises InputError, which names file and field."""
    for path in paths:
        claim, author = read_record(path, Claim)
        if author != signer.raw:
            found = VerifyKey.from_raw(author).fingerprint
            raise InputError(f"{path}: is signed by key {found}, not {signer.fingerprint}; pass the key that signed it")
        try:
            ledger.add(claim)
        except RecordError as error:
            raise InputError(f"{path}: {error}") from None
        yield claim
