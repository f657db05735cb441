"""The commands of `tig-verify c006`, together."""

from __future__ import annotations

from typing import Final

import click

from verifier.command_line.lazy_command import LazyCommand

_TEXTS: Final = {
    "evaluate": "Evaluate a solution of the live network's challenge on a CPU.",
    "audit": "Audit a benchmark of the live network's challenge on a CPU.",
    "provenance": "Tell whether the frozen layers of a live solution are still what the network's initialiser drew.",
    "band": "Train OPTIMISER on an instance of the live network, many times, for the range of quality it reaches.",
    "export": "Write the solution of one of this toolkit's claims as a blob in the live network's format.",
    "import": "Write the .solution of CLAIM from a BLOB, or an output record, that `c006 export` made of it.",
}
"""The first sentence of each command, which is in its own file too: to list them must not import them."""


@click.group()
def c006() -> None:
    """Evaluate and audit solutions of the live network's challenge c006, on a CPU.

    The network itself needs a CUDA GPU for this. What a CPU can and cannot reproduce: docs/live-network.md.

    \b
    Example: tig-verify c006 evaluate 7.json --settings settings.json --rand-hash 4c35..b055
    """


for name, text in _TEXTS.items():
    place = "exchange" if name in ("export", "import") else name
    c006.add_command(LazyCommand(name, f"verifier.command_line.commands.c006.{place}", text))
