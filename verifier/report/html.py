"""The HTML of a page: one file that loads nothing and runs nothing but its own program.

Texts of strangers are made harmless three times: every one is passed through `visible` and cut here; as JSON without a
`<` they cannot end the element that holds them; and the program puts them on the page as text alone, never as HTML.
"""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from verifier.report.content import Page
from verifier.report.loss_blocks import LossBlocks

PROGRAM: Final = ("formats.js", "elements.js", "charts.js", "losses.js", "table.js", "detail.js", "page.js")
"""The files of the program, which run as one, in this order."""
_LONGEST: Final = 1000
"""Characters of a text; a path may have 4096, a text of a record 65 536."""
_EXACT: Final = 2**53
"""The numbers of a browser hold no larger integers, all of them."""


def html(page: Page, visible: Callable[[str], str]) -> bytes:
    """The file of a page. `visible` makes of any text one of printable characters."""
    template = files(__package__).joinpath("template")
    style = template.joinpath("page.css").read_text("utf-8")
    program = "".join(template.joinpath(name).read_text("utf-8") for name in PROGRAM)
    text = Template(template.joinpath("page.html").read_text("utf-8")).substitute(
        policy=f"default-src 'none'; script-src {_source(program)}; style-src {_source(style)}; base-uri 'none'; "
        "form-action 'none'",
        title=escape(_shown(page.title, visible)),
        style=style,
        program=program,
        content=_json(_plain(page, visible)),
        losses=_json([b64encode(block).decode() for block in page.losses.blocks]),
    )
    return text.encode()


def _source(text: str) -> str:
    """What a policy allows an inline element by: the hash of what stands in it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json(value: object) -> str:
    """JSON that an element of HTML can hold: nothing in it ends the element, or begins a comment."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _plain(value: object, visible: Callable[[str], str]) -> object:
    """A value of JSON."""
    if isinstance(value, str):
        return _shown(value, visible)
    if isinstance(value, LossBlocks):  # the blocks are in an element of their own, that is read when they are wanted
        value = {"points": value.points, "rows": value.rows}
    elif is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(each, visible) for name, each in value.items()}
    return _list(value, visible) if isinstance(value, Sequence) else _number(value)


def _list(values: Sequence[object], visible: Callable[[str], str]) -> list[object]:
    """The columns of ten thousand rows are texts or numbers alone, as a rule."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return [_shown(str(value), visible) for value in values]
    if kinds <= {int, float, type(None)}:
        return list(map(_number, values))
    return [_plain(value, visible) for value in values]


def _number(value: object) -> object:
    """A number, in no more digits than a page shows; as a text where the browser has none that is equal."""
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else str(value)
    return value if not isinstance(value, int) or abs(value) <= _EXACT else str(value)


def _shown(text: str, visible: Callable[[str], str]) -> str:
    if len(text) <= _LONGEST:
        return visible(text)
    return f"{visible(text[:_LONGEST])} … ({len(text):,} characters)"
