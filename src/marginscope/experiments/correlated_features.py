"""Two classes whose features are correlated pull the weights against each other.

    <g_a, g_b> = sum_{i in a, j in b} <x_i, x_j> <G_i, G_j>,    at W = 0: cos(g_a, g_b) = -cos(s_a, s_b) / (K - 1)

g_c is the force of the rows of class c, G_i that on the scores of row i, and s_c the sum of the rows.
In a wide random hidden layer every product <x_i, x_j> is weighted by the share of units that are
active on both rows, (pi - angle) / (2 pi) (Cho & Saul 2009).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.clouds import clouds, cosine_means
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.two_layer import TwoLayer, Weights, descend_network
from marginscope.limits.descend import descend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["CorrelatedFeatures"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

# scores of nearly zero: all classes equally probable
_SMALL = 1e-6
_CONFLICT = 0.3
_LINEAR, _NETWORK = "linear", "network"


@dataclass(frozen=True)
class Config:
    """Three classes; the means of the first two at a cosine, the third orthogonal to both."""

    n_classes: int = 3
    n_features: int = 6
    n_per_class: int = 30
    length: float = 2.0
    spread: float = 0.3
    cosines: tuple[float, ...] = (-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9)
    steps: tuple[int, ...] = (0, 100, 10_000)
    n_hidden: int = 200
    n_networks: int = 24
    n_trained: int = 4
    network_steps: tuple[int, ...] = (0, 100, 1000)
    step_size: float = 0.2
    seed: int = 0


class CorrelatedFeatures:
    """Cosine of two classes' forces against the cosine of their features."""

    name = "correlated-features"
    title = "classes with correlated features pull the weights against each other"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {
        "cosines": (-0.6, 0.0, 0.6), "steps": (0, 100, 1000), "n_hidden": 100, "n_trained": 2,
        "network_steps": (0, 100, 300),
    }  # fmt: skip

    def run(self, config: Config) -> Columns:
        names = ("model", "cosine", "step", "run", "conflict", "predicted")
        columns: Columns = {name: [] for name in names}

        def add(*values: Any) -> None:
            for name, value in zip(names, values, strict=True):
                columns[name].append(value)

        for place, cosine in enumerate(config.cosines):
            means = cosine_means(config.n_classes, config.n_features, cosine, config.length)
            counts = [config.n_per_class] * config.n_classes
            X, y = clouds(counts, means, config.spread, np.random.default_rng([config.seed, place]))
            path = descend(X, y, n_steps=max(config.steps), record=list(config.steps))
            linear = _linear_prediction(X, y, config.n_classes)
            for step in config.steps:
                at = int(np.flatnonzero(path.steps == step)[0])
                conflict = float(path.per_class.conflict[at, 0, 1])
                add(_LINEAR, cosine, step, 0, conflict, linear if step == 0 else math.nan)
            wide = _wide_prediction(X, y)
            for number in range(config.n_networks):
                rng = np.random.default_rng([config.seed, place, number])
                start = TwoLayer().start(config.n_features, config.n_hidden, config.n_classes, 1.0, rng)
                small = Weights(start.hidden, _SMALL * start.output)
                add(_NETWORK, cosine, 0, number, _network_conflict(small, X, y), wide)
                if number < config.n_trained:
                    later = descend_network(
                        TwoLayer(), start, X, y, step_size=config.step_size, records=config.network_steps[1:]
                    )
                    for step, weights in zip(later.steps, later.weights, strict=True):
                        add(_NETWORK, cosine, step, number, _network_conflict(weights, X, y), math.nan)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        linear, network = table["model"] == _LINEAR, table["model"] == _NETWORK
        first = table["step"] == 0
        off = np.abs(table["conflict"] - table["predicted"])[linear & first].max()
        wide = [_standardised(table, network & first & (table["cosine"] == one)) for one in config.cosines]
        share = table["cosine"] >= _CONFLICT
        opposed = table["cosine"] <= -_CONFLICT
        return [
            Claim("linear scores at W = 0: the cosine is minus that of the classes' sums over K - 1", float(off),
                  at_most=1e-12, source="<G_i, G_j> = -1 / K and ||G_i||^2 = (K - 1) / K at equal probabilities"),
            Claim("random hidden layers: the mean cosine is that of infinite width, in standard errors",
                  float(np.max(np.abs(wide))), at_most=4.0,
                  source="arc-cosine kernel of degree 0, Cho & Saul 2009; seven means within four errors"),
            Claim("positively correlated classes pull against each other at every step: largest cosine, linear",
                  float(table["conflict"][linear & share].max()), at_most=0.0,
                  source="<x_i, x_j> > 0 and <G_i, G_j> < 0 while rivals outside the two classes weigh little"),
            Claim("and so they do in a hidden layer: largest cosine",
                  float(table["conflict"][network & share].max()), at_most=0.0,
                  source="the same, weighted by the share of common active units"),
            Claim("negatively correlated classes help each other at the start: least cosine, linear",
                  float(table["conflict"][linear & first & opposed].min()), at_least=0.0,
                  source="the formula at W = 0"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, axes = axes_row(2, 860, 370)
        table = {name: np.array(values) for name, values in columns.items()}
        for ax, model, steps, word in (
            (axes[0], _LINEAR, config.steps, "linear scores\n(one data set each)"),
            (
                axes[1],
                _NETWORK,
                config.network_steps,
                f"hidden layer of {config.n_hidden} units\n(mean; band: all networks)",
            ),
        ):
            style_axes(ax, grid="both")
            ax.axhline(0.0, color=INKS["soft"], linewidth=0.8)
            ax.axvline(0.0, color=INKS["soft"], linewidth=0.8)
            for place, step in enumerate(steps):
                here = (table["model"] == model) & (table["step"] == step)
                groups = [table["conflict"][here & (table["cosine"] == one)] for one in config.cosines]
                mean = np.array([group.mean() for group in groups])
                style = series_style(place)
                label = "start" if step == 0 else f"step {step:,}"
                ax.plot(config.cosines, mean, label=label, **style)
                if model == _NETWORK:
                    low, high = (np.array([reach(group) for group in groups]) for reach in (np.min, np.max))
                    ax.fill_between(config.cosines, low, high, color=style["color"], alpha=0.13, linewidth=0)
            start = (table["model"] == model) & (table["step"] == 0) & (table["run"] == 0)
            ax.plot(table["cosine"][start], table["predicted"][start], linestyle="none", marker="+", markersize=11,
                    color=INKS["ink"], label="predicted, start")  # fmt: skip
            ax.set_ylim(-1.02, 1.02)
            ax.set_xlabel("cosine of the means of the two classes")
            ax.set_title(f"cosine of the two classes' forces, {word}", loc="left", **plain_text(fontsize=9.5))
            ax.legend(fontsize=8, frameon=False, loc="upper right", labelcolor=INKS["ink"], handlelength=3)
        return figure


def _linear_prediction(X: Floats, y: Codes, K: int) -> float:
    first, second = (X[y == k].sum(axis=0) for k in (0, 1))
    return -float(first @ second / np.linalg.norm(first) / np.linalg.norm(second)) / (K - 1)


def _wide_prediction(X: Floats, y: Codes) -> float:
    """Return the cosine in a random hidden layer of infinite width with equal probabilities."""
    K = int(y.max()) + 1
    gram = X @ X.T
    lengths = np.sqrt(np.diag(gram))
    angles = np.arccos(np.clip(gram / lengths / lengths[:, None], -1.0, 1.0))
    kernel = gram * (np.pi - angles) / (2.0 * np.pi)
    across = kernel[np.ix_(y == 0, y == 1)].sum()
    own = [kernel[np.ix_(y == k, y == k)].sum() for k in (0, 1)]
    return -float(across / np.sqrt(own[0] * own[1])) / (K - 1)


def _network_conflict(weights: Weights, X: Floats, y: Codes) -> float:
    """Return the cosine of the first two classes' forces on the hidden weights."""
    first, second = (part.hidden.ravel() for part in TwoLayer().class_forces(weights, X, y)[:2])
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def _standardised(table: dict[str, NDArray[Any]], here: NDArray[np.bool_]) -> float:
    """Return how many standard errors the mean is from its prediction."""
    values = table["conflict"][here]
    error = values.std(ddof=1) / math.sqrt(len(values))
    return float((values.mean() - table["predicted"][here][0]) / error)
