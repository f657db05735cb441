"""The figure of `proofs.policies`: what each policy accepts, how soon it sees a liar, and what it costs."""

from __future__ import annotations

from typing import Any, Final

from matplotlib.axes import Axes

from verifier.experiments.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    legend_entries,
    new_figure,
    png,
    styled,
)

LOOKS: Final = {"bold": (VERMILLION, "o"), "sly": (BLUE, "s"), "patient": (ORANGE, "D")}
"""Colour and shape of each behaviour."""
BEHAVIOURS: Final = {
    "bold": "bold: forge all claims",
    "sly": "sly: every tenth",
    "patient": "patient: the second half",
}


def drawn_figure(result: dict[str, Any]) -> bytes:
    """The figure as a PNG."""
    with styled():
        figure = new_figure(10.5, 3.9)
        accepted, before, cost = figure.subplots(1, 3, sharey=True, width_ratios=(1.0, 1.0, 1.0))
        policies = result["policies"]
        liars = {name: record["liars"] for name, record in policies.items()}
        _points(accepted, liars, "accepted", 100.0)
        accepted.set(title="Lies accepted", xlabel="% of the liars' forged claims", xlim=(-4, 104))
        _points(before, liars, "accepted_each_before", 1.0)
        before.set(title="Lies accepted before the first is seen", xlabel="for each liar")
        before.set_xscale("symlog", linthresh=1.0)
        before.set_xticks([0, 1, 3, 10, 30, 100], labels=["0", "1", "3", "10", "30", "100"])
        before.set_xlim(-0.15, 260)
        _bars(cost, policies)
        cost.set(title="Cost", xlabel="% of a training, for each claim")
        accepted.invert_yaxis()
        for axes in (accepted, before, cost):
            axes.tick_params(axis="y", length=0)
        entries = legend_entries(accepted) | legend_entries(cost)
        figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=5, frameon=False)
        return png(figure)


def _points(axes: Axes, liars: dict[str, dict[str, Any]], what: str, scale: float) -> None:
    for offset, (behaviour, (colour, shape)) in zip((-0.2, 0.0, 0.2), LOOKS.items(), strict=True):
        axes.plot(
            [scale * records[behaviour][what] for records in liars.values()],
            [row + offset for row in range(len(liars))],
            shape,
            color=colour,
            markersize=6,
            clip_on=False,
            label=BEHAVIOURS[behaviour],
        )
    axes.set_yticks(range(len(liars)), labels=list(liars))


def _bars(axes: Axes, policies: dict[str, Any]) -> None:
    """Validators' cost of an honest claim, and behind it what its signer has to pay for audits."""
    costs = [record["trainings_a_claim"] for record in policies.values()]
    validators = [100.0 * cost["validators, honest claims"] for cost in costs]
    answers = [100.0 * cost["benchmarkers"] for cost in costs]
    rows = range(len(costs))
    axes.barh(rows, validators, 0.5, color=GREY, label="validators, honest claims")
    axes.barh(
        rows, answers, 0.5, left=validators, color="white", edgecolor=GREY, hatch="////", label="answers to audits"
    )
    for row, total in enumerate(a + b for a, b in zip(validators, answers, strict=True)):
        axes.annotate(f"{total:.1f}" if total < 10 else f"{total:.0f}", (total, row), (3, 0),
                      textcoords="offset points", va="center", fontsize=8.5)  # fmt: skip
    axes.set_xlim(0, 122)
