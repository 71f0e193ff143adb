"""A separability certificate as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope._display import display_order
from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.figures import axes_of, set_names, style_axes
from marginscope.reports.method import source_of
from marginscope.reports.numbers import as_count
from marginscope.reports.palette import INKS
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

MOST_CLASSES = 25
MOST_ROWS = 60
LEVELS = 6


class Separability(Protocol):
    """What a certificate has to say of itself."""

    @property
    def status(self) -> str: ...
    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def class_rows(self) -> NDArray[np.int64]: ...
    @property
    def separable_counts(self) -> NDArray[np.int64]: ...
    @property
    def infinite_reason(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class PairRow:
    """One class: its rows, the share of its pairs that can be separated, and the same per rival."""

    label: str
    rows: int
    share: float
    cells: tuple[tuple[float, int] | None, ...]


def figure(result: Separability, ax: Axes | None = None) -> Figure:
    """Draw per class the share of its pairs of row and rival that can be separated."""
    shares = _shares(result)
    order = np.argsort(-shares, kind="stable")[:MOST_ROWS]
    figure, ax = axes_of(ax, 560, 70 + 22 * max(order.size, 2))
    style_axes(ax)
    ax.barh(range(order.size), shares[order], height=0.62, color=INKS["accent"], alpha=0.85)
    set_names(ax, [as_label(result.classes[k], 30) for k in order])
    ax.set_ylim(order.size - 0.4, -0.6)
    ax.set_xlim(0, 1.02)
    more = f", the {order.size:,} highest of {as_count(shares.size)} classes" if shares.size > order.size else ""
    ax.set_xlabel(f"share of its rows' pairs with rivals that can be separated{more}")
    return figure


def page(result: Separability, source: Mapping[str, Any] | None = None) -> str:
    """Return one HTML page that holds everything and fetches nothing; ``source`` says what the data were."""
    return render_page(
        "separability.html.j2",
        result.to_dict(),
        source=source_of(source),
        infinite_reason="" if result.status == "undecided" else result.infinite_reason,
        **_view(result),
    )


def fragment(result: Separability) -> str:
    """Return the cell of a notebook."""
    return render_fragment("separability_fragment.html.j2", **_view(result))


def _view(result: Separability) -> dict[str, Any]:
    headline, *lines = str(result).replace(": see .infinite.", ".").splitlines()
    order = display_order(result.classes.tolist())
    labels = [str(result.classes[k]) for k in order]
    return {"headline": headline, "lines": lines, "labels": labels, "rows": _rows(result, order)}


def _rows(result: Separability, order: list[int]) -> list[PairRow]:
    """Lay out classes against rivals; too many for a matrix give their totals only."""
    shares = _shares(result)
    rows = []
    for k in order[:MOST_ROWS]:
        n = int(result.class_rows[k])
        of_rivals = result.separable_counts[k] / max(n, 1)
        cells = tuple(None if j == k else (float(of_rivals[j]), int(np.ceil(LEVELS * of_rivals[j]))) for j in order)
        rows.append(PairRow(str(result.classes[k]), n, float(shares[k]), cells if len(order) <= MOST_CLASSES else ()))
    return rows


def _shares(result: Separability) -> NDArray[np.float64]:
    n_pairs = np.maximum(result.class_rows * (len(result.classes) - 1), 1)
    return np.asarray(result.separable_counts.sum(axis=1) / n_pairs, dtype=float)
