from __future__ import annotations

import time

import pytest

from sandbox.diagnostics import Diagnostic
from sandbox.errors import ModuleRefused
from sandbox.language.gate import read_source
from tests.support.sample_modules import ENTRY_POINTS, codes


def problems(source: bytes) -> tuple[Diagnostic, ...]:
    try:
        return read_source(source, "m.py")[1]
    except ModuleRefused as refused:
        return refused.diagnostics


def test_ordinary_source_passes_with_its_line_ends_normalised() -> None:
    assert read_source("a = 1\r\nb = 'é'  # ü\r\n".encode(), "m.py") == ("a = 1\nb = 'é'  # ü\n", ())


def test_the_longest_line_and_the_longest_source_pass() -> None:
    longest = b"#" + b"b" * 999 + b"\n"
    assert problems(longest) == ()
    assert problems(longest * 65 + b"#" * (65_536 - 65 * len(longest))) == ()
    assert [problem.code for problem in problems(b"#" + longest)] == ["G006"]


@pytest.mark.parametrize(
    ("source", "code", "line", "column"),
    [
        (b"x" * 65_537, "G002", 1, 1),
        (b"a = 1\nb = '\xff'", "G003", 2, 6),
        (b"\xc3", "G003", 1, 1),
        (b"# \xed\xa0\x80", "G003", 1, 3),
        (b"\xef\xbb\xbfa = 1", "G004", 1, 1),
        (b"a = 1\x00", "G005", 1, 6),
        (b"a = 1\n\x0cb = 2", "G005", 2, 1),
        (b"a = 1\rb = 2", "G005", 1, 6),
        (b"if a:\n\tb = 2", "G005", 2, 1),
        ("a = 'x\u202ey'".encode(), "G005", 1, 7),
        ("# \u200b".encode(), "G005", 1, 3),
        ("a = '\u2028'".encode(), "G005", 1, 6),
        (b"a = 1\n" + b"b" * 1001, "G006", 2, 1),
        (b"# coding: latin-1", "G007", 1, 1),
        (b"\n# -*- coding=utf_7 -*-", "G007", 2, 1),
        ("a = ｅｖａｌ".encode(), "G008", 1, 5),
        ("a = 'é' + é".encode(), "G008", 1, 11),
        (b"a = " + b"(" * 33 + b")" * 33, "G009", 1, 37),
        (b"a = " + b"-" * 17 + b"1", "G010", 1, 21),
        (b"a = " + b"not\n" * 17 + b"1", "G010", 17, 1),
        (b"a = " + b"9" * 101, "G011", 1, 5),
        (b"a = 0x" + b"f" * 101, "G011", 1, 5),
        (b"".join(b" " * i + b"if a:\n" for i in range(17)) + b" " * 17 + b"b", "G012", 18, 18),
        (b"a = 1 + \\\n 2", "G013", 1, 9),
        (b"a = '\\N{BULLET}'", "G014", 1, 5),
    ],
)
def test_each_rule_reports_its_place(source: bytes, code: str, line: int, column: int) -> None:
    found = problems(source)[0]
    assert (found.code, found.line, found.column) == (code, line, column)


def test_all_problems_are_reported() -> None:
    found = problems(b"# coding: latin-1\na = \\\n" + b"(" * 40 + b"\n\t")
    assert [problem.code for problem in found] == ["G007", "G013", "G009", "G005"]


WRONG = ENTRY_POINTS + "def f(a):\n    return opne(a)\n"


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("x = 1\t+ 1", ["G005"]),
        ("x = 1\x00", ["G005"]),
        ("x = 1 \x0c+ 1", ["G005"]),
        ("# \u202e", ["G005"]),
        ("x = 1 #" + "b" * 1001, ["G006"]),
        ("# coding: latin-1", ["G007"]),
        ("é = 1", ["G008"]),
        ("x = é", ["G008"]),
        ("ｘ = 1", ["G008"]),
        ("x = 1 + \\\n 2", ["G013"]),
        ("x = '\\N{BULLET}'", ["G014"]),
    ],
)
def test_the_problems_of_the_bytes_hide_none_of_the_code(before: str, found: list[str]) -> None:
    assert sorted(codes(before + WRONG)) == sorted([*found, "D151"])


