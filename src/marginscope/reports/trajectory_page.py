"""A trajectory as a page, as a notebook cell, and as a figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from marginscope.reports.environment import render_fragment, render_page
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.trajectory_plot import (
    Path,
    draw_margin_path,
    draw_norm_path,
    draw_share_path,
    draw_trajectory,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["animation", "figure", "fragment", "page"]

# some records of a run, from the first to the last
MOST_RECORDS = 12


def figure(result: Path, ax: Axes | None = None) -> Figure:
    """Draw the bracket of the margin, the growth of the norm and the classes' shares over the steps."""
    return draw_trajectory(result, ax)


def animation(result: Any, path: Any, run: int) -> None:
    """Write the decision regions of every record of a run as a film."""
    from marginscope.reports.trajectory_animation import animate

    animate(result, path, run=run)


def page(result: Path) -> str:
    """Return one HTML page that holds everything and fetches nothing."""
    return render_page(
        "trajectory.html.j2",
        result.to_dict(),
        **_view(result),
    )


def fragment(result: Path) -> str:
    """Return the cell of a notebook."""
    return render_fragment("trajectory_fragment.html.j2", **_view(result))


def _view(result: Path) -> dict[str, Any]:
    headline, *lines = str(result).splitlines()
    if result.law is not None:
        lines += str(result.law).splitlines()
    pictures = (
        ("The margin and its certified bracket", draw_margin_path),
        ("The growth of the norm", draw_norm_path),
        ("The classes' shares of the gradient", draw_share_path),
    )
    return {
        "headline": headline,
        "lines": lines,
        "pictures": [(title, as_inline_svg(draw(result), f"{title}, over the steps")) for title, draw in pictures],
        "records": _records(result),
        "n_records": len(result.log_steps),
    }


def _records(result: Path) -> list[dict[str, Any]]:
    """Return some records of the first run, the last among them."""
    columns = result.to_dict()["records"]
    first = [i for i, run in enumerate(columns["run"]) if run == 0]
    every = max(1, -(-len(first) // MOST_RECORDS))
    found = []
    for i in first[::-1][::every][::-1]:
        record = {name: values[i] for name, values in columns.items()}
        for name, log10 in (("log_loss", "log10_loss"), ("log10_step", "log10_step")):
            # step 0 and a loss of 0 have no logarithm, which JSON shows as nothing
            scale = math.log(10.0) if name == "log_loss" else 1.0
            record[log10] = -math.inf if record[name] is None else record[name] / scale
        found.append(record)
    return found
