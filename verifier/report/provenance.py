"""How a page was made: of which files, by which call, with which versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from protocol.hashes import blake3_digest
from verifier.report.content import Fact, Facts, Form


@dataclass(frozen=True)
class Input:
    """What a path of the call has."""

    path: str
    kind: str
    """What the digest is of, for people, such as `of a study`."""
    size: int
    """Bytes."""
    digest: str
    """BLAKE3 in hexadecimal digits; of several files that of their list, as `b3sum *.claim | b3sum` has it."""


def listing_digest(files: Sequence[tuple[str, str]]) -> str:
    """What `b3sum *.claim | b3sum` prints of files, each with its name and its digest, in hexadecimal digits."""
    files = sorted(files)
    return blake3_digest(
        "".join(f"{digest}  {name}\n" for name, digest in files).encode(errors="surrogateescape")
    ).hex()


def provenance(inputs: Sequence[Input], command: str, versions: Mapping[str, str]) -> list[Facts]:
    """The sections of a page's end."""
    call = [
        Fact("command", command, Form.CODE),
        Fact("made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")),
        Fact("with", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    files = [
        Fact(each.path, each.digest, Form.CODE, note=f"BLAKE3 {each.kind}, {each.size:,} bytes")
        for each in inputs
        if each.size
    ]
    return [Facts("This page", call), *([Facts("Its inputs", files)] if files else [])]
