"""Folders for what libraries keep between calls.

Compiled kernels are machine code, matplotlib takes fonts from files: of these only what this user alone can have
written is trusted.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def private_folder(name: str) -> Path | None:
    """The folder of that name in the user's cache, made if need be; None if it is not, or not only, this user's."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(root) if os.path.isabs(root) else Path.home() / ".cache"
        own = (cache / "tig-verify", cache / "tig-verify" / name)
        for folder in (cache, *own):
            folder.mkdir(mode=0o700, exist_ok=True)
        guarded = all(map(_is_guarded, cache.resolve(strict=True).parents)) and _is_guarded(cache.resolve(strict=True))
    except (OSError, RuntimeError):  # there is no home, or nothing can be written there
        return None
    return own[-1] if guarded and all(map(_is_own, own)) and os.access(own[-1], os.W_OK) else None


def _is_own(folder: Path) -> bool:
    """Whether it is a folder, and no link to one, that this user alone may change."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _is_guarded(folder: Path) -> bool:
    """Whether not everybody may replace what is in it."""
    mode = folder.stat().st_mode
    return not mode & stat.S_IWOTH or bool(mode & stat.S_ISVTX)
