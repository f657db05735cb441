"""The report of `verify`: where each answer goes, and what is said at the end of all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from protocol.envelope import Envelope, seal
from protocol.keys import SigningKey
from protocol.verdict import Level, Outcome, Verdict
from verifier.challenge.errors import InputError
from verifier.command_line.files import read_file, write_file
from verifier.command_line.options.verdict_options import VerdictOptions
from verifier.command_line.terminal import json_text, say
from verifier.command_line.verifying.claim_cases import Case, Mistake, Papers
from verifier.command_line.verifying.claim_statement import NOTHING, ClaimStatement
from verifier.command_line.verifying.judge import Answer
from verifier.command_line.verifying.junit_file import write_junit
from verifier.command_line.verifying.rejected_claims import RejectedClaims
from verifier.command_line.verifying.tally import Tally
from verifier.command_line.verifying.verdict_entries import Entry, as_text, left, of_verdict, unjudged
from verifier.command_line.verifying.verdict_log import LoggedVerdict, VerdictLog
from verifier.runs.row_formats import json_object

_WRITERS: Final = 8
"""Signed verdicts that a disk keeps at once."""
_FEW: Final = 10
"""Copies that are named at the end."""


@dataclass(frozen=True)
class Report:
    """The places that answers go to. A context manager, at whose end all of them are there.

    Of every claim it says exactly one thing, whether that was judged now, by an earlier call, or not at all.
    """

    options: VerdictOptions
    key: SigningKey | None = None
    """Signs verdicts, which are files then."""
    log: VerdictLog | None = None
    echo: Callable[..., None] = say
    """Prints lines; with `is_error` on standard error."""
    kept: RejectedClaims | None = None
    """Where what is rejected is kept."""
    learn: Callable[[LoggedVerdict], None] = lambda row: None
    """Is told what the log has from then on."""
    tally: Tally = field(default_factory=Tally)
    asked: set[str] = field(default_factory=set)
    """Claims that wait for the answer to an audit."""
    _told: dict[str, Entry | None] = field(default_factory=dict)
    """By file, every claim that something was said of; what was said, where a file of test results has it."""
    _writers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_WRITERS))
    """They wait for the disk, which keeps several files in the time of one."""
    _written: deque[tuple[Case, Verdict, Envelope, Future[None]]] = field(default_factory=deque)
    """Those on their way, in the order of the answers: nobody hears of them before they are there, nor the log."""

    def add(self, case: Case, answer: Answer) -> None:
        """Count, keep and print one answer."""
        if isinstance(answer, Mistake):
            file = str(case.path)
            self.tally.add(file, answer.outcome)
            self._say(unjudged(file, _stated(case, is_judged=False), case.level, answer.outcome, answer.text))
            self.echo(f"tig-verify: {answer.text}", is_error=True)
            return
        if self.key is None:
            self._tell(case, answer, None)
            return
        signed = seal(answer, self.key)
        written = self._writers.submit(write_file, self.options.verdict_file(case.path, answer), signed.to_bytes())
        self._written.append((case, answer, signed, written))
        self._settle(_WRITERS if case.level is Level.EVALUATE else 0)  # after a training, nobody waits for the next one

    def recall(self, path: Path, known: LoggedVerdict) -> None:
        """Count and print a verdict of an earlier call."""
        self.tally.add(str(path), known.outcome, known.reason, known.claim_digest)
        self.tally.before += 1
        self._say(json_object(known.line), known.line)

    def ask(self, case: Case, request: Path) -> None:
        """Say that a request was written in place of a verdict."""
        file, why = str(case.path), f"drawn for an audit; send {request} to its signer"
        self.asked.add(file)
        self._say(left(file, _stated(case, is_judged=True), Level.AUDIT, why, request))
        if not self.options.as_json:
            self.echo(f"{file}: {why}")

    def wait(self, path: Path) -> None:
        """Say that a request of an earlier call is not answered yet."""
        self.asked.add(str(path))
        self._say(left(str(path), NOTHING, Level.AUDIT, "waits for the answer to its audit"))

    def end(self, claims: Sequence[Path]) -> int:
        """Say of all claims what became of them; the exit code. Raises InputError."""
        missing = [str(path) for path in claims if str(path) not in self._told]
        for file in missing:
            self._say(left(file, NOTHING, None, "left to the next call"))
        say(f"tig-verify: {self.tally}", is_error=True)
        if not self.options.as_json:
            self._name_copies()
        if count := len(missing) + len(self.asked):
            until = f", {len(self.asked):,} of them until their audits are answered" if self.asked else ""
            told = f"{count:,} of {len(claims):,} claims are left{until}; the same call goes on"
            say(f"tig-verify: {told}", is_error=True)
        if self.options.junit is not None:  # last: what cannot be written hides nothing
            write_junit(self.options.junit, [entry for entry in self._told.values() if entry])
        return self.tally.code(count)

    def _name_copies(self) -> None:
        copies = list(self.tally.copies.items())
        say(*(f"  {file} states what {first} states" for file, first in copies[:_FEW]), is_error=True)
        if len(copies) > _FEW:
            say(f"  and {len(copies) - _FEW:,} copies more; --json names each", is_error=True)

    def _settle(self, most: int) -> None:
        """Tell those verdicts whose file is written, and wait until at most so many are not."""
        while self._written and (len(self._written) > most or self._written[0][-1].done()):
            case, verdict, signed, written = self._written.popleft()
            try:
                written.result()
            except InputError as error:  # a folder or a link has its name: the other claims have verdicts all the same
                self.tally.unwritten += 1
                self.echo(f"tig-verify: {error}", is_error=True)
            self._tell(case, verdict, signed)

    def _tell(self, case: Case, verdict: Verdict, signed: Envelope | None) -> None:
        file, digest = str(case.path), verdict.claim_digest.hex()
        copy_of = self.tally.original(file, verdict.outcome, digest)
        entry = of_verdict(file, _stated(case, is_judged=True), copy_of, verdict)
        line = json_text(entry)
        if self.kept is not None and verdict.outcome is Outcome.REJECTED:
            self.kept.keep(case, verdict, line, signed)
        if self.log is not None:
            row = LoggedVerdict.read(json_object(line), line)
            self.log.add(row)
            self.learn(row)
        self.tally.add(file, verdict.outcome, verdict.reason, digest)  # now: Ctrl-C tells how many are kept
        self._say(entry, line)

    def _say(self, entry: Entry, line: str | None = None) -> None:
        """Print an entry, and keep it for the file of test results.

        Of what has no verdict, people are told elsewhere, and of what is accepted only if they want that.
        """
        self._told[entry["file"]] = entry if self.options.junit else None
        if self.options.as_json:
            self.echo(line or json_text(entry))
        elif "reason" in entry and (entry["outcome"] != Outcome.ACCEPTED or self.options.tells_accepted):
            self.echo(*as_text(entry))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._writers:
            if kind is None:
                self._settle(0)
            elif self.tally.claims:
                self.echo(f"tig-verify: until then {self.tally}", is_error=True)


def _stated(case: Case, is_judged: bool) -> ClaimStatement:
    """What a claim states, as it was read, or where it lacks something else, as it is now."""
    try:
        data = case.papers.claim if isinstance(case.papers, Papers) else read_file(case.path)
        return ClaimStatement.of(case.path, data, is_judged)
    except InputError:  # it cannot be read, or has the name of another file
        return NOTHING
