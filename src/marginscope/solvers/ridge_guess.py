"""A first direction: ridge regression of the class memberships on the features."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse
from marginscope.solvers.margin_system import cholesky, cholesky_solve, row_norms

__all__ = ["ridge_guess"]

Floats = NDArray[np.float64]
_RIDGE = 1e-8
_LARGEST_GRAM = 6000


def ridge_guess(X: Any, y: NDArray[np.intp], n_classes: int) -> Floats:
    """Return (n_classes, n_columns) coefficients, every class with the same total weight.

    The smaller of the two Gram matrices is solved: columns or rows. Where it is too large,
    the class means do.
    """
    n, d = X.shape
    counts = np.bincount(y, minlength=n_classes).astype(float)
    size = row_norms(X)
    # every row with the same size, so that short ones count as much as long ones
    root = 1.0 / np.sqrt(counts[y])
    stretch = root / np.where(size > 0.0, size, 1.0)
    target = np.zeros((n, n_classes))
    target[np.arange(n), y] = root
    target -= root[:, None] / n_classes
    Z = X.multiply(stretch[:, None]).tocsr() if is_sparse(X) else X * stretch[:, None]
    if min(n, d) > _LARGEST_GRAM:
        return np.ascontiguousarray(np.asarray(Z.T @ target).T)
    gram: Any = Z.T @ Z if d <= n else Z @ Z.T
    gram = np.asarray(gram.toarray() if is_sparse(gram) else gram)
    right = np.asarray(Z.T @ target) if d <= n else target
    width = np.sqrt(np.diagonal(gram))
    width = np.where(width > 0.0, width, 1.0)
    gram /= width[:, None] * width
    gram[np.diag_indices(len(gram))] += _RIDGE
    half = cholesky_solve(cholesky(gram), right / width[:, None]) / width[:, None]
    return np.ascontiguousarray((half if d <= n else np.asarray(Z.T @ half)).T)
