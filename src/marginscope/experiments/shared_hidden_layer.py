"""A hidden layer shared by all classes against a branch per class of the same total width.

    min u_ik / ||theta||^2 over time,    conflict_ac = cos(g_a, g_c) of the classes' forces on the hidden weights

Both networks are homogeneous: descent raises their smoothed margin and tends to a KKT point of
min ||theta||^2 subject to margins of at least 1 (Lyu & Li, ICLR 2020).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.homogeneous_kkt import homogeneous_kkt, normalised_margin
from marginscope.experiments.two_layer import TwoLayer, Weights, descend_network
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.label_code import margins_of_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SharedHiddenLayer"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_K = 3
_CLOUDS = 2  # opposite ones of each class: no linear scores separate them
_KINDS = ("shared", "branches")
_LYU = "Lyu & Li, ICLR 2020, for gradient flow on homogeneous networks"


@dataclass(frozen=True)
class Config:
    """Six clouds around a circle, of three classes in turn; 30 hidden units."""

    n_per_cloud: int = 8
    n_hidden: int = 30
    n_steps: int = 40_000
    n_seeds: int = 4
    n_records: int = 28
    step_size: float = 1.0
    start_scale: float = 0.5
    slack: float = 0.05
    seed: int = 0


class SharedHiddenLayer:
    """Normalised margin, KKT residual, shares and conflicts of the classes on the hidden weights."""

    name = "shared-hidden-layer"
    title = "a shared hidden layer against a branch per class: margins, conflicts, KKT points"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 10_000, "n_seeds": 1, "n_records": 12}

    def run(self, config: Config) -> Columns:
        pairs = list(combinations(range(_K), 2))
        names = ("seed", "kind", "step", "log_loss", "margin", "smoothed_margin", "residual", "alignment",
                 "euler", "balance_drift", *(f"share_{k}" for k in range(_K)),
                 *(f"conflict_{a}{b}" for a, b in pairs))  # fmt: skip
        columns: Columns = {name: [] for name in names}
        records = [0, *(round(one) for one in np.geomspace(1, config.n_steps, config.n_records))]
        for seed in range(config.n_seeds):
            X, y = _data(config, np.random.default_rng([config.seed, seed]))
            for kind in _KINDS:
                network = TwoLayer("relu", has_branches=kind == "branches")
                start = network.start(
                    X.shape[1], config.n_hidden, _K, config.start_scale, np.random.default_rng([config.seed, seed, 1])
                )
                path = descend_network(network, start, X, y, step_size=config.step_size, records=records, adaptive=True)
                for step, weights, log_loss in zip(path.steps, path.weights, path.log_loss, strict=True):
                    found = _measured(network, weights, start, X, y, log_loss, config.slack)
                    for name, value in zip(names, (seed, kind, step, log_loss, *found), strict=True):
                        columns[name].append(value)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        runs = [(table["seed"] == s) & (table["kind"] == kind) for s in range(config.n_seeds) for kind in _KINDS]
        rises, falls = [], []
        for run in runs:
            # from loss 1 on every row is on its side, and the theorem speaks
            late = run & (table["log_loss"] < 0.0)
            rises.append(np.diff(table["smoothed_margin"][late]).min(initial=math.inf))
            residual = table["residual"][late]
            falls.append(residual[-1] / residual[0])
        last = table["step"] == config.n_steps
        best = [float(table["margin"][last & (table["kind"] == kind)].max()) for kind in _KINDS]
        return [
            Claim("every network separates its rows at the last step", float(table["margin"][last].min()),
                  at_least=1e-9, source="what the theorem needs"),
            Claim("the smoothed margin log(1 / loss) / ||theta||^2 never falls from loss 1 on: least change",
                  float(np.min(rises)), at_least=0.0, source=_LYU),
            Claim("theta and its force align: least cosine at the last step", float(table["alignment"][last].min()),
                  at_least=0.9, source=_LYU + "; the cosine tends to 1"),
            Claim("the KKT residual falls from loss 1 to the last step: largest ratio", float(np.max(falls)),
                  at_most=0.5, source=_LYU + "; no rate is given, so a halving is asked"),
            Claim("<theta, force> is twice the weighted margin", float(table["euler"].max()), at_most=1e-9,
                  source="Euler's identity for degree 2, to rounding"),
            Claim("||U_h||^2 - ||V_h||^2 keeps its value, relative to ||theta||^2",
                  float(table["balance_drift"].max()), at_most=0.01,
                  source="Du, Hu & Lee 2018: constant under gradient flow; steps add their square"),
            Claim("the best shared network has at least the margin of the best branches", best[0] - best[1],
                  at_least=0.0, source="branches are a shared layer with zeros, so its largest margin is no smaller"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, _ = axes_row(1, 860, 640)
        figure.clear()
        axes = figure.subplots(2, 2)
        table = {name: np.array(values) for name, values in columns.items()}
        for place, kind in enumerate(_KINDS):
            style = series_style(place, every=4)
            for seed in range(config.n_seeds):
                here = (table["seed"] == seed) & (table["kind"] == kind) & (table["step"] > 0)
                word = {"shared": "shared layer", "branches": "branch per class"}[kind] if seed == 0 else None
                axes[0, 0].plot(table["step"][here], table["margin"][here], label=word, **style)
                solved = here & np.isfinite(table["residual"])
                axes[0, 1].plot(table["step"][solved], table["residual"][solved], label=word, **style)
            here = (table["seed"] == 0) & (table["kind"] == kind) & (table["step"] > 0)
            for number, (a, b) in enumerate(combinations(range(_K), 2)):
                pair = series_style(number, every=4)
                axes[1, place].plot(table["step"][here], table[f"conflict_{a}{b}"][here], label=f"classes {a}, {b}",
                                    **pair)  # fmt: skip
            axes[1, place].set_ylim(-1.05, 1.05)
            axes[1, place].set_title(
                f"cosine of two classes' forces, hidden weights,\n{kind.replace('shared', 'shared layer')} (one seed)",
                loc="left", **plain_text(fontsize=9.5),
            )  # fmt: skip
        axes[0, 0].set_title("normalised margin, one line a seed", loc="left", **plain_text(fontsize=9.5))
        axes[0, 0].set_ylabel(r"$\min u_{ik} / \|\theta\|^2$")
        axes[0, 1].set_title("relative KKT residual, one line a seed", loc="left", **plain_text(fontsize=9.5))
        axes[0, 1].set_yscale("log")
        for ax in axes.ravel():
            style_axes(ax, grid="both")
            ax.set_xscale("log")
            ax.set_xlabel("step")
            ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
        return figure


def _data(config: Config, rng: np.random.Generator) -> tuple[Floats, Codes]:
    """Return clouds around a circle, of the classes in turn, with a column of ones."""
    n_clouds = _CLOUDS * _K
    angles = 2.0 * np.pi * np.arange(n_clouds) / n_clouds
    means = 2.0 * np.column_stack([np.cos(angles), np.sin(angles)])
    X, cloud = clouds([config.n_per_cloud] * n_clouds, means, 0.35, rng)
    return with_ones(X), cloud % _K


def _measured(
    network: TwoLayer, weights: Weights, start: Weights, X: Floats, y: Codes, log_loss: float, slack: float
) -> list[float]:
    """Return the numbers of one record, in the order of the columns."""
    theta = weights.flat()
    squared = float(theta @ theta)
    G, _ = network.pulls(weights, X, y)
    scores = network.scores(weights, X)
    force = network.pull_back(weights, X, G).flat()
    weighted = float((G * scores).sum())
    parts = [part.hidden.ravel() for part in network.class_forces(weights, X, y)]
    sizes = np.array([float(np.linalg.norm(part)) for part in parts])
    units = [part / size if size > 0.0 else part for part, size in zip(parts, sizes, strict=True)]
    return [
        normalised_margin(network, weights, X, y),
        -log_loss / squared,
        homogeneous_kkt(network, weights, X, y, slack=slack).residual,
        float(theta @ force / math.sqrt(squared) / np.linalg.norm(force)),
        abs(float(theta @ force) - 2.0 * weighted) / float(np.abs(margins_of_scores(scores, y)).max()),
        float(np.abs(_balance(weights) - _balance(start)).max()) / squared,
        *(sizes / sizes.sum()).tolist(),
        *(float(units[a] @ units[b]) for a, b in combinations(range(_K), 2)),
    ]


def _balance(weights: Weights) -> Floats:
    """Return ||U_h||^2 - ||V_h||^2 of every hidden unit."""
    return np.asarray((weights.hidden**2).sum(axis=1) - (weights.output**2).sum(axis=0))
