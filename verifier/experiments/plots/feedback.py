"""The figures of the thesis on direct feedback alignment, drawn again from the study's tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FixedLocator, MaxNLocator

from verifier.experiments.plots.feedback_diagrams import bare, error_paths, extraction
from verifier.experiments.plots.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    legend_entries,
    new_figure,
    png,
    styled,
)
from verifier.experiments.statistics import Interval, mean_interval, mean_of
from verifier.experiments.study.feedback.datasets import Distribution, Parity, digits
from verifier.experiments.study.feedback.learners import Method
from verifier.experiments.study.feedback.matrices import MatrixKind
from verifier.experiments.study.feedback.results import Results
from verifier.experiments.study.feedback.rows import Row, curve
from verifier.experiments.study.feedback.trials import (
    BP_SGD,
    CLUSTER_RATE,
    DEEP_ARMS,
    DFA_SGD,
    DIMENSIONS,
    FIXED_DIMENSION,
    FIXED_SAMPLES,
    LAZY_ARMS,
    MATRIX_ARMS,
    MILD_RATE,
    RATES,
    SAMPLES,
    Arm,
)

_ADADELTA: Final = Arm(Method.BP, "Adadelta")
_RMSPROP: Final = Arm(Method.DFA, "RMSProp")
_RELU: Final = Arm(Method.RELU, "SGD")
_LAZY_LOOKS: Final = ((GREEN, "-."), (ORANGE, "--"), (PURPLE, ":"), (GREY, "-."))
_RATE_COLOURS: Final = (SKY, BLUE, GREEN, ORANGE, VERMILLION, BLACK)
_CHANCE: Final = 0.5
_SINGLE, _TRIPLE = (0.4, 1.0), (0.4, 0.9)
"""The ranges of accuracies of one digit and of three, whatever the ends of wide intervals are."""
_PARITIES: Final = {1: ("parity of one digit", _SINGLE), 3: ("parity of three digits", _TRIPLE)}
_ERRORS: Final = (-0.02, 0.55)
_LABELS: Final = (BLUE, VERMILLION)
"""Colours of the labels 0 and 1."""
Curve = Callable[[Row], Sequence[float]]


def pictures(results: Results) -> dict[str, bytes]:
    """The PNGs by the names of their files, after the numbers of the thesis's figures."""
    drawings: dict[str, Callable[[Results], Figure]] = {
        "figure-1.1": lambda _: error_paths(),
        "figure-2.1": _parity_reproduced,
        "figure-2.2": _clusters_reproduced,
        "figure-3.1": _parity_by_rule,
        "figure-3.2": _long_training,
        "figure-3.3": _matrices,
        "figure-3.4": _adaptive_methods,
        "figure-3.5": _alignments,
        "figure-3.6": lambda _: extraction(),
        "figure-3.7": _maps,
        "figure-3.8": _clusters_by_rule,
        "figure-b.1": _matrix_sweeps,
        "figure-b.2": _adaptive_sweeps,
        "two-layers": _two_layers,
    }
    with styled():
        return {f"{name}.png": png(draw(results)) for name, draw in drawings.items()}


def _parity_reproduced(results: Results) -> Figure:
    figure = new_figure(9.0, 5.6)
    upper, lower = figure.subfigures(2, 1, squeeze=False, height_ratios=[3.6, 1.0])[:, 0]
    looks = {_ADADELTA: (BLUE, "-"), BP_SGD: (VERMILLION, "-"), **dict(zip(LAZY_ARMS, _LAZY_LOOKS, strict=True))}
    panels = upper.subplots(1, 2)
    for axes, k in zip(panels, _PARITIES, strict=True):
        for arm, (colour, line) in looks.items():
            _mean_curve(axes, results.parity(arm, k), lambda row: row.tests, str(arm), colour, line)
        _parity_axes(axes, *_PARITIES[k])
    _legend(upper, panels[0], 3)
    _draw_examples(lower.subplots(1, 6))
    return figure


