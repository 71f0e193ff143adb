"""One-vs-rest beside the joint multinomial fit: another direction, a stronger need, and a class that is masked.

One-vs-rest comes to K binary max margins, each by itself, and needs every class apart from all others by a plane. The
joint fit couples all pairs in one norm, and needs only that scores can be ordered. Where classes are sectors of the
plane no line parts one from the rest: the one-vs-rest fit is finite, and a narrow sector may never be predicted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray

from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.least_distance import shortest_separator
from marginscope.experiments.log_log_axis import log_log_axis, spaced_steps, step_at
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.hard_margin import solve_hard_margin
from marginscope.solvers.separability import separability

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["OneVsRest"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_LAST = 1000.0
_NARROW = 1
# of Newton's method, beside a minimum
_POLISHING_STEPS = 3
_BOTH = ("multinomial", "one-vs-rest")
_BINARY = "K binary max-margin problems (Soudry et al. 2018), by non-negative least squares"


@dataclass(frozen=True)
class Config:
    """Clouds that both can separate, and four sectors of which one is narrow (its width in degrees)."""

    n_classes: int = 4
    n_features: int = 5
    per_class: int = 8
    spread: float = 0.1
    n_records: int = 50
    n_points: int = 150
    width: float = 30.0
    seed: int = 0


class OneVsRest:
    """Paths and limits of both on clouds; regions and recalls of both on sectors."""

    name = "ovr-vs-multinomial"
    title = "one-vs-rest has another limit than the joint fit, and may mask a class"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_records": 12}

    def run(self, config: Config) -> Columns:
        return columns_of([*_paths(config), *_sectors(config)])

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        joint, apart = (rows_where(columns, kind="path", method=name) for name in _BOTH)
        narrow = rows_where(columns, kind="recall", label=_NARROW)
        recall = {name: rows_where(columns, kind="recall", label=_NARROW, method=name) for name in _BOTH}
        multinomial = rows_where(columns, kind="recall", method="multinomial")
        rest = rows_where(columns, kind="recall", method="one-vs-rest")
        return [
            Claim("the joint fit comes to the multiclass SVM: direction error at step 1e1000 over that at 1e500",
                  _halved(joint, "to_joint"), at_least=0.48, at_most=0.52,
                  source="Ravi, Scott, Soudry & Wang 2024: rho is bounded, so the error is C / log t"),
            Claim("one-vs-rest comes to the binary SVMs: direction error at step 1e1000 over that at 1e500",
                  _halved(apart, "to_binary"), at_least=0.48, at_most=0.52, source=_BINARY),
            Claim("one-vs-rest ends away from the multiclass SVM, direction error", float(apart["to_joint"][-1]),
                  at_least=0.05, source="both limits are unique, so a distance that stays is a difference"),
            Claim("the margin of one-vs-rest over the largest, at step 1e1000", float(apart["margin"][-1]),
                  at_most=0.99, source="the multiclass SVM is the only direction of largest margin"),
            Claim("sectors: the joint fit classifies every row right", float(multinomial["recall"].min()), at_least=1.0,
                  source="separability certificate, and the hard margin"),
            Claim("sectors: no class is apart from the rest by a plane, number that are",
                  float(rest["is_separable"].sum()), at_most=0.0,
                  source="separability certificates, and non-negative least squares without a solution"),
            Claim("sectors: the one-vs-rest fits are at their minimum, largest gradient entry",
                  float(rest["gradient"].max()), at_most=1e-8, source="binary logistic risk written out, convex"),
            Claim("sectors: one-vs-rest never predicts the narrow class without intercept",
                  float(recall["one-vs-rest"]["recall"][~recall["one-vs-rest"]["intercept"]].max()), at_most=0.0,
                  source="Hastie, Tibshirani & Friedman 2009, 4.2: masking"),
            Claim("sectors: with an intercept one-vs-rest still misses rows of it",
                  float(narrow["recall"][narrow["intercept"]].min()), at_most=0.99,
                  source="masking is not the lack of an intercept"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, (left, middle, right) = axes_row(3, 1080, 370)
        _draw_regions(left, columns, "multinomial")
        _draw_regions(middle, columns, "one-vs-rest")
        style_axes(right, grid="both")
        lines = (
            ("multinomial to multiclass SVM", "multinomial", "to_joint"),
            ("one-vs-rest to its binary SVMs", "one-vs-rest", "to_binary"),
            ("one-vs-rest to multiclass SVM", "one-vs-rest", "to_joint"),
        )
        for place, (label, method, what) in enumerate(lines):
            table = rows_where(columns, kind="path", method=method)
            n = max(len(table[what]) // 6, 1)
            right.plot(table["log10_step"], table[what], label=label, **series_style(place, every=(place % n, n)))
        right.set_yscale("log")
        log_log_axis(right, _LAST)
        right.set_ylabel("direction error")
        right.set_title("clouds, cross_entropy", loc="left", **plain_text(fontsize=9.5))
        right.legend(fontsize=8, frameon=False, loc="lower left", labelcolor=INKS["ink"])
        return figure


def _paths(config: Config) -> list[dict[str, Any]]:
    """Follow both to step 1e1000 on clouds."""
    rng = np.random.default_rng(config.seed)
    means = rng.standard_normal((config.n_classes, config.n_features))
    means /= np.linalg.norm(means, axis=1)[:, None]
    X, y = clouds([config.per_class] * config.n_classes, means, config.spread, rng)
    steps = [*spaced_steps(config.n_records, _LAST), step_at(_LAST / 2.0)]
    joint = fast_forward(X, y, n_steps=step_at(_LAST), record=steps)
    binary = [fast_forward(X, y == k, n_steps=step_at(_LAST), record=steps) for k in range(config.n_classes)]
    stacked = np.stack([one.coef[:, 1] - one.coef[:, 0] for one in binary], axis=1)
    best = solve_hard_margin(X, y)
    separators = [shortest_separator(X * np.where(y == k, 1.0, -1.0)[:, None]) for k in range(config.n_classes)]
    limit = np.array([np.full(config.n_features, np.nan) if w is None else w for w in separators])
    rows = []
    for method, coefs in zip(_BOTH, (joint.coef, stacked), strict=True):
        for log_step, W in zip(joint.log_steps, coefs, strict=True):
            if log_step < math.log(10.0) - 1e-9:
                continue
            scores = X @ W.T
            own = scores[np.arange(len(y)), y][:, None]
            margin = float(np.where(np.arange(config.n_classes) == y[:, None], np.inf, own - scores).min())
            centred = W - W.mean(axis=0)
            rows.append(
                _empty("path", method)
                | {
                    "log10_step": float(log_step) / math.log(10.0),
                    "to_joint": _apart(centred, best.coef),
                    "to_binary": _apart(W, limit),
                    "margin": margin / float(np.linalg.norm(centred)) / best.margin,
                }
            )
    return rows


def _sectors(config: Config) -> list[dict[str, Any]]:
    """Fit both to four sectors of the plane, with and without intercept."""
    X, y = _draw_sectors(config)
    rows = [
        _empty("point", "") | {"label": int(k), "x1": float(a), "x2": float(b)} for (a, b), k in zip(X, y, strict=True)
    ]
    for intercept in (False, True):
        Z = np.column_stack([X, np.ones(len(X))]) if intercept else X
        joint = solve_hard_margin(X, y, fit_intercept=intercept).full_coef
        fits = [_binary_fit(Z, y == k) for k in range(4)]
        for method, W in zip(_BOTH, (joint, np.array([w for w, _ in fits])), strict=True):
            predicted = (Z @ W.T).argmax(axis=1)
            for k in range(4):
                apart = separability(X, (y == k).astype(np.intp), fit_intercept=intercept).status == "complete"
                found = shortest_separator(Z * np.where(y == k, 1.0, -1.0)[:, None]) is not None
                rows.append(
                    _empty("recall", method)
                    | {
                        "label": k,
                        "intercept": intercept,
                        "x1": float(W[k, 0]),
                        "x2": float(W[k, 1]),
                        "recall": float(np.mean(predicted[y == k] == k)),
                        "is_separable": bool(apart or found),
                        "gradient": fits[k][1],
                    }
                )
    return rows


def _draw_sectors(config: Config) -> tuple[Floats, Codes]:
    """Return points in four sectors, not too near to their edges and to the origin."""
    rng = np.random.default_rng(config.seed)
    edges = np.radians([0.0, 100.0, 100.0 + config.width, 240.0])
    n = 20 * config.n_points
    angle, radius = rng.uniform(0.0, 2.0 * np.pi, n), rng.uniform(0.5, 1.5, n)
    to_edge = np.abs((angle[:, None] - edges + np.pi) % (2.0 * np.pi) - np.pi).min(axis=1)
    kept = np.flatnonzero(to_edge > 0.05)[: config.n_points]
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])[kept]
    return X, np.asarray(np.searchsorted(edges, angle[kept], side="right") - 1, dtype=np.intp)


def _binary_fit(Z: Floats, is_class: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Minimise the binary logistic risk by Newton's method; return the largest gradient entry too."""
    A = Z * np.where(is_class, 1.0, -1.0)[:, None]

    def risk(w: Floats) -> float:
        return float(np.logaddexp(0.0, -A @ w).sum())

    def gradient(w: Floats) -> Floats:
        return np.asarray(-A.T @ scipy.special.expit(-A @ w))

    def hessian(w: Floats) -> Floats:
        p = scipy.special.expit(A @ w)
        return np.asarray((A.T * (p * (1.0 - p))) @ A)

    found = scipy.optimize.minimize(
        risk, np.zeros(A.shape[1]), jac=gradient, hess=hessian, method="trust-exact", options={"gtol": 1e-10}
    )
    w = np.asarray(found.x)
    for _ in range(_POLISHING_STEPS):
        w = w - np.linalg.solve(hessian(w), gradient(w))
    return w, float(np.abs(gradient(w)).max())


