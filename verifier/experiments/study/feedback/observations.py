"""The numbers behind the claims of the thesis, in its order, as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import fmean, stdev
from typing import Final

from verifier.experiments.statistics import Interval, mean_interval
from verifier.experiments.study.feedback.learners import Method
from verifier.experiments.study.feedback.results import Results
from verifier.experiments.study.feedback.rows import SETTLED, Row, curve
from verifier.experiments.study.feedback.trials import (
    BP_SGD,
    CLUSTER_RATE,
    CLUSTER_RATES,
    DEEP_ARMS,
    DFA_SGD,
    DIMENSIONS,
    FIXED_DIMENSION,
    FIXED_SAMPLES,
    LAZY_ARMS,
    MATRIX_ARMS,
    RATES,
    SAMPLES,
    SINGLE_ARMS,
    Arm,
)

Value = Callable[[Row], float]
CLOSE: Final = 0.05
"""Rates whose accuracy is less than this below the best one's are as good, for a count."""
FALL: Final = 0.1
"""An accuracy that ends by this below its highest has fallen."""
_MARKS: Final = (0, 1, 2, 5, 20)
"""Epochs after which alignment is told, beside the last."""
_RMSPROP: Final = Arm(Method.DFA, "RMSProp")
_RELU: Final = Arm(Method.RELU, "SGD")


def observations(results: Results) -> list[str]:
    """The evidence on each claim; of what has not been trained, nothing."""
    sections = {
        "Rates: settled accuracies in the sweep (parity of three digits), the chosen one in brackets": _sweep(results),
        "Figures 2.1 and 3.1: final test accuracy, parity of one digit": _accuracies(results, SINGLE_ARMS, 1),
        "Figures 2.1 and 3.1: final test accuracy, parity of three digits": _accuracies(
            results, (*SINGLE_ARMS[:3], *LAZY_ARMS), 3
        ),
        "Figure 3.1: BP less DFA, both with SGD": _gaps(results),
        "Figure 2.2: test error of both layers less that of the output layer": _both_layers(results),
        "Figures 3.2 and 3.5: trainings of more epochs": _long(results),
        "Figure 3.3: final test accuracy by random matrix": _accuracies(results, (*MATRIX_ARMS, BP_SGD), 3),
        "Figure 3.3: uniform matrix less the others": _less(results, DFA_SGD, MATRIX_ARMS[1:]),
        "Figure 3.4: final test accuracy by optimiser": _accuracies(
            results, [Arm(method, name) for name in RATES for method in (Method.BP, Method.DFA)], 3
        ),
        "Figure 3.4: what adaptive methods gain on SGD": [
            *_less_first(results, Method.BP), *_less_first(results, Method.DFA)
        ],
        "Figure 3.4: BP less DFA with the same optimiser": _rule_gaps(results),
        "Figure 3.4: fluctuation, the standard deviation over the last ten epochs": _fluctuations(results),
        "Figure 3.7: neighbours in the hidden layer with the same digit, and with its parity": _neighbours(results),
        f"Figure 3.8: errors, n = {FIXED_SAMPLES}, means over d from {DIMENSIONS[1]} on": _cluster_errors(results),
        "Figures B.1 and B.2: rates that are as good as the best, at chance, and that fall": _robustness(results),
        "Two hidden layers: final test accuracy": _accuracies(results, DEEP_ARMS, 3),
    }  # fmt: skip
    lines: list[str] = []
    for title, body in sections.items():
        if body:
            lines += [*([""] if lines else []), title, *(f"  {line}" for line in body)]
    return lines


def _sweep(results: Results) -> list[str]:
    lines = []
    for arm, rate in results.rates.items():
        rows = [row for row in results.swept if Arm.of(row) == arm]
        cells = [f"{row.rate:g} {row.settled_accuracy:.3f}" for row in rows]
        edge = ", the last of its range" if rate in (rows[0].rate, rows[-1].rate) else ""
        lines.append(f"{arm}: {', '.join(cells)} [{rate:g}{edge}]")
    return lines


