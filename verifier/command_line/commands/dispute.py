"""`tig-verify dispute`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from protocol.claim import Claim
from protocol.envelope import Signed
from protocol.keys import VerifyKey
from protocol.transcript import Transcript
from verifier.challenge.errors import InputError
from verifier.command_line.files import ClaimFiles, find_module, read_record
from verifier.command_line.options.execution_options import isolation_option, open_isolation
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import json_text, say

if TYPE_CHECKING:
    from verifier.verification.dispute import Party, Ruling

_Side: TypeAlias = "tuple[Party, Signed[Claim]]"
"""One side, and its claim as it was received."""


@click.command()
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
@click.option("--optimiser", type=click.Path(path_type=Path),
              help="The module. Default: beside the first claim, by digest.")  # fmt: skip
@isolation_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def dispute(one: Path, other: Path, optimiser: Path | None, isolation: str, as_json: bool) -> None:
    """Find out who of two claims about one training is wrong, and in which epoch.

    Each claim needs its .transcript beside it. Few of their digests lead to the first epoch that differs; training
    up to there decides. Exit code 0 when it is decided, whoever is wrong.

    \b
    Example: tig-verify dispute mine/adam-n_hidden=4-nonce=0.claim theirs/adam-n_hidden=4-nonce=0.claim
    """
    from verifier.challenge.session import Session
    from verifier.verification.dispute import require_same_task, rule

    sides = (mine, _), (theirs, _) = _read_party(one), _read_party(other)
    require_same_task(mine, theirs)
    task, nonce = mine.claim.task, mine.claim.nonce
    module = find_module(ClaimFiles(one), task.optimiser_digest, optimiser)
    with open_isolation(isolation) as place, Progress("training again", mine.claim.epochs) as progress:
        ruling = rule(mine, theirs, Session(task, nonce, module, place), progress.reach)
    say(*([_as_json(sides, ruling)] if as_json else _as_text(sides, ruling)))


def _read_party(path: Path) -> _Side:
    """The files of one side. Raises InputError."""
    from verifier.verification.dispute import Party

    claim = read_record(path, Claim)
    place = ClaimFiles(path).transcript
    if not place.exists():
        raise InputError(f"{place}: is not there; get it from the claim's signer, or verify the claim by replay")
    transcript = read_record(place, Transcript)
    if transcript.signer != claim.signer:
        raise InputError(f"{place}: is signed by another key than {path}; get it from the claim's signer")
    if transcript.record.claim_digest != claim.digest:
        raise InputError(f"{place}: is the transcript of another claim than {path}; get the right one from its signer")
    return Party(str(path), claim.record, transcript.record), claim


def _as_text(sides: tuple[_Side, ...], ruling: Ruling) -> list[str]:
    if ruling.differs is None:
        lines = [ruling.detail]
    else:
        found = f"found with {ruling.digests} digests of each side"
        lines = [f"the transcripts differ first in epoch {ruling.differs} ({found}); {ruling.detail}"]
    for party, claim in sides:
        lines.append(f"  {party.name} (signer {VerifyKey(claim.signer).fingerprint}): {_finding(party, ruling)}")
    return lines


def _finding(party: Party, ruling: Ruling) -> str:
    if fields := ruling.wrong.get(party.name):
        return f"wrong in {_where(ruling)}: {', '.join(fields)}"
    if ruling.epoch is None:
        return "not shown to be wrong"
    return f"right up to epoch {ruling.epoch}; nothing later was looked at"


def _where(ruling: Ruling) -> str:
    return "the claim" if ruling.epoch is None else f"epoch {ruling.epoch}"


def _as_json(sides: tuple[_Side, ...], ruling: Ruling) -> str:
    return json_text(
        {
            "claims": [
                {
                    "file": party.name,
                    "claim_digest": claim.digest.hex(),
                    "signer": claim.signer.hex(),
                    "wrong": list(ruling.wrong.get(party.name, ())),
                }
                for party, claim in sides
            ],
            "differs": ruling.differs,
            "epoch": ruling.epoch,
            "digests": ruling.digests,
            "detail": ruling.detail,
        }
    )
