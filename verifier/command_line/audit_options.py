"""The files that `verify --level audit` needs beside the claim: a request to be sent, or one with its answer."""

from __future__ import annotations

import json
from pathlib import Path

import click

from protocol.audit import AuditRequest
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level
from verifier.challenge.errors import InputError
from verifier.command_line.claim_files_verifier import Answered
from verifier.command_line.files import read_record, write_file
from verifier.verification.audit_response import choose_epochs
from verifier.verification.self_audit import SelfAudit


def read_audit(
    level: Level, count: int | None, out: Path | None, request: Path | None, response: Path | None,
    key: SigningKey | None,
) -> Answered | SelfAudit | None:  # fmt: skip
    """The audit that the options ask for. Raises InputError for options that do not go together."""
    if level is not Level.AUDIT:
        if (count, out, request, response) != (None,) * 4:
            raise InputError("--epochs, --request-out, --request and --response go with --level audit")
        return None
    if (request is None) != (response is None) or (count is None) == (request is None):
        raise InputError("--level audit needs --epochs, with --request-out or alone, or --request with --response")
    if request is None or response is None:
        return SelfAudit(count or 0)
    if key is None:
        raise InputError("--request needs --key, your own: anybody can sign a request for epochs that suit them")
    asked = read_record(request, AuditRequest)
    if asked.signer != key.verify_key.raw:
        raise InputError(
            f"{request}: is not signed with the key of --key; only a request of your own is worth an answer"
        )
    return Answered(asked.record, request, response)


def write_request(path: Path, claim_file: Path, count: int, key: SigningKey, as_json: bool) -> None:
    """Choose epochs of a claim, and say what to do next. Raises InputError."""
    request = choose_epochs(read_record(claim_file, Claim), count)
    write_file(path, seal(request, key).to_bytes())
    if as_json:
        click.echo(json.dumps({"claim": str(claim_file), "request": str(path), "epochs": request.epochs}))
        return
    listed = ", ".join(map(str, request.epochs)) or "none, as the claim has none"
    click.echo(
        f"{path}: epochs {listed}\n"
        f"  the benchmarker answers with  tig-verify respond {path.name} {claim_file.name} --key KEY\n"
        f"  and you judge the answer with  tig-verify verify {claim_file} --level audit --request {path} "
        "--response FOLDER --key KEY"
    )
