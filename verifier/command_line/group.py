"""The commands of `tig-verify`, together."""

from __future__ import annotations

from importlib.metadata import version

import click

from verifier.command_line.commands.c006.group import c006
from verifier.command_line.commands.check import check
from verifier.command_line.commands.commit import commit
from verifier.command_line.commands.compare import compare
from verifier.command_line.commands.dispute import dispute
from verifier.command_line.commands.inspect import inspect
from verifier.command_line.commands.instance import instance
from verifier.command_line.commands.keygen import keygen
from verifier.command_line.commands.plot import plot
from verifier.command_line.commands.precommit import precommit
from verifier.command_line.commands.prove import prove
from verifier.command_line.commands.respond import respond
from verifier.command_line.commands.sample import sample
from verifier.command_line.commands.solve import solve
from verifier.command_line.commands.study import study
from verifier.command_line.commands.verify import verify
from verifier.command_line.commands.verify_proof import verify_proof


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("tig-verify"), prog_name="tig-verify")
def commands() -> None:
    """Solve, sign and verify instances of The Innovation Game's neural-network-optimiser challenge.

    \b
    Innovator:    tig-verify check my_optimiser.py
                  tig-verify compare adam.py my_optimiser.py --track n_hidden=4 --nonces 20 --picture both.png
    Benchmarker:  tig-verify keygen key.pem
                  tig-verify precommit my_optimiser.py --track n_hidden=4 --nonces 10 --key key.pem -o a.precommit
                  tig-verify solve my_optimiser.py --precommit a.precommit --seed-beacon HASH --key key.pem -o out
                  tig-verify commit out/*.claim --bundles 2 --key key.pem -o a.benchmark
                  tig-verify prove a.benchmark out/*.claim --beacon HASH2 --key key.pem -o a.proof
                  tig-verify respond audit.request out/x.claim --key key.pem
    Validator:    tig-verify verify-proof a.benchmark a.proof --beacon HASH2 --precommit a.precommit --seed-beacon HASH
                  tig-verify verify out/*.claim --precommit a.precommit --seed-beacon HASH --level replay
    Anybody:      tig-verify instance --track n_hidden=4 --nonce 0..9
                  tig-verify dispute mine/x.claim theirs/x.claim
                  tig-verify study figure2 --quick
    Live network: tig-verify c006 evaluate 7.json --settings settings.json --rand-hash HEX --nonce 7

    Exit codes: 0 accepted or done, 1 rejected, 2 a mistake in the call or its files, 3 undetermined (a fault of the
    tool or the machine).
    """


for command in (
    keygen, check, instance, precommit, solve, plot, compare, study, respond, verify, dispute, commit, sample, prove,
    verify_proof, inspect, c006,
):  # fmt: skip
    commands.add_command(command)
