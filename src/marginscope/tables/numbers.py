"""Checks of a whole matrix of numbers, dense or sparse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, LabelTypeError
from marginscope.tables.column import LARGEST_VALUE, LOSSLESS_INTEGER
from marginscope.tables.wording import listed, shown

__all__ = ["as_float64", "check_numbers", "check_shape", "integers_note", "lossy_columns"]


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse what is not two-dimensional, or has no rows or columns."""
    if len(shape) != 2:
        raise DataError(
            f"Expected 2D array, got {len(shape)}D array instead (shape={shape}); "
            "give one row a sample: X.reshape(-1, 1) for one feature, X.reshape(1, -1) for one sample"
        )
    for number, what in zip(shape, ("sample", "feature"), strict=True):
        if number == 0:
            raise DataError(
                f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required; give more data"
            )


def as_float64(values: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Return numbers as float64 without touching the original.

    Raises
    ------
    DataError, LabelTypeError
        For complex numbers, dates, bytes and records.
    """
    kind = values.dtype.kind
    if kind == "c":
        raise DataError(f"Complex data not supported, but {name} is {values.dtype}; give real and imaginary parts")
    if kind in "mM":
        raise LabelTypeError(
            f"features must be numbers or categories, but {name} is {values.dtype}; "
            "turn dates into numbers (days since a start) or leave the column out"
        )
    if kind not in "biuf":
        raise LabelTypeError(f"features must be numbers or categories, but {name} is {values.dtype}; convert it")
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(values, dtype=np.float64)
    if values.dtype.itemsize > 8 and np.isinf(numbers).any():
        raise DataError(f"{name} has numbers that overflow to infinity as 64-bit floats; rescale it")
    return numbers


def lossy_columns(values: NDArray[Any], names: Sequence[str]) -> tuple[str, ...]:
    """Return a note about integers that 64-bit floats cannot hold."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return ()
    limit = int(LOSSLESS_INTEGER)
    lossy = (values > limit) if values.dtype.kind == "u" else (values > limit) | (values < -limit)
    found = [names[int(at)] for at in np.flatnonzero(lossy.reshape(len(values), -1).any(axis=0))]
    return (integers_note(found),) if found else ()


def integers_note(names: Sequence[str]) -> str:
    """Say which columns hold integers beyond 2**53."""
    return (
        f"{listed(names)} {'has' if len(names) == 1 else 'have'} integers above 2**53, which lose digits as "
        "64-bit floats; drop them if they are identifiers"
    )


def check_numbers(matrix: Any, names: Sequence[str], where: Callable[[int], str]) -> None:
    """Refuse infinity and values whose squares overflow; NaN passes as missing."""
    stored = matrix if isinstance(matrix, np.ndarray) else matrix.data
    largest = max(float(np.nanmax(stored, initial=0.0)), -float(np.nanmin(stored, initial=0.0)))
    if largest <= LARGEST_VALUE:
        return
    if isinstance(matrix, np.ndarray):
        row, column = (int(at[0]) for at in np.nonzero(np.abs(matrix) > LARGEST_VALUE))
        value = float(matrix[row, column])
    else:
        entries = matrix.tocoo()
        at = int(np.flatnonzero(np.abs(entries.data) > LARGEST_VALUE)[0])
        row, column, value = int(entries.row[at]), int(entries.col[at]), float(entries.data[at])
    if np.isinf(value):
        raise DataError(
            f"finite numbers are needed, but column {shown(names[column])} has infinity at {where(row)}; "
            "replace it by a number or mark it as missing"
        )
    raise DataError(
        f"value {value:g} in column {shown(names[column])} at {where(row)} makes squared norms overflow; "
        "rescale the column"
    )
