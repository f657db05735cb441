"""`tig-verify instance`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import click

from verifier.challenge.editions import Edition, Track
from verifier.challenge.instance.instance_id import InstanceId
from verifier.challenge.quality import quality
from verifier.command_line.options.instance_options import Instances, instance_options
from verifier.command_line.terminal import json_text, say
from verifier.command_line.text_table import number_text

if TYPE_CHECKING:
    from verifier.challenge.instance.instance import Instance
    from verifier.challenge.instance.solvability import Solvability


@click.command()
@instance_options
@click.option("--baseline", "with_baseline", is_flag=True, help="Say what kernel regression reaches on the test set.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each nonce.")
def instance(instances: Instances, with_baseline: bool, as_json: bool) -> None:
    """Say what an instance holds and whether its train loss can reach the threshold.

    In training the network's outputs have mean 0 over each batch, so no train loss is below the squared mean of the
    training targets: the floor. Where it exceeds the threshold, the nonce is called unsolvable. A test loss can still
    be lower, by chance or by a trick with the running statistics. The threshold is that of the whole test set; a
    score's is that of a subset and differs by some 10 %.

    The baseline is Gaussian process regression on the training set with the edition's own kernel and noise: about the
    best that can be made of the training points, without a network. It has a loss on the whole test set, and the
    quality of that. Its last digits may differ between machines.

    \b
    Example: tig-verify instance --track n_hidden=4 --nonces 0..9 --baseline
    """
    from verifier.challenge.instance.instance import draw_instance
    from verifier.challenge.instance.solvability import solvability_of

    if not as_json:
        say(_sizes(instances.track))
    unsolvable, baselines = 0, []
    for nonce in instances.nonces:
        instance_id = instances.instance_id(nonce)
        drawn = draw_instance(instance_id)
        found = solvability_of(drawn, instance_id.edition)
        unsolvable += not found.is_solvable
        baseline = _baseline(instance_id.edition, drawn, found) if with_baseline else None
        baselines += [baseline] if baseline else []
        say(_as_json(nonce, instance_id, found, baseline) if as_json else _as_text(nonce, found, baseline))
    if not as_json and len(instances.nonces) > 1:
        say(f"{unsolvable:,} of {len(instances.nonces):,} unsolvable")
        if baselines:
            in_noise = fmean(each.in_noise for each in baselines)
            its_quality = fmean(each.quality for each in baselines)
            say(f"baseline in the mean: {_told(in_noise, its_quality)}")


@dataclass(frozen=True)
class _Baseline:
    """What kernel regression reaches on the whole test set of an instance."""

    loss: float
    in_noise: float
    """The loss as a multiple of the mean squared noise."""
    quality: int


def _baseline(edition: Edition, drawn: Instance, found: Solvability) -> _Baseline:
    from verifier.experiments.baseline import fit_baseline

    loss = fit_baseline(edition, drawn.train).loss(drawn.test)
    return _Baseline(loss, loss / found.noise, quality(loss, found.threshold))


def _told(in_noise: float, its_quality: float) -> str:
    return f"{in_noise:.3f} times the noise, quality {its_quality:,.0f}"


def _sizes(track: Track) -> str:
    edition, sizes = track.edition, track.edition.batch_sizes
    each = f"{sizes[0]}" if sizes[0] == sizes[-1] else f"{sizes[-1]} or {sizes[0]}"
    return (
        f"{edition.name} {track.id}: {edition.train_points:,} points for training in {len(sizes)} batches of {each}, "
        f"{edition.validation_points} for validation, {edition.test_subset_points} of {edition.test_points} for testing"
    )


def _as_text(nonce: int, found: Solvability, baseline: _Baseline | None) -> str:
    verdict = "solvable" if found.is_solvable else "unsolvable"
    more = ""
    if baseline is not None:
        more = f"; baseline {number_text(baseline.loss)}, {_told(baseline.in_noise, baseline.quality)}"
    return (
        f"nonce {nonce}: mean squared noise {number_text(found.noise)}, threshold {number_text(found.threshold)}, "
        f"floor {number_text(found.floor)}, {verdict}{more}"
    )


def _as_json(nonce: int, instance_id: InstanceId, found: Solvability, baseline: _Baseline | None) -> str:
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
            **({} if baseline is None else {"baseline": asdict(baseline)}),
        }
    )
