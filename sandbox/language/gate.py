"""The first look at a submission: bytes and lexemes, before Python's parser sees anything.

Every scan is linear: the patterns are possessive or match single characters, so they never backtrack. No group is
repeated: Python 3.11 before 3.11.5 finds other ends of possessive groups.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from sandbox.diagnostics import Diagnostic
from sandbox.errors import ModuleRefused

MAX_BYTES: Final = 64 * 1024
MAX_LINE: Final = 1000
MAX_BRACKETS: Final = 32
MAX_PREFIXES: Final = 16
MAX_INDENTS: Final = 16
MAX_NUMBER: Final = 100

_BOM: Final = b"\xef\xbb\xbf"
# What a reviewer cannot see: controls, zero-width and bidirectional characters, line separators, tags.
_UNSEEN: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
_BOMBS: Final = frozenset({"G009", "G010", "G011", "G012"})
"""Problems that could be too much for Python's parser: brackets, signs, numbers, blocks."""
ECHOED: Final = frozenset({"G005", "G008", "G013", "G014"})
"""Problems to which Python's parser, or the dialect's rules about names, may object at the same place."""
_COOKIE: Final = re.compile(r"[ ]*+#.*?coding[:=][ ]*+([-\w.]++)")
_LEXEME: Final = re.compile(
    r"""
      (?P<comment> \#[^\n]*+ )
    | (?P<string>  '''|\"\"\"|['"] )  # its beginning
    | (?P<newline> \n[ ]*+ )
    | (?P<number>  [0-9][\w.]*+ )
    | (?P<word>    \w++ )
    | (?P<other>   [^\ ] )
    """,
    re.VERBOSE,
)

_STOPS: Final = {
    "'''": re.compile(r"\\[\s\S]|'''"),
    '"""': re.compile(r'\\[\s\S]|"""'),
    "'": re.compile(r"\\[\s\S]|['\n\\]"),
    '"': re.compile(r'\\[\s\S]|["\n\\]'),
}
"""Escapes in a string that begins so, and what ends it; a lone backslash, that of the text."""


def read_source(source: bytes, name: str) -> tuple[str, tuple[Diagnostic, ...]]:
    """Decode a module's bytes: the text to parse, and every problem that does not keep it from being parsed.

    Raises ModuleRefused, with all problems, when the source is no text or could be a bomb for the parser.
    """
    if type(source) is not bytes:
        raise ModuleRefused(name, (Diagnostic(1, 1, "G001", "the source is not bytes"),))
    if len(source) > MAX_BYTES:
        message = f"the source has {len(source)} bytes; at most {MAX_BYTES} are allowed"
        raise ModuleRefused(name, (Diagnostic(1, 1, "G002", message),))
    if source.startswith(_BOM):
        message = "the source begins with a byte order mark"
        raise ModuleRefused(name, (Diagnostic(1, 1, "G004", message, "save the file as plain UTF-8"),))
    try:
        text = source.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = source[: error.start].decode("utf-8").rpartition("\n")
        line, column = before[0].count("\n") + 1 + bool(before[1]), len(before[2]) + 1
        raise ModuleRefused(name, (Diagnostic(line, column, "G003", "this byte is not UTF-8"),)) from None
    problems = _Scan(text).problems()
    if any(problem.code in _BOMBS for problem in problems):
        raise ModuleRefused(name, problems)
    return (_readable(text) if problems else text), problems


def _readable(text: str) -> str:
    """A text that is refused anyway, without what would keep Python's parser from finding its other problems."""
    # Tabs stay, since they indent. What a name of a character stands for depends on the version of Python.
    seen = _UNSEEN.sub(lambda found: "\t" if found.group() == "\t" else " ", text)
    return seen.replace("\\N{", "xxx")


def _lexemes(text: str) -> Iterator[tuple[str, int, int]]:
    """The kind, beginning and end of each lexeme."""
    end = 0
    while found := _LEXEME.search(text, end):
        kind, end = found.lastgroup or "", found.end()
        if kind == "string":
            end = _string_end(text, end, found.group())
        yield kind, found.start(), end


