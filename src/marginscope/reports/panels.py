"""The picture of a finding's panel: one drawer for each kind.

In every kind the values run along the horizontal axis and ``marks`` are vertical
lines on it, except that of a path, whose horizontal axis is the varied setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from marginscope.findings import Panel, Series
from marginscope.reports.figures import UNITS_PER_INCH, axes_of, plain_text, set_names, style_axes
from marginscope.reports.numbers import as_count, as_number
from marginscope.reports.palette import INKS, SERIES
from marginscope.reports.svg import as_inline_svg
from marginscope.reports.text import as_label, as_prose

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw_panel", "has_numbers", "inline_panel"]

WIDTH, HEIGHT = 380.0, 200.0
ROW_HEIGHT = 24.0
MOST_ROWS = 24
MOST_SERIES = len(SERIES)
NAME_LENGTH = 28
_DASHES = ("-", "--", ":", "-.", "-")
_MARKERS = ("o", "s", "^", "D", "v")


def inline_panel(panel: Panel) -> Markup:
    """Return a panel as inline SVG."""
    return as_inline_svg(draw_panel(panel), describe(panel))


def draw_panel(panel: Panel, ax: Axes | None = None) -> Figure:
    """Draw a panel with matplotlib and return its figure."""
    is_named = panel.kind in ("forest", "counts")
    rows = min(len(_names(panel)), MOST_ROWS) if is_named else 0
    height = 64 + ROW_HEIGHT * max(rows, 2) * (1.3 if len(panel.series) > 1 else 1) if is_named else HEIGHT
    height += 18 * (len(panel.series) > 1)
    figure, ax = axes_of(ax, WIDTH, height)
    style_axes(ax, grid="x" if is_named else "y")
    _DRAWERS[panel.kind](ax, panel)
    _draw_marks(ax, panel)
    _draw_legend(ax, panel)
    return figure


def has_numbers(panel: Panel) -> bool:
    """Tell whether there is anything to draw."""
    is_sample = panel.kind in ("null", "histogram")
    return any(np.isfinite(_as_array(one.x if is_sample else one.y)).any() for one in panel.series)


def describe(panel: Panel) -> str:
    """Return what the picture shows in words."""
    parts = [as_prose(panel.title)]
    parts += [f"{as_label(one.name)}: {_describe_series(one)}" for one in panel.series[:MOST_SERIES]]
    parts += [f"{as_label(name)} at {as_number(value)}" for name, value in panel.marks]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def _describe_series(series: Series) -> str:
    values = [value for value in series.y if value is not None]
    if values and isinstance(series.x[0], str):
        pairs = list(zip(series.x, series.y, strict=False))[:6]
        return ", ".join(f"{as_label(name, NAME_LENGTH)} {as_number(value)}" for name, value in pairs)
    if values:
        return f"from {as_number(values[0])} to {as_number(values[-1])} over {as_count(len(values))} points"
    return f"{as_count(len(series.x))} values"


def _names(panel: Panel) -> list[str]:
    return list(dict.fromkeys(str(name) for series in panel.series for name in series.x))


def _as_array(values: Sequence[float | str | None]) -> np.ndarray:
    return np.array([math.nan if value is None else float(value) for value in values], dtype=float)


def _shown(panel: Panel) -> Sequence[Series]:
    return panel.series[:MOST_SERIES]


def _rows_of(ax: Axes, panel: Panel, value_label: str) -> list[str]:
    """Lay out the named rows, first on top, and return their names."""
    names = _names(panel)
    kept = names[:MOST_ROWS]
    set_names(ax, [as_label(name, NAME_LENGTH) for name in kept])
    ax.set_ylim(len(kept) - 0.4, -0.6)
    more = f" (first {MOST_ROWS} of {as_count(len(names))})" if len(names) > MOST_ROWS else ""
    ax.set_xlabel(as_label(value_label) + more if value_label or more else "", parse_math=False)
    return kept


def _value_label(panel: Panel) -> str:
    return panel.x_label or panel.y_label


def _offsets(n_series: int) -> np.ndarray:
    return np.linspace(-0.22, 0.22, n_series) if n_series > 1 else np.zeros(1)


def _draw_forest(ax: Axes, panel: Panel) -> None:
    kept = _rows_of(ax, panel, _value_label(panel))
    for number, (series, offset) in enumerate(zip(_shown(panel), _offsets(len(_shown(panel))), strict=True)):
        places = [kept.index(str(name)) + offset for name in series.x if str(name) in kept]
        value = _as_array(series.y)[: len(places)]
        ink = INKS[SERIES[number]]
        if series.low is not None and series.high is not None:
            ends = _as_array(series.low)[: len(places)], _as_array(series.high)[: len(places)]
            ax.hlines(places, *ends, color=ink, linewidth=2.2, alpha=0.45)
        ax.plot(value, places, _MARKERS[number], color=ink, markersize=6, label=as_label(series.name, NAME_LENGTH))


def _draw_counts(ax: Axes, panel: Panel) -> None:
    kept = _rows_of(ax, panel, _value_label(panel))
    shown = _shown(panel)
    thickness = 0.62 / len(shown) if shown else 0.62
    for number, (series, offset) in enumerate(zip(shown, _offsets(len(shown)) * 1.4, strict=True)):
        places = [kept.index(str(name)) + offset for name in series.x if str(name) in kept]
        value = _as_array(series.y)[: len(places)]
        label = as_label(series.name, NAME_LENGTH)
        ax.barh(places, value, height=thickness, color=INKS[SERIES[number]], alpha=0.85, label=label)
        for place, one in zip(places, value, strict=True):
            if math.isfinite(one):
                text = as_number(float(one))
                ax.annotate(
                    text, (one, place), (4, 0), textcoords="offset points", va="center", **plain_text(fontsize=9)
                )
    ax.margins(x=0.12)


def _draw_path(ax: Axes, panel: Panel) -> None:
    for number, series in enumerate(_shown(panel)):
        ink = INKS[SERIES[number]]
        x, y = _as_array(series.x), _as_array(series.y)
        if series.low is not None and series.high is not None:
            ax.fill_between(x, _as_array(series.low), _as_array(series.high), color=ink, alpha=0.15, linewidth=0)
        label = as_label(series.name, NAME_LENGTH)
        marker = _MARKERS[number] if len(x) <= 30 else ""
        ax.plot(x, y, _DASHES[number], marker=marker, color=ink, linewidth=1.8, markersize=4, label=label)
    if panel.log_x:
        _use_log_axis(ax, panel)
    _label_axes(ax, panel.x_label, panel.y_label)


def _use_log_axis(ax: Axes, panel: Panel) -> None:
    """Take logarithms where every x is positive; keep room around zero where it is not."""
    x = np.concatenate([_as_array(series.x) for series in _shown(panel)] or [np.ones(1)])
    positive = x[np.isfinite(x) & (x > 0)]
    if positive.size == x.size:
        ax.set_xscale("log")
    elif positive.size:
        ax.set_xscale("symlog", linthresh=float(positive.min()))
    if positive.size:
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: as_number(float(value))))
        ax.xaxis.set_minor_locator(NullLocator())


def _draw_null(ax: Axes, panel: Panel) -> None:
    _draw_samples(ax, panel, _shown(panel)[:1], INKS["soft"])
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    _label_axes(ax, panel.x_label, panel.y_label or "permutations")


def _draw_histogram(ax: Axes, panel: Panel) -> None:
    shown = _shown(panel)
    _draw_samples(ax, panel, shown, None)
    # Several samples are scaled to their sizes: the axis must not claim to count rows.
    is_true = len(shown) < 2 or "share" in panel.y_label
    _label_axes(ax, panel.x_label, panel.y_label if is_true else "share of each sample")


def _draw_samples(ax: Axes, panel: Panel, shown: Sequence[Series], ink: str | None) -> None:
    """Draw samples over shared bins; several are scaled to their own size, so that a rare one shows."""
    samples = [values[np.isfinite(values)] for values in (_as_array(series.x) for series in shown)]
    everything = np.concatenate(samples) if samples else np.empty(0)
    if everything.size == 0:
        return
    ends = [*everything, *(value for _, value in panel.marks if math.isfinite(value))]
    edges = _bin_edges(float(min(ends)), float(max(ends)))
    for number, (series, sample) in enumerate(zip(shown, samples, strict=True)):
        if sample.size == 0:
            continue
        weights = np.full(sample.size, 1.0 / sample.size) if len(shown) > 1 else None
        colour = ink or INKS[SERIES[number]]
        label = as_label(series.name, NAME_LENGTH)
        ax.hist(sample, edges, weights=weights, histtype="stepfilled", color=colour, alpha=0.28, linewidth=0)
        ax.hist(
            sample, edges, weights=weights, histtype="step", color=colour, linestyle=_DASHES[number], linewidth=1.6,
            label=label,
        )  # fmt: skip


def _bin_edges(low: float, high: float) -> list[float]:
    if high > low:
        return [float(edge) for edge in np.linspace(low, high, 31)]
    half = max(0.5, abs(low) / 10)
    return [low - half, low + half]


def _label_axes(ax: Axes, x_label: str, y_label: str) -> None:
    ax.set_xlabel(as_label(x_label) if x_label else "", parse_math=False)
    ax.set_ylabel(as_label(y_label) if y_label else "", parse_math=False)


def _draw_marks(ax: Axes, panel: Panel) -> None:
    """Draw the reference lines, each with its name on top, staggered where they are close."""
    observed = panel.marks[:1] if panel.kind == "null" else ()
    marks = sorted((value, name) for name, value in panel.marks if math.isfinite(value))
    for number, (value, name) in enumerate(marks):
        if ax.get_xscale() == "log" and value <= 0:
            continue
        is_observed = (name, value) in observed
        ink = INKS["unlearned"] if is_observed else INKS["ink"]
        ax.axvline(
            value, color=ink, linewidth=1.6 if is_observed else 1.1, linestyle="-" if is_observed else (0, (4, 3))
        )
        side, shift = ("left", 3) if _share_of_width(ax, value) < 0.6 else ("right", -3)
        ax.annotate(
            as_label(name, NAME_LENGTH), (value, 1.0), (shift, 3 + 11 * (number % 3)),
            xycoords=ax.get_xaxis_transform(), textcoords="offset points", ha=side, va="bottom",
            **plain_text(color=ink, fontsize=9),
        )  # fmt: skip


def _share_of_width(ax: Axes, value: float) -> float:
    """Return how far right a value lies, once the limits are settled."""
    ax.autoscale_view()
    place = ax.transData.transform((value, 0.0))
    return float(ax.transAxes.inverted().transform(place)[0])


def _draw_legend(ax: Axes, panel: Panel) -> None:
    if len(_shown(panel)) < 2:
        return
    below = ScaledTranslation(0, -34 / UNITS_PER_INCH, ax.figure.dpi_scale_trans)
    legend = ax.legend(
        frameon=False, fontsize=9.5, labelcolor=INKS["ink"], loc="upper center", bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + below, ncols=min(3, len(_shown(panel))), handlelength=1.6, columnspacing=1.4,
        borderaxespad=0.0,
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)


_DRAWERS: dict[str, Callable[[Axes, Panel], None]] = {
    "forest": _draw_forest,
    "counts": _draw_counts,
    "path": _draw_path,
    "null": _draw_null,
    "histogram": _draw_histogram,
}