@pytest.mark.parametrize(
    ("before", "code"), [("x = 1 × 2", "G008"), ("x = “a”", "G008"), ("x = 1\rx = 2", "G005"), ("\x0cx = 1", "G005")]
)
def test_a_lexeme_that_python_refuses_as_well_is_reported_once(before: str, code: str) -> None:
    assert codes(before + WRONG) == [code]


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ("x = " + "(" * 33 + ")" * 33, "G009"),
        ("x = " + "-" * 17 + "1", "G010"),
        ("x = " + "9" * 101, "G011"),
        ("# \t\nx = 0x" + "9" * 101, "G011"),
    ],
)
def test_what_could_be_a_bomb_is_not_parsed(before: str, code: str) -> None:
    found = codes(before + WRONG)
    assert code in found
    assert "D151" not in found


def test_strings_and_comments_are_not_scanned() -> None:
    brackets = "(" * 40
    quoted = f"# {brackets}\na = '{brackets}' + '\\'{brackets}'\nb = '''\n{brackets}\n'''\n"
    assert read_source(quoted.encode(), "m.py") == (quoted, ())


def test_only_bytes_are_read() -> None:
    with pytest.raises(ModuleRefused, match="G001"):
        read_source("a = 1", "A52")  # type: ignore[arg-type]


BOMBS = {
    "C01": "x = " + "(\n" * 250 + "1" + ")" * 250,
    "C02": "x = (" + "-\n" * 15_000 + "1)",
    "C02 not": "x = (" + "not\n" * 15_000 + "1)",
    "C03 operators": "x = (" + "1+\n" * 20_000 + "1)",
    "C03 attributes": "x = (a" + "\n.a" * 20_000 + ")",
    "C03 calls": "x = (a" + "\n()" * 20_000 + ")",
    "C03 subscripts": "x = (a" + "\n[0]" * 15_000 + ")",
    "C03 conditions": "x = (" + "1 if 1 else\n" * 5_000 + "1)",
    "C03 lambdas": "x = (" + "lambda:\n" * 8_000 + "1)",
    "C03 powers": "x = (" + "2**\n" * 15_000 + "1)",
    "C04": "def f(a):\n if a: pass\n" + " elif a: pass\n" * 4_500,
    "C05": "".join(f"n{i} = 1\n" for i in range(6_000)),
    "C06": "x = [" + "1,\n" * 21_000 + "]",
    "C07": "x = (" + "'a'\n" * 15_000 + ")",
    "C08": "x = 0x" + "f" * 60_000,
    "C10 blocks": "def f(a):\n" + "".join(" " * i + "for x in a:\n" for i in range(1, 26)) + " " * 26 + "pass\n",
    "C10 indents": "def f(a):\n" + "".join(" " * i + "if a:\n" for i in range(1, 106)) + " " * 106 + "pass\n",
    "C11 fields": "def f(a):\n return f'''" + "{a}\n" * 14_000 + "'''\n",
    "C11 nested": "def f(a):\n return f'{a:{a}}'\n",
    "C12 decorators": "@a\n" * 15_000 + "def f(): pass\n",
    "C12 chain": "x = (1" + "<1\n" * 20_000 + ")",
    "C13 quotes": "'''" + "\\'''\n" * 12_000,
    "C13 cookie": "#" + " coding" * 8_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_parser_bombs_are_refused_quickly(bomb: str) -> None:
    start = time.process_time()
    assert codes(BOMBS[bomb] + ENTRY_POINTS)
    assert time.process_time() - start < 5