def _string_end(text: str, first: int, quote: str) -> int:
    """Where a string ends that begins with a quote, whose characters begin at `first`; it may be cut off."""
    for found in _STOPS[quote].finditer(text, first):
        if found.group() == quote:
            return found.end()
        if len(found.group()) == 1:
            return found.start()
    return len(text)


class _Scan:
    """One pass over the lexemes of `text`; a rule reports at most once per line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._found: dict[tuple[int, str], Diagnostic] = {}
        self._brackets = 0
        self._prefixes = 0
        self._indents = [0]

    def problems(self) -> tuple[Diagnostic, ...]:
        """Every problem, in the order of the source."""
        self._scan_lines()
        for found in _UNSEEN.finditer(self._text):
            hint = "indent with spaces" if found.group() == "\t" else "write an escape such as \\u200b"
            self._report(found.start(), "G005", f"the character U+{ord(found.group()):04X} is not allowed", hint)
        for kind, start, end in _lexemes(self._text):
            self._lexeme(kind, self._text[start:end], start)
        return tuple(sorted(self._found.values()))

    def _report(self, offset: int, code: str, message: str, hint: str = "") -> None:
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        self._found.setdefault((line, code), Diagnostic(line, column, code, message, hint))

    def _scan_lines(self) -> None:
        for number, line in enumerate(self._text.split("\n")):
            start = self._starts[number]
            if len(line) > MAX_LINE:
                self._report(start, "G006", f"the line has {len(line)} characters; at most {MAX_LINE} are allowed")
            cookie = _COOKIE.match(line[:MAX_LINE]) if number < 2 else None
            if cookie and cookie[1].lower() not in ("utf-8", "utf8"):
                self._report(start, "G007", f"the encoding {cookie[1]!r} is not allowed", "save the file as UTF-8")

    def _lexeme(self, kind: str, lexeme: str, offset: int) -> None:
        if kind in ("comment", "string"):
            if kind == "string" and "\\N{" in lexeme:
                # Which names exist depends on the Unicode tables of the Python that parses.
                self._report(offset, "G014", "a character is spelt by name", "write \\u and its number instead")
            return
        if not lexeme.isascii():
            message = f"{lexeme[:20]!r} is not ASCII"
            self._report(offset, "G008", message, "write other letters in strings and comments only")
        if kind == "number" and len(lexeme) > MAX_NUMBER:
            self._report(offset, "G011", f"a number has more than {MAX_NUMBER} digits")
        if kind == "newline":
            self._indent(len(lexeme) - 1, offset + len(lexeme))
        else:
            self._nesting(lexeme, offset)

    def _nesting(self, lexeme: str, offset: int) -> None:
        if lexeme in "([{":
            self._brackets += 1
            if self._brackets == MAX_BRACKETS + 1:
                self._report(offset, "G009", f"brackets are nested deeper than {MAX_BRACKETS}")
        elif lexeme in ")]}":
            self._brackets -= 1
        elif lexeme == "\\":
            self._report(offset, "G013", "a backslash continues the line", "put the expression in brackets instead")
        self._prefixes = self._prefixes + 1 if lexeme in ("-", "+", "~", "not") else 0
        if self._prefixes == MAX_PREFIXES + 1:
            self._report(offset, "G010", f"more than {MAX_PREFIXES} signs or 'not' follow one another")

    def _indent(self, width: int, offset: int) -> None:
        if self._brackets > 0 or self._text[offset : offset + 1] in ("", "\n", "#"):
            return
        while width < self._indents[-1]:
            self._indents.pop()
        if width > self._indents[-1]:
            self._indents.append(width)
            if len(self._indents) == MAX_INDENTS + 2:
                self._report(offset, "G012", f"blocks are nested deeper than {MAX_INDENTS}")
