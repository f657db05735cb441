"""`tig-verify verify-tuning`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from protocol.envelope import Signed
from protocol.keys import VerifyKey
from protocol.tuning import Tuning
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE, REJECTED
from verifier.command_line.files import read_module, read_record
from verifier.command_line.options.execution_options import Execution, require_kept, whole_execution_options
from verifier.command_line.terminal import json_text, say

if TYPE_CHECKING:
    from verifier.command_line.trying.trainings import Trainings
    from verifier.experiments.comparison_trials import Row
    from verifier.experiments.tuning.check import TrackCheck
    from verifier.runs.results_table import ResultsTable


@click.command("verify-tuning")
@click.argument("tuning", type=click.Path(path_type=Path))
@click.option("--optimiser", required=True, type=click.Path(path_type=Path), help="The module that the values are for.")
@click.option("--beacon", help="Judge the values on instances that follow from the record and this text, which was "
                               "published after you had received the record.")  # fmt: skip
@click.option("--signer", type=click.Path(path_type=Path), help="Public key that must have signed the record.")
@whole_execution_options
@click.option("--out", type=click.Path(path_type=Path),
              help="Append every training to this file as JSON, and skip those that it has.")  # fmt: skip
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object for each track.")
def verify_tuning(
    tuning: Path, optimiser: Path, beacon: str | None, signer: Path | None, execution: Execution, out: Path | None,
    in_json: bool,
) -> int:  # fmt: skip
    """Check the hyperparameters that TUNING submits for a module: train what it states, and compare.

    Every training of the record is done again, with the submitted values and with the module's own. A track is accepted
    if each quality is the stated one.

    Who submits values chooses the nonces that they are judged on. With --beacon they are judged on other instances,
    which nobody could foresee who signed the record (specification, 10.15): a track is accepted if the 95 % confidence
    interval of the mean difference in quality (Student's, for paired differences) is above 0.

    A record whose signature does not hold, or of another key than --signer, is no evidence: there is a message, and
    nothing is rejected. --deadline and --limit need --out, by which the same call goes on.

    Exit code 0 if every track is accepted, 1 if one is rejected, 3 if a process or the machine failed, 4 if --deadline
    or --limit ended the call.

    \b
    Example: tig-verify verify-tuning adam.tuning --optimiser adam.py --beacon 4c35
    """
    from arithmetic import self_test
    from verifier.command_line.trying.trainings import Trainings
    from verifier.command_line.trying.trials import require_dialect
    from verifier.experiments.comparison_trials import Row
    from verifier.experiments.tuning.check import track_checks
    from verifier.runs.results_table import ResultsTable
    from verifier.runs.row_formats import json_rows

    require_kept(execution, out)
    signed = read_record(tuning, Tuning)
    _require_signer(tuning, signed, signer)
    module = read_module(optimiser)
    checks = track_checks(signed.record, optimiser, module, beacon)
    require_dialect({optimiser: module}, execution.isolation)
    self_test.require_sound()
    trials = [trial for check in checks for trial in check.trials]
    with (
        ResultsTable(out, json_rows(Row, "verify-tuning")) as table,
        Trainings(table, execution, len(trials), sum(trial.cost for trial in trials)) as trainings,
    ):
        if not trainings.train(trials):
            return trainings.tell("the check")
    return _told(tuning, signed, checks, table, trainings, beacon, in_json)


def _require_signer(path: Path, signed: Signed[Tuning], signer: Path | None) -> None:
    if signer is not None and (expected := VerifyKey.load(signer)).raw != signed.signer:
        found = VerifyKey(signed.signer).fingerprint
        raise InputError(f"{path}: is signed by key {found}, not {expected.fingerprint}; pass the key that signed it")


def _told(
    path: Path, signed: Signed[Tuning], checks: Sequence[TrackCheck], table: ResultsTable[Row],
    trainings: Trainings[Row], beacon: str | None, in_json: bool,
) -> int:  # fmt: skip
    """Print what was found; the exit code."""
    from verifier.command_line.trying.tuning_report import JudgedTrack, judged_table

    judged = []
    for check in checks:
        find = check.untrue if beacon is None else check.unshown
        faults = find(table.rows, trainings.failed)
        judged.append(JudgedTrack(check.stated.task, check.judgement(table.rows), faults))
    if in_json:
        head = {"file": str(path), "signer": signed.signer.hex(), "digest": signed.digest.hex(), "beacon": beacon}
        say(*(json_text(head | each.as_json()) for each in judged))
    else:
        about = "the stated nonces" if beacon is None else "instances of the beacon"
        say(
            *judged_table(judged), "",
            f"Means over {about}; quality in units of 10⁻⁶.",
            *(f"{each.track}: {fault}" for each in judged for fault in each.faults),
            *(f"{each.track}: {'rejected' if each.faults else 'accepted'}" for each in judged),
        )  # fmt: skip
    return REJECTED if any(each.faults for each in judged) else DONE
