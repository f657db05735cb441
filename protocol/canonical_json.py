"""The network's canonical JSON, from which it hashes settings and output records.

Compact, map keys in ascending order at every level, integers in plain decimal. The network has two official
encoders, in Rust and in Python, which print different bytes for non-ASCII text, DEL, null and some fractions.
No hashed structure of the network holds any of these, and they are refused. Maps inside lists are sorted, as
by the Python encoder (the Rust one keeps their order); no hashed structure holds these either.

What the network answers and stores is read back without losing a digit, and with nothing in it that two readers
could understand in two ways.
"""

from __future__ import annotations

import json
import math
import re
from itertools import islice
from typing import Final, TypeAlias

from protocol.errors import CodecError

MAX_SIZE: Final = 64 << 20  # characters of one text
MAX_DEPTH: Final = 32  # lists and maps inside one another
MAX_ITEMS: Final = 1 << 20  # list items and map entries of one text, all its lists and maps together

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

_DISPUTED: Final = re.compile(r"[^\x00-\x7e]")
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]++|\\.)*+(?:"(?P<colon>[ \t\n\r]*:)?)?'  # to the end of the text where a string has none
    r"|[\[\]{}]|(?P<literal>true|false|null)|(?P<constant>NaN|-?Infinity)"
    r"|-?(?:0|[1-9][0-9]*)(?P<fraction>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)",
    re.DOTALL,
)
_DECODER: Final = json.JSONDecoder()
_MAX_NUMBER: Final = 128  # characters: a longer one takes Python more than linear time


def jsonify(value: object) -> str:
    """Return the canonical JSON text of booleans, integers, ASCII text, lists and maps with text keys.

    Raises `CodecError` for any other value; its offset is the position in the text, 0 if there is none yet.
    """
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if disputed := _find_disputed(text):
        raise CodecError(
            disputed.start(), f"canonical JSON is ASCII, found {disputed.group()!a}; use ASCII identifiers"
        )
    return text


def parse_json(text: str | bytes) -> Json:
    """Return the value of a JSON text that is ASCII, has no duplicate keys and no number that would change.

    Integers are of [-2^63, 2^64) and stay integers; other numbers become finite binary64. Raises `CodecError`,
    with the offset, for everything else and beyond `MAX_SIZE`, `MAX_DEPTH` or `MAX_ITEMS`.
    """
    if len(text) > MAX_SIZE:
        raise CodecError(MAX_SIZE, f"{len(text)} characters are more than the {MAX_SIZE} allowed; split the file")
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    if disputed := _find_disputed(text):
        raise CodecError(disputed.start(), f"expected ASCII, found {disputed.group()!a}; use ASCII identifiers")
    try:
        _check_tokens(text)
        value: Json = json.loads(text)
    except json.JSONDecodeError as fault:
        raise CodecError(fault.pos, f"not JSON ({fault.msg}); get the file again") from None
    return value


def _check_tokens(text: str) -> None:
    """Refuse what the library would read; it judges the grammar afterwards, and finds the same tokens up to a fault."""
    opened: list[set[str] | None] = []  # for every map that is open its keys so far, for every list None
    items = 0
    for token in islice(_TOKEN.finditer(text), 3 * MAX_ITEMS + 2):  # well-formed, more have more items
        at, sign, is_key = token.start(), text[token.start()], token["colon"] is not None
        keys = opened[-1] if opened else set()
        if sign in "]}":
            del opened[-1:]
            continue
        items += is_key or keys is None
        if items > MAX_ITEMS:
            raise CodecError(at, f"more than {MAX_ITEMS} list items and map entries; split the file")
        if sign in "[{":
            if len(opened) == MAX_DEPTH:
                raise CodecError(at, f"lists and maps are nested more than {MAX_DEPTH} deep; flatten the value")
            opened.append(set() if sign == "{" else None)
        elif sign == '"':
            _check_string(text, at, keys if is_key else None)
        elif problem := _scalar_problem(token):
            raise CodecError(at, problem)


def _check_string(text: str, at: int, keys: set[str] | None) -> None:
    """Refuse a string whose escapes stand for more than ASCII, and one of `keys`, to which it is added."""
    string, _ = _DECODER.raw_decode(text, at)
    if disputed := _find_disputed(string):
        raise CodecError(at, f"the text holds {disputed.group()!a}; use ASCII identifiers")
    if keys is None:
        return
    if string in keys:
        raise CodecError(at, f"the key {string[:80]!a} appears twice; keep one of its entries")
    keys.add(string)


def _scalar_problem(token: re.Match[str]) -> str | None:
    text = token.group()
    if token["constant"]:
        return f"{text} is not JSON; leave the entry out"
    if token["literal"]:
        return None
    if token["fraction"]:
        if len(text) > _MAX_NUMBER or math.isinf(float(text)):
            return f"the number {text[:40]} is too large or too long; write it as text"
    elif len(text) > _MAX_NUMBER or not -(1 << 63) <= int(text) < 1 << 64:
        return f"the integer {text[:40]} is outside [-2^63, 2^64); write it as text"
    return None


def _find_disputed(text: str) -> re.Match[str] | None:
    if text.isascii() and "\x7f" not in text:  # a hundred times faster, and solutions have megabytes
        return None
    return _DISPUTED.search(text)


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
