"""Drives a Ray cluster, in a process of its own: Ray ends the process that it is in when the cluster's head is lost.

It also prints, handles signals, and has nodes import from the current folder of that process. Items and results pass
through here as pickles, which only those open who sent them, or shall work on them. Run by `verifier.runs.cluster`.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final

import ray
import ray.util.scheduling_strategies

from sandbox.errors import WorkerFault
from verifier.runs.cluster import LOCAL, Word
from verifier.runs.node import Node, difference, identity
from verifier.runs.pool import Listed, Task, TaskLost, Waiting, seconds_to
from verifier.runs.queue import cores

_TRIES: Final = 2
"""Nodes that an item is given to, if the first is lost over it."""
_FALSE_STARTS: Final = 3
"""Actors in a row that end on a node before they are ready: then it is no accident."""
_PAUSE: Final = 1.0
"""Seconds after which the driver looks for nodes again."""
_LONG: Final = 30.0
"""Seconds for which no node may be there, and after which the user is told that one is waited for."""
_OBJECT_STORE: Final = 75 * 2**20
"""Bytes, the least that Ray takes: results are small, and pass through."""

Numbered = tuple[int, bytes]
"""An item, or its result."""


@dataclass(eq=False)
class _Member:
    """A node of the cluster, with the actor that holds its processes."""

    name: str
    identifier: str
    actor: Any
    processes: int
    asked: float
    """The moment at which it was asked who it is."""
    is_ready: bool = False
    is_late: bool = False
    busy: int = 0


def main(arguments: list[str]) -> None:
    """Serve the connection; the arguments are its descriptor and the address. It ends when the other end is closed.

    However the caller ends, this process ends what Ray has started: if it were killed, some of that would go on for a
    minute.
    """
    connection: Connection[Any, Any] = Connection(int(arguments[0]))
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _serve(connection, arguments[1])
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except WorkerFault as fault:
            connection.send((Word.FAULT, str(fault)))
        except Exception as error:  # nobody would read it on standard error
            connection.send((Word.FAULT, f"the driver of the cluster failed: {type(error).__name__}: {error}"))


def _serve(connection: Connection[Any, Any], address: str) -> None:
    opening, until = connection.recv()
    with _connected(address):
        driver = _Driver(connection, opening)
        try:
            for answer in driver.run(until):
                connection.send((Word.DONE, answer))
        finally:
            driver.dismiss()
    connection.send((Word.OVER, None))


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    """A connection to a cluster; with `local`, a cluster of this machine, which leaves nothing. Raises WorkerFault."""
    with ExitStack() as stack:
        options: dict[str, Any] = {}
        if address == LOCAL:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tig-", ignore_cleanup_errors=True))
            options = {
                "num_cpus": cores(),
                "object_store_memory": _OBJECT_STORE,
                "include_dashboard": False,
                "_temp_dir": folder,
                "_system_config": {"prestart_worker_first_driver": False},
            }
        stack.callback(ray.shutdown)
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL, **options)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            said = " ".join(str(error).split())
            raise WorkerFault(
                f"the cluster {address} cannot be used: {said} (docs/scale.md says how to start one)"
            ) from None
        yield


class _Driver:
    """Gives the items of a caller to the nodes of the cluster that this process is connected to."""

    def __init__(self, connection: Connection[Any, Any], opening: bytes) -> None:
        self._connection, self._opening = connection, opening
        self._identity = identity()
        self._members: dict[str, _Member] = {}
        self._refused: dict[str, str] = {}
        """Why, by the node's identifier."""
        self._false_starts: dict[str, int] = {}
        self._in_hand: dict[Any, tuple[_Member, Task[Numbered] | None]] = {}
        """By Ray's reference of the answer; no task where a node is asked who it is."""
        self._looked = 0.0
        self._joined = time.monotonic()
        """The moment at which there was a node last."""

    def run(self, until: float | None) -> Iterator[tuple[int, bytes | TaskLost]]:
        """Every item with its result. Raises WorkerFault if no node is left, EOFError if the caller is gone."""
        waiting = Waiting(Listed(self._items()), _TRIES)
        answers: list[tuple[int, bytes | TaskLost] | None] = []
        while True:
            if self._connection.poll():  # it sends nothing that it is not asked for
                raise EOFError
            self._look()
            self._assign(waiting, until)  # before the caller looks at the answers
            yield from (answer for answer in answers if answer is not None)
            if seconds_to(until) == 0.0 or not (self._is_working() or waiting):
                return
            self._require_members()
            answers = [self._hear(reference, waiting) for reference in self._answered(until)]

    def _items(self) -> Iterator[Numbered]:
        """Ask for one item after the other."""
        while True:
            self._connection.send((Word.TAKE, None))
            if (item := self._connection.recv()) is None:
                return
            yield item

    def _is_working(self) -> bool:
        return any(task for _, task in self._in_hand.values())

    def _look(self) -> None:
        """Ask each node that is new who it is, at most once in a while if there are others."""
        now = time.monotonic()
        if self._members and now < self._looked + _PAUSE:
            return
        self._looked = now
        for node in ray.nodes():
            processes = int(node["Resources"].get("CPU", 0))
            if node["Alive"] and processes and node["NodeID"] not in self._members.keys() | self._refused.keys():
                self._ask(node["NodeID"], f"{node['NodeManagerHostname']} ({node['NodeName']})", processes, now)
        if self._members:
            self._joined = now
        for member in self._members.values():
            if not member.is_ready and not member.is_late and now > member.asked + _LONG:
                member.is_late = True
                self._connection.send(
                    (Word.WARN, f"node {member.name} is waited for: it is slow, or something else holds its cores")
                )

    def _ask(self, identifier: str, name: str, processes: int, now: float) -> None:
        strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(identifier, soft=False)
        actor = (
            ray.remote(Node)
            .options(num_cpus=processes, max_concurrency=processes, scheduling_strategy=strategy)
            .remote(self._opening, processes)
        )
        member = self._members[identifier] = _Member(name, identifier, actor, processes, now)
        self._in_hand[actor.identity.remote()] = member, None

    def _assign(self, waiting: Waiting[Numbered], until: float | None) -> None:
        """Give an item to each process that has none."""
        if seconds_to(until) == 0.0:
            return
        for member in self._members.values():
            while member.is_ready and member.busy < member.processes and (task := waiting.take()):
                member.busy += 1
                self._in_hand[member.actor.work.remote(task.item[1])] = member, task

    def _answered(self, until: float | None) -> list[Any]:
        """The answers that are there, after the first has come; none if none came in a while."""
        left = seconds_to(until)
        pause = _PAUSE if left is None else min(left, _PAUSE)
        references = list(self._in_hand)
        if not references:
            time.sleep(pause)
            return []
        found: list[Any]
        found, _ = ray.wait(references, timeout=pause)
        if found:
            found, _ = ray.wait(references, num_returns=len(references), timeout=0.0)
        return found

    def _hear(self, reference: Any, waiting: Waiting[Numbered]) -> tuple[int, bytes | TaskLost] | None:
        """An item and its result; None if a node says who it is, or if an item is to be done elsewhere."""
        member, task = self._in_hand.pop(reference)
        try:
            answer = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            self._refuse(member, str(error.cause))
        except ray.exceptions.RayError as error:
            self._lose(member, error)
        else:
            if task is not None:
                member.busy -= 1
                return task.item[0], answer
            if why := difference(answer, self._identity):
                self._refuse(member, why)
            else:
                member.is_ready = True
                self._false_starts.pop(member.identifier, None)
            return None
        if task is None:
            return None
        task.tries_left -= member.identifier not in self._refused
        if task.tries_left:
            waiting.put_back(task)
            return None
        return task.item[0], TaskLost(f"node {member.name} stopped while it had it in hand")

    def _refuse(self, member: _Member, why: str) -> None:
        """Have nothing more to do with a node."""
        if self._remove(member):
            self._refused[member.identifier] = f"node {member.name} is not used: {why}"
            self._connection.send((Word.WARN, self._refused[member.identifier]))

    def _lose(self, member: _Member, error: Exception) -> None:
        """Let go of an actor that has ended: its node may be lost, and is asked again if it is not."""
        if member.is_ready:
            if self._remove(member):
                self._connection.send((Word.WARN, f"node {member.name} has stopped; what it had in hand is done again"))
            return
        starts = self._false_starts[member.identifier] = self._false_starts.get(member.identifier, 0) + 1
        if starts == _FALSE_STARTS:
            self._refuse(member, str(error).strip().splitlines()[-1])
        else:
            self._remove(member)

    def _remove(self, member: _Member) -> bool:
        """Kill a node's actor, and its processes with it; whether it was still a member."""
        if self._members.get(member.identifier) is not member:
            return False
        del self._members[member.identifier]
        ray.kill(member.actor)
        return True

    def dismiss(self) -> None:
        """Kill all actors."""
        for member in list(self._members.values()):
            self._remove(member)
        self._in_hand.clear()

    def _require_members(self) -> None:
        """Raise WorkerFault if nobody works or will."""
        if self._members or (not self._refused and time.monotonic() < self._joined + _LONG):
            return
        reasons = "; ".join(self._refused.values()) or "it has no node with a core"
        raise WorkerFault(f"the cluster has nobody to work: {reasons}")