def _draw_examples(panels: Iterable[Axes]) -> None:
    problem = Parity(3, 6, np.random.default_rng(0))
    for axes, stack, label in zip(panels, *problem.epoch(), strict=True):
        axes.imshow(np.pad(np.hstack(stack.reshape(3, 8, 8)), 2, constant_values=stack.min()), cmap="gray_r")
        axes.set_title("odd" if label[0] else "even")
        bare(axes)


def _parity_by_rule(results: Results) -> Figure:
    figure = new_figure(9.0, 4.2)
    looks = {BP_SGD: (VERMILLION, "-"), DFA_SGD: (BLUE, "-"), **dict(zip(LAZY_ARMS, _LAZY_LOOKS, strict=True))}
    panels = figure.subplots(1, 2)
    for axes, k in zip(panels, _PARITIES, strict=True):
        for arm, (colour, line) in looks.items():
            _mean_curve(axes, results.parity(arm, k), lambda row: row.tests, str(arm), colour, line)
        _parity_axes(axes, *_PARITIES[k])
    _legend(figure, panels[0], 3)
    return figure


def _long_training(results: Results) -> Figure:
    figure = new_figure(9.0, 3.8)
    left, right = figure.subplots(1, 2)
    long = results.scale.long
    for arm, colour in ((DFA_SGD, BLUE), (BP_SGD, VERMILLION)):
        _mean_curve(left, results.parity(arm, epochs=long), lambda row: row.tests, str(arm), colour, "-")
    if reached := [row.test_accuracy for row in results.parity(BP_SGD)]:
        label = f"BP after {results.scale.epochs} epochs"
        left.axhline(mean_interval(reached).mean, color=GREY, linestyle="--", linewidth=1.2, label=label)
    _parity_axes(left, "parity of three digits")
    left.legend(loc="upper left")
    rows = results.parity(DFA_SGD, epochs=long)
    _mean_curve(right, rows, lambda row: curve(row.weight_alignments), str(DFA_SGD), BLUE, "-")
    _cosine_axes(right, "random matrix and transposed weights")
    return figure


def _matrices(results: Results) -> Figure:
    figure = new_figure(7.0, 3.6)
    axes = figure.subplots()
    arms = {**{str(arm.matrix): arm for arm in MATRIX_ARMS}, "BP": BP_SGD}
    for place, (name, arm) in enumerate(arms.items()):
        _point(axes, place, results.parity(arm), VERMILLION if arm == BP_SGD else BLUE, name)
    _final_axes(axes, list(arms))
    return figure


def _adaptive_methods(results: Results) -> Figure:
    figure = new_figure(7.0, 3.8)
    axes = figure.subplots()
    for method, colour, shift in ((Method.BP, VERMILLION, -0.1), (Method.DFA, BLUE, 0.1)):
        for place, optimiser in enumerate(RATES):
            _point(axes, place + shift, results.parity(Arm(method, optimiser)), colour, str(method))
    _final_axes(axes, list(RATES))
    entries = legend_entries(axes)
    axes.legend(list(entries.values()), list(entries), loc="lower right")
    return figure


def _alignments(results: Results) -> Figure:
    figure = new_figure(9.0, 3.9)
    panels = figure.subplots(1, 2)
    curves: dict[str, Curve] = {
        "random matrix and transposed weights": lambda row: curve(row.weight_alignments),
        "steps of the first layer and gradients": lambda row: curve(row.gradient_alignments),
    }
    for axes, (title, values) in zip(panels, curves.items(), strict=True):
        for arm, colour, line in ((DFA_SGD, BLUE, "-"), (_RMSPROP, ORANGE, "--")):
            _mean_curve(axes, results.parity(arm, epochs=results.scale.long), values, str(arm), colour, line)
        _cosine_axes(axes, title)
    _legend(figure, panels[0], 2)
    return figure


def _maps(results: Results) -> Figure:
    figure = new_figure(9.0, 3.7)
    panels = figure.subplots(1, 3)
    for axes, row in zip(panels, results.maps, strict=False):
        classes = digits()[1][: len(row.places)]
        dots = axes.scatter(row.places[:, 0], row.places[:, 1], c=classes, cmap="tab10", s=3.0, vmin=-0.5, vmax=9.5)
        axes.set_title(row.title)
        bare(axes)
    if results.maps:
        figure.colorbar(dots, ax=panels, ticks=range(10), label="digit", shrink=0.85)
    return figure


