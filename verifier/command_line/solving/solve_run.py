"""A run of `solve`: nonces that are done are passed over, the others are solved, written, logged and told."""

from __future__ import annotations

import platform
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from importlib import metadata
from typing import Final

from sandbox.errors import WorkerFault
from verifier.challenge.errors import InputError
from verifier.command_line.files import remove_leftovers
from verifier.command_line.first_compilation import say_if_first
from verifier.command_line.options.execution_options import Execution
from verifier.command_line.options.nonces_option import nonces_text
from verifier.command_line.progress import Progress
from verifier.command_line.solving.claim_folder import ClaimFolder
from verifier.command_line.solving.nonce_solver import Answer, NonceSolver, Refused, SolvedNonce
from verifier.command_line.solving.run_figures import Qualities
from verifier.command_line.solving.solve_report import SolveReport
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed
from verifier.runs.run_log import Done, Entry, Failed, Run, RunLog, Start, read_run

_HOPELESS: Final = 10
"""Nonces in a row whose process or machine failed: then it is no accident."""


class SolveRun:
    """The nonces of a call: which of them are done, which are to be, and what becomes of them."""

    def __init__(
        self, claims: ClaimFolder, nonces: Sequence[int], solver: NonceSolver, execution: Execution, as_json: bool
    ) -> None:
        """Look at the claims that are there. Raises InputError for a file that cannot be one of them."""
        self._claims, self._solver, self._execution = claims, solver, execution
        self._nonces = nonces
        self.log_path = claims.log_path(execution.shard)
        self._known = read_run(self.log_path) if self.log_path.exists() else Run()
        self._known.require(claims.task.digest().hex(), claims.key.verify_key.raw.hex())
        failed = self._known.failed.items()
        self._failed = {nonce: failed.why for nonce, failed in failed if not failed.is_lost}
        share = execution.shard.of(nonces)
        self._found = {each.nonce: each for each in claims.found(share, self._known.claims)}
        todo = [nonce for nonce in share if nonce not in self._found]
        self._todo = sorted(todo, key=lambda nonce: nonce in self._failed)  # what failed before is tried last
        qualities = Qualities(each.quality for each in self._found.values())
        progress = Progress("starting", len(share), len(self._found), qualities=qualities, events=as_json)
        self._report = SolveReport(claims.optimiser, claims.key.verify_key.raw, progress, as_json)
        self._log: RunLog | None = None
        self._lost_in_a_row = 0

    def solve(self, log: RunLog | None = None) -> int:
        """Solve what is not done; the exit code. Raises InputError, WorkerFault or MachineError."""
        execution, untried, self._log = self._execution, set(self._todo), log
        count = len(list(execution.limited(self._todo)))
        jobs = execution.processes(count)
        devices = execution.devices(self._solver.wanted, count)
        self._keep(_start(self._claims, self._nonces, execution, jobs))
        self._keep(*(each for each in self._found.values() if each != self._known.claims.get(each.nonce)))
        remove_leftovers(self._claims.folder)
        with ExitStack() as stack:
            items, observer = self._begun(jobs, devices is not None, stack), self._report.progress.observe
            answers = (
                devices.completed(self._solver.opened, items, jobs, execution.until)
                if devices
                else completed(self._solver.opened, items, jobs, observer, execution.cluster, execution.until)
            )
            for nonce, answer in stack.enter_context(closing(answers)):
                self._take(nonce, answer)
                untried.remove(nonce)
        self._report.failed.update({nonce: self._failed[nonce] for nonce in untried & self._failed.keys()})
        return self._report.end(self._claims.folder, len(self._found), len(untried - self._failed.keys()))

    def _begun(self, jobs: int, has_devices: bool, stack: ExitStack) -> Iterator[int]:
        """The nonces, each when somebody begins it. The progress is shown from the first one on, not before.

        A process that trains has started its zygote by then, and what shows the progress is imported meanwhile.
        """
        for nonce in self._execution.limited(self._todo):
            if nonce == self._todo[0]:
                if self._execution.cluster is None:
                    say_if_first()
                stack.enter_context(self._report.progress)
            several = f"{jobs} processes" if jobs > 1 else "training" if has_devices else None
            self._report.progress.begin(several or f"nonce {nonce}")
            yield nonce

    def _take(self, nonce: int, answer: Answer) -> None:
        """Write, keep and print what became of a nonce. Raises InputError or WorkerFault where the run cannot go on."""
        if isinstance(answer, Refused):
            raise InputError(*answer.lines)
        self._lost_in_a_row = self._lost_in_a_row + 1 if isinstance(answer, TaskLost) else 0
        if isinstance(answer, SolvedNonce):
            self._write(nonce, answer)
            return
        self._keep(Failed(time.time(), nonce, answer.why, isinstance(answer, TaskLost)))
        self._report.missed(nonce, answer.why, isinstance(answer, TaskLost))
        if self._lost_in_a_row == _HOPELESS:
            raise WorkerFault(f"{_HOPELESS} nonces in a row were not done; the last one, {nonce}: {answer.why}")

    def _write(self, nonce: int, solved: SolvedNonce) -> None:
        try:
            digest = self._claims.write(solved.claim, solved.solution, solved.leaves)
        except InputError as error:
            raise InputError(f"{error}; the same call goes on with what is not done") from None
        self._keep(Done(time.time(), nonce, solved.claim.quality, digest, round(solved.seconds, 3)))
        self._report.solved(self._claims.files(nonce).claim, solved)

    def _keep(self, *entries: Entry) -> None:
        if self._log is not None:
            for entry in entries:
                self._log.add(entry)


def _start(claims: ClaimFolder, nonces: Sequence[int], execution: Execution, jobs: int) -> Start:
    task = claims.task
    return Start(
        time=time.time(),
        command=shlex.join(["tig-verify", *sys.argv[1:]]),
        host=platform.node(),
        version=metadata.version("tig-verify"),
        optimiser=claims.optimiser.name,
        optimiser_digest=task.optimiser_digest.hex(),
        edition=task.edition,
        track=task.settings.track_id,
        task=task.digest().hex(),
        signer=claims.key.verify_key.raw.hex(),
        nonces=nonces_text(nonces),
        shard=execution.shard.number,
        shards=execution.shard.count,
        jobs=jobs,
        cluster=execution.cluster.text if execution.cluster else "",
    )
