"""Kernels of Triton whose text is written here, where a text is longer, or differs more, than anyone would write."""

from __future__ import annotations

import linecache
from collections.abc import Mapping
from typing import Any

import triton
import triton.language as tl
from blake3 import blake3


def written_kernel(name: str, text: str, functions: Mapping[str, Any]) -> Any:
    """The kernel `name` of a text that may use `functions`, `triton` and `tl`."""
    file = f"<{name} {blake3(text.encode()).hexdigest(length=8)}>"
    # Triton reads the source of a function where that of any other function is found.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    known = {"__name__": __name__, "triton": triton, "tl": tl, **functions}
    exec(compile(text, file, "exec"), known)
    return known[name]