def _accuracies(results: Results, arms: Iterable[Arm], digits: int) -> list[str]:
    return [
        f"{arm}: {_told([row.test_accuracy for row in rows])}; "
        f"mean of the last {SETTLED} epochs {_told([row.settled_accuracy for row in rows])}"
        for arm in arms
        if (rows := results.parity(arm, digits))
    ]


def _gaps(results: Results) -> list[str]:
    lines = []
    for digits in (1, 3):
        bp, dfa = results.parity(BP_SGD, digits), results.parity(DFA_SGD, digits)
        lines += _difference(f"k = {digits}", bp, dfa)
        for arm in LAZY_ARMS:
            lines += _difference(f"k = {digits}, DFA less {arm.method}", dfa, results.parity(arm, digits))
            lines += _difference(f"k = {digits}, BP less {arm.method}", bp, results.parity(arm, digits))
    return lines


def _both_layers(results: Results) -> list[str]:
    sizes = {f"n = {n}, d = {FIXED_DIMENSION}": (n, FIXED_DIMENSION) for n in SAMPLES}
    sizes |= {f"n = {FIXED_SAMPLES}, d = {d}": (FIXED_SAMPLES, d) for d in DIMENSIONS}
    lines = []
    for name, (n, d) in sizes.items():
        both, output = (results.clusters(arm, CLUSTER_RATE, n, d) for arm in (BP_SGD, _RELU))
        if both and output:
            means = " and ".join(f"{fmean(map(_test_error, rows)):.3f}" for rows in (both, output))
            lines += [f"{line} ({means})" for line in _difference(name, both, output, _test_error)]
    return lines


def _long(results: Results) -> list[str]:
    long = results.scale.long
    dfa, bp = (results.parity(arm, epochs=long) for arm in (DFA_SGD, BP_SGD))
    rms = results.parity(_RMSPROP, epochs=long)
    lines = _difference(f"DFA after {long} epochs less BP after {results.scale.epochs}", dfa, results.parity(BP_SGD))
    lines += _difference(f"DFA after {long} epochs less BP after as many", dfa, bp)
    for title, values in (("weights", _weights), ("gradients", _gradients)):
        for place in [place for place in _MARKS if place < long] + [long]:
            name, at = f"alignment of {title} after {place} epochs", partial(_at, values, place)
            told = [
                f"{arm.optimiser} {_told(_values(rows, at))}" for arm, rows in ((DFA_SGD, dfa), (_RMSPROP, rms)) if rows
            ]
            lines += [f"{name}: {', '.join(told)}"] if told else []
            lines += _difference(f"{name}, RMSProp less SGD", rms, dfa, at)
    return lines


def _at(values: Callable[[Row], Sequence[float]], place: int, row: Row) -> float:
    return values(row)[place]


def _less(results: Results, arm: Arm, others: Iterable[Arm]) -> list[str]:
    mine = results.parity(arm)
    return [
        line
        for other in others
        for line in _difference(f"{arm} less {other}", mine, results.parity(other), lambda row: row.settled_accuracy)
    ]


def _less_first(results: Results, method: Method) -> list[str]:
    """Each adaptive method less SGD."""
    sgd = results.parity(Arm(method, "SGD"))
    return [
        line
        for name in RATES
        if name != "SGD"
        for line in _difference(f"{method}, {name} less SGD", results.parity(Arm(method, name)), sgd)
    ]


def _rule_gaps(results: Results) -> list[str]:
    return [
        line
        for name in RATES
        for line in _difference(
            name, results.parity(Arm(Method.BP, name)), results.parity(Arm(Method.DFA, name))
        )
    ]  # fmt: skip


def _fluctuations(results: Results) -> list[str]:
    lines = []
    for name in RATES:
        found = {method: results.parity(Arm(method, name)) for method in (Method.BP, Method.DFA)}
        if all(found.values()):
            spreads = [f"{method} {fmean(map(_fluctuation, rows)):.4f}" for method, rows in found.items()]
            lines.append(f"{name}: {', '.join(spreads)}")
    return lines


def _fluctuation(row: Row) -> float:
    return stdev(row.tests[-SETTLED:])


