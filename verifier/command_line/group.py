"""The commands of `tig-verify`, together."""

from __future__ import annotations

from typing import Final

import click

from verifier.command_line.lazy_command import LazyCommand
from verifier.command_line.options.version_option import version_option

_COMMANDS: Final = {
    "Innovator": {
        "init": "Write a first optimiser module to FILE, with comments: Adam, to be changed.",
        "check": "Check optimiser modules against the dialect, without running them.",
        "run": "Train OPTIMISER on one instance, without a key, and say how it went.",
        "debug": "Run OPTIMISER as plain Python, with torch's own tensors, for a debugger.",
        "profile": "Say what OPTIMISER costs, in fuel, memory and time, by line and by function.",
        "compare": "Train OPTIMISERS on the same nonces and compare each with the first one, nonce by nonce.",
        "tune": "Search for better hyperparameters of OPTIMISER, and judge them on nonces that the search never saw.",
        "score": (
            "Score OPTIMISER on some nonces, for a program that writes optimisers: one JSON object, whatever happens."
        ),
        "stubs": "Write type stubs of what a module can use, so that editors complete it and find what is not there.",
    },
    "Benchmarker": {
        "precommit": "Sign what you choose, OPTIMISER and its options, before the seeds of its instances exist.",
        "solve": "Train OPTIMISER on the instance of each nonce and write signed claims.",
        "status": "Say how far the runs of `solve` in FOLDER are: from another terminal, or afterwards.",
        "commit": "Commit to the claims of many nonces, before anybody draws which of them are to be proven.",
        "prove": "Prove that the claims which a beacon draws are those that BENCHMARK committed to.",
        "respond": (
            "Answer a validator's REQUEST for an audit of CLAIM: train again, and write the states that it asks for."
        ),
    },
    "Validator": {
        "verify": "Verify claims and print a verdict for each, in the order in which they are done.",
        "verify-proof": "Check that PROOF answers the beacon with the claims that BENCHMARK committed to.",
        "verify-tuning": (
            "Check the hyperparameters that TUNING submits for a module: train what it states, and compare."
        ),
        "sample": "Print the nonces of BENCHMARK that a beacon draws, ascending, one on each line.",
        "dispute": "Find out who of two claims about one training is wrong, and in which epoch.",
        "check-log": (
            "Check the LOG of a pool against its policy: make every draw again, from the verdicts that stand before it."
        ),
    },
    "Maintainer of a contest": {
        "golden": "Pin whole trainings of any module in golden files, and hold later ones against them.",
    },
    "Anybody": {
        "keygen": "Create an Ed25519 key: FILE (private, mode 0600) and FILE.pub.",
        "instance": "Say what an instance holds and whether its train loss can reach the threshold.",
        "inspect": ("Show the contents of signed records: claims, solutions, precommits, benchmarks, verdicts .."),
        "plot": "Draw the losses of claims or transcripts, up to 8 of them, with the best epoch of each.",
        "report": "Make one HTML page about PATHS: claims, verdicts, a comparison or a study.",
        "doctor": "Examine this machine and say whether it can solve and verify.",
        "study": "Repeat the numerical studies of the papers: each trains, keeps a table and draws figures.",
    },
    "Live network": {
        "c006": "Evaluate and audit solutions of the live network's challenge c006, on a CPU.",
    },
}
"""By user, the first sentence of each command, which is in its own file too: to list them must not import them."""


class _ByUser(click.Group):
    """Commands that are listed by who needs them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a list for each user."""
        widest = max(map(len, self.commands))
        for user, texts in _COMMANDS.items():
            limit = formatter.width - 6 - widest
            rows = [(f"{name:{widest}}", self.commands[name].get_short_help_str(limit)) for name in texts]
            with formatter.section(user):
                formatter.write_dl(rows)


@click.group(cls=_ByUser, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version_option
def commands() -> None:
    """Solve, sign and verify instances of The Innovation Game's neural-network-optimiser challenge.

    \b
    Innovator:    tig-verify init my_optimiser.py
                  tig-verify check --run my_optimiser.py
                  tig-verify run my_optimiser.py -p lr=0.01 --plot losses.png
                  tig-verify debug my_optimiser.py --break 24
                  tig-verify profile my_optimiser.py
                  tig-verify compare adam.py my_optimiser.py --track n_hidden=4 --nonces 0..19 --plot both.png
                  tig-verify tune my_optimiser.py --track n_hidden=4 --search 'lr=log 1e-4..1e-1' -o tuned
    A program:    tig-verify score my_optimiser.py --track n_hidden=4 --nonces 0..3 --seconds 60
    Benchmarker:  tig-verify keygen key.pem
                  tig-verify precommit my_optimiser.py --track n_hidden=4 --num-nonces 10 --key key.pem -o a.precommit
                  tig-verify solve my_optimiser.py --precommit a.precommit --seed-beacon HASH --key key.pem -o out
                  tig-verify status out
                  tig-verify commit out/*.claim --bundles 2 --key key.pem -o a.benchmark
                  tig-verify prove a.benchmark out/*.claim --beacon HASH2 --key key.pem -o a.proof
                  tig-verify respond audit.request out/x.claim --key key.pem
    Validator:    tig-verify verify-proof a.benchmark a.proof --beacon HASH2 --precommit a.precommit --seed-beacon HASH
                  tig-verify verify out/*.claim --precommit a.precommit --seed-beacon HASH --level replay
                  tig-verify verify inbox --policy pool-policy.toml --out verdicts.jsonl
                  tig-verify verify-tuning adam.tuning --optimiser adam.py --beacon HASH2
    Maintainer:   tig-verify golden fill my_optimiser.py --track n_hidden=4 --nonces 0..2 -o golden
                  tig-verify golden check golden
    Anybody:      tig-verify instance --track n_hidden=4 --nonces 0..9
                  tig-verify dispute mine/x.claim theirs/x.claim
                  tig-verify study figure2 --quick
                  tig-verify doctor
                  tig-verify report out -o out.html
    Live network: tig-verify c006 evaluate 7.json --settings settings.json --rand-hash HEX --nonce 7

    Exit codes: 0 accepted or done, 1 rejected (and all was looked at), 2 a mistake in the call or its files,
    3 undetermined (a fault of the tool or the machine), 4 unfinished (--deadline or --limit: the same call goes on).
    """


for name, text in (entry for texts in _COMMANDS.values() for entry in texts.items()):
    place = f"{name}.group" if name in ("c006", "golden", "study") else name.replace("-", "_")
    commands.add_command(LazyCommand(name, f"verifier.command_line.commands.{place}", text))
