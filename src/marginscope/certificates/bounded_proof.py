"""Proofs for systems too large to eliminate: floating point with every rounding bounded.

A set C of columns of the pair features A is chosen so that the other columns depend on
them: vectors v with A v = 0, rational and checked in integers, show that. With weights
lambda, S triangular and F = A_C S the matrix G = F' diag(lambda) F is close to I. Its
rounding bounded, its smallest eigenvalue is at least some mu > 0. Then the weights

    lambda_m (1 - f_m' G^-1 F' lambda)

sum to zero on C, so on all columns, and they are positive if ||f_m|| ||F' lambda|| < mu.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.certificates.integers import echelon_form, integer_columns
from marginscope.geometry.pair_gram import pair_gram

__all__ = ["MOST_OPERATIONS", "TiedSystem", "has_bounded_balance", "null_vectors"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

MOST_OPERATIONS = 1e12
_ROUNDING = 2.0**-53
_NULL_PIVOT = 3e-7
_MOST_TERMS = 60
_NOTHING = 1e-5
_SAFE_RANGE = 1e-100
_ENTRIES_AT_ONCE = 20_000_000


@dataclass(frozen=True)
class TiedSystem:
    """The tied pairs of one component in contrasts to its last class.

    Z (n_rows, n_columns) is exact: columns and rows were scaled by powers of two; the
    weights are those of the scaled rows.
    """

    Z: Floats
    y: Codes
    tied: Mask
    weights: Floats

    @property
    def n_unknowns(self) -> int:
        """Number of contrasts."""
        return int((self.tied.shape[1] - 1) * self.Z.shape[1])

    @property
    def is_too_large(self) -> bool:
        """Whether the proof would take more than about 10^12 operations."""
        return float(self.tied.sum()) * float(self.n_unknowns) ** 2 > MOST_OPERATIONS

    def columns(self, chosen: list[int]) -> Floats:
        """Return some columns of A without rounding, (n_pairs, n_chosen)."""
        p = self.Z.shape[1]
        rows, rivals = np.nonzero(self.tied)
        own = self.y[rows]
        signs = [(own == c // p).astype(float) - (rivals == c // p) for c in chosen]
        return np.column_stack([sign * self.Z[rows, c % p] for sign, c in zip(signs, chosen, strict=True)])

    def gram(self) -> Floats:
        """Return A' diag(lambda) A in the contrasts, up to rounding."""
        n = self.n_unknowns
        return pair_gram(self.Z, self.y, np.where(self.tied, self.weights, 0.0))[:n, :n]


def null_vectors(system: TiedSystem) -> tuple[list[int], list[dict[int, Fraction]]] | None:
    """Return independent columns C and, for each other column, a vector v with A v = 0.

    A vector maps columns to rationals, the other column (its first key) to 1 and only columns
    of C besides. None where a dependence is not exact, or has more than 60 terms.
    """
    H = system.gram()
    size = np.sqrt(np.diag(H))
    size[size == 0.0] = 1.0
    # the square root of H has the dependences of its columns, and pivots find them
    values, vectors = scipy.linalg.eigh(H / size / size[:, None], check_finite=False)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    R, order = scipy.linalg.qr(root, mode="r", pivoting=True, check_finite=False)
    pivots = np.abs(np.diag(R))
    rank = int((pivots > _NULL_PIVOT * pivots.max(initial=0.0)).sum())
    independent, dependent = order[:rank], order[rank:]
    coefficients = scipy.linalg.solve_triangular(R[:rank, :rank], R[:rank, rank:], check_finite=False)
    found = []
    for at, column in enumerate(dependent):
        others = independent[np.abs(coefficients[:, at]) > _NOTHING]
        vector = _exact_dependence(system, int(column), [int(c) for c in others])
        if vector is None:
            return None
        found.append(vector)
    return sorted(int(c) for c in independent), found


