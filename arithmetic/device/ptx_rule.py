"""The rule that a kernel's code keeps: each floating-point instruction is one IEEE operation, rounded once.

It reads PTX, what a compiler of kernels writes for a CUDA device: there an instruction says how it rounds, and the
device's own compiler may contract only those that do not say so.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

_INSTRUCTION: Final = re.compile(r"^\s*(?:@!?%\w+\s+)?([a-z][\w.:]*)", re.MULTILINE)
_NUMBERS: Final = re.compile(r"\.(?:\w*f16\w*|bf16\w*|tf32\w*|f32|f64|f32x2|e4m3\w*|e5m2\w*)(?![\w])")
"""A type of floating-point numbers."""
_LOOSE: Final = re.compile(r"\.(?:approx|ftz|full|sat|satfinite|relu|rna|rp|rm)(?![\w])")
"""Neither exact nor rounded to the nearest."""
_ALLOWED: Final = re.compile(
    r"""
      (?:add|sub|mul|div|rcp|sqrt)\.rn\.f(?:32|64)       # rounded once, and never contracted
    | (?:abs|neg|copysign)\.f(?:32|64)                   # signs
    | (?:min|max)(?:\.NaN)?\.f(?:32|64)
    | (?:setp|set|selp|slct|testp)\..*                   # comparisons and choices
    | (?:mov|ld|st|shfl|ldmatrix|stmatrix)\..*\bf(?:32|64)
    | cvt\.rn\.f32\.f64
    | cvt\.f64\.f32
    | cvt\.rn\.f(?:32|64)\.[su](?:8|16|32|64)            # from integers
    | cvt\.r(?:n|z|m|p)i\.[su](?:8|16|32|64)\.f(?:32|64) # to integers
    | cvt\.r(?:n|z|m|p)i\.f(?:32|64)\.f(?:32|64)         # to whole numbers
    """,
    re.VERBOSE,
)


def forbidden(ptx: str) -> Counter[str]:
    """The instructions of a kernel that the rule forbids, and how often they come; it keeps the rule if there are none.

    What is not known to be one IEEE operation is forbidden: a contraction (`fma`), an approximation (`.approx`), a
    subnormal number that is flushed (`.ftz`), an addition that does not say that it is rounded to the nearest.
    """
    code = re.sub(r"//.*|/\*.*?\*/|\"[^\"]*\"", "", ptx)
    return Counter(found for found in _INSTRUCTION.findall(code) if not _keeps(found))


def _keeps(instruction: str) -> bool:
    if instruction.startswith("call"):  # what a library's function does cannot be seen here
        return False
    if not _NUMBERS.search(instruction):
        return True
    return _LOOSE.search(instruction) is None and _ALLOWED.fullmatch(instruction) is not None
