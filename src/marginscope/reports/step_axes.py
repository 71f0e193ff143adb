"""Axes of steps: powers of ten, and far out powers of ten of the logarithm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

from marginscope.reports.numbers import as_power
from marginscope.reports.palette import INKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["deep_step_axis", "fitting_step_axis", "step_axis"]

Floats = NDArray[np.float64]

# decades of steps beyond which nothing is seen of the first ones on a plain axis
_DEEP = 30.0


def step_axis(ax: Axes, log10_steps: Floats) -> None:
    """Mark powers of ten of the step on the x axis, which holds log10 of it."""
    ax.set_xlim(float(log10_steps.min(initial=0.0)), max(float(log10_steps.max(initial=0.0)), 1e-9))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: as_power(round(value))))
    ax.set_xlabel("step")


def deep_step_axis(ax: Axes, log10_steps: Floats) -> None:
    """Mark powers of ten of the step on an axis that is logarithmic in the logarithm of the step."""
    ax.set_xscale("log")
    ax.set_xlim(1.0, float(log10_steps.max()))
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0,)))
    ax.xaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
    for which in (ax.xaxis.set_major_formatter, ax.xaxis.set_minor_formatter):
        which(FuncFormatter(lambda value, _: as_power(round(value))))
    ax.tick_params(axis="x", which="minor", labelsize=8, colors=INKS["soft"], length=2)
    ax.set_xlabel("step, its logarithm on a logarithmic axis")


def fitting_step_axis(ax: Axes, log10_steps: Floats) -> bool:
    """Mark the steps and return whether the axis is logarithmic in their logarithm."""
    is_deep = float(log10_steps.max(initial=0.0)) > _DEEP
    (deep_step_axis if is_deep else step_axis)(ax, log10_steps)
    return is_deep
