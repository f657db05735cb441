"""The options of an audit, and its files beside the claim: a request to be sent, or one with its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from protocol.claim import Claim
from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.verdict import Level
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_record, write_file
from verifier.command_line.options.option_groups import option_group
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import json_text, say

if TYPE_CHECKING:
    from verifier.command_line.verifying.answered_audit import AnsweredAudit
    from verifier.verification.self_audit import SelfAudit


@dataclass(frozen=True)
class AuditOptions:
    """An audit as it is asked for."""

    epochs: int | None
    request_out: Path | None
    request: Path | None
    response: Path | None


audit_options: Final = option_group(
    "audit",
    AuditOptions,
    click.option(
        "--epochs", type=WholeNumber(0), help="Audit: the first epoch, the best, the last, and so many at random."
    ),
    click.option("--request-out", type=click.Path(path_type=Path), help="Audit: write the request here, and stop."),
    click.option("--request", type=click.Path(path_type=Path), help="Audit: the request that you wrote."),
    click.option("--response", type=click.Path(path_type=Path), help="Audit: the folder that the benchmarker sent."),
)


def read_audit(level: Level, options: AuditOptions, key: SigningKey | None) -> AnsweredAudit | SelfAudit | None:
    """The audit that the options ask for. Raises InputError for options that do not go together."""
    from verifier.command_line.verifying.answered_audit import AnsweredAudit
    from verifier.command_line.verifying.audit_requests import own_request
    from verifier.verification.self_audit import SelfAudit

    epochs, request, response = options.epochs, options.request, options.response
    if level is not Level.AUDIT:
        if options != AuditOptions(None, None, None, None):
            raise InputError("--epochs, --request-out, --request and --response go with --level audit")
        return None
    if (request is None) != (response is None) or (epochs is None) == (request is None):
        raise InputError("--level audit needs --epochs, with --request-out or alone, or --request with --response")
    if request is None or response is None:
        return SelfAudit(epochs or 0)
    if key is None:
        raise InputError("--request needs --key, your own: anybody can sign a request for epochs that suit them")
    return AnsweredAudit(own_request(request, key), request, response)


def write_request(path: Path, claim_file: Path, count: int, key: SigningKey, as_json: bool) -> None:
    """Choose epochs of a claim, and say what to do next. Raises InputError."""
    from verifier.verification.audit_response import choose_epochs

    request = choose_epochs(read_record(claim_file, Claim), count)
    write_file(path, seal(request, key).to_bytes())
    if as_json:
        say(json_text({"file": str(claim_file), "request": str(path), "epochs": request.epochs}))
        return
    listed = ", ".join(map(str, request.epochs)) or "none, as the claim has none"
    say(
        f"{path}: epochs {listed}",
        f"  the benchmarker answers with  tig-verify respond {path.name} {claim_file.name} --key KEY",
        f"  and you judge the answer with  tig-verify verify {claim_file} --level audit --request {path} "
        "--response FOLDER --key KEY",
    )
