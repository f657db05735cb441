"""Many trainings: by this process or by others, under a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from arithmetic.allocator import keep_freed_memory
from sandbox.errors import ModuleRefused, OptimiserError, WorkerFault
from sandbox.isolation import Isolation
from verifier.challenge.errors import InputError
from verifier.challenge.solving import Solved, Task, solve
from verifier.challenge.training.trainer import Epoch, Observer
from verifier.command_line.isolation_options import open_isolation
from verifier.runs.pool import TaskLost
from verifier.runs.queue import completed, cores

_A_DAY = 86_400.0


@dataclass(frozen=True)
class Failed:
    """The module cannot be trained; the text says why."""

    text: str


Item = TypeVar("Item")
Result = TypeVar("Result")
Opened = Callable[..., AbstractContextManager[Callable[[Item], Result | Failed]]]
"""What trains items in a process, one after the other; takes an observer, and is sent to other processes as it is."""


@contextmanager
def opened_place(isolation: str) -> Iterator[Isolation]:
    """Where modules run, in a process that does nothing but train."""
    keep_freed_memory()
    torch.set_num_threads(1)  # the bits do not depend on it; idle threads that spin slow the others down
    with open_isolation(isolation) as place:
        yield place


def require_dialect(modules: Mapping[Path, bytes], isolation: str) -> None:
    """Refuse modules that no training would load, before the first one. Raises InputError with all their problems."""
    refusals: list[str] = []
    with open_isolation(isolation) as place:
        for path, source in modules.items():
            try:
                place.check(source, str(path))
            except ModuleRefused as refused:
                refusals.append(str(refused))
    if refusals:
        raise InputError("\n".join(refusals))


def attempt(task: Task, path: Path, place: Isolation, observer: Observer | None, device: str) -> Solved | Failed:
    """Train the module in the file at `path`, which the dialect allows."""
    try:
        return solve(task, place, observer, device)
    except OptimiserError as error:
        return Failed(f"{path}: {error}")


def train(
    opened: Opened[Item, Result],
    items: Sequence[Item],
    todo: Sequence[Item],
    jobs: int | None,
    keep: Callable[[Item, Result], None],
    cost: Callable[[Item], float] = lambda item: 1.0,
) -> None:
    """Train those of the items that are to be done, and hand over what each came to.

    An item's text is its name; `cost` is in proportion to the time that it takes.

    Raises InputError for a module that cannot be trained, WorkerFault when a training was lost.
    """
    jobs = min(jobs or cores(), max(len(todo), 1))
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"), TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    done = len(items) - len(todo)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=_A_DAY
    ) as progress:
        total = sum(map(cost, items))
        bar = progress.add_task("training", total=total, count=f"{done}/{len(items)}")
        progress.update(bar, completed=total - sum(map(cost, todo)))

        def show(epoch: Epoch) -> None:
            progress.update(bar, description=f"epoch {epoch.number}  validation loss {epoch.validation_loss:.4f}")

        with closing(completed(opened, todo, jobs, show)) as answers:
            for number, (item, answer) in enumerate(answers, start=done + 1):
                keep(item, _required(item, answer))
                progress.update(bar, advance=cost(item), count=f"{number}/{len(items)}", description=str(item))


def _required(item: Item, answer: Result | Failed | TaskLost) -> Result:
    if isinstance(answer, Failed):
        raise InputError(answer.text)
    if isinstance(answer, TaskLost):
        raise WorkerFault(f"{item}: {answer.why}")
    return answer
