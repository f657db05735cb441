"""What the control groups of this process (cgroups of Linux, both versions) leave to it of memory and cores."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from verifier.machine.proc_files import told

MOUNTED: Final = Path("/sys/fs/cgroup")
MEMBERSHIP: Final = Path("/proc/self/cgroup")


def memory_left(mounted: Path = MOUNTED, membership: Path = MEMBERSHIP) -> int | None:
    """Bytes that the tightest group has left, with what the kernel would give back; None without a limit."""
    found = []
    for folder in _folders("memory", mounted, membership):
        for most, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            with contextlib.suppress(ValueError):  # not this version, or no limit
                found.append(_number(folder / most) - _number(folder / used) + _reclaimable(folder))
    return max(0, min(found)) if found else None


def cores(mounted: Path = MOUNTED, membership: Path = MEMBERSHIP) -> float | None:
    """Cores whose time the tightest group grants; None without a limit."""
    found = []
    for folder in _folders("cpu", mounted, membership):
        with contextlib.suppress(ValueError):
            quota, period = told(folder / "cpu.max").split()
            found.append(int(quota) / int(period))
        with contextlib.suppress(ValueError):
            quota_us, period_us = (_number(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
            if quota_us > 0:  # -1 is no limit
                found.append(quota_us / period_us)
    return min(found, default=None)


def _folders(controller: str, mounted: Path, membership: Path) -> Iterator[Path]:
    """The group of this process for a controller, and those around it.

    A container may see its group as the outermost one, under a name that is known outside alone; then that one is read.
    """
    for line in told(membership).splitlines():
        _, controllers, name = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = mounted / controller if controllers else mounted  # version 2 has one tree for all controllers
        own = top / name.lstrip("/")
        yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))


def _number(path: Path) -> int:
    return int(told(path))


def _reclaimable(folder: Path) -> int:
    """Bytes of files that the kernel keeps and nobody has used of late."""
    pairs = (line.split() for line in told(folder / "memory.stat").splitlines())
    return next((int(value) for name, value in pairs if name == "inactive_file"), 0)
