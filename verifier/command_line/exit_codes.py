"""The exit codes of `tig-verify`. Whatever goes wrong that is not a rejection must never end as 1."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
"""Accepted, or done."""
REJECTED: Final = 1
"""A claim or a module was judged, and the answer is no."""
USAGE: Final = 2
"""A mistake in the call or its files."""
UNDETERMINED: Final = 3
"""A fault of the tool or the machine."""
UNFINISHED: Final = 4
"""What --deadline or --limit left is not done yet: the same call goes on."""
INTERRUPTED: Final = 130
"""Ctrl-C."""
