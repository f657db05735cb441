"""What a package offers, each name imported when it is asked for (PEP 562): to import the package itself stays light.

The names, and where each is, stand in the package's `__init__.pyi` alone, which type checkers and editors read too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any


def front_door(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package that offers what its `__init__.pyi` imports."""

    @cache
    def places() -> dict[str, str]:
        return _places(package)

    def get(name: str) -> Any:
        if name == "__all__":
            return sorted(places())
        if name.startswith("__") or name not in places():
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(places()[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted({*vars(sys.modules[package]), *places()})


def _places(package: str) -> dict[str, str]:
    """The module of each name."""
    import ast  # who asks for no name does without
    from importlib.resources import files

    stub = ast.parse(files(package).joinpath("__init__.pyi").read_text("utf-8"))
    imports = (node for node in stub.body if isinstance(node, ast.ImportFrom))
    return {alias.name: str(node.module) for node in imports for alias in node.names}
