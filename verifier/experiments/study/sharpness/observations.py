"""The numbers behind the papers' claims on sharpness, lazy training and paths, as lines of text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from verifier.experiments.statistics import CONFIDENCE, mean_interval
from verifier.experiments.study.sharpness.aggregates import SCALINGS, barrier, by_width, of_scaling, slope, swept
from verifier.experiments.study.sharpness.rows import Connection, Descent, DescentSettings, Lazy, Linear, Row, Spectrum


@dataclass(frozen=True)
class Results:
    """The results of some rows, by kind."""

    descents: Sequence[Descent]
    linear: Sequence[Linear]
    lazy: Sequence[Lazy]
    connections: Sequence[Connection]

    @staticmethod
    def of(rows: Iterable[Row]) -> Results:
        """Those of the rows, in the order of a table that is complete."""
        found = [row.result for row in sorted(rows, key=lambda row: row.order)]
        return Results(
            [each for each in found if isinstance(each, Descent)],
            [each for each in found if isinstance(each, Linear)],
            [each for each in found if isinstance(each, Lazy)],
            [each for each in found if isinstance(each, Connection)],
        )


def observations(results: Results) -> list[str]:
    """The evidence on each claim that the results tell something about."""
    sections = {
        "Linear models decay as exp(-eigenvalue t); a rate below 2 / beta decreases the loss": _linear(results.linear),
        "Sharpness against the edge of stability, over the second half of the measurements": _edge(results.descents),
        "The next step lowers the loss where the sharpness is below 2 / rate, and raises it above": _lemma(
            results.descents
        ),
        "Spectra of Hessians": [line for each in results.descents for line in _spectra(each)],
        "Weights and biases doubled: batch norm keeps the loss, the sharpness falls": _rescaled(results.descents),
        "Flat minima: final test loss of the highest common rate less that of the lowest": _flat(results.descents),
        "Change of the challenge network's tangent kernel from start to end": _kernel(results.descents),
        "Two-layer networks: powers of the width": _powers(results.lazy),
        "Two-layer networks by output scale": _scales(results.lazy),
        "Paths: the highest train loss (test loss) above the higher end": _paths(results.connections),
    }
    lines: list[str] = []
    for title, body in sections.items():
        if body:
            lines += [*([""] if lines else []), title, *(f"  {line}" for line in body)]
    return lines


def _mean(values: Sequence[float], layout: str = ".3g") -> str:
    interval = mean_interval(values)
    if not interval.is_known:
        return f"{interval.mean:{layout}}"
    return f"{interval.mean:{layout}} ({CONFIDENCE:.0%}: {interval.low:{layout}} to {interval.high:{layout}})"


def _linear(descents: Sequence[Linear]) -> list[str]:
    lines = []
    for each in descents:
        rises = sum(after > before for before, after in pairwise(each.losses))
        lines.append(
            f"rate {each.settings.fraction:g} x 2 / beta: the loss rose in {rises} of {each.settings.steps} steps, is "
            f"{each.losses[-1]:.6g} at the end (least {each.least:.6g}); errors that have eigenvalue 0 moved by "
            f"{each.unmoved:.1e}"
        )
    if descents:
        slowest = min(descents, key=lambda each: each.settings.fraction)
        lines.append(f"at the lowest rate, errors are at most {_off_flow(slowest):.2%} of the largest off the flow's")
    return lines


def _off_flow(each: Linear) -> float:
    """The largest distance of an error from that of the gradient flow, in parts of the largest first error."""
    rate = each.settings.fraction * 2.0 / each.eigenvalues[0]
    count = len(each.eigenvalues)
    flow = [
        first * math.exp(-eigenvalue * rate * step)
        for step in range(len(each.losses))
        for first, eigenvalue in zip(each.errors[:count], each.eigenvalues, strict=True)
    ]
    return max(abs(one - other) for one, other in zip(each.errors, flow, strict=True)) / max(map(abs, flow))


def _edge(descents: Sequence[Descent]) -> list[str]:
    same: dict[DescentSettings, list[float]] = {}
    for each in descents:
        same.setdefault(replace(each.settings, nonce=0, probes=0), []).append(fmean(late(each)))
    means = [
        f"over {len(ratios)} instances, L = {one.n_hidden}, rate {one.rate:g}: {_mean(ratios)} x the edge"
        for one, ratios in same.items()
        if len(ratios) > 1
    ]
    return means + [
        f"{each.settings}: {each.points[0].value:.5g} at first, then {fmean(late(each)):.2f} x the edge of "
        f"{each.settings.edge:g} ({min(late(each)):.2f} to {max(late(each)):.2f}); train loss {half(each):.4f} in the "
        f"middle, {each.losses[-1]:.4f} at the end; it rose in {rises(each):.0%} of the steps of that half"
        for each in descents
    ]


def late(each: Descent) -> list[float]:
    """The sharpness in multiples of the edge where it was measured in the second half of the steps."""
    middle = (len(each.losses) - 1) // 2
    return [point.value / each.settings.edge for point in each.points if point.step >= middle]


def half(each: Descent) -> float:
    """The train loss in the middle."""
    return each.losses[(len(each.losses) - 1) // 2]


def rises(each: Descent) -> float:
    """The share of the steps of the second half that raised the train loss."""
    losses = each.losses[(len(each.losses) - 1) // 2 :]
    return fmean(after > before for before, after in pairwise(losses))


def _lemma(descents: Sequence[Descent]) -> list[str]:
    steps = [
        (point.value < each.settings.edge, each.losses[point.step + 1] < each.losses[point.step])
        for each in descents
        if not each.settings.momentum and each.settings.batch >= 1000
        for point in each.points
        if point.step + 1 < len(each.losses)
    ]
    lines = []
    for name, wanted in (("below", True), ("above", False)):
        fell = [lower for below, lower in steps if below is wanted]
        if fell:
            lines.append(f"{name}: the loss fell in {sum(fell)} of {len(fell)} measured steps")
    return lines


def _spectra(each: Descent) -> list[str]:
    return [f"{each.settings}, step {spectrum.step}: {_counts(spectrum, each.parameters)}" for spectrum in each.spectra]


def _counts(spectrum: Spectrum, parameters: int) -> str:
    pairs = list(zip(spectrum.nodes, spectrum.weights, strict=True))
    top, least = max(spectrum.nodes), min(spectrum.nodes)
    above = parameters * sum(weight for node, weight in pairs if node > 0.1 * top)
    small = sum(weight for node, weight in pairs if abs(node) < 1e-3 * top)
    return (
        f"from {least:.4g} to {top:.5g}; about {above:.0f} of {parameters} above a tenth of the largest, "
        f"{small:.2%} within a thousandth of it"
    )


def _rescaled(descents: Sequence[Descent]) -> list[str]:
    return [
        f"{each.settings}: loss {each.losses[-1]:.5f} to {each.rescaled_loss:.5f}, "
        f"sharpness {each.points[-1].value:.4g} to {each.rescaled_sharpness:.4g}; "
        f"test loss {each.points[-1].test_loss:.4f}"
        for each in descents
        if each.settings.normed
    ]


def _flat(descents: Sequence[Descent]) -> list[str]:
    """Of whole-batch descents without momentum, on the instances of the depth that have the same rates."""
    found: dict[int, dict[float, Descent]] = {}
    for each in descents:
        settings = each.settings
        if settings.n_hidden == 2 and settings.normed and not settings.momentum and settings.batch >= 1000:
            found.setdefault(settings.nonce, {})[settings.rate] = each
    common = set.intersection(*map(set, found.values())) if found else set()
    if len(common) < 2:
        return []
    differences = [
        rates[max(common)].points[-1].test_loss - rates[min(common)].points[-1].test_loss for rates in found.values()
    ]
    return [f"rate {max(common):g} less rate {min(common):g}, L = 2, {len(found)} instances: {_mean(differences)}"]


def _kernel(descents: Sequence[Descent]) -> list[str]:
    return [f"{each.settings}: {each.kernel_drift:.3g} of its length" for each in descents]


def _powers(trainings: Sequence[Lazy]) -> list[str]:
    lines = []
    for name in SCALINGS:
        some = of_scaling(trainings, name)
        if len({each.settings.width for each in some}) < 2:
            continue
        kappa, drift = by_width(some, lambda each: each.kappa), by_width(some, lambda each: each.kernel_drift)
        lines.append(f"{name}: kappa ~ width^{slope(kappa):.2f}, change of the kernel ~ width^{slope(drift):.2f}")
        lines += [
            f"  width {width:g}: kappa {_mean(kappa[width])}, change {_mean(drift[width])}, "
            f"test loss {_mean([each.test_loss for each in some if each.settings.width == width])}"
            for width in kappa
        ]
    return lines


def _scales(trainings: Sequence[Lazy]) -> list[str]:
    return [
        f"alpha = {factor:g} / sqrt({some[0].settings.width}): test loss {_mean([each.test_loss for each in some])}, "
        f"tangent model {_mean([each.tangent_test_loss for each in some])}, less "
        f"{_mean([each.tangent_test_loss - each.test_loss for each in some])}; kernel changed "
        f"{_mean([each.kernel_drift for each in some])}; train loss at most {max(each.train_loss for each in some):.2g}"
        for factor, some in swept(trainings).items()
    ]


def _paths(connections: Sequence[Connection]) -> list[str]:
    lines = []
    for each in connections:
        line = f"{each.settings}: line {barrier(each.line_train):.3f} ({barrier(each.line_test):.3f})"
        if each.curve_train:
            line += f", curve {barrier(each.curve_train):.3f} ({barrier(each.curve_test):.3f})"
        bumps = sum(after > before for before, after in pairwise(each.line_train))
        lines.append(f"{line}; train loss rose in {bumps} steps of the line; distance {each.distance:.2f} x the first")
    return lines
