"""The one way to print: in lines, of which each is shown on one line, as printable characters and no others.

Texts of strangers are in most of them: names of files, fields of records, messages about both. So nothing is escaped
where a line is put together, where it could be forgotten, but every line is, here. It imports nothing that could fail.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Final

_RIGHT_TO_LEFT: Final = frozenset(("R", "AL", "AN"))
"""Letters and digits that reorder what stands beside them, without any control character."""
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and a sign that show nothing."""


def say(*lines: str, is_error: bool = False) -> None:
    """Print lines on standard output, or on standard error. What is no printable character in them is escaped."""
    stream = sys.stderr if is_error else sys.stdout
    if stream is None:  # closed by whoever called us
        return
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        stream.write("".join(f"{visible(line, encoding)}\n" for line in lines))
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:  # it has no name of its own
        name = "standard error" if is_error else "standard output"
        raise OSError(error.errno, f"{name}: {error.strerror}") from None


def visible(text: str, encoding: str = "utf-8") -> str:
    """The text in printable characters that stand where they are written; others as `\\n`, `\\x1b` or `\\u202e`.

    A byte that is no UTF-8 is `\\x80` to `\\xff`. What the encoding lacks is escaped too. What has been escaped
    stays as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    plain = "".join(character if _is_plain(character) else _escaped(character) for character in text)
    return plain.encode(encoding, "backslashreplace").decode(encoding)


def json_text(value: object, indent: int | None = None) -> str:
    """JSON in printable ASCII, in which no character is lost; on one line, if it is not indented."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def _is_plain(character: str) -> bool:
    return (
        character.isprintable()
        and unicodedata.category(character)[0] != "M"  # it changes the character before it
        and unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT
        and character not in _BLANK
    )


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if 0x80 <= code <= 0xFF:
        return f"\\u{code:04x}"
    return character.encode("ascii", "backslashreplace").decode("ascii") if code >= 0x80 else repr(character)[1:-1]
