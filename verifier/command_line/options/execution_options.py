"""The options for how a call does its work: where modules run, by how many processes, until when, which part of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

import click

from arithmetic.allocator import keep_freed_memory
from arithmetic.errors import MachineError
from verifier.challenge.errors import InputError
from verifier.command_line.options.option_groups import option_group
from verifier.command_line.options.whole_number import WholeNumber
from verifier.command_line.terminal import say

if TYPE_CHECKING:
    from sandbox.isolation import InProcess, Jail
    from verifier.challenge.lockstep.device import Device, Wanted
    from verifier.runs.device_pool import Devices
    from verifier.runs.queue import ClusterAddress

_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0}
Item = TypeVar("Item")
Answer = TypeVar("Answer")

isolation_option: Final = click.option(
    "--isolation",
    type=click.Choice(["process", "none"]),
    default="process",
    show_default=True,
    help="Where the module's code runs: in a jailed process, or unprotected in this one (only code that you trust).",
)

device_option: Final = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda", "auto"]),
    default="cpu",
    show_default=True,
    help="cuda: many trainings at once on each GPU, with the same results. auto: the same if this machine has a GPU "
    "that can, else on its processor.",
)


class Duration(click.ParamType[float]):
    """A time such as 2h, 90m or 30s, in seconds."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text of the option."""
        match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([hms])", str(value))
        if match is None:
            self.fail(f"{value!r}: write a number and its unit, such as 2h, 90m or 30s", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


@dataclass(frozen=True)
class Shard:
    """One of so many parts of a list, which together are the list."""

    number: int = 1
    """From 1 on."""
    count: int = 1

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Its items of a list: every `count`-th one."""
        return items[self.number - 1 :: self.count]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


class ShardType(click.ParamType[Shard]):
    """Which part of how many, such as 3/16."""

    name = "I/N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """Read the text of the option, or take the default as it is."""
        if isinstance(value, Shard):
            return value
        match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", str(value))
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            self.fail(f"{value!r}: write which part of how many, such as 3/16", param, ctx)
        return Shard(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Execution:
    """The way in which the items of a call are worked on, and how many of them."""

    isolation: str
    jobs: int | None
    """Processes; None for one on each core."""
    cluster: ClusterAddress | None = None
    """None for processes of this machine."""
    until: float | None = None
    """The moment of `time.monotonic()` at which the call ends."""
    limit: int | None = None
    """How many items this call works on at most."""
    shard: Shard = Shard()
    """The part of the items that the call is about."""
    device: str = "cpu"
    """What trains: this machine's processor, its GPUs (`cuda`), or these if they can (`auto`)."""

    def processes(self, items: int) -> int:
        """The number of processes that so many items are worth."""
        from verifier.runs.queue import cores

        return min(self.jobs or cores(), max(items, 1))

    def devices(self, wanted: Callable[[Item], Wanted | None], items: int) -> Devices[Item] | None:
        """Devices, which are named, that train what so many items ask for; None for processors. Raises MachineError."""
        if self.device == "cpu" or not items:
            return None
        from verifier.runs.device_pool import Devices, lockstep

        found = self._found_devices()
        if not found:
            return None
        drawers = max(self.processes(items) // len(found), 1)
        trainings = partial(lockstep, partial(open_isolation, self.isolation), drawers)
        return Devices(found, trainings, wanted, items, _warn)

    def _found_devices(self) -> tuple[Device, ...]:
        from verifier.runs import device_search

        try:
            found = device_search.found_devices()
        except MachineError as error:
            if self.device == "cuda":
                raise MachineError(f"--device cuda: {error}") from None
            say(f"tig-verify: --device auto: the processor trains, for {error}", is_error=True)
            return ()
        say(f"tig-verify: on {' and '.join(device.title for device in found)}", is_error=True)
        return found

    def answers(
        self,
        items: Iterable[Item],
        work: Callable[[Iterable[Item]], Generator[Answer, None, None]],
        counts: Callable[[Answer], bool],
    ) -> Generator[Answer, None, None]:
        """What `work` answers to the items, which it takes one by one, until as many answers count as --limit allows.

        One that does not count says that the next call is to try again: it must not keep that from the items after it.
        """
        if self.limit is None:
            with closing(work(items)) as answers:
                yield from answers
            return
        source, room = iter(items), self.limit
        while some := list(islice(source, room)):
            answered = 0
            with closing(work(some)) as answers:
                for answer in answers:
                    answered += 1
                    room -= counts(answer)
                    yield answer
            if answered < len(some):  # the deadline has passed
                return

    def limited(self, items: Iterable[Item]) -> Iterator[Item]:
        """As many of the items as this call may work on."""
        return islice(items, self.limit)


def _execution(
    isolation: str, jobs: int | None, cluster: str | None, deadline: float | None, limit: int | None, shard: Shard
) -> Execution:
    until = None if deadline is None else time.monotonic() + deadline
    return Execution(isolation, jobs, _cluster(cluster), until, limit, shard)


def _whole_execution(
    isolation: str, jobs: int | None, cluster: str | None, deadline: float | None, limit: int | None
) -> Execution:
    """Of work that cannot be done in shards."""
    return _execution(isolation, jobs, cluster, deadline, limit, Shard())


def _many_execution(
    device: str, isolation: str, jobs: int | None, cluster: str | None, deadline: float | None, limit: int | None,
    shard: Shard,
) -> Execution:  # fmt: skip
    """Of trainings of which a device has many at once. Raises InputError."""
    if device != "cpu" and cluster is not None:
        raise InputError("--device: a cluster trains on processors; leave --cluster out, and share the work by --shard")
    return replace(_execution(isolation, jobs, cluster, deadline, limit, shard), device=device)


def _cluster(address: str | None) -> ClusterAddress | None:
    if address is None:
        return None
    from verifier.runs.queue import ClusterAddress

    return ClusterAddress(address, _warn)


def _warn(text: str) -> None:
    say(f"warning: {text}", is_error=True)


jobs_option: Final = click.option(
    "--jobs", type=WholeNumber(1), metavar="N", help="Processes to share the work. Default: all cores."
)

_PLAIN: Final = (
    jobs_option,
    click.option("--cluster", metavar="ADDRESS|local", help="Share the work among the machines of a Ray cluster."),
    click.option("--deadline", type=Duration(), help="End after this time (2h, 90m, 30s); the same call goes on."),
    click.option("--limit", type=WholeNumber(1), metavar="N",
                 help="End after so many items; the same call goes on."),
)  # fmt: skip
_WHOLE: Final = (isolation_option, *_PLAIN)
_SHARD: Final = (
    click.option("--shard", type=ShardType(), default=Shard(), show_default=True,
                 help="Every N-th item, from the I-th on: of N calls, each does a part."),
)  # fmt: skip
_SHARED: Final = (*_WHOLE, *_SHARD)
many_execution_options: Final = option_group("execution", _many_execution, device_option, *_SHARED)
execution_options: Final = option_group("execution", _execution, *_SHARED)
plain_execution_options: Final = option_group("execution", partial(_execution, "none"), *_PLAIN, *_SHARD)
"""Of trainings that run no module: there is nothing to isolate."""
whole_execution_options: Final = option_group("execution", _whole_execution, *_WHOLE)
local_execution_options: Final = option_group(
    "execution",
    lambda isolation, jobs: Execution(isolation, jobs),  # noqa: PLW0108 - its parameters are the options
    isolation_option,
    jobs_option,
)


def require_kept(execution: Execution, out: Path | None) -> None:
    """Refuse a call that can end before its work is done, and keeps nothing for the next one. Raises InputError."""
    if out is None and not execution.until is execution.limit is None:
        raise InputError("--deadline and --limit go with --out, by which the next call knows what is done")


def open_isolation(name: str) -> AbstractContextManager[InProcess | Jail]:
    """The place that the option names, for a process that trains; its own processes end with the context."""
    from sandbox.isolation import InProcess, Jail

    keep_freed_memory()
    return Jail() if name == "process" else nullcontext(InProcess())


class Workplace:
    """The place where this process runs modules, replaced when it broke. A context manager."""

    isolation: InProcess | Jail

    def __init__(self, name: str) -> None:
        self._name, self._stack = name, ExitStack()

    def renew(self) -> None:
        """Have another one: what failed is not used again."""
        self._stack.close()
        self.isolation = self._stack.enter_context(open_isolation(self._name))

    def __enter__(self) -> Self:
        self.renew()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
