"""Heat maps of a function of two inputs, beside the network before and after training (papers, Figure 1B)."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.image import AxesImage
from matplotlib.tri import LinearTriInterpolator, Triangulation

from verifier.experiments.plots.style import MAP_COLOURS, minus
from verifier.experiments.prediction_maps import Array, PredictionMaps, centres


def draw_prediction_maps(figure: SubFigure, maps: PredictionMaps, best_epoch: int) -> None:
    """Target, network at the start and network at the best epoch, with one scale: that of target and best network.

    Between its points the target is interpolated on triangles.
    """
    target = _gridded(maps)
    low = min(target.min(), maps.best.min())
    high = max(target.max(), maps.best.max())
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    shown = {
        "target f": target,
        "network at initialisation": maps.initial,
        f"network at epoch {best_epoch} (best)": maps.best,
    }
    images = [
        _panel(axes, values, title, low, high) for axes, (title, values) in zip(panels, shown.items(), strict=True)
    ]
    panels[0].set_ylabel("x₂")
    train = maps.points[: maps.train_points]
    panels[0].plot(train[:, 0], train[:, 1], ".", color="white", markersize=1.2, alpha=0.7)
    beyond = bool(maps.initial.min() < low), bool(maps.initial.max() > high)
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    scale = panels[2].inset_axes((1.06, 0.0, 0.06, 1.0))
    figure.colorbar(images[0], cax=scale, label="value", extend=extend)


def _panel(axes: Axes, values: Array, title: str, low: float, high: float) -> AxesImage:
    image = axes.imshow(
        values, origin="lower", extent=(-1.0, 1.0, -1.0, 1.0), cmap=MAP_COLOURS, vmin=low, vmax=high,
        interpolation="bilinear",
    )  # fmt: skip
    axes.grid(visible=False)
    axes.set_title(f"{title}\n{minus(f'{values.min():.2g}')} to {minus(f'{values.max():.2g}')}")
    axes.set_xlabel("x₁")
    axes.set_xticks([-1.0, 0.0, 1.0])
    axes.set_yticks([-1.0, 0.0, 1.0])
    return image


def _gridded(maps: PredictionMaps) -> Array:
    """The target on the grid of the networks; a cell outside all triangles has the value of the nearest point."""
    x2, x1 = np.meshgrid(centres(), centres(), indexing="ij")
    triangles = Triangulation(maps.points[:, 0], maps.points[:, 1])
    values = LinearTriInterpolator(triangles, maps.target)(x1, x2)
    outside = np.ma.getmaskarray(values)
    cells = np.stack([x1[outside], x2[outside]], axis=1)
    distances = ((cells[:, None] - maps.points[None]) ** 2).sum(axis=2)
    filled: Array = np.ma.getdata(values).copy()
    filled[outside] = maps.target[distances.argmin(axis=1)]
    return filled
