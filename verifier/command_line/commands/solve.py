"""`tig-verify solve`."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from protocol.envelope import seal
from protocol.keys import SigningKey
from protocol.settings import Settings, instance_seed
from protocol.transcript import Transcript
from sandbox.errors import OptimiserError
from sandbox.isolation import Isolation
from sandbox.optimiser import Scalar
from verifier.challenge.editions import Edition, Track, find_edition
from verifier.challenge.errors import InputError
from verifier.challenge.solving import Solved, Task
from verifier.challenge.solving import solve as run
from verifier.challenge.training.trainer import Epoch
from verifier.command_line.files import (
    Bundle,
    bundle_for,
    load_signing_key,
    read_file,
    require_new,
    require_writable,
    write_file,
)
from verifier.command_line.instance_options import instance_options
from verifier.command_line.isolation_options import device_option, isolation_option, open_isolation


class Hyperparameter(click.ParamType[tuple[str, Scalar]]):
    """NAME=VALUE with a JSON value."""

    name = "NAME=VALUE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Scalar]:
        """Read the text of the option."""
        name, equals, text = str(value).partition("=")
        try:
            parsed = json.loads(text, parse_constant=float)
        except ValueError:
            parsed = text
        if not equals or not name or not _is_scalar(parsed):
            self.fail(f"{value!r}: write it as NAME=VALUE, such as lr=0.01", param, ctx)
        return name, parsed


def _is_scalar(value: object) -> bool:
    """Whether a JSON value can be in a claim."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str)


@dataclass(frozen=True)
class _Job:
    """What is common to the nonces of one call."""

    edition: Edition
    settings: Settings
    rand_hash: str
    optimiser: Path
    source: bytes
    hyperparameters: dict[str, Scalar]
    fuel_budget: int
    device: str
    key: SigningKey
    folder: Path

    def task(self, nonce: int) -> Task:
        """The training of one nonce."""
        return Task(
            self.edition, self.settings, self.rand_hash, nonce,
            self.source, self.optimiser.name, self.hyperparameters, self.fuel_budget,
        )  # fmt: skip

    def bundle(self, nonce: int) -> Bundle:
        """The files of one nonce."""
        return bundle_for(self.folder, self.optimiser, self.settings.track_id, nonce)


@click.command()
@click.argument("optimiser", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Private key that signs the claims.")
@click.option("-o", "--out", "folder", default=".", type=click.Path(path_type=Path), help="Folder for the claims.")
@instance_options
@click.option("-p", "--hyperparameter", "overrides", multiple=True, type=Hyperparameter(),
              help="Override of one of the module's HYPERPARAMETERS; may be repeated.")  # fmt: skip
@click.option("--fuel", "fuel_budget", type=click.IntRange(1), help="Fuel budget; default: the edition's maximum.")
@isolation_option
@device_option
@click.option("--overwrite", is_flag=True, help="Replace claims that exist.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each claim.")
def solve(
    optimiser: Path, track: str, nonces: range, key: Path, folder: Path, edition: str, rand_hash: str, player_id: str,
    algorithm_id: str, block_id: str, challenge_id: str, overrides: tuple[tuple[str, Scalar], ...],
    fuel_budget: int | None, isolation: str, device: str, overwrite: bool, as_json: bool,
) -> None:  # fmt: skip
    """Train OPTIMISER on the instance of each nonce and write signed claims.

    For each nonce a .claim, a .solution and a .transcript are written, and once the module under the name of its
    digest.

    \b
    Example: tig-verify solve adam.py --track n_hidden=4 --nonce 0..9 --key key.pem -o out
    """
    chosen = find_edition(edition)
    Track.parse(track, chosen)
    if fuel_budget is not None and fuel_budget > chosen.max_fuel_budget:
        raise InputError(f"--fuel: the edition's maximum is {chosen.max_fuel_budget}")
    job = _Job(
        chosen, Settings(algorithm_id, block_id, challenge_id, player_id, track), rand_hash, optimiser,
        read_file(optimiser), dict(overrides), fuel_budget or chosen.max_fuel_budget,
        device, load_signing_key(key), folder,
    )  # fmt: skip
    instance_seed(job.settings, rand_hash, nonces[0])  # refuses impossible settings before anything is computed
    require_writable(folder)
    if not overwrite:
        for nonce in nonces:
            require_new(job.bundle(nonce).claim, "choose another folder with -o, or pass --overwrite")
    with open_isolation(isolation) as place:
        for nonce, solved, seconds in _solved(job, nonces, place):
            bundle = _write(job, nonce, solved)
            click.echo(_as_json(bundle, solved, seconds) if as_json else _as_text(bundle, solved, seconds))


def _solved(job: _Job, nonces: range, isolation: Isolation) -> Iterator[tuple[int, Solved, float]]:
    """Solve one nonce after the other under a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("starting", total=len(nonces))
        for nonce in nonces:

            def show(epoch: Epoch, nonce: int = nonce) -> None:
                progress.update(
                    bar,
                    description=f"nonce {nonce}  epoch {epoch.number}  validation loss {epoch.validation_loss:.4f}"
                    f" (best {epoch.best_validation_loss:.4f})",
                )

            started = time.perf_counter()
            try:
                solved = run(job.task(nonce), isolation, show, job.device)
            except OptimiserError as error:
                raise InputError(f"{job.optimiser}: {error}") from None
            progress.advance(bar)
            yield nonce, solved, time.perf_counter() - started


def _write(job: _Job, nonce: int, solved: Solved) -> Bundle:
    """Write the files of a claim, the claim last, an older one gone first: where it is, the others are its own."""
    bundle = job.bundle(nonce)
    bundle.claim.unlink(missing_ok=True)
    write_file(bundle.module(solved.claim.optimiser_digest), job.source)
    write_file(bundle.solution, seal(solved.solution, job.key).to_bytes())
    transcript = Transcript(solved.claim.digest(), solved.training.leaves)
    write_file(bundle.transcript, seal(transcript, job.key).to_bytes())
    write_file(bundle.claim, seal(solved.claim, job.key).to_bytes())
    return bundle


def _as_text(bundle: Bundle, solved: Solved, seconds: float) -> str:
    claim = solved.claim
    return (
        f"{bundle.claim}: quality {claim.quality} after {claim.epochs} epochs ({claim.stop_reason}, "
        f"best {claim.best_epoch}), test loss {solved.score.loss:.5f}, threshold {solved.score.threshold:.5f}, "
        f"{seconds:.1f} s"
    )


def _as_json(bundle: Bundle, solved: Solved, seconds: float) -> str:
    claim = solved.claim
    return json.dumps(
        {
            "claim": str(bundle.claim),
            "nonce": claim.nonce,
            "quality": claim.quality,
            "epochs": claim.epochs,
            "best_epoch": claim.best_epoch,
            "stop_reason": claim.stop_reason,
            "fuel_used": claim.fuel_used,
            "transcript_root": claim.transcript_root.hex(),
            "seconds": round(seconds, 3),
        }
    )
