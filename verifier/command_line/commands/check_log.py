"""`tig-verify check-log`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from verifier.command_line.exit_codes import DONE, REJECTED
from verifier.command_line.files import read_file
from verifier.command_line.terminal import json_text, say
from verifier.verification.draw import Draw
from verifier.verification.log_check import differences
from verifier.verification.policy import Policy, Standing
from verifier.verification.standing import Judgement, Standings

_FEW: Final = 20
"""Differences, beacons and suspects that are shown; --json has all."""


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--policy", "policy_file", required=True, type=click.Path(path_type=Path),
              help="The policy by which the levels were drawn.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check_log(log: Path, policy_file: Path, as_json: bool) -> int:
    """Check the LOG of a pool against its policy: make every draw again, from the verdicts that stand before it.

    Draws and verdicts are in the order in which they happened. The beacons are listed: each must have been published
    after the claims were committed to, which no log shows. Nor does it show that no claim is missing. At the end
    stands how many signers have which standing, and who is a suspect.

    Exit code 0 if all is as the policy says, 1 if a line is not.

    \b
    Example: tig-verify check-log verdicts.jsonl --policy pool-policy.toml
    """
    from verifier.command_line.verifying.verdict_log import FORMAT
    from verifier.runs.results_table import read_lines

    policy = Policy.parse(read_file(policy_file), policy_file)
    rows = read_lines(log, FORMAT)
    found = list(differences(policy, rows))
    draws = [row for _, row in rows if isinstance(row, Draw)]
    beacons = Counter(drawn.beacon for drawn in draws)
    signers = _signers(policy, [row for _, row in rows])
    if as_json:
        counts = {"draws": len(draws), "verdicts": len(rows) - len(draws), "beacons": beacons, "signers": signers}
        say(json_text({"file": str(log), **counts, "differences": found}))
        return REJECTED if found else DONE
    for told in found[:_FEW]:
        say(f"{log}: {told}")
    if len(found) > _FEW:
        say(f"{log}: and {len(found) - _FEW} more like these; --json has all")
    how = "not all" if found else "all"
    say(f"{log}: {len(draws)} draws and {len(rows) - len(draws)} verdicts, {how} as {policy_file} says")
    for beacon, count in beacons.most_common(_FEW):
        say(f"  beacon {beacon}: {count} draws")
    say("  signers: " + ", ".join(f"{len(keys)} {standing}" for standing, keys in signers.items()))
    for key in signers[Standing.SUSPECT][:_FEW]:
        say(f"  suspect {key}")
    return REJECTED if found else DONE


def _signers(policy: Policy, rows: Sequence[Draw | Judgement]) -> dict[Standing, list[str]]:
    """The signers of each standing, as the log ends."""
    standings, signers = Standings(), dict.fromkeys(row.signer for row in rows)
    for row in rows:
        if isinstance(row, Judgement):
            standings.note(row)
    found = {standing: list[str]() for standing in Standing}
    for signer in signers:
        found[standings.of(signer, policy)].append(signer)
    return found
