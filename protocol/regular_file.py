"""The one way to open a file that somebody names: it is known to be a regular file before it is opened.

Opening is an act of its own: a named pipe waits for a writer, perhaps for ever, a terminal may become the controlling
one, some devices do something. So the name is looked at first; and since another file may have its name by then, what
was opened is looked at again, having been opened in a way that waits for nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

_CHUNK: Final = 1 << 20
_CAUTIOUS: Final = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFDIR: "is a folder; name a file in it",
    stat.S_IFIFO: "is a pipe; name an ordinary file",
    stat.S_IFSOCK: "is a socket; name an ordinary file",
    stat.S_IFCHR: "is a device; name an ordinary file",
    stat.S_IFBLK: "is a device; name an ordinary file",
}


class IrregularFileError(OSError):
    """Something else has the name; `strerror` says what, and what to do."""


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file, never waited for; links are followed. `OSError`, of it `IrregularFileError`.

    With `O_CREAT` a file is made where there is none, but not where a link to nowhere, which a stranger may have put
    there, says.
    """
    try:
        _require_regular(path, os.stat(path))
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
        require_replaceable(path)
    descriptor = os.open(path, flags | _CAUTIOUS, 0o644)
    try:
        _require_regular(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file, or its first `limit + 1`, if it is longer. Raises as `open_regular` does."""
    descriptor = open_regular(path)
    try:
        parts, left = list[bytes](), limit + 1
        while left and (part := os.read(descriptor, min(_CHUNK, left))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)  # one part is not copied, which for a megabyte costs more than to read it
    finally:
        os.close(descriptor)


def require_replaceable(path: Path) -> None:
    """Raise `OSError` for a name that anything but a regular file has: that would be lost, or be written through."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        raise IrregularFileError(errno.EINVAL, "is a symbolic link; name the file itself", str(path))
    _require_regular(path, found)


def _require_regular(path: Path, found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise IrregularFileError(errno.EINVAL, _KINDS.get(kind, "is no ordinary file; name one"), str(path))
