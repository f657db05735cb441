"""The methods that lists, dicts, texts, tuples and numbers have in the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import methodcaller
from typing import Any

from sandbox.language.operations import FrozenDict, Operations
from sandbox.language.prices import COPY

_List = list[Any]
_Dict = dict[Any, Any]


class Methods:
    """The table of methods by exact type and name; each gets the object first and pays for what it does."""

    def __init__(self, operations: Operations) -> None:
        self._do = operations
        views = {name: methodcaller(name) for name in ("items", "keys", "values")}
        search = {"index": self._index, "count": self._count}
        self._table: dict[type, dict[str, Callable[..., Any]]] = {
            list: {
                **search,
                "append": self._append,
                "copy": operations.elements,
                "extend": operations.extend,
                "insert": self._insert,
                "pop": self._pop,
                "reverse": self._reverse,
            },
            tuple: search,
            dict: {
                **views,
                "copy": self._copy_dict,
                "get": self._get,
                "pop": self._pop_key,
                "setdefault": self._setdefault,
                "update": self.update,
            },
            FrozenDict: {**views, "get": self._get},
            str: {
                "endswith": self._ends,
                "join": self._join,
                "lower": partial(self._ascii, str.lower),
                "split": self._split,
                "startswith": self._starts,
                "strip": partial(self._ascii, str.strip),
                "upper": partial(self._ascii, str.upper),
            },
            int: {"bit_length": int.bit_length},
            float: {"is_integer": float.is_integer},
        }

    def find(self, value: object, name: str) -> Callable[..., Any] | None:
        """Return the method `name` bound to `value`, or None when its type has no such method here."""
        method = self._table.get(type(value), {}).get(name)
        return None if method is None else partial(method, value)

    # Lists and tuples

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
            raise TypeError("join takes texts only")
        self._do.writing(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
        return separator.join(texts)

    def _split(self, text: str, sep: str | None = None) -> list[str]:
        _require_ascii(text)
        self._do.writing(len(text))
        return text.split(sep)

    def _starts(self, text: str, prefix: str) -> bool:
        self._do.charge(COPY * len(prefix))
        return text.startswith(prefix)

    def _ends(self, text: str, suffix: str) -> bool:
        self._do.charge(COPY * len(suffix))
        return text.endswith(suffix)

    def _ascii(self, function: Callable[[str], str], text: str) -> str:
        _require_ascii(text)
        self._do.writing(len(text))
        return function(text)


def _require_ascii(text: str) -> None:
    # Case and white space beyond ASCII depend on the Unicode tables of the Python that runs.
    if not text.isascii():
        raise ValueError("this method takes ASCII text only")
