"""`tig-verify verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from protocol.claim import Claim
from protocol.envelope import seal
from protocol.errors import ProtocolError
from protocol.hashes import blake3_digest
from protocol.keys import VerifyKey
from protocol.verdict import Level, Outcome, Verdict
from sandbox.isolation import Isolation
from verifier.command_line.exit_codes import REJECTED, UNDETERMINED, USAGE
from verifier.command_line.files import (
    Bundle,
    load_signing_key,
    read_envelope,
    read_file,
    write_file,
)
from verifier.command_line.isolation import isolation_option, open_isolation
from verifier.errors import InputError
from verifier.training import Epoch
from verifier.verification import Evidence
from verifier.verification import verify as examine


@click.command()
@click.argument("claims", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--level", type=click.Choice([level.value for level in Level]), default=Level.EVALUATE.value,
              show_default=True, help="evaluate: one forward pass. replay: the whole training again.")  # fmt: skip
@click.option("--solution", type=click.Path(path_type=Path), help="Default: beside the claim.")
@click.option("--optimiser", type=click.Path(path_type=Path), help="The module. Default: beside the claim, by digest.")
@click.option("--signer", type=click.Path(path_type=Path), help="Public key that must have signed the claims.")
@click.option("--key", type=click.Path(path_type=Path), help="Private key: write a signed .verdict beside each claim.")
@isolation_option
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True,
              help="Where the products are computed; the result is the same.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each claim.")
def verify(
    claims: tuple[Path, ...], level: str, solution: Path | None, optimiser: Path | None, signer: Path | None,
    key: Path | None, isolation: str, device: str, as_json: bool,
) -> int:  # fmt: skip
    """Verify claims and print a verdict for each.

    Exit code 0 if all are accepted, 1 if one is rejected, else 3 if one is undetermined, else 2 if a file could not
    be read.

    \b
    Example: tig-verify verify out/*.claim --level replay
    """
    if solution is not None and len(claims) > 1:
        raise InputError("--solution goes with one claim; with many, keep each .solution beside its .claim")
    expected = VerifyKey.load(signer).raw if signer else None
    signing_key = load_signing_key(key) if key else None
    module = read_file(optimiser) if optimiser else None
    codes = set()
    with open_isolation(isolation) as place:
        for path in claims:
            try:
                evidence = _evidence(Bundle(path), Level(level), solution, optimiser, module, expected)
                verdict = _examine(evidence, Level(level), place, device)
            except InputError as error:
                click.echo(f"tig-verify: {error}", err=True)
                codes.add(USAGE)
                continue
            except ProtocolError as error:  # signed, but not a claim and its solution
                click.echo(f"tig-verify: {path}: {error}", err=True)
                codes.add(USAGE)
                continue
            if signing_key is not None:
                write_file(Bundle(path).verdict, seal(verdict, signing_key).to_bytes())
            click.echo(_as_json(path, verdict) if as_json else _as_text(path, verdict))
            codes.add(_CODES[verdict.outcome])
    return next(code for code in (REJECTED, UNDETERMINED, USAGE, 0) if code in codes)


_CODES = {Outcome.ACCEPTED: 0, Outcome.REJECTED: REJECTED, Outcome.UNDETERMINED: UNDETERMINED}


def _evidence(
    bundle: Bundle, level: Level, solution: Path | None, optimiser: Path | None, module: bytes | None,
    signer: bytes | None,
) -> Evidence:  # fmt: skip
    """Read the files of one claim. Raises InputError."""
    claim = read_envelope(bundle.claim)
    if module is not None and optimiser is not None:
        _require_named(claim.payload, optimiser, module)
    found = solution or bundle.solution
    name = optimiser
    if level is Level.REPLAY and module is None:
        name = _module_beside(bundle, claim.payload)
        module = read_file(name) if name else None
    return Evidence(claim, read_envelope(found), module, name.name if name else "optimiser.py", signer)


def _module_beside(bundle: Bundle, payload: bytes) -> Path | None:
    """The module that a claim names; the claim itself is judged later."""
    try:
        digest = Claim.from_bytes(payload).optimiser_digest
    except ProtocolError:
        return None
    path = bundle.module(digest)
    if not path.exists():
        raise InputError(f"{path}: the claim's module is not there; name it with --optimiser")
    return path


def _require_named(payload: bytes, optimiser: Path, module: bytes) -> None:
    """Refuse another module than the claim's: the mistake is then the caller's, not the benchmarker's."""
    digest = Claim.from_bytes(payload).optimiser_digest
    if blake3_digest(module) != digest:
        raise InputError(f"{optimiser}: is not the module that the claim names; its digest begins {digest.hex()[:16]}")


def _examine(evidence: Evidence, level: Level, isolation: Isolation, device: str) -> Verdict:
    console = Console(stderr=True)
    if not console.is_terminal or level is Level.EVALUATE:
        return examine(evidence, level, isolation, device=device)
    with console.status("replaying") as status:

        def show(epoch: Epoch) -> None:
            status.update(f"replaying  epoch {epoch.number}  validation loss {epoch.validation_loss:.4f}")

        return examine(evidence, level, isolation, show, device)


def _as_text(path: Path, verdict: Verdict) -> str:
    if verdict.outcome is Outcome.ACCEPTED:
        head = f"{path}: accepted at level {verdict.level}: {verdict.detail}"
    else:
        where = f"at level {verdict.level}, step {verdict.step}"
        head = f"{path}: {verdict.outcome} {where}, {verdict.reason}: {verdict.detail}"
    shown = ", ".join(f"{name} {_number(value)}" for name, value in verdict.measured.items())
    return f"{head}\n  {shown}" if shown else head


def _number(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _as_json(path: Path, verdict: Verdict) -> str:
    return json.dumps(
        {
            "claim": str(path),
            "claim_digest": verdict.claim_digest.hex(),
            "level": verdict.level,
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "step": verdict.step,
            "detail": verdict.detail,
            "measured": dict(verdict.measured),
        }
    )
