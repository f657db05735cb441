"""Operators, comparison and iteration: metered, bounded, and the same on every machine.

Values are numbers (int, float, bool), strings, None, list, tuple, dict, range, and the caller's facade types.
Types are compared exactly: the dialect has no classes, so no subclass can pose as one of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any, Final

from sandbox.language.prices import (
    COPY,
    DIGITS,
    EQUAL,
    FLOAT_POWER,
    LOOP,
    MAX_BITS,
    MAX_CHARACTERS,
    MAX_DATA_DEPTH,
    MAX_ELEMENTS,
    MAX_WRITTEN_BITS,
    OPERATION,
)
from sandbox.meter import Meter

FrozenDict = MappingProxyType
"""The type of a dict at the top level of a module, once the module is loaded: it can only be read."""

FloatPower = Callable[[float, "float | int"], float]

NUMBERS: Final = frozenset({int, float, bool})
INTEGERS: Final = frozenset({int, bool})
DICTS: Final = frozenset({dict, FrozenDict})
_SEQUENCES: Final = frozenset({list, tuple, str})
# Whether two of these are one object depends on the version of Python, and on whether a state was restored.
_VALUES: Final = NUMBERS | {str, tuple}
_VIEWS: Final = frozenset({type({}.keys()), type({}.values()), type({}.items())})
_MAKING: Final = frozenset({str, type({}.items())})
"""What makes its elements as it hands them out."""
SIZED: Final = _SEQUENCES | DICTS | _VIEWS | {range}

_BINARY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_UNARY: Final[dict[str, Callable[[Any], Any]]] = {"-": operator.neg, "+": operator.pos, "~": operator.invert}
_IN_PLACE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    symbol: getattr(operator, "i" + function.__name__.strip("_")) for symbol, function in _BINARY.items()
}
_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LONG: Final = frozenset({"*", "//", "%", "**"})
_EQUALITY: Final[dict[str, Callable[[Any, Any], Any]]] = {"==": operator.eq, "!=": operator.ne}


class Operations:
    """The operations that hooks, methods and builtins share; `facade` are the caller's own types."""

    def __init__(self, meter: Meter, facade: frozenset[type], float_power: FloatPower) -> None:
        self.charge = meter.charge
        self.facade = facade
        self._operands = facade | NUMBERS
        self._float_power = float_power

    # Bounds

    def bound(self, size: int) -> None:
        """Refuse a container of `size` elements if they are too many."""
        if size > MAX_ELEMENTS:
            raise ValueError(f"a container of {size} elements; at most {MAX_ELEMENTS} are allowed")

    def copying(self, size: int) -> None:
        """Pay for `size` elements that are about to be copied into one container, or refuse so many."""
        self.bound(size)
        self.charge(COPY * size)

    def writing(self, size: int) -> None:
        """Pay for a string of `size` characters that is about to be made, or refuse it."""
        if size > MAX_CHARACTERS:
            raise ValueError(f"a string of {size} characters; at most {MAX_CHARACTERS} are allowed")
        self.charge(COPY * size)

    def key(self, key: object) -> Any:
        """Return a dict key; other types than strings have hashes that an author can make collide."""
        if type(key) is not str:
            raise TypeError("a dict key is a string; for numbers use a list")
        return key

    def iterate(self, value: object) -> Iterator[Any]:
        """Iterate over `value`, paying for every element before it is handed out."""
        kind = type(value)
        if kind not in SIZED and kind not in self.facade:
            raise TypeError(f"{kind.__name__!r} object is not iterable")
        self.charge(OPERATION)
        return self._metered(iter(value))  # type: ignore[call-overload]

    def _metered(self, elements: Iterator[Any]) -> Iterator[Any]:
        for element in elements:
            self.charge(LOOP)
            yield element

    def elements(self, value: object) -> list[Any]:
        """Copy an iterable into a new list."""
        if type(value) in SIZED:
            self.charge(OPERATION)
            self.copying(len(value))  # type: ignore[arg-type]
            if type(value) in _MAKING:
                self.charge(COPY * len(value))  # type: ignore[arg-type]
            return list(value)  # type: ignore[call-overload,no-any-return]
        return list(self.iterate(value))

    # Operators

    def unary(self, symbol: str, operand: Any) -> Any:
        """Compute `-operand`, `+operand` or `~operand`."""
        self.charge(OPERATION)
        if type(operand) is bool:
            operand = int(operand)  # as Python has it, until it refuses ~True
        if type(operand) not in self._operands:
            raise TypeError(f"bad operand type for unary {symbol}: {type(operand).__name__!r}")
        return _UNARY[symbol](operand)

    def binary(self, symbol: str, left: Any, right: Any) -> Any:
        """Compute `left symbol right`."""
        self.charge(OPERATION)
        kinds = type(left), type(right)
        if kinds[0] in NUMBERS and kinds[1] in NUMBERS:
            return self._number(symbol, left, right)
        if kinds[0] in self._operands and kinds[1] in self._operands:
            return _BINARY[symbol](left, right)
        if symbol == "+" and kinds[0] is kinds[1] and kinds[0] in _SEQUENCES:
            self._sized(kinds[0], len(left) + len(right))
            return left + right
        if symbol == "*" and (kinds[0] in _SEQUENCES or kinds[1] in _SEQUENCES):
            return self._repeat(left, right)
        if symbol == "%" and kinds[0] is str:
            raise TypeError('% does not format strings here; write an f-string: f"{x:.3f}"')
        raise _unsupported(symbol, kinds)

    def in_place(self, symbol: str, left: Any, right: Any) -> Any:
        """Compute the new value of `left symbol= right`; lists and facade values may change themselves."""
        if type(left) is list and symbol == "+":
            self.charge(OPERATION)
            self.extend(left, right)
            return left
        if type(left) is list and symbol == "*":
            left[:] = self.binary("*", left, right)
            return left
        if type(left) in self.facade and type(right) in self._operands:
            self.charge(OPERATION)
            return _IN_PLACE[symbol](left, right)
        return self.binary(symbol, left, right)

    def extend(self, target: list[Any], values: object) -> None:
        """Append every element of `values`."""
        new = self.elements(values)
        self.bound(len(target) + len(new))
        target.extend(new)

    def _repeat(self, left: Any, right: Any) -> Any:
        sequence, times = (left, right) if type(left) in _SEQUENCES else (right, left)
        if type(times) not in INTEGERS:
            raise _unsupported("*", (type(left), type(right)))
        self._sized(type(sequence), len(sequence) * max(times, 0))
        return sequence * (times if sequence else 0)

    def _sized(self, kind: type, size: int) -> None:
        (self.writing if kind is str else self.copying)(size)

    def _number(self, symbol: str, left: Any, right: Any) -> Any:
        if symbol == "**" and (float in (type(left), type(right)) or right < 0):
            # The C library's pow() differs between machines; the caller's does not.
            self.charge(FLOAT_POWER)
            return self._float_power(float(left), right if type(right) is float else int(right))
        if symbol == "**" and abs(left) <= 1:
            right = min(right, 2 - right % 2)  # 1, -1 or 0 to a long power is that to a short one
        if symbol == "**" and (abs(int(left)).bit_length() - 1) * right > MAX_BITS:
            raise _too_many_bits()
        if symbol == "<<" and left and right > MAX_BITS:
            raise _too_many_bits()
        if symbol in _LONG and type(left) is int and type(right) is int:
            power = symbol == "**"  # by repeated squaring, of which the last one costs most
            bits = (max(left.bit_length() - 1, 0) * right) ** 2 if power else left.bit_length() * right.bit_length()
            self.charge(bits // DIGITS)
        # Operands have at most MAX_BITS bits, so what is computed here is small, if not always small enough.
        result = _BINARY[symbol](left, right)
        if type(result) is int and result.bit_length() > MAX_BITS:
            raise _too_many_bits()
        return result

    # Comparison

    def compare(self, symbol: str, left: Any, right: Any) -> Any:
        """Compute `left symbol right` for the comparisons, `in` and `not in`."""
        self.charge(OPERATION)
        if symbol in ("in", "not in"):
            return self.contains(right, left) is (symbol == "in")
        kinds = type(left), type(right)
        if kinds[0] in self.facade or kinds[1] in self.facade:
            if kinds[0] in self._operands and kinds[1] in self._operands:
                return (_ORDER | _EQUALITY)[symbol](left, right)
            raise TypeError(f"{_names(kinds)} cannot be compared; write 'is None' to test for None")
        if symbol in _EQUALITY:
            return self.equal(left, right) is (symbol == "==")
        if kinds == (str, str) or (kinds[0] in NUMBERS and kinds[1] in NUMBERS):
            self.charge(COPY * min(len(left), len(right)) if kinds[0] is str else 0)
            return _ORDER[symbol](left, right)
        raise TypeError(f"{symbol!r} not supported between {_names(kinds)}")

    def equal(self, left: Any, right: Any, depth: int = 0) -> bool:
        """Tell whether two values are equal, as Python does, but paying for every element visited."""
        self.charge(EQUAL)
        if depth > MAX_DATA_DEPTH:
            raise ValueError(f"containers nested deeper than {MAX_DATA_DEPTH} cannot be compared")
        kinds = type(left), type(right)
        if depth and left is right and kinds[0] not in _VALUES:
            return True
        if kinds[0] in (list, tuple) and kinds[0] is kinds[1]:
            pairs = zip(left, right, strict=False)
            return len(left) == len(right) and all(self.equal(a, b, depth + 1) for a, b in pairs)
        if kinds[0] in DICTS and kinds[1] in DICTS:
            same = len(left) == len(right)
            return same and all(k in right and self.equal(v, right[k], depth + 1) for k, v in left.items())
        if kinds == (str, str):
            self.charge(COPY * min(len(left), len(right)))
        if kinds[0] in self._operands or kinds[0] in (str, range):
            comparable = kinds[0] is kinds[1] or (kinds[0] in self._operands and kinds[1] in self._operands)
            return comparable and bool(left == right)
        return left is right

    def contains(self, container: Any, element: Any) -> bool:
        """Compute `element in container`."""
        kind = type(container)
        if kind in DICTS:
            return self.key(element) in container
        if kind is str and type(element) is str:
            self.charge(COPY * (len(container) + len(element)))
            return element in container
        if kind is range and type(element) in INTEGERS:
            return element in container
        if kind not in SIZED or kind is str:
            raise TypeError(f"'in' is not supported between {_names((type(element), kind))}")
        return any(self.equal(element, other, 1) for other in self.iterate(container))


def require_written(value: object) -> None:
    """Refuse an integer whose digits Python may be set not to write. Raises ValueError."""
    if type(value) is int and value.bit_length() > MAX_WRITTEN_BITS:
        raise ValueError(f"an integer of more than {MAX_WRITTEN_BITS} bits is not written as text")


def _names(kinds: tuple[type, type]) -> str:
    return f"{kinds[0].__name__!r} and {kinds[1].__name__!r}"


def _unsupported(symbol: str, kinds: tuple[type, type]) -> TypeError:
    return TypeError(f"unsupported operand types for {symbol}: {_names(kinds)}")


def _too_many_bits() -> OverflowError:
    return OverflowError(f"an integer of more than {MAX_BITS} bits")
