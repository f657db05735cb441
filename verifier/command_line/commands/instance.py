"""`tig-verify instance`."""

from __future__ import annotations

import json

import click

from protocol.settings import Settings, instance_seed
from verifier.challenge.editions import Edition, Track, find_edition
from verifier.challenge.instance.solvability import Prospects, prospects
from verifier.command_line.instance_options import instance_options


@click.command()
@instance_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each nonce.")
def instance(
    track: str, nonces: range, edition: str, rand_hash: str, player_id: str, algorithm_id: str, block_id: str,
    challenge_id: str, as_json: bool,
) -> None:  # fmt: skip
    """Say what an instance holds and whether any optimiser can solve it.

    In training the network's outputs have mean 0 over each batch, so no training loss is below the squared mean of the
    training targets: the floor. Where it exceeds the threshold, the nonce is unsolvable. The threshold is that of the
    whole test set; a score's is that of a subset and differs by some 10 %.

    \b
    Example: tig-verify instance --track n_hidden=4 --nonce 0..9
    """
    chosen = find_edition(edition)
    sized = chosen.for_track(Track.parse(track, chosen))
    settings = Settings(algorithm_id, block_id, challenge_id, player_id, track)
    seeds = ((nonce, instance_seed(settings, rand_hash, nonce)) for nonce in nonces)
    if not as_json:
        click.echo(_sizes(sized, track))
    unsolvable = 0
    for nonce, seed in seeds:
        found = prospects(sized, seed)
        unsolvable += not found.solvable
        click.echo(_as_json(sized, track, nonce, seed, found) if as_json else _as_text(nonce, found))
    if not as_json and len(nonces) > 1:
        click.echo(f"{unsolvable} of {len(nonces)} unsolvable")


def _sizes(edition: Edition, track: str) -> str:
    sizes = edition.batch_sizes
    each = f"{sizes[0]}" if sizes[0] == sizes[-1] else f"{sizes[-1]} or {sizes[0]}"
    return (
        f"{edition.name} {track}: {edition.train_points} points for training in {len(sizes)} batches of {each}, "
        f"{edition.validation_points} for validation, {edition.test_subset_points} of {edition.test_points} for testing"
    )


def _as_text(nonce: int, found: Prospects) -> str:
    verdict = "solvable" if found.solvable else "unsolvable"
    return (
        f"nonce {nonce}: mean squared noise {found.noise:.5f}, threshold {found.threshold:.5f}, "
        f"floor {found.floor:.5f}, {verdict}"
    )


def _as_json(edition: Edition, track: str, nonce: int, seed: bytes, found: Prospects) -> str:
    return json.dumps(
        {
            "edition": edition.name,
            "track": track,
            "nonce": nonce,
            "seed": seed.hex(),
            "train_points": edition.train_points,
            "validation_points": edition.validation_points,
            "test_points": edition.test_points,
            "test_subset_points": edition.test_subset_points,
            "batch_sizes": edition.batch_sizes,
            "noise": found.noise,
            "threshold": found.threshold,
            "floor": found.floor,
            "solvable": found.solvable,
        }
    )
