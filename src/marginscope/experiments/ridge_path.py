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
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RidgePath"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_LOG10 = math.log(10.0)
_MOST_STEPS = 200
_DERIVED = "stationarity lambda W = sum q x~ beside What = sum alpha x~"
# of log10 of the penalty between warm starts
_STRIDE = 1.0


@dataclass(frozen=True)
class Config:
    """Ten rows of two features in three classes; the support pairs span all directions."""

    n_samples: int = 10
    n_features: int = 2
    n_classes: int = 3
    n_steps: int = 50_000
    last: float = 1000.0
    n_records: int = 60
    seed: int = 10


class RidgePath:
    """Direction error, margin and norm ratio of the three, and how far apart they are at matched places."""

    name = "ridge-path"
    title = "ridge, early stopping and the flow meet on one axis"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 3000, "n_records": 16}

    def run(self, config: Config) -> Columns:
        X, y = linear_classes(config.n_samples, config.n_features, config.n_classes, np.random.default_rng(config.seed))
        svm = solve_hard_margin(X, y, tol=1e-10)
        pairs = pair_features(X, y, config.n_classes)
        alpha = np.asarray(svm.dual_weights.data)
        alpha = alpha * (svm.norm_value**2 / alpha.sum())
        entropy = float((alpha * np.log(alpha)).sum() / alpha.sum())
        stopped = descend(X, y, n_steps=config.n_steps, record="log")
        eta = stopped.step_size.scale
        # places in L = log(eta t), from eta t of about 2 on
        first = math.log10(2.0 / eta)
        decades = np.geomspace(first, config.last, config.n_records)
        steps = [*(step_at(one) for one in decades.tolist()), config.n_steps]
        flow = fast_forward(X, y, n_steps=step_at(config.last), record=steps)
        rows: list[dict[str, Any]] = []

        def add(how: str, log_step: float, W: Floats, **more: float) -> None:
            size = float(np.linalg.norm(W))
            u = pairs @ W.ravel()
            rows.append(
                {
                    "how": how,
                    "log10_step": log_step / _LOG10,
                    "L": log_step + math.log(eta),
                    "log10_ridge": math.nan,
                    "direction_error": float(np.linalg.norm(W / size - svm.coef / svm.norm_value)),
                    "margin_ratio": float(u.min()) / size / svm.margin,
                    "norm_ratio": size / svm.norm_value,
                    "entropy": entropy,
                    "to_flow": math.nan,
                    "to_library": math.nan,
                }
                | more
            )

        for log_step, W in zip(stopped.log_steps, stopped.coef, strict=True):
            if log_step >= 0.0:
                near = np.isclose(flow.log_steps, log_step, rtol=0.0, atol=1e-9)
                to_flow = _relative(W, flow.coef[near][0]) if near.any() else math.nan
                add("early stopping", float(log_step), W, to_flow=to_flow)
        at = [float(one) for one in flow.log_steps if math.isfinite(one) and one >= first * _LOG10 - 1e-9]
        for log_step, W in zip(flow.log_steps[-len(at) :], flow.coef[-len(at) :], strict=True):
            add("flow", float(log_step), W)
        places = [one + math.log(eta) for one in at]
        for log_step, L, W, from_flow in zip(at, places, _ridge(X, y, pairs, places), flow.coef[-len(at) :],
                                             strict=True):  # fmt: skip
            log_ridge = -L - math.log(L)
            library = _by_library(X, y, W, math.exp(log_ridge)) if log_ridge > math.log(1e-3) else math.nan
            add("ridge", log_step, W, log10_ridge=log_ridge / _LOG10, to_flow=_relative(W, from_flow),
                to_library=library)  # fmt: skip
        return columns_of(rows)

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        ridge, flow, stopped = (rows_where(columns, how=how) for how in ("ridge", "flow", "early stopping"))
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
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, (left, middle, right) = axes_row(3, 1080, 370)
        ridge = rows_where(columns, how="ridge")
        for place, how in enumerate(("early stopping", "flow", "ridge")):
            table = rows_where(columns, how=how)
            n = max(len(table["L"]) // 7, 1)
            look = series_style(place, every=(place * n // 3, n))
            if how == "early stopping":
                look |= {"linewidth": 4.5, "alpha": 0.4, "marker": ""}
            label = how if how != "ridge" else "ridge at \u03b7t = 1/(\u03bbL)"
            left.plot(table["log10_step"], table["direction_error"], label=label, **look)
            middle.plot(table["log10_step"], table["norm_ratio"], label=label, **look)
        late = ridge["L"] > ridge["entropy"] + 0.5
        middle.plot(ridge["log10_step"][late], (ridge["L"] - ridge["entropy"])[late], color=INKS["ink"], linestyle=":",
                    linewidth=1.0, label="L \u2212 H")  # fmt: skip
        n = max(len(ridge["L"]) // 7, 1)
        right.plot(ridge["log10_step"], ridge["to_flow"], label="ridge to flow, relative", **series_style(2, every=n))
        behind = np.abs(ridge["norm_ratio"] - ridge["L"] + ridge["entropy"])
        right.plot(
            ridge["log10_step"], behind, label="norm ratio of ridge less (L \u2212 H)", **series_style(3, every=n)
        )
        titles = ("direction error to the SVM", "norm of W / norm of the SVM", "distances")
        for ax, title in zip((left, middle, right), titles, strict=True):
            style_axes(ax, grid="both")
            ax.set_yscale("log")
            log_log_axis(ax, config.last)
            ax.set_xlabel("step, or 1/(\u03b7\u03bbL) of a ridge \u03bb")
            ax.set_title(title, loc="left", **plain_text(fontsize=9.5))
            ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
        return figure


def _ridge(X: Floats, y: Codes, pairs: Floats, places: Sequence[float]) -> list[Floats]:
    """Return the ridge solutions at L + log L = -log lambda, one from the other."""
    shape = (int(y.max()) + 1, X.shape[1])
    w, L = np.zeros(pairs.shape[1]), 0.0
    found = []
    for target in places:
        while target > L:
            following = min(target, L + _STRIDE * _LOG10) if L > 0.0 else min(target, 1.0)
            # the solution grows like L
            w = _minimum(pairs, shape[0] - 1, -following - math.log(following), w * (following / L if L else 1.0))
            L = following
        found.append(w.reshape(shape))
    return found


def _minimum(pairs: Floats, n_rivals: int, log_ridge: float, w: Floats) -> Floats:
    """Minimise sum log(1 + sum exp(-u)) / lambda + ||w||^2 / 2 by Newton's method; weights only as q / lambda."""

    def parts(v: Floats) -> tuple[float, Floats, Floats]:
        u = (pairs @ v).reshape(-1, n_rivals)
        log_sum: Floats = np.logaddexp.reduce(-u, axis=1)
        # log(1 + S) is S to rounding where S < 1e-13
        psi = np.logaddexp(0.0, np.maximum(log_sum, -30.0))
        log_psi = np.where(log_sum < -30.0, log_sum, np.log(psi))
        log_q = -u - np.logaddexp(0.0, log_sum)[:, None]
        with np.errstate(over="ignore"):
            value = float(np.exp(log_psi - log_ridge).sum() + 0.5 * v @ v)
            return value, np.exp(log_q - log_ridge).ravel(), np.exp(log_q).ravel()

    value, h, q = parts(w)
    for _ in range(_MOST_STEPS):
        gradient = w - pairs.T @ h
        by_row = np.add.reduceat(pairs * h[:, None], np.arange(0, len(h), n_rivals))
        shares = np.add.reduceat(pairs * q[:, None], np.arange(0, len(h), n_rivals))
        hessian = np.eye(len(w)) + (pairs.T * h) @ pairs - by_row.T @ shares
        step = -scipy.linalg.solve(hessian, gradient, assume_a="pos")
        decrement = -float(gradient @ step)
        length = 1.0
        while length > 1e-10:
            trial = parts(w + length * step)
            if trial[0] <= value - 0.25 * length * decrement + 1e-14 * value:
                break
            length *= 0.5
        w = w + length * step
        value, h, q = trial
        if decrement <= 1e-24 * value:
            break
    return w


def _by_library(X: Floats, y: Codes, W: Floats, ridge: float) -> float:
    """Return the relative distance to the multinomial regression of scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1.0 / ridge, fit_intercept=False, solver="newton-cg", tol=1e-8, max_iter=10_000)
    return _relative(np.asarray(model.fit(X, y).coef_), W)


def _relative(W: Floats, other: Floats) -> float:
    return float(np.linalg.norm(W - other) / np.linalg.norm(other))
