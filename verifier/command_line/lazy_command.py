"""A command that is known by name and by a sentence of help, and imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click


class LazyCommand(click.Command):
    """Stands in for the command of that name in a module.

    A call imports the one command that it is about, and with it the libraries that this one needs.
    """

    def __init__(self, name: str, module: str, help: str) -> None:  # noqa: A002 - click's name
        super().__init__(name, help=help)
        self._module = module

    @property
    def command(self) -> click.Command:
        """The command itself."""
        values = vars(import_module(self._module)).values()
        return next(value for value in values if isinstance(value, click.Command) and value.name == self.name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command itself, which is what will be invoked."""
        return self.command.make_context(info_name, args, parent, **extra)
