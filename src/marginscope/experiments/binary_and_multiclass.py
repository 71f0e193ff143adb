"""Two classes as a special case of many, and what the number of classes does to margin and pace.

For two classes W = (-w, w) / 2 with w that of binary logistic regression at twice the step size, and
||W||^2 = ||w||^2 / 2. For one orthonormal row in each of K classes the hard margin is W = I - 11' / K, with margin
1 / sqrt(K - 1), all multipliers 1 / K and H = -log K.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.special
from numpy.typing import NDArray

from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.least_distance import shortest_separator
from marginscope.experiments.log_log_axis import log_log_axis, spaced_steps, step_at
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BinaryAndMulticlass"]

Floats = NDArray[np.float64]

_LAST = 1000.0
_TWO = "algebra: w = w_2 - w_1, and a step of eta on W is one of 2 eta on w"
_SIMPLEX = "closed form for one orthonormal row in each class"
_LAW = "late-time law <W, What> / ||What||^2 = log(eta c t) - H, whatever the number of classes"


@dataclass(frozen=True)
class Config:
    """Rows of the largest number of classes; for fewer classes those of the others are left out."""

    n_classes: tuple[int, ...] = (2, 3, 5, 10)
    n_samples: int = 60
    n_features: int = 12
    n_trials: int = 8
    n_steps: int = 20_000
    n_records: int = 40
    seed: int = 3


class BinaryAndMulticlass:
    """Both descents for two classes; margins of random labels and of a simplex for each number of classes."""

    name = "binary-vs-multiclass"
    title = "two classes are binary logistic regression, and more classes change the margin but not the pace"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_classes": (2, 3, 5), "n_trials": 2, "n_steps": 2000, "n_records": 12}

    def run(self, config: Config) -> Columns:
        rows = _two_classes(config)
        for trial in range(config.n_trials):
            rng = np.random.default_rng([config.seed, trial])
            X, y = linear_classes(config.n_samples, config.n_features, max(config.n_classes), rng)
            X /= np.linalg.norm(X, axis=1)[:, None]
            for K in config.n_classes:
                rows += _followed(config, "random", K, trial, X[y < K], y[y < K])
        for K in config.n_classes:
            rows += _followed(config, "simplex", K, 0, np.eye(K), np.arange(K))
        return columns_of(rows)

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        two = rows_where(columns, kind="two classes")
        flow = {kind: rows_where(columns, kind=kind) for kind in ("random", "simplex")}
        slopes = np.concatenate([_slopes(table) for table in flow.values()])
        simplex = flow["simplex"]
        margin = simplex["margin"] * np.sqrt(simplex["n_classes"] - 1.0)
        last = simplex["log10_step"] >= _LAST - 1e-6
        # eta t and H = -log K
        law = _LAST * math.log(10.0) + np.log(simplex["step_size"][last]) + np.log(simplex["n_classes"][last])
        random = [rows_where(columns, kind="random", trial=trial) for trial in range(config.n_trials)]
        by_class = np.array([[one["margin"][one["n_classes"] == K][0] for K in config.n_classes] for one in random])
        return [
            Claim("two classes: w_2 - w_1 of the multinomial is the w of binary regression, relative distance",
                  float(two["distance"].max()), at_most=1e-10, source=_TWO),
            Claim("two classes: 2 ||W||^2 / ||w||^2, farthest from 1",
                  float(np.abs(2.0 * two["norm_ratio"] ** 2 - 1.0).max()), at_most=1e-10, source=_TWO),
            Claim("two classes: margin over sqrt 2 times that of the binary SVM, farthest from 1",
                  float(np.abs(two["margin"] / (math.sqrt(2.0) * two["binary_margin"]) - 1.0).max()), at_most=1e-8,
                  source="algebra: u = y <w, x>, ||W|| = ||w|| / sqrt 2; binary SVM by non-negative least squares"),
            Claim("simplex: margin times sqrt(K - 1), farthest from 1", float(np.abs(margin - 1.0).max()),
                  at_most=1e-7, source=_SIMPLEX),
            Claim("simplex: norm ratio of the flow at step 1e1000 over log(eta t) + log K, farthest from 1",
                  float(np.abs(simplex["norm_ratio"][last] / law - 1.0).max()), at_most=1e-6, source=_SIMPLEX),
            Claim("the norm ratio grows by 1 per unit of log t for every number of classes, farthest from 1",
                  float(np.abs(slopes - 1.0).max()), at_most=1e-3, source=_LAW),
            Claim("eta t R(t) margin^2 comes to 1 for every number of classes, farthest from 1",
                  max(_largest_loss_error(table) for table in flow.values()), at_most=0.02,
                  source="loss of the late-time law, R ~ 1 / (margin^2 eta t)"),
            Claim("the largest margin falls with each class that is added, largest relative change",
                  float((by_class[:, 1:] / by_class[:, :-1] - 1.0).max()), at_most=1e-7,
                  source="W without the row of a class fulfils the constraints of the others, and is no longer"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS
        from marginscope.reports.step_axes import step_axis

        figure, (left, middle, right) = axes_row(3, 1080, 370)
        for ax in (left, middle, right):
            style_axes(ax, grid="both")
        two = rows_where(columns, kind="two classes")
        x, every = two["log10_step"], max(len(two["log10_step"]) // 8, 1)
        left.plot(x, two["multinomial_margin"] / math.sqrt(2.0), label="multinomial, margin / \u221a2",
                  **series_style(0, every=every))  # fmt: skip
        left.plot(x, two["binary_run_margin"], label="binary", color=INKS["weak"], linewidth=4.5, alpha=0.45, zorder=1)
        left.axhline(float(two["binary_margin"][0]), color=INKS["ink"], linewidth=0.9, linestyle="--",
                     label="binary SVM")  # fmt: skip
        step_axis(left, np.array([0.0, math.log10(config.n_steps)]))
        best = float(two["binary_margin"][0])
        left.set_ylim(-0.6 * best, 1.15 * best)
        left.set_ylabel("normalised margin")
        left.set_title("two classes, the same descent", loc="left", **plain_text(fontsize=9.5))
        left.legend(fontsize=8, frameon=False, loc="lower right", labelcolor=INKS["ink"])
        K = np.array(config.n_classes)
        by_class = [rows_where(columns, kind="random", n_classes=int(one))["margin"] for one in K]
        means = np.array([one.mean() for one in by_class])
        spread = np.array([[m - one.min(), one.max() - m] for m, one in zip(means, by_class, strict=True)]).T
        middle.errorbar(K, means, yerr=spread, capsize=3, **series_style(0),
                        label=f"random rows, {config.n_trials} trials (mean, range)")  # fmt: skip
        simplex = [float(rows_where(columns, kind="simplex", n_classes=int(one))["margin"][0]) for one in K]
        middle.plot(K, simplex, label="simplex: 1 / \u221a(K \u2212 1)", **series_style(1))
        middle.set_xscale("log")
        middle.set_yscale("log")
        middle.set_ylim(top=4.0)
        middle.set_xticks(K, [str(one) for one in K])
        middle.set_xticks([], minor=True)
        middle.set_xlabel("number of classes K")
        middle.set_ylabel("largest margin")
        middle.set_title("rows of length one", loc="left", **plain_text(fontsize=9.5))
        middle.legend(fontsize=8, frameon=False, loc="upper right", labelcolor=INKS["ink"])
        for place, one in enumerate(K.tolist()):
            table = rows_where(columns, kind="random", n_classes=one, trial=0)
            n = max(len(table["log10_step"]) // 6, 1)
            right.plot(table["log10_step"], 1.0 - table["flow_margin"] / table["margin"], label=f"K = {one}",
                       **series_style(place, every=(place % n, n)))  # fmt: skip
        log_log_axis(right, _LAST)
        right.set_yscale("log")
        right.set_ylabel("1 \u2212 margin / largest margin")
        right.set_title("random rows, first trial", loc="left", **plain_text(fontsize=9.5))
        right.legend(fontsize=8, frameon=False, loc="lower left", labelcolor=INKS["ink"])
        return figure


def _two_classes(config: Config) -> list[dict[str, Any]]:
    """Descend on two classes by the package, and by binary logistic regression written out here."""
    X, y = linear_classes(config.n_samples, config.n_features, 2, np.random.default_rng([config.seed, 0]))
    X /= np.linalg.norm(X, axis=1)[:, None]
    steps = np.unique(np.geomspace(1, config.n_steps, config.n_records).astype(int)).tolist()
    path = descend(X, y, n_steps=config.n_steps, record=steps)
    Z = X * np.where(y == 1, 1.0, -1.0)[:, None]
    svm = shortest_separator(Z)
    assert svm is not None
    best = 1.0 / float(np.linalg.norm(svm))
    rows = []
    w, eta = np.zeros(config.n_features), 2.0 * path.step_size.scale
    for step in range(1, config.n_steps + 1):
        w = w + eta * (Z.T @ scipy.special.expit(-Z @ w))
        if step in path.steps:
            at = int(np.flatnonzero(path.steps == step)[0])
            W = path.coef[at]
            rows.append(
                _empty("two classes", 2)
                | {
                    "log10_step": math.log10(step),
                    "step_size": path.step_size.scale,
                    "distance": float(np.linalg.norm(W[1] - W[0] - w) / np.linalg.norm(w)),
                    "norm_ratio": float(np.linalg.norm(W) / np.linalg.norm(w)),
                    "margin": path.limit.margin,
                    "binary_margin": best,
                    "multinomial_margin": float(path.margin[at]),
                    "binary_run_margin": float((Z @ w).min() / np.linalg.norm(w)),
                }
            )
    return rows


def _followed(config: Config, kind: str, K: int, trial: int, X: Floats, y: Any) -> list[dict[str, Any]]:
    """Return margin, norm ratio and loss of the flow up to step 1e1000."""
    steps = [*spaced_steps(config.n_records, _LAST), step_at(_LAST / 2.0)]
    path = fast_forward(X, y, n_steps=step_at(_LAST), record=steps)
    margin = solve_hard_margin(X, y).margin
    rows = []
    for at in np.flatnonzero(path.log_steps >= math.log(10.0) - 1e-9):
        log_time = float(path.log_steps[at]) + math.log(path.step_size.scale)
        rows.append(
            _empty(kind, K)
            | {
                "trial": trial,
                "log10_step": float(path.log_steps[at]) / math.log(10.0),
                "step_size": path.step_size.scale,
                "norm_ratio": float(path.norm_ratio[at]),
                "margin": margin,
                "flow_margin": float(path.margin[at]),
                "loss_ratio": math.exp(min(log_time + float(path.log_loss[at]) + 2.0 * math.log(margin), 100.0)),
            }
        )
    return rows


def _empty(kind: str, n_classes: int) -> dict[str, Any]:
    names = ("distance", "norm_ratio", "margin", "binary_margin", "multinomial_margin", "binary_run_margin")
    row = {"kind": kind, "n_classes": n_classes, "trial": 0, "log10_step": math.nan, "step_size": math.nan}
    return row | dict.fromkeys((*names, "flow_margin", "loss_ratio"), math.nan)


def _slopes(table: dict[str, NDArray[Any]]) -> Floats:
    """Return for each curve the growth of the norm ratio per unit of log t over the last half."""
    at = [np.flatnonzero(np.isclose(table["log10_step"], one, rtol=1e-6)) for one in (_LAST / 2.0, _LAST)]
    grown = table["norm_ratio"][at[1]] - table["norm_ratio"][at[0]]
    return np.asarray(grown / (0.5 * _LAST * math.log(10.0)))


def _largest_loss_error(table: dict[str, NDArray[Any]]) -> float:
    return float(np.abs(table["loss_ratio"][table["log10_step"] >= _LAST - 1e-6] - 1.0).max())
