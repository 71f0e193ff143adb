"""Undoing steps that only shift, scale or choose columns.

A step z_j = (x_j - centre_j) / scale_j in front of linear scores w'z + b leaves scores
that are linear in x: coefficients w_j / scale_j and intercept b - sum_j w_j centre_j / scale_j.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.components import describe, is_named, steps_of
from marginscope.exceptions import ModelError

__all__ = ["column_scaling", "has_scaling", "undo_scaling"]

Floats = NDArray[np.float64]

_SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")


def column_scaling(step: Any, n_columns: int) -> tuple[Floats, Floats] | None:
    """Return centre and scale of each column, ``None`` if a step does more.

    Parameters
    ----------
    step : object
        A fitted scaler, a pipeline of scalers, a column transformer or "passthrough".
        In a column transformer the columns of any other step count as they are.
    n_columns : int
        Columns that the step gives.
    """
    centre, scale = np.zeros(n_columns), np.ones(n_columns)
    if step is None or isinstance(step, str) or _is_identity(step):
        return centre, scale
    if is_named(step, "ColumnTransformer"):
        return _of_blocks(step, centre, scale)
    steps = steps_of(step)
    if steps is not None:
        return _of_steps([one for _, one in steps], n_columns)
    if not is_named(step, *_SCALERS) or getattr(step, "clip", False):
        return None
    if is_named(step, "MinMaxScaler"):
        # its scale multiplies, and its shift is added last
        return -step.min_ / step.scale_, 1.0 / step.scale_
    middle = getattr(step, "center_" if is_named(step, "RobustScaler") else "mean_", None)
    # a mean that is not subtracted is stored all the same
    if middle is not None and getattr(step, "with_mean", True):
        centre = np.asarray(middle, dtype=float)
    if getattr(step, "scale_", None) is not None:
        scale = np.asarray(step.scale_, dtype=float)
    return centre, scale


def undo_scaling(steps: Sequence[Any], coef: Floats, intercept: Floats) -> tuple[Floats, Floats]:
    """Turn coefficients of scaled columns into those of the columns as they were.

    Steps are undone from the last to the first, up to one that makes new columns;
    those columns are then the units.

    Parameters
    ----------
    steps : sequence
        Fitted steps in the order in which they are applied.
    coef : (n_rows, n_columns) array
    intercept : (n_rows,) array

    Raises
    ------
    ModelError
        If columns were scaled before a step that mixes them.
    """
    coef, intercept = coef.copy(), intercept.copy()
    chosen = np.arange(coef.shape[1])
    for place in reversed(range(len(steps))):
        step = steps[place]
        support = step.get_support() if hasattr(step, "get_support") else None
        if support is not None:
            chosen = np.flatnonzero(support)[chosen]
            continue
        found = column_scaling(step, _columns_of(step, chosen))
        if found is None:
            _refuse_scaling_before(steps[: place + 1])
            break
        centre, scale = found[0][chosen], found[1][chosen]
        coef = coef / scale
        intercept = intercept - coef @ centre
        if is_named(step, "ColumnTransformer"):
            _refuse_scaling_before(steps[:place])
            break
    return coef, intercept


def has_scaling(step: Any) -> bool:
    """Whether a scaler is among the step and what is inside it."""
    inside = getattr(step, "transformers_", None) or getattr(step, "transformer_list", None) or []
    parts = [entry[1] for entry in inside] + [one for _, one in steps_of(step) or []]
    return is_named(step, *_SCALERS) or any(has_scaling(part) for part in parts)


def _of_steps(steps: Sequence[Any], n_columns: int) -> tuple[Floats, Floats] | None:
    """Compose steps: z = (x - c1 - s1 c2) / (s1 s2)."""
    centre, scale = np.zeros(n_columns), np.ones(n_columns)
    for step in steps:
        found = column_scaling(step, n_columns)
        if found is None or len(found[0]) != n_columns:
            return None
        centre, scale = centre + scale * found[0], scale * found[1]
    return centre, scale


def _of_blocks(step: Any, centre: Floats, scale: Floats) -> tuple[Floats, Floats] | None:
    for name, part, _ in step.transformers_:
        block = step.output_indices_.get(name, slice(0, 0))
        n_columns = block.stop - block.start
        if isinstance(part, str) or not n_columns:
            continue
        found = column_scaling(part, n_columns)
        if found is None and has_scaling(part):
            return None
        if found is not None:
            centre[block], scale[block] = found
    return centre, scale


def _columns_of(step: Any, chosen: NDArray[np.intp]) -> int:
    """Return how many columns a step gives: a scaler gives as many as it takes."""
    if is_named(step, "ColumnTransformer"):
        return max((block.stop for block in step.output_indices_.values()), default=0)
    return int(getattr(step, "n_features_in_", chosen.max(initial=-1) + 1))


def _is_identity(step: Any) -> bool:
    """Whether a step leaves the units of every column alone: filling gaps does, unless it adds or drops columns."""
    if is_named(step, "_BaseImputer"):
        return len(step.get_feature_names_out()) == int(step.n_features_in_)
    return is_named(step, "FunctionTransformer") and getattr(step, "func", 0) is None


def _refuse_scaling_before(steps: Sequence[Any]) -> None:
    scaled = next((step for step in steps if has_scaling(step)), None)
    if scaled is not None:
        raise ModelError(
            f"steps that only shift, scale or choose columns are needed for units of the table, but "
            f"{describe(scaled)} comes before columns that {describe(steps[-1])} makes; use units='model'"
        )
