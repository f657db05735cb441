"""`tig-verify c006 provenance`."""

from __future__ import annotations

import click

from protocol.network.blob import BlobError, BlobFault, decode_blob
from verifier.c006.audit import frozen_layers
from verifier.c006.findings import FindingKind, Unloadable
from verifier.c006.loader import Loaded, load_weights
from verifier.c006.track import MAX_HIDDEN
from verifier.challenge.errors import InputError
from verifier.command_line.commands.c006.solution_file import read_solution
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.terminal import json_text, say


@click.command()
@click.argument("solution")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def provenance(solution: str, as_json: bool) -> int:
    """Tell whether the frozen layers of a live solution are still what the network's initialiser drew.

    SOLUTION is the file that a benchmarker keeps for a nonce (7.json), or a file with the solution's text alone; - is
    standard input. Initial weights are a function of a 64-bit address alone: it is recovered from the last two linear
    layers, and all of their weights are compared with what it gives.

    Untouched layers do not prove honest training: the others are not looked at, and anybody can choose an address.

    Exit code 1 if a frozen layer was altered or replaced, or if the network's verifier could not load the solution.

    \b
    Example: tig-verify c006 provenance 7.json
    """
    text = read_solution(solution).text
    try:
        loaded = _load(solution, text)
    except BlobError as error:
        return _say_fault(solution, error.fault, str(error), as_json)
    except Unloadable as error:
        return _say_fault(solution, error.finding.kind, error.finding.detail, as_json)
    results = list(frozen_layers(loaded, None))
    if as_json:
        checks = [{"fault": result.fault, "detail": result.detail} for result in results]
        say(json_text({"file": solution, "fault": None, "detail": None, "frozen_layers": checks}))
    else:
        head = f"{solution}: n_hidden={loaded.weights.n_hidden}"
        say(head, *(f"  {result.fault or 'passed'}: {result.detail}" for result in results))
    return 0 if all(result.passed for result in results) else REJECTED


def _load(solution: str, text: str | bytes) -> Loaded:
    """A solution with as many layers as it has itself."""
    decoded = decode_blob(text)
    n_hidden = max(len(decoded.blob.weights) - 1, 1)  # without any, the loader says what is missing
    if n_hidden > MAX_HIDDEN:
        raise InputError(f"{solution}: has {n_hidden} hidden layers; at most {MAX_HIDDEN} are read")
    return load_weights(decoded, n_hidden)


def _say_fault(solution: str, fault: BlobFault | FindingKind, detail: str, as_json: bool) -> int:
    if as_json:
        say(json_text({"file": solution, "fault": fault, "detail": detail, "frozen_layers": []}))
    else:
        say(f"{solution}: cannot be loaded: {fault}: {detail}")
    return REJECTED
