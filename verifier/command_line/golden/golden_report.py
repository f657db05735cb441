"""The trainings of golden files, run, and what is said of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from verifier.challenge.errors import InputError
from verifier.challenge.quality import qualifies
from verifier.challenge.training.trainer import Observer
from verifier.command_line.exit_codes import DONE, REJECTED, UNDETERMINED, USAGE
from verifier.command_line.files import write_file
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.golden.golden_cases import GoldenCase, Unusable
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.progress import Progress
from verifier.command_line.terminal import json_text, say
from verifier.command_line.text_table import number_text
from verifier.command_line.trying.trials import Failed, TrialRunner
from verifier.golden.differences import Difference, differences, report
from verifier.golden.training import Results
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed

Outcome = Results | Failed | TaskLost


class Ending(StrEnum):
    """What became of a golden file."""

    AGREES = "agrees"
    DIFFERS = "differs"
    WRITTEN = "written"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    UNDETERMINED = "undetermined"
    UNUSABLE = "unusable"


@dataclass(frozen=True)
class Said:
    """What is said of a golden file."""

    ending: Ending
    lines: tuple[str, ...]
    """The first one is said behind the file's name."""
    found: Sequence[Difference] = ()


@dataclass(frozen=True)
class CaseRunner:
    """Trains for golden files in a process that does nothing else; sent to other processes as it is."""

    isolation: str

    @contextmanager
    def opened(self, observer: Observer | None) -> Iterator[Callable[[GoldenCase], Outcome]]:
        """A function that trains in this process, one after the other."""
        with TrialRunner[Results](self.isolation).opened(observer) as work:
            yield lambda case: work(case.training)


def checked(
    cases: Sequence[GoldenCase], unusable: Unusable, execution: Execution, as_json: bool, ignore_module_digest: bool
) -> int:
    """Hold every training against its file; the exit code."""
    judged = partial(_held, ignore_module_digest=ignore_module_digest)
    counts = _run(cases, unusable, execution, as_json, judged)
    codes = {
        Ending.DIFFERS: REJECTED, Ending.FAILED: REJECTED, Ending.UNDETERMINED: UNDETERMINED, Ending.UNUSABLE: USAGE,
    }  # fmt: skip
    return _code(counts, codes, (REJECTED, UNDETERMINED, USAGE))


def filled(cases: Sequence[GoldenCase], unusable: Unusable, execution: Execution, as_json: bool) -> int:
    """Write every file whose results are new; the exit code."""
    counts = _run(cases, unusable, execution, as_json, _written)
    codes = {Ending.FAILED: USAGE, Ending.UNDETERMINED: UNDETERMINED, Ending.UNUSABLE: USAGE}
    return _code(counts, codes, (USAGE, UNDETERMINED))


def _run(
    cases: Sequence[GoldenCase],
    unusable: Unusable,
    execution: Execution,
    as_json: bool,
    judged: Callable[[GoldenCase, Results], Said],
) -> Counter[Ending]:
    """Train for every file, and say what became of it; how often each ending came."""
    counts = Counter[Ending]()
    for file, why in unusable.items():
        counts[Ending.UNUSABLE] += 1
        say(f"tig-verify: {why}", is_error=True)
        if as_json:
            say(json_text({"file": str(file), "result": Ending.UNUSABLE, "reason": why}))
    if cases:
        say_if_first()
    cost = sum(case.training.cost for case in cases)
    with (
        Progress("training", len(cases), cost=cost) as progress,
        closing(_outcomes(cases, execution, progress)) as outcomes,
    ):
        for case, outcome in outcomes:
            results: Results = {}
            if isinstance(outcome, Failed | TaskLost):
                said = _failure(outcome)
                progress.fail(case.training.cost)
            else:
                said, results = judged(case, outcome), outcome
                progress.advance(case.training.cost)
            counts[said.ending] += 1
            if as_json:
                progress.echo(json_text(_as_json(case, said, results)))
            else:
                progress.echo(f"{case.file}: {said.lines[0]}", *said.lines[1:])
    told = ", ".join(_told(ending, counts[ending]) for ending in Ending if counts[ending])
    say(f"golden files: {told}", is_error=True)
    return counts


def _outcomes(
    cases: Sequence[GoldenCase], execution: Execution, progress: Progress
) -> Generator[tuple[GoldenCase, Outcome], None, None]:
    """What came of each training, as they come."""

    def begun() -> Iterator[GoldenCase]:
        for case in cases:
            progress.begin(str(case.training))
            yield case

    runner = CaseRunner(execution.isolation)
    return completed(runner.opened, begun(), execution.processes(len(cases)), progress.observe)


def _held(case: GoldenCase, results: Results, ignore_module_digest: bool) -> Said:
    """What a check says of a training."""
    assert case.known is not None
    found = differences(case.known, case.found(results), ignore_module_digest)
    if found:
        return Said(Ending.DIFFERS, tuple(report(found)), found)
    return Said(Ending.AGREES, (f"agrees: {_summary(results)}",))


def _written(case: GoldenCase, results: Results) -> Said:
    """Write the file of a training, unless it says so already; what is said of it."""
    made = case.found(results)
    found = differences(case.known, made) if case.known else []
    if case.known and not found:
        return Said(Ending.UNCHANGED, (f"unchanged: {_summary(results)}",))
    try:
        write_file(case.file, made.text().encode())
    except InputError as error:
        return Said(Ending.UNUSABLE, (str(error).removeprefix(f"{case.file}: "),))
    if case.known:
        return Said(Ending.CHANGED, (f"changed: {_summary(results)}", *report(found)[1:]), found)
    return Said(Ending.WRITTEN, (f"written: {_summary(results)}",))


def _failure(outcome: Failed | TaskLost) -> Said:
    if isinstance(outcome, Failed):
        return Said(Ending.FAILED, (f"its module cannot be trained: {outcome.why}",))
    return Said(Ending.UNDETERMINED, (f"undetermined: {outcome.why}",))


def _summary(results: Results) -> str:
    outcome, score = results["outcome"], results["score"]
    return (
        f"{outcome['epochs']} epochs, best {outcome['best_epoch']}, {outcome['stop_reason']}, "
        f"quality {score['quality']:,}, fuel {number_text(outcome['fuel_used'])}"
    )


def _as_json(case: GoldenCase, said: Said, results: Results) -> dict[str, Any]:
    training = case.training
    values: dict[str, Any] = {
        "file": str(case.file),
        "optimiser": str(training.path),
        "optimiser_digest": training.module.digest.hex(),
        "edition": training.task.edition,
        "track": training.track.id,
        "nonce": training.nonce,
        "hyperparameters": dict(training.task.hyperparameters),
        "result": said.ending,
        "reason": "" if results else said.lines[0],
    }
    if not results:
        return values
    outcome, score = results["outcome"], results["score"]
    return {
        **values,
        **{name: outcome[name] for name in ("epochs", "best_epoch", "stop_reason", "fuel_used", "transcript_root")},
        **{name: score[name] for name in ("test_loss", "threshold", "quality")},
        "qualified": qualifies(score["quality"]),
        "differences": [each.as_json() for each in said.found],
    }


def _told(ending: Ending, count: int) -> str:
    return f"{count} {ending if count == 1 else ending.removesuffix('s')}"


def _code(counts: Counter[Ending], codes: dict[Ending, int], order: Sequence[int]) -> int:
    """The first code of the order that some ending has."""
    found = {code for ending, code in codes.items() if counts[ending]}
    return next((code for code in order if code in found), DONE)
