"""Missing values of Python, NumPy and pandas."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["is_null"]


def is_null(value: Any) -> bool:
    """Say whether a value is None, NaN, or pandas' own NA or NaT."""
    if value is None:
        return True
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    return type(value).__name__ in ("NAType", "NaTType")
