"""The exact claim about tied pairs, component by component, where elimination is too large.

Weights are proved with bounded rounding. A direction found in floats is moved onto the
exact directions that tie, which are rational, and its margins are decided by a bound or
in integers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.bounded_proof import MOST_OPERATIONS, TiedSystem, has_bounded_balance, null_vectors
from marginscope.certificates.integers import integer_columns
from marginscope.exceptions import CertificateError
from marginscope.geometry.class_components import class_components, rows_of_component
from marginscope.geometry.margins import relative_margins, rounding_bound
from marginscope.geometry.orthonormal import column_exponents

__all__ = ["bounded_tied_part"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]


def bounded_tied_part(
    X: Floats, y: Codes, tied: Mask, weights: Floats, direction: Floats | None, separable: Mask | None
) -> bool:
    """Prove weights on the tied pairs, and a direction that ties them and separates the others.

    Parameters
    ----------
    X : (n_samples, n_columns) array, ones included where there is an intercept
    y : (n_samples,) class codes
    tied, separable : (n_samples, n_classes) masks
    weights : (n_samples, n_classes), positive on the tied pairs
    direction : (n_classes, n_columns) array, optional

    Raises
    ------
    CertificateError
        If a component is too large, or a dependence of columns is not seen to be exact.
    """
    if not (weights[tied] > 0).all():
        return False
    exponent = column_exponents(X)
    Z = np.ldexp(X, -exponent)
    row_exponent = np.frexp(np.abs(Z).max(axis=1, initial=0.0))[1]
    Z = np.ldexp(Z, -row_exponent[:, None])
    if not np.array_equal(np.ldexp(Z, exponent + row_exponent[:, None]), X):
        raise CertificateError(
            "an exact proof needs features whose scaling loses no digits, but some are below the normal range of "
            "float64; rescale them, or use verify(X, y) with exact=False"
        )
    # coefficients of the scaled columns
    W = None if direction is None else _fractions(direction, exponent)
    for classes in class_components(y, tied):
        rows, codes = rows_of_component(y, tied, classes)
        pairs = tied[np.ix_(rows, classes)]
        scaled = np.ldexp(weights[np.ix_(rows, classes)], row_exponent[rows, None])
        system = TiedSystem(Z[rows], codes, pairs, scaled / np.ldexp(1.0, int(np.frexp(scaled.max())[1])))
        vectors = _proved_vectors(system)
        if vectors is None:
            return False
        if W is not None:
            W[classes] = _onto_null(W[classes], vectors)
    return W is None or separable is None or _separates(Z, y, W, separable)


def _proved_vectors(system: TiedSystem) -> list[dict[int, Fraction]] | None:
    """Return a basis of the exact directions that tie, or None where the weights do not balance."""
    if system.is_too_large:
        raise CertificateError(
            f"an exact proof needs at most {MOST_OPERATIONS:.0e} operations, but this one has {system.n_unknowns} "
            f"unknowns and {int(system.tied.sum())} tied pairs; use verify(X, y) with exact=False"
        )
    every = list(range(system.n_unknowns))
    if has_bounded_balance(system, every):
        # as many independent columns as there are: nothing ties but what moves no margin
        return []
    found = null_vectors(system)
    if found is None:
        raise CertificateError(
            "an exact proof needs columns that depend on each other exactly or not nearly, but some do only up to "
            "rounding; leave such columns out, or use verify(X, y) with exact=False"
        )
    columns, vectors = found
    return vectors if vectors and has_bounded_balance(system, columns) else None


def _fractions(direction: Floats, exponent: NDArray[np.int64]) -> Any:
    unit = [Fraction(2) ** int(e) for e in exponent]
    rows = [[Fraction(float(w)) * u for w, u in zip(row, unit, strict=True)] for row in direction]
    return np.array(rows, dtype=object)


def _onto_null(W: Any, vectors: list[dict[int, Fraction]]) -> Any:
    """Keep the last class and, of the contrasts to it, the share of each null vector."""
    contrasts = (W[:-1] - W[-1]).ravel()
    kept = np.full(contrasts.shape, Fraction(0), dtype=object)
    for vector in vectors:
        dependent = next(iter(vector))
        for c, value in vector.items():
            kept[c] += contrasts[dependent] * value
    return np.vstack([kept.reshape(len(W) - 1, -1) + W[-1], W[-1:]])


def _separates(Z: Floats, y: Codes, W: Any, separable: Mask) -> bool:
    """Decide whether all margins of rational coefficients on the pairs are > 0."""
    largest = max((abs(w) for w in W.ravel()), default=Fraction(0)) or Fraction(1)
    rounded = np.array([[float(w / largest) for w in row] for row in W])
    margins = relative_margins(Z, y, rounded)
    # twice the bound: the coefficients are rounded too
    bound = 2.0 * rounding_bound(Z, y, rounded)
    if np.any(separable & (margins <= -bound)):
        return False
    doubtful = separable & ~(margins > bound)
    rows = np.flatnonzero(doubtful.any(axis=1))
    if not len(rows):
        return True
    M, exponent = integer_columns(Z[rows])
    common = math.lcm(*(w.denominator for w in W.ravel()))
    lowest = int(exponent.min())
    numbers = np.array(
        [[int(w * common) << int(e - lowest) for w, e in zip(row, exponent, strict=True)] for row in W], dtype=object
    )
    scores = M @ numbers.T
    own = scores[np.arange(len(rows)), y[rows]]
    return bool(np.all((own[:, None] > scores)[doubtful[rows]]))
