"""Exact arithmetic on float64 arrays: every float is an integer times a power of two.

Matrices are object arrays of Python integers; rational results carry one common
denominator. Nothing here rounds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Echelon", "echelon_form", "integer_coefficients", "integer_columns", "integer_weights"]

Integers = NDArray[np.object_]
_shift = np.frompyfunc(lambda mantissa, bits: int(mantissa) << int(bits), 2, 1)


def integer_columns(X: NDArray[np.float64]) -> tuple[Integers, NDArray[np.int64]]:
    """Return integers M and exponents e with x_ij = m_ij 2^e_j exactly."""
    mantissa, exponent = _split(X)
    lowest = np.where(mantissa != 0, exponent, 10**6).min(axis=0, initial=10**6)
    lowest = np.where(lowest == 10**6, 0, lowest)
    bits = np.where(mantissa != 0, exponent - lowest, 0)
    return np.asarray(_shift(mantissa, bits), dtype=object).reshape(X.shape), lowest


def integer_coefficients(coef: NDArray[np.float64], column_exponent: NDArray[np.int64]) -> Integers:
    """Return integers proportional to w_kj 2^e_j, the coefficients of the integer columns."""
    mantissa, exponent = _split(coef)
    exponent = np.where(mantissa != 0, exponent + column_exponent, 0)
    lowest = int(np.where(mantissa != 0, exponent, 10**6).min(initial=10**6))
    bits = np.where(mantissa != 0, exponent - lowest, 0)
    return np.asarray(_shift(mantissa, bits), dtype=object).reshape(coef.shape)


def integer_weights(weights: NDArray[np.float64]) -> Integers:
    """Round positive weights to positive integers, the largest to about 2^60."""
    unit = np.ldexp(weights / weights.max(), 60)
    return np.array([int(one) + 1 for one in unit.tolist()], dtype=object)


class Echelon:
    """Reduced row echelon form over the rationals, times one common denominator.

    Row i of ``rows`` has ``denominator`` in column ``pivots[i]`` and zero in the
    other pivot columns; ``kept`` are the indices of independent input rows.
    """

    def __init__(self, rows: Integers, pivots: list[int], kept: list[int], denominator: int) -> None:
        self.rows = rows
        self.pivots = pivots
        self.kept = kept
        self.denominator = denominator

    @property
    def free(self) -> list[int]:
        """Columns without a pivot."""
        taken = set(self.pivots)
        return [c for c in range(self.rows.shape[1]) if c not in taken]

    def spans(self, rows: Integers) -> NDArray[np.bool_]:
        """Say of each row whether it is a combination of the kept rows."""
        free = self.free
        if not free:
            return np.ones(len(rows), dtype=bool)
        rest = rows[:, free] * self.denominator
        if self.pivots:
            rest = rest - rows[:, self.pivots] @ self.rows[:, free]
        return np.asarray((rest == 0).all(axis=1), dtype=bool)


def echelon_form(matrix: Integers, n_columns: int | None = None) -> Echelon:
    """Eliminate without fractions (Bareiss 1968); pivots are sought in the first columns."""
    M = matrix.copy()
    order = list(range(len(M)))
    pivots: list[int] = []
    previous = 1
    for c in range(M.shape[1] if n_columns is None else n_columns):
        r = len(pivots)
        if r == len(M):
            break
        candidates = [i for i in range(r, len(M)) if M[i, c] != 0]
        if not candidates:
            continue
        i = min(candidates, key=lambda one: abs(int(M[one, c])))
        if i != r:
            M[[r, i]] = M[[i, r]]
            order[r], order[i] = order[i], order[r]
        others = np.array([j for j in range(len(M)) if j != r], dtype=int)
        pivot: Any = M[r, c]
        if len(others):
            M[others] = (M[others] * pivot - np.outer(M[others, c], M[r])) // previous
        previous = pivot
        pivots.append(c)
    return Echelon(M[: len(pivots)], pivots, order[: len(pivots)], previous)


def _split(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    fraction, exponent = np.frexp(values)
    return np.ldexp(fraction, 53).astype(np.int64), exponent.astype(np.int64) - 53
