"""The linear algebra of the hard-margin problem on a working set of its pairs.

    minimise 1/2 <W, P W>   subject to   A W >= 1

Newton's method, whether it follows the central path or an active set, solves with

    H = P + A' diag(w) A

again and again. A system knows its coordinates for W, the pairs that take part,
and how to factor H: in the unknowns (``block_system``), in the unknowns written out
pair by pair (``basis_system``) or in the pairs (``dual_system``).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import scipy.linalg.blas as blas
import scipy.linalg.lapack as lapack
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse

__all__ = [
    "Floats",
    "Indices",
    "MarginSystem",
    "NotPositiveError",
    "TooLargeError",
    "cholesky",
    "cholesky_solve",
    "cholesky_solve_vector",
    "numbered_rows",
    "row_norms",
    "triangular_root",
]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class NotPositiveError(ArithmeticError):
    """A matrix to be factored was not positive definite up to rounding."""


class TooLargeError(ArithmeticError):
    """The equations would not fit in memory."""


class MarginSystem(Protocol):
    """Coordinates for W, working pairs, and the equations of Newton's method.

    Pairs are numbered ``row * n_classes + rival``. ``pairs`` are the working ones in the
    order that every vector of pairs follows, ``row_sizes`` the norms of the feature rows. W and
    everything of its shape are arrays in the coordinates of the system.
    """

    n_classes: int
    pairs: Indices
    row_sizes: Floats

    @property
    def n_unknowns(self) -> int: ...

    def select(self, pairs: Indices) -> Indices:
        """Take working pairs; return the order in which they are kept."""

    def all_margins(self, W: Floats) -> Floats:
        """Return u of every row and rival, (n_rows, n_classes); the own class is not a margin."""

    def margins(self, W: Floats) -> Floats:
        """Apply A."""

    def adjoint(self, weights: Floats) -> Floats:
        """Apply A'."""

    def adjoint_size(self, weights: Floats) -> Floats:
        """Return sum of alpha |x| in every coordinate: the scale of the rounding errors of A'."""

    def metric(self, W: Floats) -> Floats:
        """Apply P."""

    def inverse_metric(self, G: Floats) -> Floats:
        """Apply the inverse of P."""

    def factor(self, weights: Floats, *, roughly: bool = False) -> None:
        """Factor H for weights of the working pairs; zeros are free. Roughly is to a few digits."""

    def solve(self, G: Floats) -> Floats:
        """Solve H W = G."""

    def first_guess(self) -> Floats:
        """Return a direction under which most pairs have positive margins."""

    def from_columns(self, W: Floats) -> Floats:
        """Return the coordinates of an (n_classes, n_columns) matrix, the closest allowed one."""

    def to_columns(self, W: Floats) -> Floats:
        """Return the (n_classes, n_columns) matrix."""


def cholesky(H: Any) -> Any:
    """Factor a symmetric matrix of either precision in place, reading its upper triangle in C order."""
    potrf = lapack.spotrf if H.dtype == np.float32 else lapack.dpotrf
    factor, info = potrf(H.T, lower=1, overwrite_a=1, clean=0)
    if info:
        raise NotPositiveError(f"the leading minor of order {info} is not positive")
    return factor


def cholesky_solve(factor: Floats, right: Floats) -> Floats:
    """Solve with a factor of ``cholesky``."""
    solution: Any = lapack.dpotrs(factor, right, lower=1)[0]
    return np.asarray(solution)


def cholesky_solve_vector(factor: Any, right: Floats) -> Floats:
    """Solve for one vector with a large factor of either precision: half the time of ``cholesky_solve``."""
    trsv = blas.strsv if factor.dtype == np.float32 else blas.dtrsv
    solution: Any = trsv(factor, trsv(factor, right, lower=1), lower=1, trans=1, overwrite_x=1)
    return np.asarray(solution, dtype=float)


def triangular_root(back: Floats) -> Floats:
    """Return lower triangular L with L L' = back back', without squaring ``back``."""
    R: Any = np.linalg.qr(back.T, mode="r")
    return np.asfortranarray(R.T)


def numbered_rows(rows: Indices, n_rows: int) -> tuple[Indices, Indices]:
    """Return the different rows in order, and for every entry its place among them, without sorting."""
    place = np.zeros(n_rows, dtype=np.intp)
    place[rows] = 1
    used = np.flatnonzero(place)
    place[used] = np.arange(len(used))
    return used, place[rows]


def row_norms(X: Any) -> Floats:
    """Return the Euclidean norms of the rows, dense or sparse."""
    squared = X.multiply(X).sum(axis=1) if is_sparse(X) else np.einsum("ij,ij->i", X, X)
    sizes: Floats = np.sqrt(np.asarray(squared, dtype=float).ravel())
    return sizes
