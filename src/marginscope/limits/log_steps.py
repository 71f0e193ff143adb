"""Numbers of steps of any size, kept as natural logarithms."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from marginscope.exceptions import UsageError

__all__ = ["LARGEST_LOG_STEP", "log_of_steps"]

# beyond it the rounding of the logarithm itself shows in the multipliers, exp(log t - u)
LARGEST_LOG_STEP = 1e6


def log_of_steps(name: str, value: Any) -> float:
    """Return log n of a number of steps given as a number, a string or a Decimal.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    value : int, float, str or Decimal
        At least 1; ``10**1000``, ``"1e1000"`` and ``Decimal("1e1000")`` are the same.

    Raises
    ------
    UsageError
        If it is none of them, below 1, or above exp(1e6).
    """
    log_step = _logarithm(value)
    if log_step is None or not log_step >= 0.0:
        raise UsageError(
            f'{name} needs a number of steps of at least 1, but got {value!r:.40}; pass for example 1e100 or "1e1000"'
        )
    if log_step > LARGEST_LOG_STEP:
        raise UsageError(
            f"{name} needs at most {_text_of_log(LARGEST_LOG_STEP)} steps, but got {_text_of_log(log_step)}; there the "
            "law of ms.forecast is exact to rounding"
        )
    return log_step


def _logarithm(value: Any) -> float | None:
    """Return log of a positive finite number, or None."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, str):
        try:
            value = Decimal(value.strip())
        except InvalidOperation:
            return None
    if isinstance(value, Decimal):
        return float(value.ln()) if value.is_finite() and value > 0 else None
    if isinstance(value, int | np.integer):
        return math.log(int(value)) if value > 0 else None
    if isinstance(value, float | np.floating):
        return math.log(value) if 0.0 < value < math.inf else None
    return None


def _text_of_log(log_step: float) -> str:
    return f"1e{log_step / math.log(10.0):.0f}"
