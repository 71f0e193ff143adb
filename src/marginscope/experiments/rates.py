"""How fast the margin comes to its largest value: constant, normalised and accelerated steps.

The gap falls like C / log t for gradient descent, C known from the multipliers of the hard margin, like t^-1/2 for
normalised steps of length t^-1/2, like 1 / t for normalised steps of constant length, and like 1 / t^2 by dual
acceleration.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.log_log_axis import log_log_axis, spaced_steps
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Rates"]

_FAN = "Fan, Schmidt & Thrampoulidis 2025: O(log t / sqrt t) with steps of length t^-1/2"
_LAST = 1000.0


class _Method(NamedTuple):
    """A line of the figure: an optimizer, its steps, and the power of t at which theory has its gap fall."""

    label: str
    optimizer: str
    loss: str
    step_size: Any
    exponent: float | None
    source: str


_METHODS = (
    _Method("gradient descent", "gd", "cross_entropy", "theory", None, "1 / log t"),
    _Method("normalised, steps 1/\u221at", "normalized", "exponential", (1.0, 0.5), -0.5,
            "Nacson et al. 2019: O(log t / sqrt t)"),
    _Method("sign, steps 1/\u221at", "sign", "exponential", (0.3, 0.5), -0.5, _FAN),
    _Method("spectral, steps 1/\u221at", "spectral", "exponential", (0.6, 0.5), -0.5, _FAN),
    _Method("normalised, constant steps", "normalized", "exponential", (0.05, 0.0), -1.0,
            "Ji & Telgarsky 2021: O(1 / t)"),
    _Method("dual acceleration", "dual_accelerated", "exponential", "theory", -2.0,
            "Ji, Srebro & Telgarsky 2021: O(log t / t^2)"),
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Thirty rows of four features in three classes; exponents are fitted to the last decade of steps."""

    n_samples: int = 30
    n_features: int = 4
    n_classes: int = 3
    n_steps: int = 30_000
    n_records: int = 60
    tolerance: float = 0.1
    seed: int = 0


