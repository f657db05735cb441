"""The options of the commands that draw or answer a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from protocol.bundles import SAMPLING_TRIES
from protocol.sampling import SamplingRule

_F = TypeVar("_F", bound=Callable[..., Any])

_LIVE: Final = SamplingRule()
_OPTIONS: Final = (
    click.option("--beacon", required=True, metavar="TEXT",
                 help="What draws the sample, such as the hash of a block published after the benchmark."),
    click.option("--upper", type=click.IntRange(1, SAMPLING_TRIES), default=_LIVE.upper, show_default=True,
                 help="How many nonces to draw from the better halves of bundles."),
    click.option("--lower", type=click.IntRange(0, SAMPLING_TRIES), default=_LIVE.lower, show_default=True,
                 help="How many nonces to draw from the worse halves."),
)  # fmt: skip


def sampling_options(command: _F) -> _F:
    """Add --beacon, --upper and --lower to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
