"""The prices of the language layer, in units of fuel, and the sizes that it never exceeds."""

from __future__ import annotations

from typing import Final

# Prices. A unit is some tenths of a nanosecond of a modest CPU; only their equality on every machine matters.
CALL: Final = 1_000
"""Entering a function or a lambda of the author."""
LOOP: Final = 1_000
"""One turn of a while loop, and each element of an iteration."""
NODE: Final = 10
"""Each node of syntax in a function, loop or comprehension, whenever it is entered or takes a turn."""
CONTAINER: Final = 100
"""Each list, tuple and comprehension among these nodes, for the memory of what it makes."""
DICT: Final = 250
"""Each dict that is written out."""
ITEM: Final = 20
"""Each item of such a dict, and each parameter by name that has a default."""
FUNCTION: Final = 500
"""Each function and lambda."""
CALLING: Final = 500
"""Each call, beside what is called: some of what the sandbox offers costs nothing by itself."""
OPERATION: Final = 1_000
"""One operator, comparison, subscript, attribute access, iteration or call of a builtin."""
COPY: Final = 50
"""Each element or character that an operation copies, moves or looks at."""

EQUAL: Final = 2_000
"""Each pair of values that == looks at inside containers, and the first."""
FLOAT_POWER: Final = 10_000
"""A power of floats, beside the operator."""
FLOAT_ROUNDING: Final = 10_000
"""Rounding to a number of digits, beside the builtin and the digits."""
DIGITS: Final = 512
"""Products of bits for one unit, in an operation of two long integers."""

# Bounds. They are checked before the work is done.
MAX_ELEMENTS: Final = 2**20
"""Elements of a list, tuple or dict."""
MAX_CHARACTERS: Final = 2**16
"""Characters of a string."""
MAX_BITS: Final = 4096
"""Bits of an integer."""
MAX_ARGUMENTS: Final = 256
"""Arguments that a star adds to a call."""
MAX_COUNTED: Final = 2**60
"""Integers that `range` and `enumerate` count with lie strictly between -MAX_COUNTED and MAX_COUNTED."""
MAX_WRITTEN_BITS: Final = 2048
"""Bits of an integer that is written as text: fewer digits than the least limit (640) that Python can be given."""
MAX_NUMERAL: Final = 64
"""Characters of a string that float() and int() read."""
MAX_CALL_DEPTH: Final = 100
"""Calls inside calls: far below Python's own limit, whose reach depends on its version and the caller."""
MAX_DATA_DEPTH: Final = 32
"""Containers inside containers that a comparison follows."""