def _clusters_reproduced(results: Results) -> Figure:
    figure = new_figure(9.5, 3.7)
    plane, by_samples, by_dimension = figure.subplots(1, 3)
    _draw_distribution(plane)
    for arm, name, colour, line in ((BP_SGD, "both layers", VERMILLION, "-"), (_RELU, "output layer", GREY, "-.")):
        samples = {n: results.clusters(arm, CLUSTER_RATE, n, FIXED_DIMENSION) for n in SAMPLES}
        _errors(by_samples, samples, _test_error, name, colour, line)
        dimensions = {d: results.clusters(arm, CLUSTER_RATE, FIXED_SAMPLES, d) for d in DIMENSIONS}
        _errors(by_dimension, dimensions, _test_error, name, colour, line)
    by_samples.set_xscale("log", base=2)
    by_samples.xaxis.set_major_locator(FixedLocator(SAMPLES))
    by_samples.xaxis.set_major_formatter("{x:g}")
    by_samples.set(title=f"d = {FIXED_DIMENSION}", xlabel="train points n", ylabel="test error", ylim=_ERRORS)
    by_dimension.set(title=f"n = {FIXED_SAMPLES}", xlabel="dimensions d", ylabel="test error", ylim=_ERRORS)
    _legend(figure, by_samples, 2)
    return figure


def _clusters_by_rule(results: Results) -> Figure:
    figure = new_figure(9.5, 4.1)
    plane, tests, trains = figure.subplots(1, 3)
    _draw_distribution(plane)
    bp, dfa = Arm(Method.BP, "RMSProp"), _RMSPROP
    shown = (
        (BP_SGD, CLUSTER_RATE, VERMILLION, "-"), (DFA_SGD, CLUSTER_RATE, BLUE, "-"), (bp, CLUSTER_RATE, ORANGE, "--"),
        (dfa, CLUSTER_RATE, SKY, "--"), (bp, MILD_RATE, ORANGE, ":"), (dfa, MILD_RATE, SKY, ":"),
        (_RELU, CLUSTER_RATE, GREY, "-."),
    )  # fmt: skip
    for arm, rate, colour, line in shown:
        rows = {d: results.clusters(arm, rate, FIXED_SAMPLES, d) for d in DIMENSIONS}
        _errors(tests, rows, _test_error, f"{arm} at {rate:g}", colour, line)
        _errors(trains, rows, _train_error, f"{arm} at {rate:g}", colour, line)
    for axes, name in ((tests, "test"), (trains, "train")):
        axes.set(title=f"n = {FIXED_SAMPLES}", xlabel="dimensions d", ylabel=f"{name} error", ylim=_ERRORS)
    _legend(figure, tests, 3)
    return figure


def _draw_distribution(axes: Axes) -> None:
    """The first two inputs of one of the distributions; those of other seeds have other labels."""
    generator = np.random.default_rng(1)
    x, labels = Distribution.random(generator).draw(600, 2, generator)
    axes.scatter(x[:, 0], x[:, 1], c=[_LABELS[int(label)] for label in labels[:, 0]], s=4.0)
    axes.set(title="a distribution", xlabel="first input", ylabel="second input", aspect="equal")


def _matrix_sweeps(results: Results) -> Figure:
    arms = {f"{kind} matrix": Arm(Method.DFA, "SGD", kind) for kind in MatrixKind}
    return _sweeps(results, arms)


def _adaptive_sweeps(results: Results) -> Figure:
    return _sweeps(results, {name: Arm(Method.DFA, name) for name in RATES if name != "SGD"})


def _sweeps(results: Results, arms: Mapping[str, Arm]) -> Figure:
    figure = new_figure(9.0, 6.4)
    for axes, (title, arm) in zip(figure.subplots(2, 2).ravel(), arms.items(), strict=True):
        rows = [row for row in results.swept if Arm.of(row) == arm]
        for row, colour in zip(rows, _RATE_COLOURS, strict=False):
            axes.plot(row.tests, color=colour, linewidth=1.2, label=f"{row.rate:g}")
        _parity_axes(axes, f"{title}, chosen {results.rates[arm]:g}")
        axes.legend(loc="upper left", ncols=2, title="rate")
    return figure


