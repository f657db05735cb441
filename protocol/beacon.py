"""A beacon: a text that nobody could choose or know before it was published, such as the hash of a block.

One decides the seeds, after a precommit; another one decides the sample, after a benchmark.
"""

from __future__ import annotations

import re
from typing import Final

from protocol.errors import RecordError

MAX_BEACON: Final = 256  # characters
_BEACON = re.compile(r"[\x21-\x7e]+")


def check_beacon(beacon: str, where: str) -> None:
    """Raise `RecordError` about `where` unless `beacon` is 1 to 256 printable ASCII characters without spaces.

    Both sides must give the same bytes: no spelling of one text may have two, and no line end may slip in.
    """
    if len(beacon) > MAX_BEACON or not _BEACON.fullmatch(beacon):
        problem = f"expected 1 to {MAX_BEACON} printable ASCII characters without spaces, found {beacon[:80]!a}"
        raise RecordError(where, f"{problem}; pass a hash in hexadecimal digits")
