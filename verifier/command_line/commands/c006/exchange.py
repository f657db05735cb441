"""`tig-verify c006 export` and `tig-verify c006 import`."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.claim import Claim
from protocol.envelope import seal
from protocol.errors import ProtocolError
from protocol.network.blob import decode_blob, encode_blob
from protocol.solution import Solution
from verifier.c006.solution_export import export_blob, export_output, import_solution
from verifier.challenge.errors import InputError, VerifierError
from verifier.command_line.commands.c006.solution_file import read_solution
from verifier.command_line.files import ClaimFiles, load_signing_key, read_record, require_new, write_file
from verifier.command_line.terminal import say


@click.command("export")
@click.argument("claim", type=click.Path(path_type=Path))
@click.option("--solution", type=click.Path(path_type=Path), help="Default: beside the claim.")
@click.option("--output-data", is_flag=True, help="An output record of the network (`7.json`) with the blob in it.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File for it. Default: standard output.")
def export_command(claim: Path, solution: Path | None, output_data: bool, out: Path | None) -> None:
    """Write the solution of one of this toolkit's claims as a blob in the live network's format.

    With --output-data, nonce and fuel go with it, and a signature of the training: the first eight bytes of the
    transcript's root.

    The network of a claim has other dimensions than one of live c006 (two inputs, one output, one layer more), so the
    live network's verifier cannot score the blob. It is for tools that read the format, and for `c006 import`.

    \b
    Example: tig-verify c006 export out/adam-n_hidden=4-nonce=7.claim -o 7.blob
    """
    if out is not None:
        require_new(out)
    named, opened = solution or ClaimFiles(claim).solution, read_record(claim, Claim).record
    trained = read_record(named, Solution)
    _require_claimed(named, trained.digest, opened)
    try:
        text = _written(opened, trained.record, output_data)
    except (ProtocolError, VerifierError) as error:
        raise InputError(f"{claim}: {error}") from None
    if out is None:
        say(text)
    else:
        write_file(out, f"{text}\n".encode("ascii"))


def _written(claim: Claim, solution: Solution, output_data: bool) -> str:
    return export_output(claim, solution).to_json() if output_data else encode_blob(export_blob(claim, solution))


@click.command("import")
@click.argument("claim", type=click.Path(path_type=Path))
@click.argument("blob", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="File for the solution. Default: beside the claim.")
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Private key that signed the claim.")
def import_command(claim: Path, blob: Path, out: Path | None, key: Path) -> None:
    """Write the .solution of CLAIM from a BLOB, or an output record, that `c006 export` made of it.

    What is frozen must be what the claim's seed gives, and the result the solution that the claim names: then
    `tig-verify verify` accepts it. A solution of live c006 has other dimensions and is refused.

    \b
    Example: tig-verify c006 import out/adam-n_hidden=4-nonce=7.claim 7.blob --key key.pem
    """
    path = out or ClaimFiles(claim).solution
    require_new(path)
    signed = read_record(claim, Claim)
    signing_key = load_signing_key(key)
    if signing_key.verify_key.raw != signed.signer:
        raise InputError(f"{key}: did not sign {claim}; a solution counts only under the key of its claim")
    given, opened = read_solution(str(blob)), signed.record
    if given.nonce not in (None, opened.nonce):
        raise InputError(f"{blob}: is of nonce {given.nonce}, the claim of {opened.nonce}; pass the one of the claim")
    try:
        solution = import_solution(opened, decode_blob(given.text).blob)
    except (ProtocolError, VerifierError) as error:
        raise InputError(f"{blob}: {error}") from None
    _require_claimed(blob, solution.digest(), opened)
    write_file(path, seal(solution, signing_key).to_bytes())
    say(f"{path}: the solution that {claim} names")


def _require_claimed(path: Path, digest: bytes, claim: Claim) -> None:
    if digest != claim.solution_digest:
        raise InputError(f"{path}: is not the solution that the claim names; pass the one of the same nonce and run")
