"""Twelve optimizers in five norms: each comes to the largest margin of its own norm and to no other.

Every ratio is the normalised margin min u_ik / ||W|| over the largest there is in that norm, which is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from marginscope.descent import OPTIMIZERS, Optimizer
from marginscope.descent.adam import Adam
from marginscope.descent.step_size import StepSize, step_size_for
from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.geometry.margins import relative_margins
from marginscope.geometry.norms import get_norm
from marginscope.limits.descend import descend
from marginscope.losses import get
from marginscope.objectives import LinearObjective
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["OptimizerGeometry"]

_NORMS = ("frobenius", "max", "sum", "spectral", "nuclear")
_FAN = "Fan, Schmidt & Thrampoulidis 2025: the gap is O((log t + n) / sqrt t) with steps of length t^-1/2"
# of a margin, beside the proved upper end
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Config:
    """Six classes, so that nuclear, spectral and Frobenius norms differ; lengths are times what is safe."""

    loss: str = "cross_entropy"
    n_classes: int = 6
    n_features: int = 8
    per_class: int = 10
    spread: float = 0.1
    n_steps: int = 20_000
    lengthening: float = 4.0
    beta2: float = 0.95
    least_ratio: float = 0.95
    seed: int = 1


class OptimizerGeometry:
    """Margin ratio of every optimizer and of every exact optimum in every norm."""

    name = "optimizer-geometry"
    title = "each optimizer maximises the margin of its own norm"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 3000, "least_ratio": 0.85}

    def run(self, config: Config) -> Columns:
        rng = np.random.default_rng(config.seed)
        means = rng.standard_normal((config.n_classes, config.n_features))
        means /= np.linalg.norm(means, axis=1)[:, None]
        X, y = clouds([config.per_class] * config.n_classes, means, config.spread, rng)
        best = {norm: solve_hard_margin(X, y, norm=norm) for norm in _NORMS}
        rows: list[dict[str, Any]] = []

        def add(kind: str, name: str, own: str, norm: str, margin: float) -> None:
            lower, upper = best[norm].bracket
            rows.append(
                {
                    "kind": kind,
                    "method": name,
                    "own_norm": own,
                    "norm": norm,
                    "margin": margin,
                    "best_lower": lower,
                    "best_upper": upper,
                    "is_proved": best[norm].verify(X, y),
                    "ratio": margin / lower,
                }
            )

        for optimizer in OPTIMIZERS:
            method = replace(optimizer, beta2=config.beta2) if isinstance(optimizer, Adam) else optimizer
            path = descend(X, y, loss=config.loss, optimizer=method, n_steps=config.n_steps, record=[], norms=_NORMS,
                           step_size=_step_size(config, method, X, y))  # fmt: skip
            for norm in _NORMS:
                add("optimizer", method.name, method.norm or "", norm, float(path.margins(norm)[-1]))
        for own, solution in best.items():
            worst = float(relative_margins(X, y, solution.coef).min())
            for norm in _NORMS:
                add("optimum", own, own, norm, worst / get_norm(norm).value(solution.coef))
        return columns_of(rows)

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        made = rows_where(columns, kind="optimizer")
        found = [
            Claim("every largest margin is proved again from weights and coefficients alone",
                  float(np.min(columns["is_proved"])), at_least=1.0, source="weak duality, no solver"),
            Claim("no margin is above the proved upper end, relative",
                  float(np.max(made["margin"] / made["best_upper"])), at_most=1.0 + _ROUNDING, source="weak duality"),
        ]  # fmt: skip
        for norm in _NORMS:
            here = made["norm"] == norm
            own = made["own_norm"] == norm
            found.append(
                Claim(f"in the {norm} norm a method of that norm is the best, by",
                      float(made["ratio"][here & own].max() - made["ratio"][here & ~own].max()), at_least=0.0,
                      source=_FAN)
            )  # fmt: skip
        for method in OPTIMIZERS:
            if not method.is_normalized:
                continue
            mine = made["method"] == method.name
            own = mine & (made["norm"] == method.norm)
            found += [
                Claim(f"{method.name} comes to the largest margin of the {method.norm} norm",
                      float(made["ratio"][own][0]), at_least=config.least_ratio, source=_source(method)),
                Claim(f"{method.name} is further from the largest margin of every other norm, by",
                      float(made["ratio"][own][0] - made["ratio"][mine & ~own].max()), at_least=0.0,
                      source=_source(method)),
            ]  # fmt: skip
        return found

    def figure(self, config: Config, columns: Columns) -> Figure:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        from marginscope.reports.figures import axes_row, plain_text

        figure, _ = axes_row(1, 900, 420)
        figure.clear()
        left, right = figure.subplots(1, 2, width_ratios=(1, 1))
        order = sorted(OPTIMIZERS, key=lambda one: _NORMS.index(one.norm or ""))
        colours = ScalarMappable(Normalize(0.4, 1.0), "cividis")
        _heat(left, columns, "optimizer", [one.name for one in order], colours)
        _heat(right, columns, "optimum", list(_NORMS), colours)
        left.set_title(f"{config.n_steps:,} steps on {config.loss}", loc="left", **plain_text(fontsize=9.5))
        right.set_title("exact max-margin solution of a norm", loc="left", **plain_text(fontsize=9.5))
        bar = figure.colorbar(colours, ax=[left, right], shrink=0.8)
        bar.set_label("margin / largest margin in the norm of the column")
        return figure


def _step_size(config: Config, method: Optimizer, X: Any, y: Any) -> Any:
    """Return what theory calls safe, and for normalised methods longer steps that fall like t^-1/2."""
    if not method.is_normalized or method.name == "dual_accelerated":
        return "theory"
    objective = LinearObjective(get(config.loss), X, y, config.n_classes)
    safe = step_size_for("theory", objective, method, np.zeros(objective.shape))
    return StepSize(config.lengthening * safe.scale, 0.5)


def _source(method: Optimizer) -> str:
    if method.name == "adam":
        return "Zhang, Zou & Cao 2024: Adam with eps = 0; Fan, Schmidt & Thrampoulidis 2025"
    return "Ji, Srebro & Telgarsky 2021" if method.name == "dual_accelerated" else _FAN


def _heat(ax: Axes, columns: Columns, kind: str, names: Sequence[str], colours: Any) -> None:
    """Draw the ratios as coloured cells with their values; the cell of the own norm has a frame."""
    from matplotlib.patches import Rectangle

    from marginscope.reports.figures import set_names
    from marginscope.reports.palette import INKS

    for row, name in enumerate(names):
        table = rows_where(columns, kind=kind, method=name)
        for column, norm in enumerate(_NORMS):
            at = table["norm"] == norm
            ratio = float(table["ratio"][at][0])
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colours.to_rgba(ratio), linewidth=0))
            # three digits, never rounded up to one
            text = f"{np.floor(1000.0 * ratio + 1e-6) / 1000.0:.3f}"
            ax.text(column, row, text, ha="center", va="center", fontsize=8,
                    color=INKS["ink" if ratio > 0.72 else "paper"])  # fmt: skip
            if table["own_norm"][at][0] == norm:
                ax.add_patch(Rectangle((column - 0.45, row - 0.42), 0.9, 0.84, fill=False, edgecolor=INKS["ink"],
                                       linewidth=1.6))  # fmt: skip
    ax.set_xlim(-0.5, len(_NORMS) - 0.5)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks(range(len(_NORMS)), _NORMS, rotation=25, fontsize=9, color=INKS["ink"])
    set_names(ax, list(names), size=9)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
