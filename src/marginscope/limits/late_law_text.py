"""A forecast in a few lines of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from marginscope.descent.trajectory_text import power_text, step_text

if TYPE_CHECKING:
    from marginscope.limits.late_law import LateLaw

__all__ = ["description", "warning_of"]

# an exponent below it leaves more than a hundredth of the transient after four decades
_SMALL_EXPONENT = 0.5
_INEXACT = 1e-8
_TABLE = (5, 10, 100, 1000)


def description(law: LateLaw) -> str:
    """Return the law, when it holds, and what it foretells at some steps."""
    lines = [
        f"From step {step_text(max(0.0, law.log_onset))} on, ||W|| / ||What|| grows by {law.slope:.4g} per unit of "
        "log t, and the direction turns to the largest margin.",
        f"{law.loss_name}, step size {law.step_size:.6g}; largest margin {law.solution.margin:.6g}, "
        f"H = {law.entropy:.4g}.",
        _support_line(law),
        _nearest_line(law),
    ]
    for decade in _TABLE:
        logs = decade * math.log(10.0)
        if logs > law.log_onset:
            lines.append(
                f"Step 1e{decade}: ||W|| / ||What|| {law.norm_ratio(log_steps=logs):.4g}, direction error "
                f"{law.direction_error(log_steps=logs):.2g}, margin gap {law.margin_gap(log_steps=logs):.2g}, loss "
                f"{power_text(float(law.log_loss(log_steps=logs)))}."
            )
    if law.warning is not None:
        lines.append(f"Warning: {law.warning}")
    return "\n".join(lines)


def warning_of(law: LateLaw) -> str | None:
    """Return what makes the law late or uncertain, or None."""
    parts = []
    if law.is_degenerate:
        parts.append(
            "a pair has the margin of the support pairs but no multiplier, so that W also has a part of order "
            "log log t that is left out"
        )
    elif law.transient_exponent < _SMALL_EXPONENT:
        parts.append(
            f"transients fall like t^-{law.transient_exponent:.3g} only and are below 1 % from step "
            f"{step_text(law.log_settled)} on"
        )
    if law.support.residual > _INEXACT:
        parts.append(f"the support pairs balance to {law.support.residual:.0e} only")
    if law.solution.status != "optimal":
        parts.append(f"the largest margin is known to a relative gap of {law.solution.bracket.width:.0e} only")
    return "; ".join(parts) + "." if parts else None


def _support_line(law: LateLaw) -> str:
    known, dimension = law.support.n_independent, law.dimension
    pairs = f"{law.n_support:,} support pairs"
    if known < law.n_support:
        pairs += f", {known:,} of them independent (their multipliers are not unique; descent chooses these)"
    if known == dimension:
        return f"{pairs} in {dimension:,} dimensions: the law is complete."
    if law.history is not None:
        return f"{pairs} in {dimension:,} dimensions; the constant part in the others was taken from a path."
    return (
        f"{pairs} in {dimension:,} dimensions: a constant part in the other {dimension - known:,} depends on the first "
        "steps; it is missing here, see .with_history."
    )


def _nearest_line(law: LateLaw) -> str:
    if not math.isfinite(law.nearest_excess):
        return f"All pairs are support pairs; transients fall like t^-{law.transient_exponent:.3g}."
    return (
        f"Nearest other pair: margin - 1 = {law.nearest_excess:.3g}; transients fall like "
        f"t^-{law.transient_exponent:.3g}."
    )
