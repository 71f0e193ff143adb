"""New figures without pyplot: no global state, no window, no change of anybody's settings."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from marginscope.reports.palette import INKS

__all__ = [
    "UNITS_PER_INCH",
    "ReportFigure",
    "axes_of",
    "axes_row",
    "plain_text",
    "quiet_glyphs",
    "set_names",
    "style_axes",
]

# One unit of a figure is one CSS pixel of the page.
UNITS_PER_INCH = 72.0


class ReportFigure(Figure):
    """A figure that a notebook shows by itself, whichever backend is chosen."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        with quiet_glyphs():
            self.savefig(stream, format="png", dpi=144)
        return stream.getvalue()


def axes_of(ax: Axes | None, width: float, height: float) -> tuple[Figure, Axes]:
    """Return the axes to draw on: the given ones, or those of a new figure of that size in units."""
    if ax is not None:
        figure = ax.get_figure(root=True)
        assert figure is not None
        return figure, ax
    figure, (only,) = axes_row(1, width, height)
    return figure, only


def axes_row(n_axes: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Return a new figure of that size in units, and axes side by side on it."""
    figure = ReportFigure(figsize=(width / UNITS_PER_INCH, height / UNITS_PER_INCH), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, n_axes, squeeze=False)[0])


def style_axes(ax: Axes, *, grid: str = "x") -> None:
    """Give axes the look of the report: two quiet spines, a hairline grid."""
    ax.set_facecolor("none")
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INKS["soft"])
        spine.set_linewidth(0.8)
    ax.tick_params(colors=INKS["soft"], labelsize=10, length=3, width=0.8)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis=grid, color=INKS["line"], linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_color(INKS["soft"])
        label.set_fontsize(10)


def set_names(ax: Axes, names: list[str], *, size: float = 10) -> None:
    """Write names beside the rows 0, 1, ... of the y axis; ``$`` starts no formula."""
    ax.set_yticks(range(len(names)))
    ax.set_yticklabels(names, fontsize=size, color=INKS["ink"], parse_math=False)


@contextmanager
def quiet_glyphs() -> Iterator[None]:
    """Silence the warning about a letter that the drawing font lacks: the page's fonts have it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*Glyph.*missing from")
        warnings.filterwarnings("ignore", message=r"(?s).*Matplotlib currently does not support.*")
        yield


def plain_text(**changes: Any) -> dict[str, Any]:
    """Return text properties for words from the data: no formula, ink colour."""
    return {"parse_math": False, "color": INKS["ink"], "fontsize": 10, **changes}
