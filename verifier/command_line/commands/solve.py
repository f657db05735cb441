"""`tig-verify solve`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol.envelope import seal
from protocol.hashes import blake3_digest
from protocol.keys import SigningKey
from protocol.task import Task
from protocol.transcript import Transcript
from sandbox.errors import OptimiserError
from verifier.challenge.errors import InputError
from verifier.challenge.module import Module
from verifier.challenge.quality import qualifies
from verifier.command_line.execution_options import device_option, isolation_option, open_isolation
from verifier.command_line.files import (
    ClaimFiles,
    load_signing_key,
    new_claim_files,
    read_module,
    require_new,
    require_short,
    require_writable,
    write_file,
)
from verifier.command_line.folder_lock import writing_alone
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import json_text, say
from verifier.command_line.work_options import Work, work_options

if TYPE_CHECKING:
    from sandbox.isolation import Isolation
    from verifier.challenge.solving import Solved


@dataclass(frozen=True)
class _Job:
    """The options common to the nonces of one call."""

    task: Task
    optimiser: Path
    module: Module
    device: str
    key: SigningKey
    folder: Path

    def files(self, nonce: int) -> ClaimFiles:
        """The files of one nonce."""
        return new_claim_files(self.folder, self.optimiser, self.task.settings.track_id, nonce)


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Private key that signs the claims.")
@click.option("-o", "--out", "folder", default=".", type=click.Path(path_type=Path), help="Folder for the claims.")
@work_options
@isolation_option
@device_option
@click.option("--overwrite", is_flag=True, help="Replace claims that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each claim.")
def solve(
    optimiser: Path, work: Work, key: Path, folder: Path, isolation: str, device: str, overwrite: bool, as_json: bool
) -> None:
    """Train OPTIMISER on the instance of each nonce and write signed claims.

    For each nonce a .claim, a .solution and a .transcript are written, and once the module under the name of its
    digest.

    What is trained follows from --precommit and --seed-beacon, or is chosen here, with --track, --nonces and the
    options after them: then nobody can know how many choices were tried.

    \b
    Example: tig-verify solve adam.py --precommit adam.precommit --seed-beacon 6b --key key.pem -o out
             tig-verify solve adam.py --track n_hidden=4 --nonces 0..9 --key key.pem -o out
    """
    module = read_module(optimiser)
    job = _Job(work.task(module), optimiser, module, device, load_signing_key(key), folder)
    if work.signer not in (None, job.key.verify_key.raw):
        raise InputError(f"{key}: did not sign the precommit; pass the key that did")
    require_writable(folder)
    for nonce in work.nonces:
        _require_room(job.files(nonce), overwrite)
    with open_isolation(isolation) as place:
        place.prepare()  # before this process imports what trains: each takes most of a second
        for nonce, solved, seconds in _solved(job, work.nonces, place):
            files = job.files(nonce)
            with writing_alone(folder):
                _require_room(files, overwrite)  # another call may have written its claim meanwhile
                _write(job, files, solved)
            say(_as_json(files, solved, seconds) if as_json else _as_text(files, solved, seconds))


def _solved(job: _Job, nonces: Sequence[int], isolation: Isolation) -> Iterator[tuple[int, Solved, float]]:
    """Solve one nonce after the other under a progress bar."""
    from verifier.challenge.session import Session
    from verifier.challenge.solving import solve as run

    with Progress("starting", len(nonces)) as progress:
        for nonce in nonces:
            progress.begin(f"nonce {nonce}")
            started = time.perf_counter()
            try:
                solved = run(Session(job.task, nonce, job.module, isolation, job.device), progress.observe)
            except OptimiserError as error:
                raise InputError(f"{job.optimiser}: {error}") from None
            progress.advance()
            yield nonce, solved, time.perf_counter() - started


def _require_room(files: ClaimFiles, overwrite: bool) -> None:
    """Refuse names that are too long, and unless they may be replaced those of another claim. Raises InputError."""
    require_short(files.transcript)
    if not overwrite:
        require_new(files.claim, "choose another folder with -o, or pass --overwrite")


def _write(job: _Job, files: ClaimFiles, solved: Solved) -> None:
    """Write the files of a claim, the claim last, an older one gone first: where it is, the others are its own."""
    files.claim.unlink(missing_ok=True)
    write_file(files.module(job.module.digest), job.module.source)
    write_file(files.solution, seal(solved.solution, job.key).to_bytes())
    claim = seal(solved.claim, job.key)
    transcript = Transcript(blake3_digest(claim.payload), solved.training.leaves)
    write_file(files.transcript, seal(transcript, job.key).to_bytes())
    write_file(files.claim, claim.to_bytes())


def _as_text(files: ClaimFiles, solved: Solved, seconds: float) -> str:
    claim = solved.claim
    qualified = "qualifies" if qualifies(claim.quality) else "does not qualify"
    return (
        f"{files.claim}: quality {claim.quality} ({qualified}) after {claim.epochs} epochs ({claim.stop_reason}, "
        f"best {claim.best_epoch}), test loss {solved.score.loss:.5f}, threshold {solved.score.threshold:.5f}, "
        f"{seconds:.1f} s"
    )


def _as_json(files: ClaimFiles, solved: Solved, seconds: float) -> str:
    claim = solved.claim
    return json_text(
        {
            "claim": str(files.claim),
            "nonce": claim.nonce,
            "quality": claim.quality,
            "qualifies": qualifies(claim.quality),
            "epochs": claim.epochs,
            "best_epoch": claim.best_epoch,
            "stop_reason": claim.stop_reason,
            "fuel_used": claim.fuel_used,
            "transcript_root": claim.transcript_root.hex(),
            "seconds": round(seconds, 3),
        }
    )