def _neighbours(results: Results) -> list[str]:
    shown: Mapping[str, Sequence[Row]] = {
        "before training": results.parity(BP_SGD, epochs=0),
        "BP": results.parity(BP_SGD),
        "DFA": results.parity(DFA_SGD),
    }
    return [
        f"{name}: digit {_told([row.digit_neighbours for row in rows])}; "
        f"parity {_told([row.parity_neighbours for row in rows])}"
        for name, rows in shown.items()
        if rows
    ]


def _cluster_errors(results: Results) -> list[str]:
    means: dict[str, list[Row]] = {}
    lines = []
    for arm, rate in CLUSTER_RATES:
        rows = [row for d in DIMENSIONS[1:] for row in results.clusters(arm, rate, FIXED_SAMPLES, d)]
        if not rows:
            continue
        name = f"{arm} at {rate:g}"
        means[name] = rows
        fitted = sum(_train_error(row) == 0.0 for row in rows)
        tests, trains = _by_seed(rows, _test_error), _by_seed(rows, _train_error)
        lines.append(f"{name}: test {_told(tests)}, train {_told(trains)}, 0 on {fitted} of {len(rows)}")
    sgd = means.get(f"{BP_SGD} at {CLUSTER_RATE:g}", [])
    for name, rows in means.items():
        if rows is not sgd and len(rows) == len(sgd):
            lines += _difference(f"{name} less {BP_SGD}", rows, sgd, _test_error, _by_seed)
    dfa = means.get(f"{DFA_SGD} at {CLUSTER_RATE:g}", [])
    for name, rows in means.items():
        if rows is not dfa and rows is not sgd and len(rows) == len(dfa):
            lines += _difference(f"{name} less {DFA_SGD}", rows, dfa, _test_error, _by_seed)
    return lines


def _by_seed(rows: Sequence[Row], value: Value) -> list[float]:
    """The mean of each seed: its trainings have one distribution of labels, and count once."""
    found: dict[int, list[float]] = {}
    for row in rows:
        found.setdefault(row.seed, []).append(value(row))
    return [fmean(found[seed]) for seed in sorted(found)]


def _robustness(results: Results) -> list[str]:
    lines = []
    for arm in results.rates:
        tests = [row for row in results.swept if Arm.of(row) == arm]
        best = max(row.settled_accuracy for row in tests)
        good = sum(row.settled_accuracy > best - CLOSE for row in tests)
        chance = sum(max(row.tests) < 0.5 + CLOSE for row in tests)
        fallen = [f"{row.rate:g}" for row in tests if row.test_accuracy < max(row.tests) - FALL]
        told = f" (at {', '.join(fallen)})" if fallen else ""
        lines.append(f"{arm}: {good} of {len(tests)} as good, {chance} at chance, {len(fallen)} fall{told}")
    return lines


def _difference(
    name: str,
    rows: Sequence[Row],
    others: Sequence[Row],
    value: Value = lambda row: row.test_accuracy,
    by_seed: Callable[[Sequence[Row], Value], list[float]] | None = None,
) -> list[str]:
    """A line with the mean difference of the trainings of the same seeds; none where one has no partner."""
    if not rows or [row.seed for row in rows] != [row.seed for row in others]:
        return []
    mine, theirs = ((by_seed or _values)(each, value) for each in (rows, others))
    differences = [one - other for one, other in zip(mine, theirs, strict=True)]
    return [f"{name}: {_told(differences, '+.3f')}"]


def _values(rows: Sequence[Row], value: Value) -> list[float]:
    return [value(row) for row in rows]


def _told(values: Sequence[float], layout: str = ".3f") -> str:
    """A mean and its interval."""
    interval: Interval = mean_interval(values)
    ends = f"{interval.low:{layout}} to {interval.high:{layout}}" if interval.is_known else "no interval"
    return f"{interval.mean:{layout}} ({ends})"


def _weights(row: Row) -> tuple[float, ...]:
    return curve(row.weight_alignments)


def _gradients(row: Row) -> tuple[float, ...]:
    return curve(row.gradient_alignments)


def _test_error(row: Row) -> float:
    return 1.0 - row.test_accuracy


def _train_error(row: Row) -> float:
    return 1.0 - curve(row.train_accuracies)[-1]
