"""Tests of the classes' rows as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope._display import display_order
from marginscope.reports.coefficient_plot import ClassPoints, draw_coefficients
from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.hypotheses_page import Family, draw_family, family_rows
from marginscope.reports.svg import as_inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

Floats = NDArray[np.float64]

_MOST_ROWS, _MOST_CELL_ROWS = 400, 60


class Tests(Protocol):
    """What tests of classes have to say of themselves."""

    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def coef(self) -> Floats: ...
    @property
    def std_err(self) -> Floats: ...
    @property
    def z(self) -> Floats: ...
    @property
    def intervals(self) -> Floats: ...
    @property
    def feature_std(self) -> Floats: ...
    @property
    def level(self) -> float: ...
    @property
    def status(self) -> str: ...
    @property
    def class_rows(self) -> Family: ...
    def summary(self) -> list[str]: ...
    def frame(self) -> Any: ...
    def to_dict(self) -> dict[str, Any]: ...


def figure(result: Tests, ax: Axes | None = None) -> Figure:
    """Draw the coefficients with intervals; on separable data the tests of rows."""
    if result.status != "overlap":
        return draw_family(result.class_rows, ax)
    # the row of a reference class is zero, with nothing to see
    order = [k for k in display_order(result.classes.tolist()) if np.nan_to_num(result.std_err[k]).any()]
    if not order:
        return draw_family(result.class_rows, ax)
    points = ClassPoints(
        tuple(str(result.classes[k]) for k in order),
        result.names,
        (result.coef * result.feature_std)[order],
        (result.intervals * result.feature_std[:, None])[order],
        np.abs(result.z[order]),
        f"change of the log odds per standard deviation of the feature, {100 * result.level:g} % interval",
    )
    return draw_coefficients(points, ax)


def page(result: Tests) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("class_tests.html.j2", result.to_dict(), **_view(result, _MOST_ROWS))


def fragment(result: Tests) -> str:
    """Return the cell of a notebook."""
    return render_fragment("class_tests_fragment.html.j2", **_view(result, _MOST_CELL_ROWS))


def _view(result: Tests, most_rows: int) -> dict[str, Any]:
    headline, *lines = result.summary()
    rows = _rows(result)
    return {
        "headline": headline,
        "lines": lines,
        "picture": as_inline_svg(figure(result), "Coefficients with intervals, by class and feature"),
        "level": f"{100 * result.level:g}",
        "family": result.class_rows,
        "tests": family_rows(result.class_rows),
        "rows": rows[:most_rows],
        "n_more": max(0, len(rows) - most_rows),
    }


def _rows(result: Tests) -> list[dict[str, Any]]:
    """Return one line per class and feature, classes in the order to show."""
    columns = result.frame()
    names = list(columns)
    lines = [dict(zip(names, line, strict=True)) for line in zip(*(list(columns[name]) for name in names), strict=True)]
    per_class = len(lines) // len(result.classes)
    return [
        line
        for k in display_order(result.classes.tolist())
        for line in lines[k * per_class : (k + 1) * per_class]
        if line["std_err"] == line["std_err"]
    ]
