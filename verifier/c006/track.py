"""The live network's track ids."""

from __future__ import annotations

import re
from typing import Final

from verifier.challenge.errors import EditionError

MAX_HIDDEN: Final = 64
"""Deepest network that is evaluated here; the live network's active tracks end at 18, its code at nothing."""

_COUNT = re.compile(r"\+?0*([1-9][0-9]?)")


def parse_track(track_id: str) -> int:
    """The hidden layers that a track id such as `n_hidden=4` asks for, as the network reads it.

    Pairs are separated by commas and cut at their first `=`; unknown keys are ignored, the last duplicate wins, a
    value may have a plus sign and leading zeros, and double quotes around it all are dropped. Raises EditionError
    when that gives no number from 1 to `MAX_HIDDEN`.
    """
    quoted = len(track_id) >= 2 and track_id[0] == track_id[-1] == '"'
    pairs = [pair.partition("=") for pair in (track_id[1:-1] if quoted else track_id).split(",")]
    values = {key: value for key, equals, value in pairs if equals}
    match = _COUNT.fullmatch(values.get("n_hidden", ""))
    if match is None or int(match[1]) > MAX_HIDDEN:
        raise EditionError(
            f"track {track_id[:80]!a} has no n_hidden from 1 to {MAX_HIDDEN}; write it as the benchmark's settings "
            "do, such as n_hidden=4"
        )
    return int(match[1])
