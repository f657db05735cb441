"""`tig-verify verify`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from protocol.keys import SigningKey, VerifyKey
from protocol.precommit import Seeding
from protocol.verdict import Level, Outcome, Verdict
from verifier.challenge.errors import InputError
from verifier.command_line.audit_options import AuditOptions, audit_options, read_audit, write_request
from verifier.command_line.execution_options import Execution, execution_options
from verifier.command_line.files import load_signing_key, require_new
from verifier.command_line.precommit_options import seeding_options
from verifier.command_line.progress import Progress
from verifier.command_line.qualified_option import QualifiedCommand, qualified_option
from verifier.command_line.terminal import say

if TYPE_CHECKING:
    from verifier.command_line.claim_files_verifier import Judge
    from verifier.command_line.verdict_log import VerdictLog
    from verifier.command_line.verdict_report import Tally

_FEW: Final = {Level.EVALUATE: 200, Level.AUDIT: 1, Level.REPLAY: 1}
"""Claims that this process has done before another one has started."""


@click.command(cls=QualifiedCommand)
@click.argument("claims", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--level", type=click.Choice([level.value for level in Level]), default=Level.EVALUATE.value,
              show_default=True, help="evaluate: a forward pass. audit: some epochs again. replay: all of them."
)  # fmt: skip
@click.option("--solution", type=click.Path(path_type=Path), help="Default: beside the claim.")
@click.option("--optimiser", type=click.Path(path_type=Path), help="The module. Default: beside the claim, by digest.")
@click.option("--signer", type=click.Path(path_type=Path), help="Public key that must have signed the claims.")
@seeding_options
@qualified_option
@audit_options
@execution_options
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    help="Private key: write a signed .verdict beside each claim, replacing an older one.",
)
@click.option("--out", type=click.Path(path_type=Path),
              help="Append the JSON to this file, and skip what it has a verdict on.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each claim.")
def verify(
    claims: tuple[Path, ...], level: str, solution: Path | None, optimiser: Path | None, signer: Path | None,
    key: Path | None, seeding: Seeding | None, threshold: int | None, audit: AuditOptions, execution: Execution,
    out: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Verify claims and print a verdict for each, in the order in which they are done.

    --precommit and --seed-beacon: a claim must be of that precommit, so that its task was chosen before its seed
    existed. Pass the file that you received before the beacon was published.

    --out: the file keeps the verdicts. The same call again goes on where the last one was stopped, and writes no
    .verdict for the claims that it skips. A claim whose verifying process was killed is undetermined, and tried again.
    One whose files have changed since is judged anew.

    An audit goes in three steps: you write a request (--request-out), the benchmarker answers it with a folder
    (`tig-verify respond`), and you judge the folder (--request and --response). Your calls need --key, by which you
    know your own request. --epochs without --request-out answers for the benchmarker: it takes longer than a
    replay and proves less, but shows a benchmarker what an audit will say.

    A file that its signer has not signed, or that is not the one that the claim names, is no evidence: anybody can have
    put it there. There is a message, and no verdict.

    The summary says how many claims state what another one states: anybody can sign a copy under another name.

    At every level: exit code 0 if all are accepted (or the request is written), 1 if one is rejected, else 3 if one
    is undetermined, else 2 if one has no verdict.

    \b
    Example: tig-verify verify out/*.claim --precommit adam.precommit --seed-beacon 6b --qualified
             tig-verify verify out/*.claim --level replay --out verdicts.jsonl
             tig-verify verify x.claim --level audit --epochs 12 --request-out x.request --key key.pem
             tig-verify verify x.claim --level audit --request x.request --response x.response --key key.pem
    """
    if optimiser is not None and level == Level.EVALUATE:
        raise InputError("--optimiser goes with --level audit or replay; evaluate looks at no module")
    if len(claims) > 1 and solution is not None:
        raise InputError("--solution goes with one claim; with many, keep each .solution beside its .claim")
    if len(claims) > 1 and not audit.request_out is audit.request is None:
        raise InputError("--request-out and --request go with one claim; call once for each")
    from arithmetic import self_test
    from verifier.command_line.claim_files_verifier import Judge
    from verifier.verification.context import Terms

    if key is not None:
        _require_own_verdicts(claims)
    signing_key = load_signing_key(key) if key else None
    answered = read_audit(Level(level), audit, signing_key)
    terms = Terms(VerifyKey.load(signer).raw if signer else None, seeding, threshold)
    judge = Judge(Level(level), solution, optimiser, terms, execution.isolation, execution.device, answered)
    self_test.require_sound(execution.device)
    if audit.request_out is not None:
        return _request(judge, claims[0], audit.epochs, audit.request_out, signing_key, as_json)
    return _verify_all(judge, claims, execution, signing_key, out, as_json)


def _require_own_verdicts(claims: Sequence[Path]) -> None:
    """Refuse claims of which one's .verdict would replace another's. Raises InputError."""
    owners: dict[Path, Path] = {}
    for path in claims:
        name = path.with_suffix("") if path.name else path
        if (other := owners.setdefault(name, path)) != path:
            raise InputError(
                f"{path}: its .verdict would be that of {other}; call once for each, in folders of their own"
            )


def _request(judge: Judge, path: Path, epochs: int | None, out: Path, key: SigningKey | None, as_json: bool) -> int:
    """Write an audit's request, if the claim passes level `evaluate`; if not, its verdict is all there is to say."""
    from verifier.command_line.claim_files_verifier import judged
    from verifier.command_line.verdict_report import Report, Tally

    if key is None or epochs is None:
        raise InputError("--request-out needs --epochs, and --key, by which you will know your request")
    require_new(out, "it may be on its way to be answered, so choose another name")
    report = Report(Tally(), as_json)
    for _, answer in judged(replace(judge, level=Level.EVALUATE, audit=None), [path], jobs=1):
        if isinstance(answer, Verdict) and answer.outcome is Outcome.ACCEPTED:
            write_request(out, path, epochs, key, as_json)
        else:
            report.add(path, answer)
    return report.tally.code()


def _verify_all(
    judge: Judge, claims: Sequence[Path], execution: Execution, key: SigningKey | None, out: Path | None, as_json: bool
) -> int:
    from verifier.command_line.claim_files_verifier import judged
    from verifier.command_line.verdict_log import FORMAT, VerdictLog
    from verifier.command_line.verdict_report import Report, Tally

    claims, tally = list(dict.fromkeys(claims)), Tally()  # a file that is named twice is judged once
    with ExitStack() as stack:
        log = stack.enter_context(VerdictLog(out, FORMAT)) if out else None
        todo = _todo(claims, judge, log, tally)
        known = len(claims) - len(todo)
        progress = stack.enter_context(Progress("verifying", len(claims), known))
        report = Report(tally, as_json, key, log, progress.echo)
        jobs = execution.processes(len(todo)) if execution.jobs or len(todo) > _FEW[judge.level] else 1
        for path, answer in stack.enter_context(closing(judged(judge, todo, jobs, progress.observe))):
            report.add(path, answer)
            progress.advance()
            progress.begin(str(tally))
    if out is not None and not as_json:
        say(f"{out}: {tally}" + (f"; {known} of them from before" if known else ""))
    return tally.code()


def _todo(claims: Sequence[Path], judge: Judge, log: VerdictLog | None, tally: Tally) -> list[Path]:
    """The claims that have no verdict; those that have one are counted."""
    from verifier.command_line.verdict_log import decided

    todo = []
    for path in claims:
        known = decided(log, path, judge) if log else None
        if known is None:
            todo.append(path)
        else:
            tally.add(known.outcome, known.reason, known.claim_digest)
    return todo
