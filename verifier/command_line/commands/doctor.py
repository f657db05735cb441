"""`tig-verify doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from protocol.beacon import check_beacon
from protocol.envelope import seal
from protocol.examination import Check, Condition, Examination, Finding
from verifier.challenge.versions import SPECIFICATION
from verifier.command_line.exit_codes import DONE, UNDETERMINED
from verifier.command_line.files import load_signing_key, require_new, require_writable, write_file
from verifier.command_line.options.execution_options import isolation_option
from verifier.command_line.terminal import json_text, say


@click.command()
@click.option("--key", type=click.Path(path_type=Path), help="Private key that signs what is found.")
@click.option("-o", "--out", "output", type=click.Path(path_type=Path), help="File for the signed examination.")
@click.option("--beacon", help="Text of whoever asks for it, to be signed with it: an older examination lacks it.")
@isolation_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, after the last check.")
def doctor(key: Path | None, output: Path | None, beacon: str | None, isolation: str, as_json: bool) -> int:
    """Examine this machine and say whether it can solve and verify.

    It tests the arithmetic of NumPy, and torch's where modules run; enters the jail and tries what that forbids; trains
    a known training and compares its result; times a step; counts the trainings that fit into memory. It takes
    some seconds, and the first time as long as the network takes to compile.

    At the end it says whether a GPU can train for this machine (--device cuda); that is no check, and is not signed.

    Each check ends as ok, as a warning (this machine could be faster or better protected, but its answers are right) or
    as FAILED, with what to do. The exit code is 0, or 3 if a check failed.

    With --key and -o the findings are signed, for a pool that asks its machines for them. Such a record is a statement
    of the key's holder: it does not show on which machine it was made, nor when, but for --beacon.

    \b
    Example: tig-verify doctor
             tig-verify doctor --key key.pem -o machine-7.examination --beacon 4c35
    """
    if (key is None) != (output is None):
        raise click.UsageError("--key and -o go together: the key signs what is written")
    if key is None and beacon is not None:
        raise click.UsageError("--beacon is signed; add --key and -o")
    if beacon is not None:
        check_beacon(beacon, "--beacon")
    if output is not None:
        require_new(output)
        require_writable(output.parent)
    signing_key = load_signing_key(key) if key else None  # which may ask for a passphrase
    findings = []
    for finding in _findings(isolation):
        findings.append(finding)
        if not as_json:
            say(_line(finding))
        _say_what_takes_long(finding)
    findings.sort(key=lambda finding: list(Check).index(finding.check))
    examination = Examination(beacon, SPECIFICATION, tuple(findings))
    gpu = _Gpu.found()
    if as_json:
        say(_as_json(examination, gpu))
    else:
        say(gpu.line, _answer(examination))
    if signing_key and output:
        write_file(output, seal(examination, signing_key).to_bytes())
    return UNDETERMINED if examination.failed else DONE


def _findings(isolation: str) -> Iterator[Finding]:
    """What each check finds, made by another process: one that is lost costs one check.

    They come in their order, but for one whose process did not even start: it is tried once more, after the others.
    """
    from sandbox.errors import WorkerFault
    from verifier.machine.examiner import failed, opened
    from verifier.runs.pool import ProcessPool, TaskLost

    left = list(Check)
    with ProcessPool[Check, Finding](partial(opened, isolation), 1, tries=1) as pool:
        try:
            for check, answer in pool.run(tuple(Check)):
                left.remove(check)
                yield failed(check, answer.why) if isinstance(answer, TaskLost) else answer
        except WorkerFault as fault:
            yield from (failed(check, str(fault)) for check in left)


def _say_what_takes_long(finding: Finding) -> None:
    """Say so where nothing is compiled yet."""
    if finding.check is Check.CACHE:
        from verifier.machine.cache import IS_COMPILED

        if finding.measured.get(IS_COMPILED) is False:
            say("the network is compiled first, which takes some 20 seconds", is_error=True)


def _line(finding: Finding) -> str:
    condition = "FAILED" if finding.condition is Condition.FAILED else finding.condition
    return f"{condition:8} {finding.check:11} {finding.detail}"


def _answer(examination: Examination) -> str:
    if examination.failed:
        return f"this machine is not fit to solve and verify: {', '.join(examination.failed)} failed"
    return "this machine is fit to solve and verify"


@dataclass(frozen=True)
class _Gpu:
    """The GPUs that can train, or why there is none."""

    titles: tuple[str, ...]
    why: str | None

    @classmethod
    def found(cls) -> _Gpu:
        from arithmetic.errors import MachineError
        from verifier.runs import device_search

        try:
            return cls(tuple(device.title for device in device_search.found_devices()), None)
        except MachineError as error:
            return cls((), str(error))

    @property
    def line(self) -> str:
        if self.titles:
            return f"{'ok':8} {'gpu':11} {', '.join(self.titles)}: can train, with --device cuda"
        return f"{'none':8} {'gpu':11} {self.why}; the processor trains"


def _as_json(examination: Examination, gpu: _Gpu) -> str:
    return json_text(
        {
            "healthy": not examination.failed,
            "specification": examination.specification,
            "beacon": examination.beacon,
            "gpu": {"devices": list(gpu.titles), "why": gpu.why},
            "checks": {
                finding.check: {
                    "condition": finding.condition,
                    "detail": finding.detail,
                    "measured": dict(finding.measured),
                }
                for finding in examination.findings
            },
        }
    )
