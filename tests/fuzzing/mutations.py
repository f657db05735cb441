"""Changes to the source of a module, from bytes to syntax, most of which break it in an interesting place."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from random import Random
from typing import Any, Final

LONGEST: Final = 8_192
"""Bytes of a source that is worth the time."""

_TOKEN: Final = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'|\w+|\s+|[-+*/<>=!|&]{2}|.', re.DOTALL)
_DANGEROUS: Final = """
    __class__ __bases__ __subclasses__ __globals__ __builtins__ __import__ __dict__ __getattribute__ __reduce__
    __code__ __mro__
    __init__ __self__ __func__ __closure__ __traceback__ gi_frame f_back tb_frame f_globals co_code _data _meter
    _own _like
    _getattr_ _getitem_ _setitem_ _getiter_ _enter_ _leave_ _tick_ _binop_ _compare_ _format_ _key_ _locate_
    _write_ _print_
    eval exec compile open input print type getattr setattr hasattr isinstance id hash repr format vars dir globals
    locals map
    filter iter next object super classmethod property set frozenset bytes bytearray memoryview complex slice
    breakpoint exit
    os sys torch math Exception BaseException ValueError StopIteration func args mro join encode decode format_map
    maketrans
    data grad storage numpy tolist apply_ requires_grad backward register_hook device from_file load save charge
    used budget
""".split()
_FRAGMENTS: Final = (
    "()", "[]", "{}", "(", ")", "[", "]", "{", "}", ":", ",", ";", "=", ":=", "->", "*", "**", "@", ".", "...",
    "~", "\\", "#",
    "lambda: ", "yield ", "await ", "async ", "del ", "not ", " is ", " in ", " if ", " else ", " for x in ",
    "global x\n",
    "try:\n", "with ", "class C: pass\n", "import os\n", "raise ", "return ", "while True:\n", "1_0", "1e999",
    "0x", "0b2", "1j",
    "b'x'", "f'{x!r}'", "f'{x.y}'", "f'{x:{y}}'", "'\\N{BULLET}'", "'\\ud800'", "9" * 120, "1" * 40, "nan",
    "[0] * 10 ** 9", "_",
    "__debug__", "\t", "\r", "\x0c", "\x00", "\u202e", "\ufeff", "\u00e9", "\uff41", "\u2028", "\U0001d428",
    "# coding: latin-1\n",
)  # fmt: skip


def mutate(source: bytes, donor: bytes, random: Random) -> bytes:
    """One to four changes, with pieces of another module."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        source = random.choice(_MUTATIONS)(source, donor, random)[:LONGEST]
    return source


def _tokens(source: bytes) -> list[str]:
    return _TOKEN.findall(source.decode("utf-8", "surrogateescape"))


def _joined(tokens: list[str]) -> bytes:
    return "".join(tokens).encode("utf-8", "surrogateescape")


def _splice(source: bytes, donor: bytes, random: Random) -> bytes:
    """A run of tokens replaced by one of the other module."""
    own, other = _tokens(source), _tokens(donor)
    start, begin = random.randrange(len(own) + 1), random.randrange(len(other) + 1)
    own[start : start + random.randrange(8)] = other[begin : begin + random.randrange(12)]
    return _joined(own)


def _delete(source: bytes, _: bytes, random: Random) -> bytes:
    own = _tokens(source)
    start = random.randrange(len(own) + 1)
    del own[start : start + random.choice((1, 1, 2, 10))]
    return _joined(own)


def _duplicate(source: bytes, _: bytes, random: Random) -> bytes:
    own = _tokens(source)
    start = random.randrange(len(own) + 1)
    piece = own[start : start + random.choice((1, 2, 5, 20))]
    return _joined(own[:start] + piece * random.choice((2, 3, 40)) + own[start + len(piece) :])


def _insert(source: bytes, _: bytes, random: Random) -> bytes:
    own = _tokens(source)
    own.insert(random.randrange(len(own) + 1), random.choice(_FRAGMENTS))
    return _joined(own)


