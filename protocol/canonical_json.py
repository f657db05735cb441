"""The network's canonical JSON, from which it hashes settings and output records.

Compact, map keys in ascending order at every level, integers in plain decimal. The network has two official
encoders, in Rust and in Python, which print different bytes for non-ASCII text, DEL, null and some fractions.
No hashed structure of the network holds any of these, and they are refused. Maps inside lists are sorted, as
by the Python encoder (the Rust one keeps their order); no hashed structure holds these either.
"""

from __future__ import annotations

import json
import re

from protocol.errors import CodecError

_DISPUTED = re.compile(r"[^\x00-\x7e]")


def jsonify(value: object) -> str:
    """Return the canonical JSON text of booleans, integers, ASCII text, lists and maps with text keys.

    Raises `CodecError` for any other value; its offset is the position in the text, 0 if there is none yet.
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if disputed := _DISPUTED.search(text):
        raise CodecError(
            disputed.start(), f"canonical JSON is ASCII, found {disputed.group()!a}; use ASCII identifiers"
        )
    return text


def _check(value: object) -> None:
    if type(value) is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise CodecError(0, f"canonical JSON needs text keys, found {key!r}; write the key as text")
            _check(item)
    elif type(value) is list:
        for item in value:
            _check(item)
    elif type(value) not in (bool, int, str):
        raise CodecError(
            0, f"canonical JSON has no {type(value).__name__}; use booleans, integers, text, lists or maps"
        )
