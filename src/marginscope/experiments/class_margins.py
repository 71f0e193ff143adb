"""Margins by class change the limit: the flow against the exact program, margins and dual mass of every class.

    min ||W||  subject to  <w_y - w_k, x_i> >= m_{y_i}

Dividing the margins of class y by m_y is training on x_i / m_y: the limit follows from the theorem
for plain losses, and so does the share of every class in the force.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.clouds import separable_clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.geometry.intercept import with_ones
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from marginscope.certificates.margin import MarginSolution

__all__ = ["ClassMargins"]

Floats = NDArray[np.float64]

_DECADES = (100, 1000)
_TOL = 1e-10
_THEOREM = "Ravi, Scott, Soudry & Wang 2024 on the rows x_i / m_y: W = What log t + rho with rho bounded"


@dataclass(frozen=True)
class Config:
    """Counts 60, 20 and 6; the margins of the classes are 1, sqrt(r) and r."""

    loss: str = "cross_entropy"
    counts: tuple[int, ...] = (60, 20, 6)
    ratios: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    n_features: int = 4
    distance: float = 3.0
    spread: float = 0.6
    seed: int = 5


class ClassMargins:
    """Smallest margin and dual mass of every class against the margin asked for the smallest class."""

    name = "class-margins"
    title = "margins of classes move the limit, and who carries it"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"ratios": (1.0, 4.0)}

    def run(self, config: Config) -> Columns:
        rng = np.random.default_rng(config.seed)
        X, y = separable_clouds(config.counts, config.n_features, config.distance, config.spread, rng)
        K = len(config.counts)
        names = ("ratio", "class", "class_margin", "exact_margin", "flow_margin", "exact_share", "flow_share",
                 "error_at_1e100", "error_at_1e1000", "rescaled_error")  # fmt: skip
        columns: Columns = {name: [] for name in names}
        for ratio in config.ratios:
            m = ratio ** np.linspace(0.0, 1.0, K)
            exact = solve_hard_margin(X, y, fit_intercept=True, class_margins=m, tol=_TOL)
            # rows and their column of ones divided by the margin of their class: the plain problem
            plain = solve_hard_margin(with_ones(X) / m[y][:, None], y, tol=_TOL)
            path = fast_forward(
                X, y, loss=config.loss, fit_intercept=True, class_margins=m,
                n_steps=Decimal(10) ** _DECADES[-1], record=[Decimal(10) ** decade for decade in _DECADES],
            )  # fmt: skip
            W = path.runs[0].W[-1]
            log_weights = path.objective.template.log_weights(path.objective.margins(W))
            weights = np.exp(log_weights - log_weights.max()).sum(axis=1)
            scores = with_ones(X) @ np.stack([W / np.linalg.norm(W), exact.full_coef / exact.norm_value]).swapaxes(1, 2)
            for k in range(K):
                values = (
                    ratio, k, float(m[k]), _smallest(scores[1], y, k), _smallest(scores[0], y, k),
                    _dual_share(exact, y, m, k), float(weights[y == k].sum() / weights.sum()),
                    float(path.direction_error[-2]), float(path.direction_error[-1]),
                    float(np.linalg.norm(exact.full_coef - plain.coef) / exact.norm_value),
                )  # fmt: skip
                for name, value in zip(names, values, strict=True):
                    columns[name].append(value)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        fall = table["error_at_1e100"] / table["error_at_1e1000"]
        carries = table["exact_share"] > 0.0
        # every class's smallest margin over its class margin is 1 / ||What||
        scaled = table["exact_margin"] / table["class_margin"]
        apart = [np.ptp(scaled[carries & (table["ratio"] == r)]) / scaled.max() for r in config.ratios]
        log_t = _DECADES[-1] * math.log(10.0)
        off = np.abs(table["flow_margin"] / table["exact_margin"] - 1.0) * log_t
        minority = table["class"] == len(config.counts) - 1
        rises = np.diff(table["exact_margin"][minority])
        return [
            Claim("the direction error of the flow falls tenfold from step 1e100 to 1e1000: off by",
                  float(np.abs(fall - 10.0).max()), at_most=1.0,
                  source=_THEOREM + "; the error is C / (log t - H), with H below ten decades"),
            Claim("the exact program is the plain one on x_i / m_y", float(table["rescaled_error"].max()),
                  at_most=1e-5, source="substitution; a relative gap of 1e-10 leaves an error of its square root"),
            Claim("every class with dual mass has a row at its margin", float(np.max(apart)), at_most=1e-5,
                  source="complementary slackness; a relative gap of 1e-10 leaves an error of its square root"),
            Claim("smallest margins of the flow are those of the program up to C / log t: C", float(off.max()),
                  at_most=20.0, source=_THEOREM),
            Claim("the share of every class in the force is that of its dual mass",
                  float(np.abs(table["flow_share"] - table["exact_share"]).max()), at_most=1e-5,
                  source="eta t q_ik m_y^-1 tends to the multipliers: force balance of dW/dlog t = What"),
            Claim("the smallest class's margin grows with what is asked for it", float(rises.min()), at_least=0.0,
                  source="scaled by 1 / r the margins asked are 1 / r, r^-1/2 and 1: they fall, so ||W|| does"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        figure, axes = axes_row(2, 860, 370)
        table = {name: np.array(values) for name, values in columns.items()}
        words = (("margin", "smallest margin of the class, divided by $\\|W\\|$"),
                 ("share", "share of the class in the force (dual mass)"))  # fmt: skip
        for ax, (column, title) in zip(axes, words, strict=True):
            style_axes(ax, grid="both")
            for k, n in enumerate(config.counts):
                here = table["class"] == k
                style = series_style(k)
                ax.plot(table["ratio"][here], table[f"exact_{column}"][here], label=f"class of {n} rows, exact program",
                        color=style["color"], linestyle=style["linestyle"], linewidth=1.3)  # fmt: skip
                ax.plot(table["ratio"][here], table[f"flow_{column}"][here], label=f"class of {n} rows, flow",
                        color=style["color"], linestyle="none", marker=style["marker"], markersize=5.5)  # fmt: skip
            ax.set_xscale("log", base=2)
            ax.set_xticks(config.ratios, [f"{ratio:g}" for ratio in config.ratios])
            ax.set_xlabel("margin asked for the smallest class, with 1 for the largest")
            ax.set_ylim(bottom=0.0)
            ax.set_title(title, loc="left", **plain_text(fontsize=9.5, parse_math=True))
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5,
                      frameon=False, labelcolor=INKS["ink"], handlelength=3.2)  # fmt: skip
        return figure


def _smallest(scores: Floats, y: NDArray[np.intp], k: int) -> float:
    """Return the smallest margin of the rows of class k."""
    own = scores[y == k]
    return float((own[:, k] - np.delete(own, k, axis=1).max(axis=1)).min())


def _dual_share(solution: MarginSolution, y: NDArray[np.intp], m: Floats, k: int) -> float:
    """Return sum of beta m over the rows of class k, divided by that of all rows."""
    mass = np.asarray(solution.dual_weights.sum(axis=1)).ravel() * m[y]
    return float(mass[y == k].sum() / mass.sum())
