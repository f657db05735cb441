"""What the kernel says of itself and of processes, as text in files of /proc and /sys."""

from __future__ import annotations

from pathlib import Path


def told(path: Path) -> str:
    """The text of such a file; empty where it is not there, as on another system or of a process that has ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
