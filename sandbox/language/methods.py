"""The methods that lists, dicts, strings, tuples and numbers have in the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sandbox.language.operations import FrozenDict, Operations
from sandbox.language.prices import COPY

_List = list[Any]
_Dict = dict[Any, Any]


class Methods:
    """The methods by exact type and name; each gets the object first and pays for what it does."""

    def __init__(self, operations: Operations) -> None:
        self._do = operations

    def find(self, value: object, name: str) -> Callable[..., Any] | None:
        """Return the method `name` bound to `value`, or None when its type has no such method here."""
        method = _TABLE.get(type(value), {}).get(name)
        return None if method is None else partial(method, self, value)

    # Lists and tuples

    def _copy(self, target: _List) -> _List:
        return self._do.elements(target)

    def _extend(self, target: _List, values: object) -> None:
        self._do.extend(target, values)

    def _append(self, target: _List, value: object) -> None:
        self._do.bound(len(target) + 1)
        target.append(value)

    def _insert(self, target: _List, position: int, value: object) -> None:
        self._do.copying(len(target) + 1)
        target.insert(position, value)

    def _pop(self, target: _List, position: int = -1) -> Any:
        self._do.copying(0 if position == -1 else len(target))
        return target.pop(position)

    def _reverse(self, target: _List) -> None:
        self._do.copying(len(target))
        target.reverse()

    def _index(self, target: _List | tuple[Any, ...], value: object) -> int:
        for position, element in enumerate(self._do.iterate(target)):
            if self._do.equal(element, value, depth=1):
                return position
        raise ValueError("the value is not in the sequence")

    def _count(self, target: _List | tuple[Any, ...], value: object) -> int:
        return sum(self._do.equal(element, value, depth=1) for element in self._do.iterate(target))

    # Dicts

    def _items(self, target: _Dict) -> Any:
        return target.items()

    def _keys(self, target: _Dict) -> Any:
        return target.keys()

    def _values(self, target: _Dict) -> Any:
        return target.values()

    def _get(self, target: _Dict, key: object, default: object = None) -> Any:
        return target.get(self._do.key(key), default)

    def _pop_key(self, target: _Dict, key: object, *default: object) -> Any:
        return target.pop(self._do.key(key), *default)

    def _setdefault(self, target: _Dict, key: object, default: object = None) -> Any:
        self._do.bound(len(target) + 1)
        return target.setdefault(self._do.key(key), default)

    def _copy_dict(self, target: _Dict) -> _Dict:
        self._do.copying(len(target))
        return target.copy()

    def update(self, target: _Dict, other: object = (), /, **named: object) -> None:
        """Add the items of a dict, or of an iterable of pairs, and the named ones."""
        pairs = other.items() if isinstance(other, dict | FrozenDict) else other
        for pair in [*self._do.iterate(pairs), *named.items()]:
            key, value = self._do.elements(pair)
            self._do.bound(len(target) + 1)
            target[self._do.key(key)] = value

    # Texts

    def _join(self, separator: str, parts: object) -> str:
        texts = self._do.elements(parts)
        if any(type(text) is not str for text in texts):
            raise TypeError("join takes strings only")
        self._do.writing(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
        return separator.join(texts)

    def _split(self, text: str, sep: str | None = None) -> list[str]:
        return self._ascii(text).split(sep)

    def _starts(self, text: str, prefix: str) -> bool:
        self._end(prefix)
        return text.startswith(prefix)

    def _ends(self, text: str, suffix: str) -> bool:
        self._end(suffix)
        return text.endswith(suffix)

    def _end(self, text: object) -> None:
        if type(text) is not str:
            raise TypeError("startswith and endswith take one string")
        self._do.charge(COPY * len(text))

    def _lower(self, text: str) -> str:
        return self._ascii(text).lower()

    def _upper(self, text: str) -> str:
        return self._ascii(text).upper()

    def _strip(self, text: str) -> str:
        return self._ascii(text).strip()

    def _ascii(self, text: str) -> str:
        _require_ascii(text)
        self._do.writing(len(text))
        return text

    # Numbers

    def _bit_length(self, number: int) -> int:
        return number.bit_length()

    def _is_integer(self, number: float) -> bool:
        return number.is_integer()


def _require_ascii(text: str) -> None:
    # Case and white space beyond ASCII depend on the Unicode tables of the Python that runs.
    if not text.isascii():
        raise ValueError("this method takes ASCII strings only")


_Table = dict[str, Callable[..., Any]]
_SEARCH: _Table = {"index": Methods._index, "count": Methods._count}
_VIEWS: _Table = {"items": Methods._items, "keys": Methods._keys, "values": Methods._values}
_TABLE: Final[dict[type, _Table]] = {
    list: {
        **_SEARCH,
        "append": Methods._append,
        "copy": Methods._copy,
        "extend": Methods._extend,
        "insert": Methods._insert,
        "pop": Methods._pop,
        "reverse": Methods._reverse,
    },
    tuple: _SEARCH,
    dict: {
        **_VIEWS,
        "copy": Methods._copy_dict,
        "get": Methods._get,
        "pop": Methods._pop_key,
        "setdefault": Methods._setdefault,
        "update": Methods.update,
    },
    FrozenDict: {**_VIEWS, "get": Methods._get},
    str: {
        "endswith": Methods._ends,
        "join": Methods._join,
        "lower": Methods._lower,
        "split": Methods._split,
        "startswith": Methods._starts,
        "strip": Methods._strip,
        "upper": Methods._upper,
    },
    int: {"bit_length": Methods._bit_length},
    float: {"is_integer": Methods._is_integer},
}
METHOD_NAMES: Final = frozenset(name for table in _TABLE.values() for name in table)
"""The methods of Python's own types that a module may use."""