def _exact_dependence(system: TiedSystem, column: int, others: list[int]) -> dict[int, Fraction] | None:
    """Solve for the rational vector on some columns that ties all pairs, or return None."""
    A = system.columns([*others, column])
    if not others:
        return None if A.any() else {column: Fraction(1)}
    if len(others) > _MOST_TERMS:
        return None
    _, order = scipy.linalg.qr(A[:, :-1].T, mode="r", pivoting=True, check_finite=False)
    M, exponent = integer_columns(A)
    form = echelon_form(M[np.sort(order[: len(others)])], len(others))
    if len(form.pivots) < len(others):
        return None
    values = [Fraction(-int(v), int(form.denominator)) for v in form.rows[:, -1]] + [Fraction(1)]
    common = math.lcm(*(v.denominator for v in values))
    if np.any(M @ np.array([int(v * common) for v in values], dtype=object) != 0):
        return None
    # M are the columns divided by 2^exponent
    unit = [Fraction(2) ** int(exponent[-1] - e) for e in exponent]
    return {c: v * u for c, v, u in reversed(list(zip([*others, column], values, unit, strict=True)))}


def has_bounded_balance(system: TiedSystem, columns: list[int]) -> bool:
    """Prove that positive weights sum to zero on the given columns, or say no."""
    if not columns:
        return True
    parts = [np.abs(system.Z[system.Z != 0]), system.weights[system.tied]]
    if any(part.min(initial=1.0) < _SAFE_RANGE or part.max(initial=1.0) > 1 / _SAFE_RANGE for part in parts):
        return False
    H = system.gram()[np.ix_(columns, columns)]
    size = np.sqrt(np.diag(H))
    if not np.all(size > 0):
        return False
    try:
        L = scipy.linalg.cholesky(H / size / size[:, None], lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return False
    S = scipy.linalg.solve_triangular(L, np.eye(len(L)), lower=True, trans="T", check_finite=False) / size[:, None]
    S = np.triu(S)  # with a positive diagonal it is invertible
    if not np.all(np.isfinite(S)) or not np.all(np.diag(S) > 0):
        return False
    return _bounds_hold(system, columns, S)


def _bounds_hold(system: TiedSystem, columns: list[int], S: Floats) -> bool:
    """Bound the smallest eigenvalue of G, the sum F' lambda and the longest row of F."""
    n_classes, p, r = system.tied.shape[1], system.Z.shape[1], len(columns)
    blocks = np.zeros((n_classes * p, r))
    blocks[columns] = S
    blocks = blocks.reshape(n_classes, p, r)
    n_pairs = int(system.tied.sum())
    dot, long_dot = _gamma(p + 3), _gamma(n_pairs + 4)
    G, total = np.zeros((r, r)), np.zeros(r)
    total_error, squared_error, trace, longest = np.zeros(r), 0.0, 0.0, 0.0
    step = max(1, _ENTRIES_AT_ONCE // (r * n_classes))
    for start in range(0, len(system.y), step):
        here = slice(start, start + step)
        rows, rivals = np.nonzero(system.tied[here])
        Z, own = system.Z[here], system.y[here][rows]
        # scores of all classes first, so that a row is multiplied once for each of them
        scores = np.stack([Z @ block for block in blocks], axis=1)
        size = np.stack([np.abs(Z) @ np.abs(block) for block in blocks], axis=1)
        F = scores[rows, own] - scores[rows, rivals]
        error = dot * (size[rows, own] + size[rows, rivals])
        weight = system.weights[here][rows, rivals]
        root = F * np.sqrt(weight)[:, None]
        G += root.T @ root
        total += weight @ F
        total_error += weight @ (long_dot * np.abs(F) + (1 + long_dot) * error)
        squared_error += float(weight @ (error * error).sum(axis=1))
        trace += float((root * root).sum())
        longest = max(longest, float(np.sqrt((F * F).sum(axis=1)).max() + np.sqrt((error * error).sum(axis=1)).max()))
    # entries of |root|' |root| are at most products of column lengths, so its norm is at most the trace
    distance = float(np.linalg.norm(G - np.eye(r))) + 2.0 * long_dot * trace
    if not distance < 0.5:
        return False
    smallest = np.sqrt(1.0 - distance) - 1.001 * np.sqrt(squared_error)
    if not smallest > 0:
        return False
    sum_norm = float(np.linalg.norm(total)) + float(np.linalg.norm(total_error))
    return bool(1.001 * longest * sum_norm < smallest * smallest)


def _gamma(n: int) -> float:
    """Bound the relative error of a sum of n products in any order (Higham 2002, section 3.1)."""
    return n * _ROUNDING / (1.0 - n * _ROUNDING)
