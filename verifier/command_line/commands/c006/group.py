"""The commands of `tig-verify c006`, together."""

from __future__ import annotations

import click

from verifier.command_line.commands.c006.audit import audit
from verifier.command_line.commands.c006.band import band
from verifier.command_line.commands.c006.evaluate import evaluate
from verifier.command_line.commands.c006.exchange import export_command, import_command
from verifier.command_line.commands.c006.provenance import provenance


@click.group()
def c006() -> None:
    """Evaluate and audit solutions of the live network's challenge c006, on a CPU.

    The network itself needs a CUDA GPU for this. What a CPU can and cannot reproduce: docs/live-network.md.

    \b
    Example: tig-verify c006 evaluate 7.json --settings settings.json --rand-hash 4c35..b055
    """


for command in (evaluate, audit, provenance, band, export_command, import_command):
    c006.add_command(command)
