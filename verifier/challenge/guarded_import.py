"""Imports of libraries that would take settings from the working folder, which may come with a stranger's claims."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def guarded_import(*prefixes: str, **settings: str) -> Iterator[None]:
    """Inside, a library may be imported: of its variables, which begin with `prefixes`, it sees `settings` alone.

    Nor does it see the working folder, where it might look for settings first.
    """
    here = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    theirs = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefixes)}
    os.environ.update(settings)
    try:
        os.chdir("/")
        yield
    finally:
        os.fchdir(here)
        os.close(here)
        for name in settings:
            del os.environ[name]
        os.environ.update(theirs)
