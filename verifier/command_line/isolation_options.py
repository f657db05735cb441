"""The options of the commands that train: `--isolation` and `--device`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Final

import click

from sandbox.isolation import InProcess, Jail

isolation_option: Final = click.option(
    "--isolation",
    type=click.Choice(["process", "none"]),
    default="process",
    show_default=True,
    help="Where the module's code runs: in a jailed process, or unprotected in this one (only code that you trust).",
)

device_option: Final = click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="Where the products are computed; the result is the same.",
)


def open_isolation(name: str) -> AbstractContextManager[InProcess | Jail]:
    """The place that the option names; its processes end with the context."""
    return Jail() if name == "process" else nullcontext(InProcess())
