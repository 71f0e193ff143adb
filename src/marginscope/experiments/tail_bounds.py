"""The exponential tail of every template: its weight between the two bounds that define it.

c (1 - S) exp(-u_1) <= -d_1 psi(u) <= c exp(-u_1),    S = sum_j exp(-u_j)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from marginscope import losses
from marginscope.experiments.experiment import Claim, Columns
from marginscope.losses.tail import certify_tail

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["TailBounds"]

_SOURCE = "Ravi, Scott, Soudry & Wang 2024, definition of the multiclass exponential tail; figure 1"
# rounding of exp and of a product
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Config:
    """Margins from ``lowest`` to ``highest`` for ``n_classes`` classes."""

    n_classes: int = 3
    lowest: float = -1.0
    highest: float = 8.0
    n_points: int = 91


class TailBounds:
    """Minus the first partial derivative of each template along the diagonal, and both bounds."""

    name = "tail-bounds"
    title = "which templates stay between the bounds of the exponential tail"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_points": 19}

    def run(self, config: Config) -> Columns:
        u = np.linspace(config.lowest, config.highest, config.n_points)
        margins = np.repeat(u[:, None], config.n_classes - 1, axis=1)
        S = (config.n_classes - 1) * np.exp(-u)
        columns: Columns = {name: [] for name in ("template", "margin", "value", "weight", "lower", "upper", "status")}
        for template in losses.TEMPLATES:
            c = template.facts.tail_constant or 1.0
            status = certify_tail(template).status
            columns["template"] += [template.name] * len(u)
            columns["margin"] += u.tolist()
            columns["value"] += template.value(margins).tolist()
            columns["weight"] += template.weights(margins)[:, 0].tolist()
            columns["lower"] += (c * (1.0 - S) * np.exp(-u)).tolist()
            columns["upper"] += (c * np.exp(-u)).tolist()
            columns["status"] += [status] * len(u)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        found = []
        for template in losses.TEMPLATES:
            rows = [i for i, name in enumerate(columns["template"]) if name == template.name]
            inside = [i for i in rows if columns["margin"][i] >= 0.0]
            status = columns["status"][rows[0]]
            excess = max(_excess(columns, i) for i in inside)
            if template.facts.tail == "exponential":
                found.append(
                    Claim(f"{template.name} is proved to have the tail", float(status == "proved"), at_least=1)
                )
                found.append(
                    Claim(f"{template.name} stays between the bounds", excess, at_most=_ROUNDING, source=_SOURCE)
                )
            else:
                found.append(
                    Claim(f"{template.name} is refuted", float(status == "refuted"), at_least=1, source=_SOURCE)
                )
        return found

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        n_columns, templates = 5, [template.name for template in losses.TEMPLATES]
        n_rows = -(-len(templates) // n_columns)
        figure, _ = axes_row(1, 1000, 190 * n_rows)
        figure.clear()
        axes = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False).ravel()
        table = {name: np.array(values) for name, values in columns.items()}
        for ax, name in zip(axes, templates, strict=False):
            here = table["template"] == name
            u = table["margin"][here]
            style_axes(ax, grid="both")
            # all are divided by exp(-u), so that the tail is seen at any margin
            scale = np.exp(u)
            lower, upper = table["lower"][here] * scale, table["upper"][here] * scale
            ax.fill_between(u, lower, upper, color=INKS["accent"], alpha=0.14, linewidth=0, label="bounds of the tail")
            is_proved = table["status"][here][0] == "proved"
            ax.plot(u, table["weight"][here] * scale, color=INKS["ink" if is_proved else "unlearned"],
                    linewidth=1.5, linestyle="-" if is_proved else "--", label="weight")  # fmt: skip
            ax.plot(u, table["value"][here], color=INKS["weak"], linewidth=1.0, linestyle=":", label="template")
            ax.set_ylim(-0.6, 2.1)
            ax.set_title(f"{name}: {table['status'][here][0]}", loc="left", **plain_text(fontsize=9))
        axes[0].legend(fontsize=7.5, frameon=False, loc="upper right", labelcolor=INKS["ink"])
        for ax in axes[len(templates) :]:
            ax.set_visible(False)
        figure.supxlabel(f"margin u, the same for all {config.n_classes - 1} rivals", fontsize=10, color=INKS["soft"])
        figure.supylabel(
            "weight and bounds times $e^{u}$: $-\\partial_1\\psi(u)\\,e^{u}$", fontsize=10, color=INKS["soft"]
        )
        return figure


def _excess(columns: Columns, i: int) -> float:
    """Return by how much a weight is outside its bounds, relative to the upper one."""
    weight, lower, upper = (columns[name][i] for name in ("weight", "lower", "upper"))
    worst: float = max(weight - upper, lower - weight) / upper
    return worst
