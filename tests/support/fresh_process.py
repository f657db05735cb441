"""A process of its own, for what would spoil the tests' own one."""

from __future__ import annotations

import subprocess
import sys


def printed(code: str) -> str:
    """What Python prints that runs some code to its end."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