def _rename(source: bytes, _: bytes, random: Random) -> bytes:
    """A name, everywhere or in one place, becomes a dangerous one."""
    own = _tokens(source)
    names = [place for place, token in enumerate(own) if token.isidentifier()]
    if not names:
        return source
    place, new = random.choice(names), random.choice(_DANGEROUS)
    everywhere = random.random() < 0.5
    return _joined(
        [new if i == place or (everywhere and token == own[place]) else token for i, token in enumerate(own)]
    )


def _flip(source: bytes, _: bytes, random: Random) -> bytes:
    """A byte replaced, removed or put in, or one bit of it turned."""
    place = random.randrange(len(source) + 1)
    new = random.choice(
        (
            bytes([random.randrange(256)]),
            b"",
            bytes([source[place] ^ 1 << random.randrange(8)]) if source[place:] else b"",
        )
    )
    return source[:place] + new + source[place + random.randrange(2) :]


def _lines(source: bytes, donor: bytes, random: Random) -> bytes:
    """A line moved, lost, or taken from the other module."""
    own, other = source.split(b"\n"), donor.split(b"\n")
    line = random.choice([own.pop(random.randrange(len(own))), random.choice(other), b""])
    own.insert(random.randrange(len(own) + 1), line)
    return b"\n".join(own)


def _graft(source: bytes, donor: bytes, random: Random) -> bytes:
    """An expression or statement replaced by one of the other module, or by another of the same one."""
    own = _parsed(source)
    other = _parsed(random.choice((source, donor)))
    if own is None or other is None:
        return _splice(source, donor, random)
    wanted = random.choice((ast.expr, ast.expr, ast.stmt))
    pieces = [node for node in ast.walk(other) if isinstance(node, wanted)]
    places = [(node, field, index) for node, field, index, child in _places(own) if isinstance(child, wanted)]
    if not pieces or not places:
        return source
    node, field, index = random.choice(places)
    _put(node, field, index, random.choice(pieces))
    return _written(own, source)


def _alter(source: bytes, donor: bytes, random: Random) -> bytes:
    """An operator, constant, attribute or name replaced in the tree."""
    own = _parsed(source)
    if own is None:
        return _insert(source, donor, random)
    nodes = [
        n for n in ast.walk(own) if isinstance(n, ast.BinOp | ast.Compare | ast.Constant | ast.Attribute | ast.Name)
    ]
    if not nodes:
        return source
    node = random.choice(nodes)
    if isinstance(node, ast.BinOp):
        node.op = random.choice(ast.operator.__subclasses__())()
    elif isinstance(node, ast.Compare):
        node.ops[-1] = random.choice(ast.cmpop.__subclasses__())()
    elif isinstance(node, ast.Constant):
        node.value = random.choice((0, -1, 2**62, 2**4095, 1e308, 1e-320, True, None, "", "a" * 5000, 1.5, 10**15))
    elif isinstance(node, ast.Attribute):
        node.attr = random.choice(_DANGEROUS)
    else:
        node.id = random.choice([*_DANGEROUS, *(n.id for n in nodes if isinstance(n, ast.Name))])
    return _written(own, source)


def _places(tree: ast.AST) -> list[tuple[ast.AST, str, int | None, ast.AST]]:
    found: list[tuple[ast.AST, str, int | None, ast.AST]] = []
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                found.append((node, field, None, value))
            elif isinstance(value, list):
                found += [
                    (node, field, index, child) for index, child in enumerate(value) if isinstance(child, ast.AST)
                ]
    return found


def _put(node: ast.AST, field: str, index: int | None, piece: Any) -> None:
    if index is None:
        setattr(node, field, piece)
    else:
        getattr(node, field)[index] = piece


def _parsed(source: bytes) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _written(tree: ast.Module, source: bytes) -> bytes:
    """The tree as text, or the source unchanged where Python cannot write it, as when a piece holds itself."""
    try:
        return ast.unparse(tree).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return source


_MUTATIONS: Final[tuple[Callable[[bytes, bytes, Random], bytes], ...]] = (
    _splice, _splice, _delete, _duplicate, _insert, _rename, _rename, _flip, _lines, _graft, _graft, _graft,
    _alter, _alter, _alter,
)  # fmt: skip
