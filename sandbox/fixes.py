"""Fixes for problems whose remedy is certain: another name for the same thing, and what can be left out.

They work on the text alone, at the places that a check names; nobody has to parse a module for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from sandbox.diagnostics import Diagnostic

RENAMES: Final = {
    "absolute": "abs", "absolute_": "abs_", "as_tensor": "tensor", "asarray": "tensor",
    "concat": "cat", "concatenate": "cat", "divide": "div", "divide_": "div_", "empty": "zeros",
    "empty_like": "zeros_like", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
    "multiply": "mul", "multiply_": "mul_", "negative": "neg", "negative_": "neg_", "not_equal": "ne",
    "subtract": "sub", "subtract_": "sub_", "swapaxes": "transpose", "swapdims": "transpose", "true_divide": "div",
}  # fmt: skip
"""Names that torch has twice; and memory that it leaves as it finds it, which may as well be zero."""
DROPPED: Final = frozenset("bfloat16 cpu cuda detach_ double half pin_memory requires_grad_ retain_grad".split())
"""Methods that would change neither the numbers nor where they are."""
DROPPED_KEYWORDS: Final = frozenset("device dtype non_blocking pin_memory requires_grad".split())
"""Keywords of the same kind."""

_WORD: Final = re.compile(r"\w+")
_EMPTY_CALL: Final = re.compile(r"\w+\((?:True|False)?\)")
_KEYWORD: Final = re.compile(r"(\w+)=[\w.]+(?:(\s*,\s*)|(?=\s*\)))")
_NO_GRADIENTS: Final = re.compile(r"\s*@torch\.(?:no_grad|inference_mode|enable_grad)\(\)\s*")
_TABS: Final = re.compile(r"\t+(?! )")


def fixed(text: str, diagnostics: Iterable[Diagnostic]) -> str:
    """A module's text without those of its problems that can be fixed by rule; the text itself if there are none."""
    lines: list[str | None] = list(text.split("\n"))
    for problem in sorted(diagnostics, reverse=True):  # from the end on, so that columns stay what they were
        line = lines[problem.line - 1] if 0 < problem.line <= len(lines) else None
        fix = _FIXES.get(problem.code)
        if fix is not None and line is not None and 0 < problem.column <= len(line):
            lines[problem.line - 1] = fix(line, problem.column - 1)
    return "\n".join(line for line in lines if line is not None)


def _attribute(line: str, at: int) -> str:
    word = _WORD.match(line, at)
    if word is None or line[at - 1 : at] != ".":
        return line
    if word[0] in RENAMES:
        return line[:at] + RENAMES[word[0]] + line[word.end() :]
    call = _EMPTY_CALL.match(line, at)
    return line[: at - 1] + line[call.end() :] if word[0] in DROPPED and call else line


def _keyword(line: str, at: int) -> str:
    keyword = _KEYWORD.match(line, at)
    if keyword is None or keyword[1] not in DROPPED_KEYWORDS:
        return line
    before = line[:at] if keyword[2] else re.sub(r"\s*,\s*$", "", line[:at])
    return before + line[keyword.end() :]


def _decorator(line: str, at: int) -> str | None:
    return None if _NO_GRADIENTS.fullmatch(line) else line


def _tabs(line: str, at: int) -> str:
    tabs = _TABS.match(line)
    return "    " * tabs.end() + line[tabs.end() :] if tabs else line


def _mark(line: str, at: int) -> str:
    return line.removeprefix("\ufeff")


_FIXES: Final[dict[str, Callable[[str, int], str | None]]] = {
    "D111": _decorator,
    "D154": _attribute,
    "D155": _keyword,
    "G004": _mark,
    "G005": _tabs,
}