class Rates:
    """1 - margin / largest margin of each method against the steps, and of descent up to step 1e1000."""

    name = "rates"
    title = "how fast the margin comes to its largest value"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 5000, "n_records": 15, "tolerance": 0.15}

    def run(self, config: Config) -> Columns:
        X, y = linear_classes(config.n_samples, config.n_features, config.n_classes, np.random.default_rng(config.seed))
        steps = np.unique(np.geomspace(1, config.n_steps, config.n_records).astype(int)).tolist()
        rows: list[dict[str, Any]] = []

        def add(label: str, log_steps: Any, gap: Any) -> None:
            for log_step, value in zip(log_steps, gap, strict=True):
                if math.isfinite(log_step) and math.isfinite(value):
                    decades = float(log_step) / math.log(10.0)
                    rows.append({"method": label, "log10_step": decades, "gap": float(value)})

        for one in _METHODS:
            path = descend(
                X, y, loss=one.loss, optimizer=one.optimizer, step_size=one.step_size, n_steps=config.n_steps,
                record=steps,
            )  # fmt: skip
            add(one.label, path.log_steps, path.margin_gap_ratio)
        far = fast_forward(X, y, n_steps="1e1000", record=spaced_steps(config.n_records, _LAST))
        add("flow", far.log_steps, far.margin_gap_ratio)
        svm = solve_hard_margin(X, y, tol=1e-10)
        alpha = np.asarray(svm.dual_weights.data)
        alpha = alpha * (svm.norm_value**2 / alpha.sum())
        # from the multipliers alone: gap = (log alpha_max - H) / (log t + log eta - H)
        entropy = float((alpha * np.log(alpha)).sum() / alpha.sum())
        late = far.log_steps[far.log_steps > 20.0]
        time = late + math.log(far.step_size.scale) - entropy
        add("law", late, (math.log(alpha.max()) - entropy) / time)
        return columns_of(rows)

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        found = []
        for one in _METHODS:
            if one.exponent is None:
                continue
            found.append(
                Claim(f"{one.label}: fitted power of t of the margin gap", _power(columns, one.label),
                      at_least=one.exponent - config.tolerance, at_most=one.exponent + config.tolerance,
                      source=one.source + "; the fit over a decade adds the slope of log t")
            )  # fmt: skip
        flow, law = (rows_where(columns, method=name) for name in ("flow", "law"))
        late = flow["log10_step"] >= 0.5 * _LAST
        slope = np.polyfit(np.log(flow["log10_step"][late]), np.log(flow["gap"][late]), 1)[0]
        shared = np.isin(flow["log10_step"], law["log10_step"])
        ends = [float(rows_where(columns, method=one.label)["gap"][-1]) for one in _METHODS]
        return [
            *found,
            Claim("gradient descent: fitted power of log t of the margin gap", float(slope), at_least=-1.02,
                  at_most=-0.98, source="Soudry et al. 2018; Ravi, Scott, Soudry & Wang 2024: rho is bounded"),
            Claim("its constant is log alpha_max - H at step 1e1000, relative",
                  float(flow["gap"][shared][-1] / law["gap"][-1] - 1.0), at_least=-0.02, at_most=0.02,
                  source="<x~, rho> = log(eta c / alpha) on support pairs; H = sum alpha log alpha / sum alpha"),
            Claim("the methods are in the order of theory at the last step: largest ratio of one to the one before",
                  max(ends[4] / ends[1], ends[1] / ends[0], ends[5] / ends[4]), at_most=1.0,
                  source="1 / log t, t^-1/2, 1 / t and 1 / t^2"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS
        from marginscope.reports.step_axes import step_axis

        figure, (left, right) = axes_row(2, 980, 390)
        for ax in (left, right):
            style_axes(ax, grid="both")
            ax.set_yscale("log")
            ax.set_ylabel("1 \u2212 margin / largest margin")
        for place, one in enumerate(_METHODS):
            table = rows_where(columns, method=one.label)
            n = len(table["gap"])
            label = one.label if one.exponent is None else f"{one.label}: $t^{{{_power(columns, one.label):.2f}}}$"
            left.plot(table["log10_step"], table["gap"], label=label, **series_style(place, every=max(n // 8, 1)))
            _guide(left, table, one.exponent)
        step_axis(left, np.array([0.0, math.log10(config.n_steps)]))
        left.set_title("true steps, fitted powers, and those of theory (thin)", loc="left", **plain_text(fontsize=9.5))
        flow, law = (rows_where(columns, method=name) for name in ("flow", "law"))
        right.plot(flow["log10_step"], flow["gap"], label="gradient descent, by the flow",
                   **series_style(0, every=max(len(flow["gap"]) // 8, 1)))  # fmt: skip
        right.plot(law["log10_step"], law["gap"], color=INKS["weak"], linewidth=4.5, alpha=0.45, zorder=1,
                   label="(log \u03b1 max \u2212 H) / (log \u03b7t \u2212 H)")  # fmt: skip
        log_log_axis(right, _LAST)
        right.set_title("gradient descent to step $10^{1000}$", loc="left", fontsize=9.5, color=INKS["ink"])
        left.legend(fontsize=7.5, frameon=False, loc="lower left", labelcolor=INKS["ink"])
        right.legend(fontsize=8, frameon=False, loc="lower left", labelcolor=INKS["ink"])
        return figure


def _power(columns: Columns, label: str) -> float:
    """Return the slope of log gap against log t over the last decade."""
    table = rows_where(columns, method=label)
    late = table["log10_step"] >= table["log10_step"][-1] - 1.0
    return float(np.polyfit(table["log10_step"][late], np.log10(table["gap"][late]), 1)[0])


def _guide(ax: Axes, table: dict[str, Any], exponent: float | None) -> None:
    """Draw the power of theory through the last point, over two decades."""
    from marginscope.reports.palette import INKS

    if exponent is not None:
        x = table["log10_step"][-1] - np.array([2.0, 0.0])
        y = table["gap"][-1] * 10.0 ** (exponent * (x - x[-1]))
        ax.plot(x, y, color=INKS["undecided"], linewidth=0.7, zorder=1)
