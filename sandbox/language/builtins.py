"""The builtin functions of the dialect: a few of Python's, metered where they iterate, and never lazy."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any, Final

from sandbox.language.methods import Methods
from sandbox.language.operations import DICTS, INTEGERS, NUMBERS, SIZED, Operations, require_written
from sandbox.language.prices import COPY, FLOAT_ROUNDING, MAX_COUNTED, MAX_NUMERAL, OPERATION

_NAMES: Final = """
    abs all any bool dict divmod enumerate float int isinstance len list max min pow range reversed round sorted str
    sum tuple zip
"""
BUILTIN_NAMES: Final = frozenset(_NAMES.split())
"""The builtin functions that a module may use."""

# What `isinstance` knows: a constant dict of the module is a dict, and True is an integer.
_KINDS: Final = {
    bool: frozenset({bool}),
    int: INTEGERS,
    float: frozenset({float}),
    str: frozenset({str}),
    list: frozenset({list}),
    tuple: frozenset({tuple}),
    dict: DICTS,
}
_ERRORS: Final = (ValueError, TypeError, RuntimeError)
_MAX_DIGITS: Final = 400  # more decimal places than a float has on either side of its point


def build_builtins(operations: Operations, methods: Methods) -> dict[str, object]:
    """Build a fresh `__builtins__` for one module."""
    functions = _Builtins(operations, methods)
    table: dict[str, object] = {name: getattr(functions, name + "_") for name in BUILTIN_NAMES}
    functions.kinds = {id(table[kind.__name__]): kinds for kind, kinds in _KINDS.items()}
    return table | {error.__name__: error for error in _ERRORS}


class _Builtins:
    def __init__(self, operations: Operations, methods: Methods) -> None:
        self._do = operations
        self._methods = methods
        self.kinds: dict[int, frozenset[type]] = {}
        """The builtins that name a type, by their ids, and the types that they stand for."""

    # Types

    def isinstance_(self, value: object, kinds: object) -> bool:
        asked = self._do.elements(kinds) if type(kinds) is tuple else [kinds]
        self._do.charge(OPERATION * (1 + len(asked)))
        known = [self.kinds.get(id(kind)) for kind in asked]  # by id: to hash a tuple can take all of the stack
        if None in known:
            raise TypeError("isinstance() knows bool, int, float, str, list, tuple and dict")
        return any(type(value) in types for types in known if types is not None)

    # Numbers

    def abs_(self, value: Any) -> Any:
        self._pay_for(value, "abs")
        return abs(value)

    def bool_(self, value: object = False) -> bool:
        self._do.charge(OPERATION)
        return bool(value)

    def float_(self, value: Any = 0.0) -> float:
        return float(self._numeral(value, "float"))

    def int_(self, value: Any = 0) -> int:
        return int(self._numeral(value, "int"))

    def _numeral(self, value: Any, function: str) -> Any:
        if type(value) is not str:
            self._pay_for(value, function)
            return value
        self._do.charge(OPERATION)
        if len(value) > MAX_NUMERAL or not value.isascii():
            raise ValueError(f"{function}() reads at most {MAX_NUMERAL} ASCII characters")
        return value

    def round_(self, value: Any, ndigits: int | None = None) -> Any:
        self._do.charge(OPERATION)
        if type(value) not in NUMBERS or not (ndigits is None or type(ndigits) in INTEGERS):
            raise TypeError("round() takes a number and a number of digits")
        if ndigits is not None and abs(ndigits) > _MAX_DIGITS:
            raise ValueError(f"round() takes between -{_MAX_DIGITS} and {_MAX_DIGITS} digits")
        self._do.charge(0 if ndigits is None else FLOAT_ROUNDING + COPY * abs(ndigits))
        return round(value, ndigits)

    def pow_(self, base: Any, exponent: Any) -> Any:
        return self._do.binary("**", base, exponent)

    def divmod_(self, left: Any, right: Any) -> tuple[Any, Any]:
        return self._do.binary("//", left, right), self._do.binary("%", left, right)

    def _pay_for(self, value: object, function: str) -> None:
        self._do.charge(OPERATION)
        if type(value) not in NUMBERS and type(value) not in self._do.facade:
            raise TypeError(f"{function}() does not take {type(value).__name__!r}")

    # Folds

    def all_(self, values: object) -> bool:
        return all(self._do.iterate(values))

    def any_(self, values: object) -> bool:
        return any(self._do.iterate(values))

    def sum_(self, values: object, start: Any = 0) -> Any:
        # From left to right: since 3.12 Python's own sum() of floats rounds differently.
        if type(start) is str:
            raise TypeError("sum() does not join strings; write ''.join(...)")
        return reduce(lambda total, value: self._do.binary("+", total, value), self._do.iterate(values), start)

    def max_(self, *values: object, **options: Any) -> Any:
        return self._extreme(">", "max", values, options)

    def min_(self, *values: object, **options: Any) -> Any:
        return self._extreme("<", "min", values, options)

    def _extreme(self, symbol: str, name: str, values: tuple[object, ...], options: dict[str, Any]) -> Any:
        if options.keys() - {"default", "key"}:
            raise TypeError(f"{name}() takes no keywords but 'key' and 'default'")
        candidates = self._do.iterate(values[0] if len(values) == 1 else values)
        best = next(candidates, _NOTHING)
        if best is _NOTHING:
            if "default" in options:
                return options["default"]
            raise ValueError(f"{name}() of nothing; write {name}(..., default=0)")
        key = options.get("key")
        highest = best if key is None else key(best)
        for candidate in candidates:
            rank = candidate if key is None else key(candidate)
            if self._do.compare(symbol, rank, highest):
                best, highest = candidate, rank
        return best

    # Containers

    def len_(self, value: Any) -> int:
        self._do.charge(OPERATION)
        if type(value) not in SIZED and type(value) not in self._do.facade:
            raise TypeError(f"{type(value).__name__!r} object has no length")
        return len(value)

    def range_(self, *bounds: Any) -> range:
        self._do.charge(OPERATION)
        for bound in bounds:
            _require_counted(bound, "range()")
        return range(*bounds)

    def list_(self, values: object = ()) -> list[Any]:
        return self._do.elements(values)

    def tuple_(self, values: object = ()) -> tuple[Any, ...]:
        return tuple(self._do.elements(values))

    def dict_(self, items: object = (), /, **named: object) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        self._methods.update(made, items, **named)
        return made

    def reversed_(self, values: object) -> list[Any]:
        return self._do.elements(values)[::-1]

    def enumerate_(self, values: object, start: Any = 0) -> list[tuple[Any, Any]]:
        _require_counted(start, "enumerate()")
        elements = self._do.elements(values)
        self._do.copying(3 * len(elements))  # the pairs, and their numbers
        return list(enumerate(elements, start))

    def zip_(self, *values: object, strict: Any = False) -> list[tuple[Any, ...]]:
        self._do.charge(OPERATION)
        # Lazy zips of zips would be a chain that C code walks recursively, without a limit.
        return list(zip(*map(self._do.iterate, values), strict=bool(strict)))

    def sorted_(self, values: object, *, key: Any = None, reverse: Any = False) -> list[Any]:
        items = self._do.elements(values)
        # Every key is made before the sorting starts, which so calls nothing of the author's.
        self._do.charge(OPERATION * len(items) if key is not None else 0)
        ranks = items if key is None else list(map(key, items))
        kinds = set(map(type, ranks))
        if not (kinds <= NUMBERS or kinds == {str}):
            raise TypeError("sorted() takes numbers, or strings")
        if any(type(rank) is float and math.isnan(rank) for rank in ranks):
            raise ValueError("sorted() takes no NaN: it has no order")
        width = max(map(len, ranks), default=1) if kinds == {str} else 1
        self._do.charge(COPY * len(ranks) * len(ranks).bit_length() * width)
        order = sorted(range(len(ranks)), key=ranks.__getitem__, reverse=bool(reverse))
        return [items[position] for position in order]

    # Texts

    def str_(self, value: object = "") -> str:
        self._do.charge(OPERATION)
        text = self._plain(value)
        self._do.writing(len(text))
        return text

    @staticmethod
    def _plain(value: object) -> str:
        if type(value) in NUMBERS or type(value) is str or value is None:
            require_written(value)
            return str(value)
        raise TypeError(f"str() does not take {type(value).__name__!r}")


def _require_counted(value: Any, function: str) -> None:
    """Refuse what is no integer, and long ones, which take more memory than an element is counted for."""
    if type(value) not in INTEGERS:
        raise TypeError(f"{function} takes integers")
    if not -MAX_COUNTED < value < MAX_COUNTED:
        raise ValueError(f"{function} counts with integers of less than 60 bits")


_NOTHING: Final = object()
