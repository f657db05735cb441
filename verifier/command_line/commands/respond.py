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
from verifier.challenge.solving import Task
from verifier.command_line.files import (
    Bundle,
    Response,
    load_signing_key,
    read_module,
    read_record,
    require_new,
    require_writable,
    write_file,
)
from verifier.command_line.isolation_options import device_option, isolation_option, open_isolation
from verifier.command_line.progress import Progress
from verifier.verification.audit import Ground
from verifier.verification.audit import respond as answer


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
@device_option
def respond(
    request_file: Path, claim_file: Path, key_file: Path, signer: Path | None, folder: Path | None,
    optimiser: Path | None, isolation: str, device: str,
) -> None:  # fmt: skip
    """Answer a validator's REQUEST for an audit of CLAIM: train again, and write the states that it asks for.

    The answer is a folder with a response and a file for each state, to be sent to the validator whole. It takes
    about as long as solving did.

    \b
    Example: tig-verify respond audit.request out/adam-n_hidden=4-nonce=0.claim --key key.pem
    """
    bundle = Bundle(claim_file)
    request, asker = read_record(request_file, AuditRequest)
    claim, author = read_record(claim_file, Claim)
    if request.claim_digest != claim.digest():
        raise InputError(f"{request_file}: is about another claim than {claim_file}; name the one that it is for")
    if signer is not None and VerifyKey.load(signer).raw != asker:
        raise InputError(f"{request_file}: is not signed with the key of {signer}; answer only validators you know")
    key = load_signing_key(key_file)
    if key.verify_key.raw != author:
        raise InputError(f"{key_file}: is not the key that signed {claim_file}, and only that one can answer for it")
    module, source = read_module(bundle, claim.optimiser_digest, optimiser)
    files = Response(folder) if folder else bundle.response
    require_new(files.response, "perhaps for another request; choose another folder with -o")
    require_writable(files.folder)
    started = time.perf_counter()
    with open_isolation(isolation) as place, _writing(files, key) as written:
        with Progress("training again", claim.epochs) as progress:
            ground = Ground(Task.of(claim, source, module.name), place, device)
            try:
                response = answer(request, claim, ground, written.keep, progress.reach)
            except OptimiserError as error:
                raise InputError(f"{module}: {error}") from None
        written.write(files.response, response)
    seconds, size = time.perf_counter() - started, sum(written.sizes.values()) / 2**20
    click.echo(f"{files.folder}: {len(written.sizes) - 1} states, {size:.1f} MiB in all, {seconds:.1f} s")


@dataclass
class _Written:
    """What has been written of an answer so far."""

    files: Response
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
def _writing(files: Response, key: SigningKey) -> Iterator[_Written]:
    """Where to write an answer; one that is not completed is removed."""
    written = _Written(files, key)
    try:
        yield written
    except BaseException:
        for path in written.sizes:
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # there is none, or it holds other files
            files.folder.rmdir()
        raise
