"""A folder that one call writes to at a time: files that belong together are then of one call."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from verifier.challenge.errors import InputError

PATIENCE: Final = 30.0
"""Seconds; the files of a claim are written in less than one."""


@contextlib.contextmanager
def writing_alone(folder: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Make the folder if need be, and hold its lock, which ends with the process. Raises InputError.

    It binds the calls of this tool alone. A file system without locks has none.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}; choose another folder with -o") from None
    try:
        _lock(folder, descriptor, patience)
        yield
    finally:
        os.close(descriptor)


def _lock(folder: Path, descriptor: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                problem = "another call is writing to it; wait for it, or choose another folder with -o"
                raise InputError(f"{folder}: {problem}") from None
            time.sleep(0.02)
        except OSError:  # no locks here
            return
        else:
            return
