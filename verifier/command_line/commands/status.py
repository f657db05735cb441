"""`tig-verify status`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from verifier.challenge.errors import InputError
from verifier.command_line.options.nonces_option import reasons_text
from verifier.command_line.solving.run_status import RunStatus, runs_in, together
from verifier.command_line.terminal import json_text, say


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each run, then one for all together.")
def status(folder: Path, as_json: bool) -> None:
    """Say how far the runs of `solve` in FOLDER are: from another terminal, or afterwards.

    A run is a log, OPTIMISER-TRACK.run, which a call of `solve` with several nonces keeps beside its claims. A shard
    has one of its own, and shards can be copied into one folder: what is done is known by the claims.

    \b
    Example: tig-verify status out
    """
    runs = runs_in(folder)
    if not runs:
        raise InputError(f"{folder}: has no run; name the folder that solve writes several nonces to")
    for run in runs:
        say(*([json_text(_as_json(run))] if as_json else _as_text(run)))
    if as_json:
        say(json_text({"file": None, "running": _working(runs), **together(runs).as_json()}))
    elif len(runs) > 1:
        say(f"together: {_working(runs)} of {len(runs)} runs at work, {together(runs).as_text()}")


def _working(runs: Sequence[RunStatus]) -> int:
    return sum(run.is_running for run in runs)


def _as_text(run: RunStatus) -> list[str]:
    state = f"at work, {run.in_hand} in hand" if run.is_running else "not at work"
    lines = [f"{run.log}: {state}, {together([run]).as_text()}"]
    why = {each.nonce: ("lost: " if each.is_lost else "") + each.why for each in run.failed}
    return lines + [f"  {line}" for line in reasons_text(why)]


def _as_json(run: RunStatus) -> dict[str, object]:
    start = run.start
    return {
        "file": str(run.log),
        "running": run.is_running,
        "in_hand": run.in_hand,
        **together([run]).as_json(),
        "failures": [{"nonce": each.nonce, "why": each.why, "lost": each.is_lost} for each in run.failed],
        "optimiser": start.optimiser,
        "edition": start.edition,
        "track": start.track,
        "nonces": start.nonces,
        "shard": f"{start.shard}/{start.shards}",
        "started": start.time,
        "command": start.command,
        "host": start.host,
    }
