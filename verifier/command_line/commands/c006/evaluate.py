"""`tig-verify c006 evaluate`."""

from __future__ import annotations

import math

import click

from protocol.network.blob import BlobError, BlobFault
from verifier.c006.evaluation import Evaluation, tolerance
from verifier.c006.evaluation import evaluate as evaluate_text
from verifier.c006.findings import Unloadable
from verifier.command_line.commands.c006.instance import InstanceOptions, instance_options
from verifier.command_line.commands.c006.solution_file import read_solution
from verifier.command_line.exit_codes import REJECTED
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import json_text, say


@click.command()
@click.argument("solution")
@instance_options
@click.option("--reported", type=WholeNumber(-(2**31), 2**31 - 1), help="The quality that was reported; compared.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def evaluate(solution: str, instance: InstanceOptions, reported: int | None, as_json: bool) -> int:
    """Evaluate a solution of the live network's challenge on a CPU.

    SOLUTION is the file that a benchmarker keeps for a nonce (7.json), or one with the solution's text alone; - is
    standard input. The network's quality is at most 5 units of 10^-6 away, or more if it is negative. All that is odd
    about the solution is named.

    Exit code 1 if the quality differs from --reported, or if the network's verifier could not load the solution.

    \b
    Example: tig-verify c006 evaluate 7.json --settings settings.json --rand-hash 4c35..b055
    """
    file = read_solution(solution)
    named = instance.resolve(file.nonce)
    try:
        evaluation = evaluate_text(file.text, named.n_hidden, named.seed)
    except BlobError as error:
        fault, detail = error.fault.value, str(error)
    except Unloadable as error:
        fault, detail = error.finding.kind.value, error.finding.detail
    else:
        say(*(_as_json if as_json else _as_text)(solution, evaluation, reported))
        return 0 if reported is None or evaluation.agrees(reported) else REJECTED
    say((_fault_as_json if as_json else _fault_as_text)(solution, fault, detail))
    return REJECTED


def _as_text(solution: str, evaluation: Evaluation, reported: int | None) -> list[str]:
    units = tolerance(evaluation.quality)
    lines = [f"{solution}: quality {evaluation.quality:,}, within {units} units of what the network's GPU gives"]
    lines.append(f"  loss {evaluation.loss:.8g}, threshold {evaluation.threshold:.8g}")
    if evaluation.quality_without_nan != evaluation.quality:
        lines.append(f"  or quality {evaluation.quality_without_nan:,}, if the GPU's ReLU makes 0 of a NaN")
    lines += [f"  {finding.kind}: {finding.detail}" for finding in evaluation.findings]
    if reported is not None:
        verb = "agrees with" if evaluation.agrees(reported) else "differs from"
        lines.append(f"  {verb} the reported quality {reported:,}: {abs(reported - evaluation.quality):,} units apart")
    return lines


def _as_json(solution: str, evaluation: Evaluation, reported: int | None) -> list[str]:
    shown = {
        "file": solution,
        "quality": evaluation.quality,
        "quality_without_nan": evaluation.quality_without_nan,
        "loss": evaluation.loss if math.isfinite(evaluation.loss) else None,
        "threshold": evaluation.threshold,
        "tolerance": tolerance(evaluation.quality),
        "findings": [{"finding": finding.kind, "detail": finding.detail} for finding in evaluation.findings],
        "reported": reported,
        "agrees": None if reported is None else evaluation.agrees(reported),
        "fault": None,
    }
    return [json_text(shown)]


def _fault_as_text(solution: str, fault: str, detail: str) -> str:
    verifier = "the network's verifier would stop with an error"
    if fault == BlobFault.TOO_LARGE:
        verifier = "not evaluated, though the network's verifier has no such limit"
    return f"{solution}: {verifier}: {fault}: {detail}"


def _fault_as_json(solution: str, fault: str, detail: str) -> str:
    unknown = ("quality", "quality_without_nan", "loss", "threshold", "tolerance", "findings", "reported", "agrees")
    return json_text({"file": solution, **dict.fromkeys(unknown), "fault": {"fault": fault, "detail": detail}})
