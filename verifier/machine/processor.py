"""The processor: its kind in words, its instructions that a step's time depends on, and the cores that may be used."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Final

from protocol.canonical_msgpack import Scalar
from protocol.examination import Check, Condition, Finding
from verifier.machine import control_group
from verifier.machine.proc_files import told

INSTRUCTIONS: Final = (
    "sse4_1 avx avx2 avx_vnni avx512f avx512bw avx512vl avx512_vnni amx_int8 asimd asimddp i8mm sve sve2"
).split()
"""Their names in Linux."""


def kind_of_machine() -> str:
    """Two machines of one kind have one text."""
    return f"{model()}, {os.cpu_count()} cores: {' '.join(instructions())}"


def model() -> str:
    """The processor's name and numbers."""
    processor = _first_processor()
    names = [processor[name] for name in ("model name", "cpu family", "model", "CPU implementer", "CPU part")
             if name in processor]  # fmt: skip
    return " ".join(names) or platform.machine()


def instructions() -> list[str]:
    """Those of `INSTRUCTIONS` that it has."""
    processor = _first_processor()
    flags = processor.get("flags", processor.get("Features", "")).split()
    return [name for name in INSTRUCTIONS if name in flags]


def usable_cores() -> int:
    """Cores that this process may be scheduled on."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def examine() -> Finding:
    """Its kind and its cores; a warning where a control group grants the time of fewer."""
    cores, granted = usable_cores(), control_group.cores()
    measured: dict[str, Scalar] = {"model": model(), "instructions": " ".join(instructions()), "cores": cores}
    said = f"{measured['model']}, {cores} {'core' if cores == 1 else 'cores'} ({measured['instructions']})"
    if granted is not None and granted < cores:
        jobs = max(1, int(granted))
        problem = f"a control group grants the time of {granted:g} cores alone; pass --jobs {jobs}"
        return Finding(Check.PROCESSOR, Condition.WARNING, f"{said}; {problem}", {**measured, "granted_cores": granted})
    return Finding(Check.PROCESSOR, Condition.OK, said, measured)


def _first_processor() -> dict[str, str]:
    """The first paragraph of what Linux says of its processors."""
    text = told(Path("/proc/cpuinfo")).partition("\n\n")[0]
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}
