"""The coefficients of the classes as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope._display import display_order
from marginscope.reports.coefficient_plot import ClassPoints, draw_coefficients
from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.svg import as_inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure", "fragment", "page"]

_MOST_FEATURES, _MOST_CLASSES = 60, 12


class Coefficients(Protocol):
    """What class coefficients have to say of themselves."""

    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def coef(self) -> NDArray[np.float64]: ...
    @property
    def intercept(self) -> NDArray[np.float64]: ...
    @property
    def is_logistic(self) -> bool: ...
    def to_dict(self) -> dict[str, Any]: ...


def figure(result: Coefficients, ax: Axes | None = None) -> Figure:
    """Draw the coefficients, a panel per class."""
    order = display_order(result.classes.tolist())
    points = ClassPoints(
        tuple(str(result.classes[k]) for k in order),
        result.names,
        result.coef[order],
        None,
        np.abs(result.coef[order]),
        f"change of the {'log odds' if result.is_logistic else 'score'} per unit of the feature",
    )
    return draw_coefficients(points, ax)


def page(result: Coefficients) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page("class_coefficients.html.j2", result.to_dict(), **_view(result))


def fragment(result: Coefficients) -> str:
    """Return the cell of a notebook."""
    return render_fragment("class_coefficients_fragment.html.j2", **_view(result))


def _view(result: Coefficients) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    order = display_order(result.classes.tolist())[:_MOST_CLASSES]
    largest = np.argsort(-np.abs(result.coef[order]).max(axis=0), kind="stable")[:_MOST_FEATURES]
    features = [(result.names[j], [float(result.coef[k, j]) for k in order]) for j in np.sort(largest)]
    features.append(("(intercept)", [float(result.intercept[k]) for k in order]))
    return {
        "headline": headline,
        "lines": lines[: -len(result.classes)],
        "picture": as_inline_svg(figure(result), "Coefficients by class and feature"),
        "labels": [str(result.classes[k]) for k in order],
        "features": features,
        "n_more": max(0, len(result.names) - len(largest)) + max(0, len(result.classes) - len(order)),
    }
