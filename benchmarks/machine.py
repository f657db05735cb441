"""The kind of this machine in words: its processor, and those of its instructions that a step's time depends on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

INSTRUCTIONS: Final = (
    "sse4_1 avx avx2 avx_vnni avx512f avx512bw avx512vl avx512_vnni amx_int8 asimd asimddp i8mm sve sve2"
).split()
"""Their names in Linux."""


def kind_of_machine() -> str:
    """Two machines of one kind have one text."""
    processor = _first_processor()
    names = [processor[name] for name in ("model name", "cpu family", "model", "CPU implementer", "CPU part")
             if name in processor]  # fmt: skip
    flags = processor.get("flags", processor.get("Features", "")).split()
    has = [name for name in INSTRUCTIONS if name in flags]
    return f"{' '.join(names) or platform.machine()}, {os.cpu_count()} cores: {' '.join(has)}"


def _first_processor() -> dict[str, str]:
    """The first paragraph of what Linux says of its processors."""
    try:
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