def _apart(W: Floats, limit: Floats) -> float:
    """Return the distance of the directions."""
    return float(np.linalg.norm(W / np.linalg.norm(W) - limit / np.linalg.norm(limit)))


def _halved(table: dict[str, NDArray[Any]], what: str) -> float:
    """Return the value at the last step over that at its square root."""
    at = [int(np.argmin(np.abs(table["log10_step"] - one))) for one in (_LAST / 2.0, _LAST)]
    return float(table[what][at[1]] / table[what][at[0]])


def _empty(kind: str, method: str) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind, "method": method, "label": -1, "intercept": False, "is_separable": False}
    names = ("log10_step", "to_joint", "to_binary", "margin", "x1", "x2", "recall", "gradient")
    return row | dict.fromkeys(names, math.nan)


def _draw_regions(ax: Axes, columns: Columns, method: str) -> None:
    """Draw the regions without intercept and the points; the recall of the narrow class is in the title."""
    from matplotlib.colors import ListedColormap

    from marginscope.reports.figures import plain_text
    from marginscope.reports.palette import INKS, SERIES

    table = rows_where(columns, kind="recall", method=method, intercept=False)
    points = rows_where(columns, kind="point")
    W = np.column_stack([table["x1"], table["x2"]])
    ticks = np.linspace(-1.7, 1.7, 500)
    plane = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    colours = [INKS[name] for name in SERIES[:4]]
    ax.pcolormesh(ticks, ticks, (plane @ W.T).argmax(axis=-1), cmap=ListedColormap(colours), alpha=0.28,
                  vmin=-0.5, vmax=3.5, rasterized=True)  # fmt: skip
    for k in range(4):
        mine = points["label"] == k
        ax.plot(points["x1"][mine], points["x2"][mine], "os^D"[k], color=colours[k], markeredgecolor=INKS["ink"],
                markeredgewidth=0.6, markersize=4.5)  # fmt: skip
    ax.set_aspect("equal")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(INKS["line"])
    recall = float(table["recall"][table["label"] == _NARROW][0])
    ax.set_title(f"{method}: recall of the narrow class {recall:.2f}", loc="left", **plain_text(fontsize=9.5))