def _two_layers(results: Results) -> Figure:
    figure = new_figure(6.5, 4.0)
    axes = figure.subplots()
    for arm, colour, line in zip(DEEP_ARMS, (VERMILLION, GREEN, BLUE), ("-", "-.", "--"), strict=True):
        _mean_curve(axes, results.parity(arm), lambda row: row.tests, str(arm.method), colour, line)
    _parity_axes(axes, "parity of three digits, two hidden layers, SGD", _SINGLE)
    axes.legend(loc="upper left")
    return figure


def _mean_curve(axes: Axes, rows: Sequence[Row], values: Curve, label: str, colour: str, line: str) -> None:
    """The means of trainings after each epoch, in their intervals."""
    if not rows:
        return
    points = [_interval(each) for each in zip(*map(values, rows), strict=True)]
    epochs = range(len(points))
    axes.plot(epochs, [point.mean for point in points], color=colour, linestyle=line, label=label)
    low, high = ([getattr(point, end) for point in points] for end in ("low", "high"))
    axes.fill_between(epochs, low, high, color=colour, alpha=0.12, linewidth=0.0)


def _interval(values: Sequence[float]) -> Interval:
    """A mean in its interval, which is the mean alone where there is none."""
    interval = mean_interval(values)
    return interval if interval.is_known else Interval(interval.mean, interval.mean, interval.mean)


def _spread(values: Sequence[float]) -> Interval:
    """A mean, and the ends of its standard error."""
    mean = mean_of(values)
    error = 0.0 if math.isnan(mean.error) else mean.error
    return Interval(mean.mean, mean.mean - error, mean.mean + error)


def _errors(
    axes: Axes, rows: Mapping[int, Sequence[Row]], value: Callable[[Row], float], label: str, colour: str, line: str
) -> None:
    """Means with standard errors, as most of an interval would be that distributions are not equally hard."""
    known = {place: _spread([value(row) for row in some]) for place, some in rows.items() if some}
    _bars(axes, list(known), list(known.values()), colour, label, line)


def _point(axes: Axes, place: float, rows: Sequence[Row], colour: str, label: str) -> None:
    """The final accuracies of trainings, and their mean in its interval."""
    if not rows:
        return
    accuracies = [row.test_accuracy for row in rows]
    _bars(axes, [place], [_interval(accuracies)], colour, label, "")
    axes.scatter([place + 0.06] * len(accuracies), accuracies, color=colour, s=8.0, alpha=0.5, linewidths=0.0)


def _bars(
    axes: Axes, places: Sequence[float], points: Sequence[Interval], colour: str, label: str, line: str
) -> None:  # fmt: skip
    means = [point.mean for point in points]
    ends = [[point.mean - point.low for point in points], [point.high - point.mean for point in points]]
    axes.errorbar(
        places, means, yerr=ends, color=colour, linestyle=line or "none", marker="o", markersize=4.0, linewidth=1.3,
        elinewidth=1.0, capsize=2.5, label=label,
    )  # fmt: skip


def _test_error(row: Row) -> float:
    return 1.0 - row.test_accuracy


def _train_error(row: Row) -> float:
    return 1.0 - curve(row.train_accuracies)[-1]


def _parity_axes(axes: Axes, title: str, limits: tuple[float, float] = _TRIPLE) -> None:
    axes.axhline(_CHANCE, color=BLACK, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(title=title, xlabel="epoch", ylabel="test accuracy", ylim=limits)


def _final_axes(axes: Axes, names: Sequence[str]) -> None:
    axes.axhline(_CHANCE, color=BLACK, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set_xticks(range(len(names)), names)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=_TRIPLE, ylabel="final test accuracy")


def _cosine_axes(axes: Axes, title: str) -> None:
    axes.axhline(0.0, color=BLACK, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set(title=title, xlabel="epoch", ylabel="cosine", ylim=(-0.6, 1.0))


def _legend(figure: Figure | SubFigure, axes: Axes, columns: int) -> None:
    """Beneath a figure, that of one of its panels."""
    entries = legend_entries(axes)
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)
