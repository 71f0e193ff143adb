"""Hidden units that are dead or saturated on the rows of two classes: the forces of these classes vanish.

    force of class c on U = sum_{i in c} (V' G_i * a'(z_i)) x_i',    a'(z) = 1{z > 0} or a (1 - a) <= exp(-|z|)

Two classes lie near the origin, two at a distance where all units have negative arguments. Both
pairs are equally far apart; what differs is the slope of the activation on their rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.two_layer import TwoLayer, Weights, descend_network
from marginscope.geometry.intercept import with_ones

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FlatActivation"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_K = 4
_FAR = (2, 3)
_ACTIVATIONS = ("relu", "sigmoid")
_WORDS = {"relu": "rectified linear", "sigmoid": "sigmoid"}
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Config:
    """Classes 0 and 1 near the origin, 2 and 3 at each of the distances along the first feature."""

    distances: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    n_per_class: int = 20
    half_gap: float = 1.0
    spread: float = 0.2
    n_hidden: int = 24
    n_steps: int = 3000
    n_records: int = 20
    n_seeds: int = 4
    step_size: float = 0.5
    saturated: float = 0.01
    seed: int = 0


class FlatActivation:
    """Share of flat units, forces and training recall of every class against distance and step."""

    name = "flat-activation"
    title = "dead and saturated units silence the classes whose rows they are flat on"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"distances": (1.0, 16.0), "n_steps": 1500, "n_records": 8, "n_seeds": 1}

    def run(self, config: Config) -> Columns:
        names = ("activation", "distance", "seed", "step", "class", "flat", "silent", "hidden_force", "output_force",
                 "bound", "recall")  # fmt: skip
        columns: Columns = {name: [] for name in names}
        records = [0, *(round(one) for one in np.geomspace(1, config.n_steps, config.n_records))]
        for distance in config.distances:
            for seed in range(config.n_seeds):
                rng = np.random.default_rng([config.seed, seed])
                X, y = _data(config, distance, rng)
                start = _leaning_start(config, X.shape[1], rng)
                for activation in _ACTIVATIONS:
                    network = TwoLayer(activation)
                    path = descend_network(network, start, X, y, step_size=config.step_size, records=records)
                    for step, weights, log_loss in zip(path.steps, path.weights, path.log_loss, strict=True):
                        loss = float(np.exp(log_loss)) / len(y)
                        for k in range(_K):
                            found = _measured(network, weights, X, y, k, loss, config.saturated)
                            for name, value in zip(names, (activation, distance, seed, step, k, *found), strict=True):
                                columns[name].append(value)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        far = np.isin(table["class"], _FAR)
        relu, last = table["activation"] == "relu", table["step"] == config.n_steps
        nearest, farthest = (table["distance"] == reach(config.distances) for reach in (min, max))
        dead = table["silent"] >= 1.0
        excess = table["hidden_force"] - table["bound"] * (1.0 + _ROUNDING)
        forces = [table["hidden_force"][~relu & far & one & (table["step"] == 0)] for one in (nearest, farthest)]
        return [
            Claim("rows on which all rectified units are dead have no force on any weight",
                  float((table["hidden_force"] + table["output_force"])[relu & dead].max(initial=0.0)), at_most=0.0,
                  source="a' = 0 and a = 0 on these rows, exactly"),
            Claim("there are such classes: share of far classes dead at the largest distance, at the start",
                  float(dead[relu & far & farthest & (table["step"] == 0)].mean()), at_least=1.0,
                  source="the control of the design"),
            Claim("the force of saturated rows is below the sum of ||x_i|| ||V'G_i exp(-|z_i|)||: largest excess",
                  float(excess[~relu].max()), at_most=0.0, source="a (1 - a) <= exp(-|z|) and the triangle inequality"),
            Claim("sigmoid: forces on the hidden weights fall from the least to the largest distance, ratio",
                  float(forces[1].max() / forces[0].min()), at_most=0.01, source="the bound falls like exp(-|z|)"),
            Claim("at the least distance every class is learned, both activations: least recall",
                  float(table["recall"][last & nearest].min()), at_least=0.9, source="the control of the design"),
            Claim("at the largest distance the near classes are learned: least recall",
                  float(table["recall"][last & farthest & ~far].min()), at_least=0.9,
                  source="the control of the design"),
            Claim("at the largest distance at most one of the far classes is learned: largest mean recall",
                  float(_pair_recall(table, last & farthest & far).max()), at_most=0.5,
                  source="flat units give the rows of both classes the same scores, so one label"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, _ = axes_row(1, 1080, 600)
        figure.clear()
        axes = figure.subplots(2, 3)
        table = {name: np.array(values) for name, values in columns.items()}
        groups = (("near classes", ~np.isin(table["class"], _FAR)), ("far classes", np.isin(table["class"], _FAR)))
        last, shown = table["step"] == config.n_steps, max(config.distances)
        for row, activation in zip(axes, _ACTIVATIONS, strict=True):
            for place, (word, group) in enumerate(groups):
                here, style = (table["activation"] == activation) & group, series_style(place)
                final = _means(table, here & last, "distance", "flat")
                row[0].plot(*final[:2], label=word, **style)
                x, mean, low, high = _means(table, here & last, "distance", "recall")
                row[2].plot(x, mean, label=word, **style)
                row[2].fill_between(x, low, high, color=style["color"], alpha=0.13, linewidth=0)
                path = here & (table["distance"] == shown) & (table["step"] > 0)
                x, mean, low, high = _means(table, path, "step", "hidden_force")
                row[1].plot(x, np.where(mean > 0.0, mean, np.nan), label=word, **style)
            row[0].set_title(f"{_WORDS[activation]}: share of flat units on the\nrows of a class, last step",
                             loc="left", **plain_text(fontsize=9.5))  # fmt: skip
            row[1].set_title(f"{_WORDS[activation]}: force of a class on the\nhidden weights, distance {shown:g}",
                             loc="left", **plain_text(fontsize=9.5))  # fmt: skip
            row[2].set_title(f"{_WORDS[activation]}: recall on the training rows,\nlast step (mean; band: all seeds)",
                             loc="left", **plain_text(fontsize=9.5))  # fmt: skip
            row[1].set_yscale("log")
            for ax, label in zip(
                row, ("distance of the far classes", "step", "distance of the far classes"), strict=True
            ):
                style_axes(ax, grid="both")
                ax.set_xscale("log", base=10 if label == "step" else 2)
                ax.set_xlabel(label)
            for ax in (row[0], row[2]):
                ax.set_ylim(-0.03, 1.03)
                ax.set_xticks(config.distances, [f"{one:g}" for one in config.distances])
            if activation == "relu":
                row[1].annotate("far classes: exactly 0", (0.97, 0.9), xycoords="axes fraction", ha="right",
                                **plain_text(fontsize=8.5, color=INKS["soft"]))  # fmt: skip
        axes[0, 0].legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"], handlelength=3)
        return figure


def _data(config: Config, distance: float, rng: np.random.Generator) -> tuple[Floats, Codes]:
    gap = config.half_gap
    means = np.array([[0.0, gap], [0.0, -gap], [distance, gap], [distance, -gap]])
    X, y = clouds([config.n_per_class] * _K, means, config.spread, rng)
    return with_ones(X), y


def _leaning_start(config: Config, n_features: int, rng: np.random.Generator) -> Weights:
    """Return random weights whose hidden units all fall along the first feature."""
    weights = TwoLayer().start(n_features, config.n_hidden, _K, 2.0, rng)
    weights.hidden[:, 0] = -1.0 - np.abs(weights.hidden[:, 0])
    return weights


def _measured(
    network: TwoLayer, weights: Weights, X: Floats, y: Codes, k: int, loss: float, saturated: float
) -> list[float]:
    """Return the numbers of one class, in the order of the columns."""
    G, _ = network.pulls(weights, X, y)
    rows, G = X[y == k], loss * G[y == k]
    _, slope = network.units(weights, rows)
    flat = slope <= (0.0 if network.activation == "relu" else saturated)
    force = network.pull_back(weights, rows, G)
    z = rows @ weights.hidden.T
    most = (G @ weights.output) * np.exp(-np.abs(z))
    bound = float((np.linalg.norm(rows, axis=1) * np.linalg.norm(most, axis=1)).sum())
    given = network.scores(weights, rows).argmax(axis=1)
    return [
        float(flat.mean()),
        float(flat.all(axis=1).mean()),
        float(np.linalg.norm(force.hidden)),
        float(np.linalg.norm(force.output)),
        bound,
        float((given == k).mean()),
    ]


def _pair_recall(table: dict[str, NDArray[Any]], here: NDArray[np.bool_]) -> Floats:
    """Return the mean recall of the far classes, run by run."""
    runs = [here & (table["activation"] == one) & (table["seed"] == s)
            for one in _ACTIVATIONS for s in np.unique(table["seed"])]  # fmt: skip
    return np.array([table["recall"][run].mean() for run in runs])


def _means(
    table: dict[str, NDArray[Any]], here: NDArray[np.bool_], by: str, column: str
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the values of ``by``, and mean, least and most of the column at each."""
    x = np.unique(table[by][here])
    groups = [table[column][here & (table[by] == one)] for one in x]
    mean, low, high = (np.array([float(reach(group)) for group in groups]) for reach in (np.mean, np.min, np.max))
    return np.asarray(x, dtype=float), mean, low, high
