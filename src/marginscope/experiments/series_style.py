"""The look of the series of a figure: told apart by hue, by dashes and by markers."""

from __future__ import annotations

from typing import Any

from marginscope.reports.palette import series_line

__all__ = ["series_style"]

_MARKERS = "os^DvPX*"


def series_style(place: int, *, every: Any = 1) -> dict[str, Any]:
    """Return the properties of the line of series number ``place``, with a marker at every so many points."""
    return {
        **series_line(place),
        "marker": _MARKERS[place % len(_MARKERS)],
        "markersize": 4.5,
        "markevery": every,
        "linewidth": 1.3,
    }
