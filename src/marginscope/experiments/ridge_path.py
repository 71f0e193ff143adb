"""Ridge, early stopping and the flow on one axis: a penalty is a number of steps.

    lambda W = sum q x~,   L + log L = -log lambda,   W_lambda = What L + rho + O(1 / L)
    dW/dlog t = eta t sum q x~,                       W(t) = What log(eta t) + rho + O(t^-a)

Both have <x~, rho> = -log alpha on support pairs, so a ridge lambda is where descent is
at eta t = e^L = 1 / (lambda L).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.log_log_axis import log_log_axis, step_at
from marginscope.experiments.pair_features import pair_features
from marginscope.experiments.ridge_solutions import ridge_solutions
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["RidgePath"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_LOG10 = math.log(10.0)
_DERIVED = "stationarity lambda W = sum q x~ beside What = sum alpha x~"
_HOW = ("ridge", "flow", "early stopping")
_TIGHT = 1e-6
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Config:
    """Ten rows of two features in three classes: support pairs that span all directions, and some that do not."""

    n_samples: int = 10
    n_features: int = 2
    n_classes: int = 3
    n_steps: int = 50_000
    last: float = 1000.0
    n_records: int = 60
    seed: int = 10
    seed_not_spanned: int = 2


class RidgePath:
    """Direction error and norm ratio of the three, and how far apart they are at matched places."""

    name = "ridge-path"
    title = "ridge, early stopping and the flow meet on one axis"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 3000, "n_records": 16}

    def run(self, config: Config) -> Columns:
        return columns_of([*_paths(config, "spanned", config.seed), *_paths(config, "rest", config.seed_not_spanned)])

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        ridge, flow, stopped = (rows_where(columns, data="spanned", how=how) for how in _HOW)
        ridge_rest, flow_rest, _ = (rows_where(columns, data="rest", how=how) for how in _HOW)
        late = ridge["L"] >= 0.1 * ridge["L"][-1]
        behind = ridge["norm_ratio"] - (ridge["L"] - ridge["entropy"])
        to_flow = ridge["to_flow"][late] * ridge["L"][late] ** 2
        slope = np.polyfit(np.log(ridge["L"][late]), np.log(ridge["direction_error"][late]), 1)[0]
        return [
            Claim("ridge: Newton's method in the logarithm and scikit-learn have the same minimum, relative distance",
                  float(np.nanmax(ridge["to_library"])), at_most=1e-5, source="LogisticRegression, C = 1 / lambda"),
            Claim("early stopping and the flow are at the same place after the last true step, relative distance",
                  float(stopped["to_flow"][-1]), at_most=1e-6, source="the flow passes through the iterates"),
            Claim("ridge: norm ratio less (L - H), times L, stays bounded",
                  float(np.abs(behind * ridge["L"])[late].max()), at_most=20.0,
                  source=_DERIVED + ": the law L - H up to O(1 / L)"),
            Claim("ridge: norm ratio less (L - H) at the last penalty", float(abs(behind[-1])), at_most=0.01,
                  source=_DERIVED + ": the law L - H up to O(1 / L)"),
            Claim("ridge: direction error falls like a power of L", float(slope), at_least=-1.05, at_most=-0.95,
                  source="Rosset, Zhu & Hastie 2004 for the limit; 1 / L from " + _DERIVED),
            Claim("ridge and flow: relative distance times L^2 stays bounded, largest over last",
                  float(to_flow.max() / to_flow[-1]), at_most=1.5,
                  source="the same rho, and L O(1 / L) of ridge relative to ||What|| L"),
            Claim("ridge over flow: direction error at the last place",
                  float(ridge["direction_error"][-1] / flow["direction_error"][-1]), at_least=0.99, at_most=1.01,
                  source="the same rho, and O(1 / L^2) apart"),
            Claim("the flow keeps what its first steps left orthogonal to the support: last over that at half of log t",
                  float(flow_rest["orthogonal"][-1] / _at_half(flow_rest, "orthogonal")), at_least=0.999, at_most=1.001,
                  source="late-time law: only the part of rho in the span of the support pairs is determined"),
            Claim("what it keeps is something, over the norm of the SVM", float(flow_rest["orthogonal"][-1]),
                  at_least=1e-3, source="nothing draws it to zero"),
            Claim("ridge keeps none of it, over what the flow keeps",
                  float(ridge_rest["orthogonal"][-1] / flow_rest["orthogonal"][-1]), at_most=1e-6,
                  source="W_lambda = sum q x~ / lambda, in which other pairs than those of the support vanish"),
            Claim("so their directions differ then: direction error of ridge over that of the flow, at the end",
                  float(ridge_rest["direction_error"][-1] / flow_rest["direction_error"][-1]), at_most=0.99,
                  source="the direction error is ||rho orthogonal to What|| / (||What|| L)"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, _ = axes_row(1, 860, 620)
        figure.clear()
        axes = figure.subplots(2, 2)
        _draw_errors(axes[0, 0], columns, "spanned")
        _draw_errors(axes[1, 0], columns, "rest")
        ridge = rows_where(columns, data="spanned", how="ridge")
        n = max(len(ridge["L"]) // 7, 1)
        right = axes[0, 1]
        right.plot(ridge["log10_step"], ridge["to_flow"], label="ridge to flow, relative", **series_style(2, every=n))
        behind = np.abs(ridge["norm_ratio"] - ridge["L"] + ridge["entropy"])
        right.plot(ridge["log10_step"], behind, label="norm ratio of ridge less (L \u2212 H)",
                   **series_style(3, every=n))  # fmt: skip
        for place, how in ((1, "flow"), (2, "ridge")):
            table = rows_where(columns, data="rest", how=how)
            shown = table["orthogonal"] > _ROUNDING
            axes[1, 1].plot(table["log10_step"][shown], table["orthogonal"][shown], label=how,
                            **series_style(place, every=n))  # fmt: skip
        titles = (
            "the support pairs span all directions: direction error to the SVM",
            "the same: distances",
            "they do not: direction error to the SVM",
            "the same: part orthogonal to them / norm of the SVM",
        )
        for ax, title in zip(axes.ravel(), titles, strict=True):
            style_axes(ax, grid="both")
            ax.set_yscale("log")
            log_log_axis(ax, config.last)
            ax.set_xlabel("step, or 1/(\u03b7\u03bbL) of a ridge \u03bb")
            ax.set_title(title, loc="left", **plain_text(fontsize=9))
            ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
        return figure


def _paths(config: Config, data: str, seed: int) -> list[dict[str, Any]]:
    """Follow the three on one set of rows."""
    X, y = linear_classes(config.n_samples, config.n_features, config.n_classes, np.random.default_rng(seed))
    svm = solve_hard_margin(X, y, tol=1e-10)
    pairs = pair_features(X, y, config.n_classes)
    alpha = np.asarray(svm.dual_weights.data)
    alpha = alpha * (svm.norm_value**2 / alpha.sum())
    entropy = float((alpha * np.log(alpha)).sum() / alpha.sum())
    support = scipy.linalg.orth(pairs[np.abs(pairs @ svm.coef.ravel() - 1.0) < _TIGHT].T)
    stopped = descend(X, y, n_steps=config.n_steps, record="log")
    eta = stopped.step_size.scale
    # places in L = log(eta t), from eta t = 2 on
    first = math.log10(2.0 / eta)
    decades = [*np.geomspace(first, config.last, config.n_records).tolist(), config.last / 2.0]
    steps = [*(step_at(one) for one in decades), config.n_steps]
    flow = fast_forward(X, y, n_steps=step_at(config.last), record=steps)
    rows: list[dict[str, Any]] = []

    def add(how: str, log_step: float, W: Floats, **more: float) -> None:
        size = float(np.linalg.norm(W))
        w = W.ravel()
        rows.append(
            {
                "data": data,
                "how": how,
                "log10_step": log_step / _LOG10,
                "L": log_step + math.log(eta),
                "log10_ridge": math.nan,
                "direction_error": float(np.linalg.norm(W / size - svm.coef / svm.norm_value)),
                "margin_ratio": float((pairs @ w).min()) / size / svm.margin,
                "norm_ratio": size / svm.norm_value,
                "orthogonal": float(np.linalg.norm(w - support @ (support.T @ w))) / svm.norm_value,
                "entropy": entropy,
                "to_flow": math.nan,
                "to_library": math.nan,
            }
            | more
        )

    for log_step, W in zip(stopped.log_steps, stopped.coef, strict=True):
        if log_step >= 0.0:
            near = np.isclose(flow.log_steps, log_step, rtol=0.0, atol=1e-9)
            add("early stopping", float(log_step), W,
                to_flow=_relative(W, flow.coef[near][0]) if near.any() else math.nan)  # fmt: skip
    late = np.flatnonzero(flow.log_steps >= first * _LOG10 - 1e-9)
    places = [float(flow.log_steps[at]) + math.log(eta) for at in late]
    for at, L, W in zip(late, places, ridge_solutions(pairs, svm.coef.shape, places), strict=True):
        log_step, log_ridge = float(flow.log_steps[at]), -L - math.log(L)
        add("flow", log_step, flow.coef[at])
        library = _by_library(X, y, W, math.exp(log_ridge)) if log_ridge > math.log(1e-3) else math.nan
        add("ridge", log_step, W, log10_ridge=log_ridge / _LOG10, to_flow=_relative(W, flow.coef[at]),
            to_library=library)  # fmt: skip
    return rows


def _by_library(X: Floats, y: Codes, W: Floats, ridge: float) -> float:
    """Return the relative distance to the multinomial regression of scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0 / ridge, fit_intercept=False, solver="newton-cg", tol=1e-8, max_iter=10_000)
    return _relative(np.asarray(model.fit(X, y).coef_), W)


def _relative(W: Floats, other: Floats) -> float:
    return float(np.linalg.norm(W - other) / np.linalg.norm(other))


def _at_half(table: dict[str, NDArray[Any]], what: str) -> float:
    """Return a value at the square root of the last step."""
    return float(table[what][np.argmin(np.abs(table["log10_step"] - 0.5 * table["log10_step"][-1]))])


def _draw_errors(ax: Axes, columns: Columns, data: str) -> None:
    """Draw the direction errors of the three."""
    from marginscope.experiments.series_style import series_style

    for place, how in enumerate(reversed(_HOW)):
        table = rows_where(columns, data=data, how=how)
        n = max(len(table["L"]) // 7, 1)
        look = series_style(place, every=(place * n // 3, n))
        if how == "early stopping":
            look |= {"linewidth": 4.5, "alpha": 0.4, "marker": ""}
        label = how if how != "ridge" else "ridge at \u03b7t = 1/(\u03bbL)"
        ax.plot(table["log10_step"], table["direction_error"], label=label, **look)
