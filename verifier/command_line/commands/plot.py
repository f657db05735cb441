"""`tig-verify plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol.claim import Claim
from protocol.errors import ProtocolError
from protocol.solution import Solution
from protocol.transcript import Transcript
from verifier.challenge.errors import InputError, VerifierError
from verifier.command_line.files import ClaimFiles, read_envelope, read_record
from verifier.command_line.names import shown_names
from verifier.command_line.terminal import say
from verifier.command_line.trying.plot_files import require_drawing, write_picture
from verifier.command_line.trying.training_pictures import MOST, training_picture
from verifier.command_line.verifying.claim_files import claims_among

if TYPE_CHECKING:
    from verifier.experiments.prediction_maps import PredictionMaps
    from verifier.experiments.training_history import TrainingHistory


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path),
              help="A .png, or a .html with the numbers too. Default: a .png beside the file.")  # fmt: skip
def plot(files: tuple[Path, ...], out: Path | None) -> None:
    """Draw the losses of claims or transcripts, up to 8 of them, with the best epoch of each.

    A folder stands for the claims in it. Several are drawn over each other, each in a colour of its own. A claim has
    its test loss and the threshold too; alone it also has the floor, the baseline (the test loss of kernel regression)
    and, if its .solution is beside it, heat maps of the target, of the network at initialisation and of the network at
    the best epoch. Signatures are checked; nothing else is (that is `verify`).

    \b
    Example: tig-verify plot out/adam-n_hidden=4-nonce=0.claim -o adam.html
             tig-verify plot out/adam-n_hidden=4-nonce=0.claim out/muon-n_hidden=4-nonce=0.claim -o both.png
    """
    files = tuple(claims_among(files))
    if len(files) > MOST:
        raise InputError(f"{len(files)} files are too many for one picture; name at most {MOST}")
    if len(files) > 1 and out is None:
        raise InputError("several files: name the picture with -o, such as -o losses.png")
    out = out or ClaimFiles(files[0]).picture
    require_drawing(out)
    records = [_read(path) for path in files]
    histories = list(map(_history, files, records, shown_names(files)))
    alone = records[0] if len(records) == 1 else None
    maps = _prediction_maps(ClaimFiles(files[0]), alone) if isinstance(alone, Claim) else None
    write_picture(out, training_picture(histories, maps))
    say(str(out))


def _read(path: Path) -> Claim | Transcript:
    """The record in the file. Raises InputError."""
    payload_type = read_envelope(path).payload_type
    if payload_type.endswith(f".{Claim.TYPE}+msgpack"):
        return read_record(path, Claim).record
    if payload_type.endswith(f".{Transcript.TYPE}+msgpack"):
        return read_record(path, Transcript).record
    raise InputError(f"{path}: is no claim and no transcript, and only those have losses to draw")


def _history(path: Path, record: Claim | Transcript, title: str) -> TrainingHistory:
    """The training that a record tells of. Raises InputError."""
    from verifier.experiments.training_history import claimed_history, recorded_history

    if record.epochs == 0 if isinstance(record, Claim) else len(record.leaves) == 1:
        raise InputError(f"{path}: not one epoch was completed; there is nothing to draw")
    try:
        return claimed_history(title, record) if isinstance(record, Claim) else recorded_history(title, record)
    except (ProtocolError, VerifierError) as error:
        raise InputError(f"{path}: {error}") from None


def _prediction_maps(bundle: ClaimFiles, claim: Claim) -> PredictionMaps | None:
    """The maps to draw; None, and a word on stderr, if there is no solution. Raises InputError."""
    if not bundle.solution.exists():
        say(f"tig-verify: {bundle.solution}: is not there; the picture has no heat maps", is_error=True)
        return None
    from arithmetic.exponents import NonFiniteError
    from verifier.experiments.prediction_maps import prediction_maps

    solution = read_record(bundle.solution, Solution).record
    try:
        return prediction_maps(claim, solution)
    except (InputError, NonFiniteError) as error:
        raise InputError(f"{bundle.solution}: {error}; move it away for a picture without heat maps") from None
