"""Folders for what libraries keep between calls.

Compiled kernels are machine code, matplotlib takes fonts from files: of these only what this user alone can have
written is trusted.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotPrivateError(Exception):
    """There is no such folder, or it is not this user's alone; the message says which one, and what to do."""


def private_folder(name: str) -> Path | None:
    """The folder of that name in the user's cache, made if need be; None if it is not, or not only, this user's."""
    try:
        return _private(own_cache() / name)
    except NotPrivateError:
        return None


def own_cache() -> Path:
    """The toolkit's folder in the user's cache, made if need be. Raises NotPrivateError."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(root) if os.path.isabs(root) else Path.home() / ".cache"
        cache.mkdir(mode=0o700, exist_ok=True)
        resolved = cache.resolve(strict=True)
        for folder in (resolved, *resolved.parents):
            if not _is_guarded(folder):
                raise NotPrivateError(f"{folder}: everybody may replace what is in it; chmod o-w it")
    except OSError as error:
        raise _unusable(cache, error) from None
    except RuntimeError:
        raise NotPrivateError("this user has no home; set XDG_CACHE_HOME to a folder of yours") from None
    return _private(cache / "tig-verify")


def _private(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        is_own = _is_own(folder)
    except OSError as error:
        raise _unusable(folder, error) from None
    if not is_own:
        raise NotPrivateError(f"{folder}: is not a folder that you alone may write to; chmod go-w it, or remove it")
    if not os.access(folder, os.W_OK):
        raise NotPrivateError(f"{folder}: cannot be written to; chmod u+w it")
    return folder


def _unusable(folder: Path, error: OSError) -> NotPrivateError:
    return NotPrivateError(f"{folder}: {error.strerror}; set XDG_CACHE_HOME to a folder of yours")


def _is_own(folder: Path) -> bool:
    """Whether it is a folder, and no link to one, that this user alone may change."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _is_guarded(folder: Path) -> bool:
    """Whether not everybody may replace what is in it."""
    mode = folder.stat().st_mode
    return not mode & stat.S_IWOTH or bool(mode & stat.S_ISVTX)
