"""A family of hypotheses as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.figures import axes_of, plain_text, set_names, style_axes
from marginscope.reports.palette import INKS
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Family", "draw_family", "family_rows", "figure", "fragment", "page"]

_MOST_ROWS = 40
_SMALLEST_P = 1e-300
_USUAL_LEVEL = 0.05


class Family(Protocol):
    """What a family of tests has to say of itself."""

    @property
    def title(self) -> str: ...
    @property
    def hypothesis(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def holm_p_values(self) -> Sequence[float | None]: ...
    def to_dict(self) -> dict[str, Any]: ...


def figure(result: Family, ax: Axes | None = None) -> Figure:
    """Draw how unlikely each likelihood ratio is under its hypothesis."""
    return draw_family(result, ax)


def page(result: Family) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("hypotheses.html.j2", result.to_dict(), **_view(result))


def fragment(result: Family) -> str:
    """Return the cell of a notebook."""
    return render_fragment("hypotheses_fragment.html.j2", **_view(result))


def family_rows(result: Family) -> list[dict[str, Any]]:
    """Return one line per test for a table."""
    return list(result.to_dict()["tests"])


def draw_family(result: Family, ax: Axes | None = None) -> Figure:
    """Draw the p values' orders of magnitude; in colour what Holm leaves."""
    tests = [one for one in family_rows(result) if one["p_value"] is not None][:_MOST_ROWS]
    figure, ax = axes_of(ax, 520, 80 + 22 * max(len(tests), 2))
    style_axes(ax)
    for row, one in enumerate(tests):
        height = -math.log10(max(one["p_value"], _SMALLEST_P))
        ink = "accent" if one["p_holm"] < _USUAL_LEVEL else "soft"
        ax.hlines(row, 0.0, height, color=INKS[ink], linewidth=2.0, alpha=0.6)
        ax.plot([height], [row], "o" if ink == "accent" else "s", color=INKS[ink], markersize=5)
    set_names(ax, [as_label(one["name"], 30) for one in tests])
    ax.set_ylim(max(len(tests), 1) - 0.4, -0.6)
    ax.set_xlim(left=0.0)
    ax.axvline(-math.log10(_USUAL_LEVEL), color=INKS["ink"], linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set_xlabel("minus log10 of the likelihood ratio's p value; dashed: 0.05; round: below it after Holm")
    if not tests:
        ax.annotate("nothing can be tested", (0.5, 0.5), xycoords="axes fraction", ha="center", **plain_text())
    return figure


def _view(result: Family) -> dict[str, Any]:
    return {
        "headline": result.title,
        "lines": [result.hypothesis, *([result.note] if result.note else [])],
        "picture": as_inline_svg(draw_family(result), f"{result.title}: how unlikely each likelihood ratio is"),
        "family": result,
        "tests": family_rows(result),
    }
