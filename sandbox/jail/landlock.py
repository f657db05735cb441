"""Landlock: no file, port or outside process, whatever the system-call filter lets pass (linux/landlock.h)."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Final

from sandbox.jail import kernel

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same on every architecture
_QUERY_VERSION: Final = 1
_FILES_BY_VERSION: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""The number of kinds of access to files that each version of the interface knows."""
_PORTS_SINCE, _SCOPES_SINCE = 4, 6


def restrict() -> int:
    """Give up all files, and with newer kernels ports and signals to others, for good; the interface's version.

    Needs no_new_privs. Raises OSError where the kernel has no Landlock.
    """
    version = kernel.system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_QUERY_VERSION))
    files = max(count for since, count in _FILES_BY_VERSION.items() if since <= version)
    handled = [(1 << files) - 1]
    handled += [0b11] if version >= _PORTS_SINCE else []
    handled += [0b11] if version >= _SCOPES_SINCE else []
    attributes = struct.pack(f"<{len(handled)}Q", *handled)
    ruleset = kernel.system_call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        kernel.system_call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return version
