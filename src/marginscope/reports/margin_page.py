"""A margin solution as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marginscope._display import display_order
from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.margin_plot import Margin, draw_margin, draw_support, support_rows
from marginscope.reports.method import source_of
from marginscope.reports.svg import as_inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

MOST_CLASSES = 25
MOST_PAIRS = 15
MOST_ROWS = 30
LEVELS = 6


@dataclass(frozen=True)
class PairRow:
    """One class against its rivals: cells of the smallest margin and its level, None at itself."""

    label: str
    cells: tuple[tuple[float, int] | None, ...]


def figure(result: Margin, ax: Axes | None = None) -> Figure:
    """Draw smallest margins by class and rival, and the rows that hold the margin."""
    return draw_margin(result, ax)


def page(result: Margin, source: Mapping[str, Any] | None = None) -> str:
    """Return one HTML page that holds everything and fetches nothing; ``source`` says what the data were."""
    return render_page(
        "margin.html.j2",
        result.to_dict(),
        source=source_of(source),
        **_view(result),
    )


def fragment(result: Margin) -> str:
    """Return the cell of a notebook."""
    return render_fragment("margin_fragment.html.j2", **_view(result))


def _view(result: Margin) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    labels = [str(label) for label in result.classes]
    shown = [labels[k] for k in display_order(labels)]
    support = support_rows(result)
    own = result.own_codes
    pairs = sorted(result.pairs, key=lambda one: (-one.dual_mass, one.smallest_margin))
    total = sum(one.dual_mass for one in pairs) or 1.0
    description = "Share of the force of every row that holds the margin, a line for each class"
    return {
        "headline": headline,
        "lines": lines,
        "labels": shown,
        "rows": _rows(result, shown) if len(labels) <= MOST_CLASSES else [],
        "pairs": [(one, one.dual_mass / total) for one in pairs[:MOST_PAIRS]],
        "n_pairs": len(pairs),
        "has_class_margins": result.class_margins is not None,
        "support": [(one, labels[own[one.row]]) for one in support[:MOST_ROWS]],
        "n_support": len(support),
        "picture": as_inline_svg(draw_support(result), description) if support else None,
    }


def _rows(result: Margin, labels: list[str]) -> list[PairRow]:
    """Lay out classes against rivals, darkest where the margin is held."""
    found: dict[str, dict[str, tuple[float, int]]] = {label: {} for label in labels}
    for one in result.pairs:
        level = max(0, math.ceil(LEVELS / one.smallest_margin)) if math.isfinite(one.smallest_margin) else 0
        found[str(one.own)][str(one.rival)] = (one.smallest_margin, min(LEVELS, level))
    if not result.pairs:
        return [PairRow(label, ()) for label in labels]
    return [PairRow(label, tuple(found[label].get(rival) for rival in labels)) for label in labels]
