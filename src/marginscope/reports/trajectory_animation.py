"""Decision regions in the plane, record by record, as a GIF or as one HTML file."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.reports.environment import render_film
from marginscope.reports.figures import axes_row, plain_text
from marginscope.reports.numbers import as_power
from marginscope.reports.palette import INKS, SERIES
from marginscope.reports.text import as_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["animate"]

Floats = NDArray[np.float64]

_SIDE = 480.0
_N_TICKS = 240
_REACH = 1.15
_MARKERS = "os^Dv"
_MILLISECONDS, _LEAST_PAUSE, _LAST_PAUSE = 8000, 70, 2500
_DPI = 110
_SUFFIXES = (".gif", ".html")


class PlanePath(Protocol):
    """What a trajectory has to say of itself to be shown in the plane."""

    @property
    def classes(self) -> NDArray[Any]: ...
    @property
    def objective(self) -> Any: ...
    @property
    def runs(self) -> tuple[Any, ...]: ...
    @property
    def limit(self) -> Any: ...


def animate(result: PlanePath, path: str | Path, *, run: int = 0) -> None:
    """Write the regions of every record of a run, and dashed those of the max-margin solution.

    Raises
    ------
    UsageError
        If there are not two features, more than five classes, or the suffix is another.
    IOFault
        If the file cannot be written.
    """
    from marginscope.runs import check_writable, write_bytes_atomically, write_text_atomically

    path = Path(path)
    X = result.objective.X
    if X.shape[1] != 2 or hasattr(X, "tocsr"):
        raise UsageError(f"an animation in the plane needs 2 dense features, but got {X.shape[1]}; pick two columns")
    if len(result.classes) > len(SERIES):
        raise UsageError(
            f"regions are drawn for at most {len(SERIES)} classes, but got {len(result.classes)}; leave some out"
        )
    if path.suffix not in _SUFFIXES:
        raise UsageError(f"an animation is written as .gif or .html, but got {path.name!r}; choose one of them")
    check_writable(path)
    frames = list(_frames(result, run))
    if path.suffix == ".gif":
        write_bytes_atomically(path, _as_gif([picture for _, picture in frames]))
        return
    encoded = [(name, base64.b64encode(picture).decode()) for name, picture in frames]
    headline = str(result).splitlines()[0]
    write_text_atomically(path, render_film("film.html.j2", headline=headline, frames=encoded))


def _as_gif(pictures: list[bytes]) -> bytes:
    """Join PNG pictures; the last stays longer."""
    from PIL import Image

    frames = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    pause = max(_LEAST_PAUSE, int(_MILLISECONDS / len(frames)))
    stream = io.BytesIO()
    pauses = [pause] * (len(frames) - 1) + [_LAST_PAUSE]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=pauses, loop=0)
    return stream.getvalue()


def _frames(result: PlanePath, run: int) -> Iterator[tuple[str, bytes]]:
    """Yield the step of every record and its picture as PNG."""
    figure, (ax,) = axes_row(1, _SIDE, _SIDE)
    X, y = result.objective.X, result.objective.y
    K = len(result.classes)
    centre, reach = 0.5 * (X.max(axis=0) + X.min(axis=0)), _REACH * 0.5 * float(np.ptp(X, axis=0).max() or 1.0)
    ticks = [np.linspace(one - reach, one + reach, _N_TICKS) for one in centre]
    plane = np.stack(np.meshgrid(*ticks), axis=-1)
    colours = [INKS[name] for name in SERIES[:K]]
    mesh = ax.pcolormesh(
        *ticks, np.zeros(plane.shape[:2]), cmap=ListedColormap(colours), vmin=-0.5, vmax=K - 0.5, alpha=0.3
    )
    _draw_limit(ax, result, ticks, plane)
    for k in range(K):
        ax.plot(*X[y == k].T, _MARKERS[k], color=colours[k], markeredgecolor=INKS["ink"], markersize=6,
                label=as_label(str(result.classes[k]), 20))  # fmt: skip
    for text in ax.legend(fontsize=8, loc="upper right", framealpha=0.8).get_texts():
        text.set_parse_math(False)
    ax.set_aspect("equal")
    ax.tick_params(colors=INKS["soft"], labelsize=8)
    for spine in ax.spines.values():
        spine.set_color(INKS["line"])
    more = "; dashed: hard margin" if result.limit.margin > 0 else ""
    shown = result.runs[run]
    for W, log_step in zip(shown.W, shown.log_steps, strict=True):
        step = as_power(float(log_step) / math.log(10.0))
        # equal scores decide nothing, and have no colour
        mesh.set_array(_scores(plane, W).argmax(axis=-1) if W.any() else np.full(plane.shape[:2], np.nan))
        ax.set_title(f"step {step}{more}", loc="left", **plain_text())
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
        yield step, stream.getvalue()


def _draw_limit(ax: Axes, result: PlanePath, ticks: list[Floats], plane: Floats) -> None:
    """Draw the borders of the max-margin solution, if there is one."""
    if not result.limit.margin > 0:
        return
    scores = _scores(plane, result.limit.full_coef)
    for k in range(len(result.classes)):
        lead = scores[..., k] - np.delete(scores, k, axis=-1).max(axis=-1)
        ax.contour(*ticks, lead, levels=[0.0], colors=INKS["ink"], linewidths=0.9, linestyles="--")


def _scores(plane: Floats, W: Floats) -> Floats:
    return np.asarray(plane @ W[:, :2].T + (W[:, 2] if W.shape[1] > 2 else 0.0))
