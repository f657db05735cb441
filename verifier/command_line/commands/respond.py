"""`tig-verify respond`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

from protocol.audit import AuditRequest, EpochState
from protocol.canonical_msgpack import MAX_SIZE
from protocol.claim import Claim
from protocol.envelope import seal
from protocol.errors import CodecError
from protocol.keys import SigningKey, VerifyKey
from protocol.record import Record
from sandbox.errors import OptimiserError
from verifier.challenge.errors import InputError
from verifier.command_line.files import (
    ClaimFiles,
    ResponseFiles,
    find_module,
    load_signing_key,
    read_record,
    require_new,
    require_writable,
    write_file,
)
from verifier.command_line.folder_lock import writing_alone
from verifier.command_line.options.execution_options import isolation_option, open_isolation
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import say

_OTHER = "perhaps for another request; choose another folder with -o"


@click.command()
@click.argument("request_file", metavar="REQUEST", type=click.Path(path_type=Path))
@click.argument("claim_file", metavar="CLAIM", type=click.Path(path_type=Path))
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path),
              help="Private key that signed the claim.")  # fmt: skip
@click.option("--signer", type=click.Path(path_type=Path),
              help="Public key that must have signed the request. Default: answer anybody.")  # fmt: skip
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path),
              help="Folder for the answer. Default: beside the claim, under its name with .response.")  # fmt: skip
@click.option("--optimiser", type=click.Path(path_type=Path), help="The module. Default: beside the claim, by digest.")
@isolation_option
def respond(
    request_file: Path, claim_file: Path, key_file: Path, signer: Path | None, folder: Path | None,
    optimiser: Path | None, isolation: str,
) -> None:  # fmt: skip
    """Answer a validator's REQUEST for an audit of CLAIM: train again, and write the states that it asks for.

    The answer is a folder with a response and a file for each state, to be sent to the validator whole. It takes
    about as long as solving did.

    \b
    Example: tig-verify respond audit.request out/adam-n_hidden=4-nonce=0.claim --key key.pem
    """
    claim_files = ClaimFiles(claim_file)
    request = read_record(request_file, AuditRequest)
    claim = read_record(claim_file, Claim)
    if request.record.claim_digest != claim.digest:
        raise InputError(f"{request_file}: is about another claim than {claim_file}; name the one that it is for")
    if signer is not None and VerifyKey.load(signer).raw != request.signer:
        raise InputError(f"{request_file}: is not signed with the key of {signer}; answer only validators you know")
    key = load_signing_key(key_file)
    if key.verify_key.raw != claim.signer:
        raise InputError(f"{key_file}: is not the key that signed {claim_file}, and only that one can answer for it")
    task = claim.record.task
    module = find_module(claim_files, task.optimiser_digest, optimiser)
    files = ResponseFiles(folder) if folder else claim_files.response
    require_new(files.response, _OTHER)
    require_writable(files.folder)
    from verifier.challenge.session import Session
    from verifier.verification.audit_response import respond as answer

    started = time.perf_counter()
    with open_isolation(isolation) as place, _writing(files, key) as written:
        with Progress("training again", claim.record.epochs) as progress:
            session = Session(task, claim.record.nonce, module, place)
            try:
                response = answer(request.record, claim, session, written.keep, progress.reach)
            except OptimiserError as error:
                raise InputError(f"{module.name}: {error}") from None
        written.write(files.response, response)
    seconds, size = time.perf_counter() - started, sum(written.sizes.values()) / 2**20
    say(f"{files.folder}: {len(written.sizes) - 1} states, {size:.1f} MiB in all, {seconds:.1f} s")


@dataclass
class _Written:
    """The files of an answer that are written so far."""

    files: ResponseFiles
    key: SigningKey
    sizes: dict[Path, int] = field(default_factory=dict)

    def keep(self, state: EpochState) -> None:
        """Write a state."""
        try:
            self.write(self.files.state(state.epoch), state)
        except CodecError:
            size = len(state.optimiser_state)
            raise InputError(
                f"the state after epoch {state.epoch} does not fit into a file of {MAX_SIZE} bytes (the optimiser's "
                f"part has {size}); the claim cannot be audited, only replayed: tell the validator"
            ) from None

    def write(self, path: Path, record: Record) -> None:
        """Write a signed record."""
        data = seal(record, self.key).to_bytes()
        write_file(path, data)
        self.sizes[path] = len(data)


@contextlib.contextmanager
def _writing(files: ResponseFiles, key: SigningKey) -> Iterator[_Written]:
    """A folder for an answer; one that is not completed is removed."""
    written = _Written(files, key)
    with writing_alone(files.folder, patience=0.0):
        require_new(files.response, _OTHER)  # another call may just have written it
        try:
            yield written
        except BaseException:
            for path in written.sizes:
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it holds other files
                files.folder.rmdir()
            raise
