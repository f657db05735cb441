"""Options that go together: a command takes them as one object."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def option_group(argument: str, build: Callable[..., object], *options: Decorator) -> Decorator:
    """Give a command these options, together as one argument: what `build` makes of their values.

    The parameters of `build` are the names of the options. What it raises, the command raises.
    """
    names = list(signature(build).parameters)

    def decorate(command: Command) -> Command:
        @wraps(command)
        def grouped(**values: Any) -> Any:
            taken = {name: values.pop(name) for name in names}
            return command(**{argument: build(**taken)}, **values)

        decorated: Command = grouped
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate
