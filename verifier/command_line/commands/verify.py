"""`tig-verify verify`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from arithmetic.allocator import keep_freed_memory
from protocol.keys import SigningKey
from protocol.precommit import Seeding
from protocol.verdict import Level, Outcome, Verdict
from verifier.challenge.errors import InputError
from verifier.command_line.exit_codes import DONE
from verifier.command_line.files import load_signing_key, require_new
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.options.audit_options import AuditOptions, audit_options, read_audit, write_request
from verifier.command_line.options.execution_options import Execution, many_execution_options, require_kept
from verifier.command_line.options.pool_options import PoolOptions, pool_options
from verifier.command_line.options.precommit_options import seeding_options
from verifier.command_line.options.qualified_option import QualifiedCommand, qualified_option
from verifier.command_line.options.signer_options import signer_options
from verifier.command_line.options.verdict_options import VerdictOptions, verdict_options
from verifier.command_line.progress import Progress
from verifier.command_line.verifying.claim_files import claims_among

if TYPE_CHECKING:
    from verifier.command_line.verifying.claim_cases import Case, CaseReader
    from verifier.command_line.verifying.claim_levels import Levels
    from verifier.command_line.verifying.judge import Answer, Judge
    from verifier.command_line.verifying.rejected_claims import RejectedClaims
    from verifier.command_line.verifying.verdict_log import VerdictLog

_FEW: Final = {Level.EVALUATE: 200, Level.AUDIT: 1, Level.REPLAY: 1}
"""Claims that this process has done before another one has started."""
_SORTED: Final = 1000
"""Claims that are looked at together, in less than a second, for the longest of them."""
_GROUPED: Final = 10_000
"""Claims that are looked at together, in some seconds, for those that a device can train at once."""


@click.command(cls=QualifiedCommand)
@click.argument("claims", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--level", "level_name", type=click.Choice([level.value for level in Level]),
              help="evaluate (default): a forward pass. audit: some epochs again. replay: all of them."
)  # fmt: skip
@click.option("--solution", type=click.Path(path_type=Path), help="Default: beside the claim.")
@click.option("--optimiser", type=click.Path(path_type=Path), help="The module. Default: beside the claim, by digest.")
@signer_options
@seeding_options
@qualified_option
@audit_options
@pool_options
@many_execution_options
@verdict_options
def verify(
    claims: tuple[Path, ...], level_name: str | None, solution: Path | None, optimiser: Path | None,
    signers: tuple[bytes, ...], seeding: Seeding | None, threshold: int | None, audit: AuditOptions, pool: PoolOptions,
    execution: Execution, places: VerdictOptions,
) -> int:  # fmt: skip
    """Verify claims and print a verdict for each, in the order in which they are done.

    A folder among CLAIMS stands for the files in it that end in .claim.

    --precommit and --seed-beacon: a claim must be of that precommit, so that its task was chosen before its seed
    existed. Pass the file that you received before the beacon was published.

    --out: the file keeps the verdicts. The same call again goes on where the last one was stopped, and writes no
    .verdict for the claims that it skips. A claim whose verifying process was killed is undetermined, and tried again.
    One whose file has changed since is judged anew. --deadline and --limit need it; with --shard each call needs one of
    its own. What is accepted is not printed then.

    An audit goes in three steps: you write a request (--request-out), the benchmarker answers it with a folder
    (`tig-verify respond`), and you judge the folder (--request and --response). Your calls need --key, by which you
    know your own request. --epochs without --request-out answers for the benchmarker: it takes longer than a
    replay and proves less, but shows a benchmarker what an audit will say.

    --policy: the level of each claim is drawn, and --out says what is known of its signer. The claims must have been
    committed to before --draw-beacon was published. A claim that is drawn for an audit is evaluated, and a request is
    written into the folder of --requests; put the answer beside it, as a folder that ends in .response, and call again.
    `tig-verify check-log` checks the draws of a log.

    A file that its signer has not signed, or that is not the one that the claim names, is no evidence: anybody can have
    put it there. There is a message, and no verdict.

    --device cuda goes with --level replay or --policy: each GPU replays many claims of one task at once, and --jobs
    processes compare. The verdicts are the same.

    At the end a summary is on standard error. It names claims that state what another one states: anybody can sign a
    copy under another name. --json says of every claim one thing, whether it was judged now, earlier or not at all.

    At every level: exit code 0 if all are accepted (or the request is written) and 1 if some are rejected. Both are
    about all claims: it is 4 if some are left for the next call, else 2 if one has no verdict, else 3 if one is
    undetermined.

    \b
    Example: tig-verify verify out --precommit adam.precommit --seed-beacon 6b --qualified
             tig-verify verify inbox --signers keys --key key.pem --verdicts verdicts --junit verdicts.xml --quiet
             tig-verify verify out --level replay --out verdicts.jsonl --deadline 2h
             tig-verify verify x.claim --level audit --epochs 12 --request-out x.request --key key.pem
             tig-verify verify x.claim --level audit --request x.request --response x.response --key key.pem
             tig-verify verify inbox --policy pool-policy.toml --out verdicts.jsonl --draw-beacon 00f3a1
    """
    level = Level(level_name or Level.EVALUATE)
    if optimiser is not None and level is Level.EVALUATE and pool.policy is None:
        raise InputError("--optimiser goes with --level audit or replay; evaluate looks at no module")
    named = execution.shard.of(claims_among(claims))
    if len(named) > 1 and solution is not None:
        raise InputError("--solution goes with one claim; with many, keep each .solution beside its .claim")
    if len(named) > 1 and not audit.request_out is audit.request is None:
        raise InputError("--request-out and --request go with one claim; call once for each")
    if audit.request_out is not None and (places.verdicts or places.junit):
        raise InputError("--request-out asks for an answer and has no verdict yet; leave --verdicts and --junit out")
    if execution.device != "cpu" and level is not Level.REPLAY and pool.policy is None:
        raise InputError("--device goes with --level replay; the processor evaluates and audits")
    require_kept(execution, places.out)
    pool.require_alone(level_name, execution, places.out)
    from arithmetic import self_test
    from verifier.command_line.verifying.answered_audit import AnsweredAudit
    from verifier.command_line.verifying.claim_cases import CaseReader
    from verifier.command_line.verifying.claim_levels import DrawnLevels, OneLevel
    from verifier.command_line.verifying.judge import Judge
    from verifier.verification.context import Terms

    if places.key is not None and places.verdicts is None:
        _require_own_verdicts(named)
    signing_key = load_signing_key(places.key) if places.key else None
    answered = read_audit(level, audit, signing_key)
    drawing = pool.drawing(signing_key)
    terms = Terms(signers, seeding, threshold)
    judge = Judge(terms, execution.isolation)
    reader = CaseReader(solution, optimiser)
    self_test.require_sound()
    if audit.request_out is not None:
        return _request(judge, reader, named[0], audit.epochs, audit.request_out, signing_key, places)
    if isinstance(answered, AnsweredAudit):
        execution = replace(execution, cluster=None)  # this machine has the answer

    def levels(log: VerdictLog | None) -> Levels:
        if drawing is None or log is None:
            return OneLevel(level, reader, terms, log, answered)
        return DrawnLevels(drawing, reader, terms, log)

    return _Call(judge, levels, execution, signing_key, places, pool.kept(places.out)).verify(named)


def _require_own_verdicts(claims: Sequence[Path]) -> None:
    """Refuse claims of which one's .verdict would replace another's. Raises InputError."""
    owners: dict[Path, Path] = {}
    for path in claims:
        name = path.with_suffix("") if path.name else path
        if (other := owners.setdefault(name, path)) != path:
            raise InputError(f"{path}: its .verdict would be that of {other}; name a folder for both with --verdicts")


def _request(
    judge: Judge, reader: CaseReader, path: Path, epochs: int | None, out: Path, key: SigningKey | None,
    places: VerdictOptions,
) -> int:  # fmt: skip
    """Write an audit's request, if the claim passes level `evaluate`; if not, its verdict is all there is to say."""
    from verifier.command_line.verifying.verdict_report import Report

    if key is None or epochs is None:
        raise InputError("--request-out needs --epochs, and --key, by which you will know your request")
    require_new(out, "it may be on its way to be answered, so choose another name")
    case = reader.read(path, Level.EVALUATE)
    with judge.opened() as judged:
        answer = judged(case)
    if isinstance(answer, Verdict) and answer.outcome is Outcome.ACCEPTED:
        write_request(out, path, epochs, key, places.as_json)
        return DONE
    with Report(places) as report:
        report.add(case, answer)
    return report.end([path])


