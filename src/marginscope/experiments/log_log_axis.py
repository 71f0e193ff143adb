"""Steps far beyond floats: spaced evenly in log log t, and drawn on such an axis."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["log_log_axis", "spaced_steps", "step_at"]


def step_at(decades: float) -> Decimal:
    """Return 10^decades, for any number of decades."""
    return Decimal(10) ** Decimal(str(decades))


def spaced_steps(n_steps: int, last: float, *, first: float = 1.0) -> list[Decimal]:
    """Return steps whose decades rise geometrically from the first to the last."""
    return [step_at(one) for one in [*np.geomspace(first, last, n_steps)[:-1].tolist(), last]]


def log_log_axis(ax: Axes, last: float) -> None:
    """Mark the steps 10, 10^10, 10^100, .. on an x axis that holds log10 of the step, itself logarithmic."""
    ax.set_xscale("log")
    ax.set_xlim(1.0, last)
    decades = [10.0**power for power in range(int(np.log10(last) + 1e-9) + 1)]
    ax.set_xticks(decades, ["10", *(f"$10^{{{one:.0f}}}$" for one in decades[1:])])
    ax.set_xticks([], minor=True)
    ax.set_xlabel("step")
