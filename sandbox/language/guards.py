"""The hooks that rewritten code calls for everything it does (see `transformer` for who calls which)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from sandbox.language.builtins import build_builtins
from sandbox.language.methods import Methods
from sandbox.language.operations import (
    DICTS,
    INTEGERS,
    NUMBERS,
    FloatPower,
    FrozenDict,
    Operations,
    require_written,
)
from sandbox.language.prices import MAX_ARGUMENTS, MAX_CALL_DEPTH, OPERATION
from sandbox.meter import Meter

_INDEXED = frozenset({list, tuple, str, range})
_READ_ONLY = frozenset({tuple, FrozenDict})
_BOUNDS = INTEGERS | {type(None)}


class Guards:
    """The hooks of one loaded module.

    `attributes` lists, for every facade type, the attributes that untrusted code may read; `float_power`
    computes `a ** b` for floats.
    """

    def __init__(self, meter: Meter, attributes: Mapping[type, frozenset[str]], float_power: FloatPower) -> None:
        self._do = Operations(meter, frozenset(attributes), float_power)
        self._methods = Methods(self._do)
        self._attributes = attributes
        self._charge = meter.charge
        self._depth = 0

    def hooks(self) -> dict[str, Callable[..., Any]]:
        """Return the hooks under the names that rewritten code uses."""
        return {
            "_enter_": self.enter,
            "_leave_": self.leave,
            "_tick_": self._charge,
            "_getiter_": self._do.iterate,
            "_iter_unpack_sequence_": self.iter_unpack,
            "_unpack_sequence_": self.unpack,
            "_getattr_": self.get_attribute,
            "_getitem_": self.get_item,
            "_setitem_": self.set_item,
            "_delitem_": self.delete_item,
            "_locate_": self.locate,
            "_augment_item_": self.augment_item,
            "_inplacevar_": self.augment,
            "_binop_": self._do.binary,
            "_unop_": self._do.unary,
            "_compare_": self._do.compare,
            "_key_": self._do.key,
            "_merge_": self.merge,
            "_spread_": self.spread,
            "_format_": self.format,
        }

    def builtins(self) -> dict[str, object]:
        """Return a fresh table of builtin functions that pay into the same meter."""
        return build_builtins(self._do, self._methods)

    # Calls and loops

    def enter(self, units: int) -> None:
        """Pay for a call that begins, or refuse one that is nested too deeply."""
        self._charge(units)
        if self._depth >= MAX_CALL_DEPTH:
            raise ValueError(f"calls are nested deeper than {MAX_CALL_DEPTH}")
        self._depth += 1

    def leave(self, value: Any = None) -> Any:
        """Note that a call ends, and pass its value on."""
        self._depth -= 1
        return value

    # Unpacking: `spec` is RestrictedPython's: the positions of inner tuples, and the length.

    def unpack(self, value: object, spec: dict[str, Any], getiter: Callable[[object], Iterator[Any]]) -> list[Any]:
        """Return the elements of `value`, with inner sequences unpacked as `spec` says."""
        # One more than fits is enough for Python to say that there are too many.
        elements = list(islice(getiter(value), spec["min_len"] + 1))
        for position, inner in spec["childs"]:
            if position < len(elements):
                elements[position] = self.unpack(elements[position], inner, getiter)
        return elements

    def iter_unpack(
        self, values: object, spec: dict[str, Any], getiter: Callable[[object], Iterator[Any]]
    ) -> Iterator[Any]:
        """Iterate over `values`, unpacking each."""
        return (self.unpack(value, spec, getiter) for value in getiter(values))

    # Stars

    def merge(self, *parts: Any) -> dict[Any, Any]:
        """Return a new dict of the items of every part, the last value of a key winning."""
        merged: dict[Any, Any] = {}
        for part in parts:
            if type(part) not in DICTS:
                raise TypeError(f"** takes a dict, not {type(part).__name__!r}")
            self._do.bound(len(merged) + len(part))
            self._do.copying(len(part))
            merged.update(part)
        return merged

    def spread(self, values: object) -> list[Any]:
        """Return the elements of `values` as arguments of a call."""
        arguments = list(islice(self._do.iterate(values), MAX_ARGUMENTS + 1))
        if len(arguments) > MAX_ARGUMENTS:
            raise ValueError(f"a star adds more than {MAX_ARGUMENTS} arguments")
        return arguments

    # Attributes

    def get_attribute(self, value: object, name: str) -> Any:
        """Return an attribute that the table of the exact type of `value` lists, or raise AttributeError."""
        self._charge(OPERATION)
        if type(name) is str:
            method = self._methods.find(value, name)
            if method is not None:
                return method
            if name in self._attributes.get(type(value), ()):
                return getattr(value, name)
        raise AttributeError(f"{type(value).__name__!r} object has no attribute {name!r} in the sandbox")

    # Items

    def get_item(self, container: Any, index: Any) -> Any:
        """Return `container[index]`."""
        self._charge(OPERATION)
        kind = type(container)
        if kind in DICTS:
            return container[self._do.key(index)]
        if kind in self._do.facade:
            return container[index]
        if kind not in _INDEXED:
            raise TypeError(f"{kind.__name__!r} object is not subscriptable")
        if type(index) is slice:
            places = range(*_checked(index).indices(len(container)))
            if kind is range:
                return _sliced(container, places)
            self._do.copying(len(places))
            return container[index]
        return container[_checked(index)]

    def set_item(self, value: Any, container: Any, index: Any) -> None:
        """Store `value` at `container[index]`, in exact lists and dicts, and facade types that allow it."""
        self._charge(OPERATION)
        self._writable(container)
        if type(container) in self._do.facade:
            container[index] = value
        elif type(container) is dict:
            self._do.bound(len(container) + 1)
            container[self._do.key(index)] = value
        elif type(index) is slice:
            new = self._do.elements(value)
            self._do.copying(len(container) + len(new))
            container[_checked(index)] = new
        else:
            container[_checked(index)] = value

    def delete_item(self, container: Any, index: Any) -> None:
        """Delete `container[index]`, in exact lists and dicts only."""
        self._charge(OPERATION)
        if type(container) in self._do.facade:
            raise TypeError(f"items of a {type(container).__name__!r} cannot be deleted")
        self._writable(container)
        if type(container) is dict:
            del container[self._do.key(index)]
        else:
            self._do.copying(len(container))
            del container[_checked(index)]

    def locate(self, container: Any, index: Any) -> tuple[Any, Any, Any]:
        """Read the item that an augmented assignment changes, before its right side is evaluated."""
        self._writable(container)
        return container, index, self.get_item(container, index)

    def augment_item(self, located: tuple[Any, Any, Any], symbol: str, value: Any) -> None:
        """Store the result of `container[index] symbol= value`."""
        container, index, current = located
        self.set_item(self._do.in_place(symbol, current, value), container, index)

    def augment(self, symbol: str, current: Any, value: Any) -> Any:
        """Return the result of `name symbol= value`; RestrictedPython writes the symbol with its `=`."""
        return self._do.in_place(symbol.removesuffix("="), current, value)

    def _writable(self, container: object) -> None:
        kind = type(container)
        if kind is list or kind is dict or (kind in self._do.facade and hasattr(kind, "__setitem__")):
            return
        if kind in self._do.facade:
            raise TypeError(f"{kind.__name__!r} items cannot be assigned; make a new value, as torch.where does")
        if kind in _READ_ONLY:
            raise TypeError("tuples, and constants of the module, are read-only; copy them first: list(x), dict(x)")
        raise TypeError(f"{kind.__name__!r} object does not support item assignment")

    # f-strings

    def format(self, *parts: Any) -> str:
        """Join the parts of an f-string: strings, and pairs of a value and its format."""
        texts = [part if type(part) is str else self._formatted(*part) for part in parts]
        self._do.writing(sum(map(len, texts)))
        return "".join(texts)

    def _formatted(self, value: object, spec: str) -> str:
        self._charge(OPERATION)
        if type(value) in NUMBERS or type(value) is str or value is None:
            require_written(value)
            return format(value, spec)
        raise TypeError(f"an f-string shows numbers and strings, not {type(value).__name__!r}")


def _sliced(numbers: range, places: range) -> range:
    """Return the numbers at some places; steps beyond the end would multiply without bound, slice after slice."""
    if len(places) < 2:
        return numbers[places[0] : places[0] + 1] if places else range(0)
    step = numbers[places[1]] - numbers[places[0]]
    return range(numbers[places[0]], numbers[places[-1]] + (1 if step > 0 else -1), step)


def _checked(index: Any) -> Any:
    """Return an index of a list or tuple; anything but integers could run code of its own."""
    if type(index) in INTEGERS:
        return index
    if type(index) is slice and _BOUNDS.issuperset(map(type, (index.start, index.stop, index.step))):
        return index
    raise TypeError("list and tuple indices are integers or slices of integers")
