"""`tig-verify instance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from verifier.challenge.editions import Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.command_line.options.instance_options import Instances, instance_options
from verifier.command_line.terminal import json_text, say
from verifier.command_line.text_table import number_text

if TYPE_CHECKING:
    from verifier.challenge.instance.solvability import Solvability


@click.command()
@instance_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each nonce.")
def instance(instances: Instances, as_json: bool) -> None:
    """Say what an instance holds and whether its train loss can reach the threshold.

    In training the network's outputs have mean 0 over each batch, so no train loss is below the squared mean of the
    training targets: the floor. Where it exceeds the threshold, the nonce is called unsolvable. A test loss can still
    be lower, by chance or by a trick with the running statistics. The threshold is that of the whole test set; a
    score's is that of a subset and differs by some 10 %.

    \b
    Example: tig-verify instance --track n_hidden=4 --nonces 0..9
    """
    from verifier.challenge.instance.solvability import solvability

    if not as_json:
        say(_sizes(instances.track))
    unsolvable = 0
    for nonce in instances.nonces:
        instance_id = instances.instance_id(nonce)
        found = solvability(instance_id)
        unsolvable += not found.is_solvable
        say(_as_json(nonce, instance_id, found) if as_json else _as_text(nonce, found))
    if not as_json and len(instances.nonces) > 1:
        say(f"{unsolvable:,} of {len(instances.nonces):,} unsolvable")


def _sizes(track: Track) -> str:
    edition, sizes = track.edition, track.edition.batch_sizes
    each = f"{sizes[0]}" if sizes[0] == sizes[-1] else f"{sizes[-1]} or {sizes[0]}"
    return (
        f"{edition.name} {track.id}: {edition.train_points:,} points for training in {len(sizes)} batches of {each}, "
        f"{edition.validation_points} for validation, {edition.test_subset_points} of {edition.test_points} for testing"
    )


def _as_text(nonce: int, found: Solvability) -> str:
    verdict = "solvable" if found.is_solvable else "unsolvable"
    return (
        f"nonce {nonce}: mean squared noise {number_text(found.noise)}, threshold {number_text(found.threshold)}, "
        f"floor {number_text(found.floor)}, {verdict}"
    )


def _as_json(nonce: int, instance_id: InstanceId, found: Solvability) -> str:
    edition = instance_id.edition
    return json_text(
        {
            "edition": edition.name,
            "track": instance_id.track.id,
            "nonce": nonce,
            "seed": instance_id.seed.hex(),
            "train_points": edition.train_points,
            "validation_points": edition.validation_points,
            "test_points": edition.test_points,
            "test_subset_points": edition.test_subset_points,
            "batch_sizes": edition.batch_sizes,
            "noise": found.noise,
            "threshold": found.threshold,
            "floor": found.floor,
            "solvable": found.is_solvable,
        }
    )
