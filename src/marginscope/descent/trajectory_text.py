"""A trajectory in a few lines of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from marginscope._display import norm_word
from marginscope.descent.trajectory_run import MEANINGS, Run

if TYPE_CHECKING:
    from marginscope.descent.trajectory import Trajectory

__all__ = ["description", "power_text", "step_text"]

_SHOWN = 3


def description(trajectory: Trajectory) -> str:
    """Return what ran, how it ended, and what it proves about the largest margin."""
    n, d = trajectory.objective.X.shape
    runs = f"{trajectory.n_runs} runs" if trajectory.n_runs > 1 else "1 run"
    lines = [
        f"{trajectory.optimizer_name} on {trajectory.loss_name}: {n:,} rows, {d:,} feature{'s' if d > 1 else ''}, "
        f"{len(trajectory.classes)} classes, {runs}."
    ]
    for r, run in enumerate(trajectory.runs[:_SHOWN]):
        lines.append(_of_run(trajectory, r, run))
    if trajectory.n_runs > _SHOWN:
        lines.append(f"... and {trajectory.n_runs - _SHOWN} more.")
    return "\n".join(lines)


def _of_run(trajectory: Trajectory, r: int, run: Run) -> str:
    name = f"Run {r}: " if trajectory.n_runs > 1 else ""
    if not len(run.W):
        return f"{name}{run.status}: {MEANINGS[run.status]}."
    norm, measures = trajectory.norm, trajectory.measures[r]
    last, upper = measures[-1], min(one.upper[norm] for one in measures)
    meaning = MEANINGS[run.status]
    if run.error is not None and run.status in ("completed", "inaccurate"):
        meaning = "some true steps, then the flow through all later ones" if run.status == "completed" else meaning
        meaning += f"; W is right to {f'about {run.error.max():.0e}' if run.error.any() else 'rounding'}"
    status = run.status if name else run.status.capitalize()
    margin = f", normalised margin {last.lower[norm]:.6g}"
    if not last.norms[norm] > 0.0:
        margin = ": all scores are equal, so that there is no margin yet."
    elif last.worst_margin > 0.0:
        margin += f"; the largest is proved to be at most {upper:.6g}."
    else:
        margin += ": not all rows are separated."
    return (
        f"{name}{status} at step {step_text(float(run.log_steps[-1]))}: {meaning}.\n"
        f"Loss {power_text(last.log_loss)}, {norm_word(norm)} norm {last.norms[norm]:.6g}{margin}\n"
        f"Step size {run.step_size}."
    )


def step_text(log_step: float) -> str:
    """Write a step given by its natural logarithm, which may be beyond the range of floats."""
    return f"{round(math.exp(log_step)):,}" if log_step < math.log(1e7) else power_text(log_step)


def power_text(log_value: float) -> str:
    """Write a positive number given by its natural logarithm with four digits."""
    if not math.isfinite(log_value):
        return "0" if log_value < 0 else str(log_value)
    if math.log(1e-4) - 1e-9 <= log_value < math.log(1e4):
        return f"{math.exp(log_value):.4g}"
    exponent = math.floor(log_value / math.log(10.0) + 1e-9)
    leading = f"{10.0 ** (log_value / math.log(10.0) - exponent):.4g}"
    return f"1e{exponent + 1}" if leading == "10" else f"{leading}e{exponent}"