def _is_decided(judged: tuple[Case, Answer]) -> bool:
    """Whether the next call has no more to do about a claim."""
    _, answer = judged
    return isinstance(answer, Verdict) and answer.outcome is not Outcome.UNDETERMINED


@dataclass(frozen=True)
class _Call:
    """A call for verdicts."""

    judge: Judge
    levels: Callable[[VerdictLog | None], Levels]
    execution: Execution
    key: SigningKey | None
    places: VerdictOptions
    kept: RejectedClaims | None

    def verify(self, claims: Sequence[Path]) -> int:
        """Judge the claims that have no verdict yet; the exit code."""
        from verifier.command_line.verifying.judge import judged
        from verifier.command_line.verifying.verdict_log import FORMAT, VerdictLog
        from verifier.command_line.verifying.verdict_report import Report

        keep_freed_memory()  # each claim's solution is a megabyte or more, which passes through this process
        with ExitStack() as stack:
            log = stack.enter_context(VerdictLog(self.places.out, FORMAT)) if self.places.out else None
            levels = self.levels(log)
            decided = levels.decided(claims)
            todo = [path for path in claims if path not in decided]
            devices = self.execution.devices(self.judge.wanted, len(todo))
            jobs = self.execution.processes(len(todo)) if devices else self._jobs(len(todo), levels.deepest)
            if todo and levels.deepest is not Level.EVALUATE and self.execution.cluster is None:
                say_if_first()
            before = sum(known is not None for known in decided.values())
            progress = stack.enter_context(Progress("verifying", len(claims), before))
            report = Report(self.places, self.key, log, progress.echo, self.kept, levels.learn)
            stack.enter_context(report)
            for path, known in decided.items():
                report.wait(path) if known is None else report.recall(path, known)

            def work(paths: Iterable[Path]) -> Generator[tuple[Case, Answer], None, None]:
                return judged(self.judge, map(levels.case, paths), self.execution, jobs, progress.observe, devices)

            answers = self.execution.answers(self._in_order(todo, jobs, devices is not None, levels), work, _is_decided)
            for case, answer in stack.enter_context(closing(answers)):
                request = levels.request(case, answer)
                if request is None:
                    report.add(case, answer)
                    progress.advance()
                else:
                    report.ask(case, request)
                progress.begin(str(report.tally))
        return report.end(claims)

    def _jobs(self, claims: int, level: Level) -> int:
        """The processes that so many claims are worth; one, where it would be done before another has started."""
        claims = min(claims, self.execution.limit or claims)
        return self.execution.processes(claims) if self.execution.jobs or claims > _FEW[level] else 1

    def _in_order(self, claims: Sequence[Path], jobs: int, has_devices: bool, levels: Levels) -> Iterator[Path]:
        """The claims; where others would wait for the last training, the long ones of each part of the list first.

        For devices those of a task and module together, which alone are trained at once.
        """
        from verifier.command_line.verifying.claim_cases import stated_training, stated_work

        if has_devices:
            for start in range(0, len(claims), _GROUPED):
                yield from sorted(claims[start : start + _GROUPED], key=stated_training)
            return
        if not levels.long_first or (jobs == 1 and self.execution.cluster is None):
            yield from claims
            return
        for start in range(0, len(claims), _SORTED):
            yield from sorted(claims[start : start + _SORTED], key=stated_work, reverse=True)
