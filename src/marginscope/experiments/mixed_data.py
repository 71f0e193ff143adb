"""Data of which only some pairs are separable: what stays finite, and what grows with log t.

    W(t) = V + What log t + O(1) orthogonal to L,    component in L -> V

L is the span of the features of the tied pairs; V minimises the risk restricted to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.geometry.intercept import with_ones
from marginscope.geometry.margins import all_pairs
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.limits.mixed import MixedLimit, mixed_limit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MixedData"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_JI = "Ji & Telgarsky, COLT 2019, for two classes"
_MOST_DRAWS = 100
_NULL = 1e-9


@dataclass(frozen=True)
class Config:
    """Two classes that overlap, and a third that is apart from both."""

    counts: tuple[int, ...] = (30, 30, 30)
    overlap: float = 1.0
    distance: float = 2.5
    n_steps: int = 1_000_000
    last_decade: int = 100
    n_records: int = 50
    seed: int = 1


class MixedData:
    """The part in the span of the tied pairs, and the growth along the hard margin of the others."""

    name = "mixed-data"
    title = "where only some pairs are separable, one part of the coefficients is finite and one grows"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 20_000, "n_records": 12}

    def run(self, config: Config) -> Columns:
        X, y, limit = _data(config)
        basis = _span_of_ties(X, y, limit)
        V, What = _full(limit.finite, limit.finite_intercept), _full(limit.growing, limit.growing_intercept)
        steps = descend(X, y, fit_intercept=True, n_steps=config.n_steps)
        late = np.linspace(math.log10(config.n_steps), config.last_decade, config.n_records)
        flow = fast_forward(
            X, y, fit_intercept=True, n_steps=Decimal(10) ** config.last_decade,
            record=[Decimal(10) ** Decimal(decade) for decade in late],
        )  # fmt: skip
        names = ("how", "log10_step", "tied_error", "growth", "contrast_tied", "contrast_apart", "checks", "size")
        columns: Columns = {name: [] for name in names}
        checks = limit.checks
        worst = max(checks.finite_gradient, checks.growth_of_ties, abs(checks.smallest_growth - 1.0))
        for how, path in (("steps", steps), ("flow", flow)):
            for log_step, W in zip(path.log_steps, path.runs[0].W, strict=True):
                if log_step < 0.0:
                    continue
                values = (
                    how, float(log_step) / math.log(10.0),
                    float(np.linalg.norm(basis @ (W - V).ravel()) / np.linalg.norm(V)),
                    float((W * What).sum() / (What**2).sum()),
                    float(np.linalg.norm(W[0] - W[1])), float(np.linalg.norm(W[2] - 0.5 * (W[0] + W[1]))),
                    worst, float(np.linalg.norm(What)),
                )  # fmt: skip
                for name, value in zip(names, values, strict=True):
                    columns[name].append(value)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        t = float(config.n_steps)
        x, errors = _curve(columns, "steps", "tied_error")
        last = x >= x[-1] - 1.0
        power = float(np.polyfit(x[last], np.log10(errors[last]), 1)[0])
        far, growth = _curve(columns, "flow", "growth")
        late = far >= 0.5 * config.last_decade
        slope = float(np.polyfit(far[late] * math.log(10.0), growth[late], 1)[0])
        at_last = [float(np.interp(x[-1], *_curve(columns, how, "growth"))) for how in ("steps", "flow")]
        return [
            Claim("true steps: the part in L is that of the Newton optimum", float(errors[-1]),
                  at_most=math.log(t) ** 2 / math.sqrt(t), source=_JI + ": O((log t)^2 / sqrt t)"),
            Claim("true steps: its error falls like 1 / t", power, at_most=-0.9,
                  source="in L the risk has curvature, and the separable pairs push with q ~ 1 / (eta t)"),
            Claim("flow: the part in L is that of the Newton optimum",
                  float(_curve(columns, "flow", "tied_error")[1][-1]), at_most=1e-9,
                  source=_JI + "; rounding of two separate Newton solves"),
            Claim("flow: the slope of <W, What> / ||What||^2 per log t is 1", abs(slope - 1.0), at_most=1e-3,
                  source="dW/dlog t = sum alpha x~ = What on the complement of L"),
            Claim("flow and steps agree at the last step", abs(at_last[1] / at_last[0] - 1.0), at_most=1e-7,
                  source="both follow the same iterates"),
            Claim("gradient of the restricted risk at V, growth of the ties, and least growth less 1",
                  float(np.max(columns["checks"])), at_most=1e-7, source="optimality conditions of the two programs"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS
        from marginscope.reports.step_axes import step_axis

        figure, (left, middle, right) = axes_row(3, 1080, 340)
        for ax in (left, middle, right):
            style_axes(ax, grid="both")
        x, errors = _curve(columns, "steps", "tied_error")
        shown = x >= 0.0
        left.plot(x[shown], errors[shown], label="true steps", **series_style(0, every=6))
        reference = x >= 2.0
        left.plot(x[reference], errors[-1] * 10.0 ** (x[-1] - x[reference]), color=INKS["soft"], linewidth=0.9,
                  linestyle=":", label="proportional to 1 / step")  # fmt: skip
        left.set_yscale("log")
        left.set_title("distance of the tied part to its optimum,\nrelative", loc="left", **plain_text(fontsize=9.5))
        for place, (column, word) in enumerate(
            (("contrast_tied", "between the overlapping classes"), ("contrast_apart", "third class to their mean"))
        ):
            style = series_style(place)
            for how in ("steps", "flow"):
                x, values = _curve(columns, how, column)
                kept = x >= math.log10(config.n_steps) - 1e-9 if how == "flow" else x >= 0.0
                middle.plot(x[kept], values[kept], color=style["color"], linestyle=style["linestyle"],
                            linewidth=1.3, label=word if how == "flow" else None)  # fmt: skip
        middle.axvline(math.log10(config.n_steps), color=INKS["soft"], linewidth=0.8, linestyle=":")
        middle.annotate("true steps end", (math.log10(config.n_steps), 0.97), (4, 0), rotation=90, va="top",
                        xycoords=("data", "axes fraction"), textcoords="offset points",
                        **plain_text(fontsize=8, color=INKS["soft"]))  # fmt: skip
        middle.set_title("norm of a difference of rows of W", loc="left", **plain_text(fontsize=9.5))
        far, growth = _curve(columns, "flow", "growth")
        right.plot(far, growth, label="flow", **series_style(0, every=max(1, config.n_records // 8)))
        line = growth[-1] - (far[-1] - far) * math.log(10.0)
        right.plot(far, line, color=INKS["ink"], linewidth=0.9, linestyle=":", label="slope 1 in log t")
        right.set_title("part along the hard margin of the\nseparable pairs", loc="left", **plain_text(fontsize=9.5))
        right.set_ylabel(r"$\langle W, \hat{W}\rangle / \|\hat{W}\|^2$")
        step_axis(left, np.array([0.0, math.log10(config.n_steps)]))
        for ax in (middle, right):
            step_axis(ax, np.array([0.0, float(config.last_decade)]))
        for ax in (left, middle, right):
            ax.legend(fontsize=8, frameon=False, loc="best", labelcolor=INKS["ink"])
        return figure


def _data(config: Config) -> tuple[Floats, Codes, MixedLimit]:
    """Draw until only some of the pairs are separable."""
    rng = np.random.default_rng(config.seed)
    side, far = 0.5 * config.overlap, config.distance
    means = np.array([[side, 0.0, -far], [-side, 0.0, -far], [0.0, 0.0, far]])
    for _ in range(_MOST_DRAWS):
        X, y = clouds(config.counts, means, 1.0, rng)
        limit = mixed_limit(X, y, fit_intercept=True)
        if limit.status == "quasi_complete":
            break
    return X, y, limit


def _full(coef: Floats, intercept: Floats | None) -> Floats:
    return coef if intercept is None else np.column_stack([coef, intercept])


def _span_of_ties(X: Floats, y: Codes, limit: MixedLimit) -> Floats:
    """Return an orthonormal basis of the features of the tied pairs, one a row."""
    K = len(limit.certificate.classes)
    rows, rivals = np.nonzero(all_pairs(y, K) & ~limit.certificate.separable_mask)
    unit = np.eye(K)
    features = (unit[y[rows]] - unit[rivals])[:, :, None] * with_ones(X)[rows][:, None, :]
    _, sizes, directions = np.linalg.svd(features.reshape(len(rows), -1), full_matrices=False)
    return np.asarray(directions[sizes > _NULL * sizes[0]])


def _curve(columns: Columns, how: str, column: str) -> tuple[Floats, Floats]:
    here = np.array(columns["how"]) == how
    return np.array(columns["log10_step"])[here], np.array(columns[column])[here]
