"""Judges cases: gives the verdict on each claim, or the mistake in its files."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from protocol.errors import ProtocolError
from protocol.verdict import Level, Outcome, Reason, Verdict
from sandbox.isolation import Isolation
from verifier.challenge.errors import InputError, NoEvidenceError, Part, UnopenedError
from verifier.challenge.lockstep.device import Trained, Wanted
from verifier.challenge.module import Module
from verifier.challenge.training.trainer import Observer
from verifier.command_line.options.execution_options import Execution, Workplace
from verifier.command_line.verifying.answered_audit import AnsweredAudit
from verifier.command_line.verifying.claim_cases import Case, Mistake, Papers
from verifier.runs.device_pool import Devices
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.verification.context import Evidence, Terms, make_verdict
from verifier.verification.evaluate import open_evidence
from verifier.verification.verify import verify as examine
from verifier.verification.verify import wanted

Answer = Verdict | Mistake


class Judging(Protocol):
    """Judges a case, with what a device has trained for it."""

    def __call__(self, case: Case, trained: Trained | None = None, /) -> Answer:
        """The answer."""


@dataclass(frozen=True)
class Judge:
    """The options common to the cases of one call; sent to other processes as they are."""

    terms: Terms
    isolation: str

    @contextmanager
    def opened(self, observer: Observer | None = None) -> Iterator[Judging]:
        """A judge for this process, of one case at a time."""
        with Workplace(self.isolation) as place:

            def work(case: Case, trained: Trained | None = None) -> Answer:
                answer = self._judge(case, place.isolation, observer, trained)
                if isinstance(answer, Verdict) and answer.outcome is Outcome.UNDETERMINED:
                    place.renew()
                return answer

            yield work

    def _judge(
        self, case: Case, isolation: Isolation, observer: Observer | None = None, trained: Trained | None = None
    ) -> Answer:
        training = None if trained is None else trained.training
        return self._answered(case, lambda given: examine(given, case.level, isolation, observer, training))

    def wanted(self, case: Case) -> Wanted | None:
        """The training that a device may do for a case, if it is replayed."""
        if case.level is not Level.REPLAY or isinstance(case.papers, Mistake):
            return None
        try:
            return wanted(self._evidence(case, case.papers))
        except InputError:  # who judges says it
            return None

    def undetermined(self, case: Case, why: str) -> Answer:
        """The answer where the process that judged a claim was lost: about its evidence, if it has any."""

        def verdict(evidence: Evidence) -> Verdict:
            open_evidence(evidence)
            reason = Reason.MACHINE_FAULT
            return make_verdict(evidence, case.level, Outcome.UNDETERMINED, reason, why, step=0, measured={}, state={})

        return self._answered(case, verdict)

    def _answered(self, case: Case, verdict: Callable[[Evidence], Verdict]) -> Answer:
        """The verdict on the evidence of a case, or the mistake in its papers, which names the file."""
        if isinstance(case.papers, Mistake):
            return case.papers
        try:
            return verdict(self._evidence(case, case.papers))
        except UnopenedError as error:
            return Mistake(f"{case.path}: undetermined: {error}", Outcome.UNDETERMINED)
        except NoEvidenceError as error:
            return Mistake(f"{self._place(case, case.papers, error.part)}: {error}")
        except InputError as error:
            return Mistake(str(error))
        except ProtocolError as error:  # a request for epochs that the claim has not
            return Mistake(f"{case.path}: {error}")

    def _place(self, case: Case, papers: Papers, part: Part) -> Path:
        if part is Part.SOLUTION:
            return papers.solution_file
        return case.audit.folder if part is Part.ANSWER and isinstance(case.audit, AnsweredAudit) else case.path

    def _evidence(self, case: Case, papers: Papers) -> Evidence:
        """Raises InputError."""
        claim, solution = papers.envelopes(case.path)
        audit = case.audit.evidence(case.path, claim) if isinstance(case.audit, AnsweredAudit) else case.audit
        return Evidence(claim, solution, partial(_module, papers), audit, self.terms)


def _module(papers: Papers, _: bytes) -> Module:
    """The module among the papers. Raises InputError."""
    assert papers.module is not None  # a claim that can be read names one
    if isinstance(papers.module, Mistake):
        raise InputError(papers.module.text)
    return papers.module


def judged(
    judge: Judge,
    cases: Iterable[Case],
    execution: Execution,
    jobs: int,
    observer: Observer | None = None,
    devices: Devices[Case] | None = None,
) -> Generator[tuple[Case, Answer], None, None]:
    """Every case with its answer, as they come: by so many other processes, or by a cluster, or by this process.

    Where there are devices, they train for the processes.

    A case is read when somebody is free for it.
    """
    answered = (
        devices.completed(judge.opened, cases, jobs, execution.until)
        if devices
        else completed(judge.opened, cases, jobs, observer, execution.cluster, execution.until)
    )
    with closing(answered) as answers:
        for case, answer in answers:
            yield case, judge.undetermined(case, answer.why) if isinstance(answer, TaskLost) else answer
