"""A process that trains on a device: asks for one item after the other, and answers as they are done.

Run by `verifier.runs.device_pool`.
"""

from __future__ import annotations

import pickle
from enum import StrEnum
from itertools import chain
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from verifier.runs.pool_worker import answer_parent


class Word(StrEnum):
    """What a message of such a process is about."""

    READY = "ready"
    TAKE = "take"  # the next item is asked for
    DONE = "done"  # the number of an item, and what became of it, pickled; nothing if it is to be trained elsewhere
    FAULT = "fault"


def main(arguments: list[str]) -> None:
    """Serve the pool; the arguments are its process and the connection's descriptor."""
    answer_parent(arguments, _serve, failed=Word.FAULT)


def _serve(connection: Connection[Any, Any]) -> None:
    opening = connection.recv()  # imports torch
    caller = _Caller(connection)
    with opening() as trainings:
        caller.tell(Word.READY)
        while True:
            first = caller.asked()  # while nothing is in hand, the answer may take its time
            for number, trained in trainings.train(chain([first], iter(caller.asked, None))):
                caller.tell(Word.DONE, (number, None if trained is None else pickle.dumps(trained)))


class _Caller:
    """Who has started this process. One thread may ask for items while another one answers."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection, self._sending = connection, Lock()

    def tell(self, word: Word, said: object = None) -> None:
        """Send a message."""
        with self._sending:
            self._connection.send((word, said))

    def asked(self) -> Any:
        """The next item, with its number; None if there is none."""
        self.tell(Word.TAKE)
        return self._connection.recv()
