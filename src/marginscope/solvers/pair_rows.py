"""Chosen pair features, written out in a basis of the allowed directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import relative_margins
from marginscope.geometry.orthonormal import orthonormal_features
from marginscope.geometry.pair_gram import pair_gram

__all__ = ["PairSpace", "null_directions"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_NULL_EIGENVALUE = 1e-12


def null_directions(Q: Floats, y: Codes, tied: Mask) -> Floats:
    """Return an orthonormal basis (n, n_classes, rank) of the directions with margin 0 on all tied pairs.

    Adding one vector to every class is left out. Q has orthogonal columns.
    """
    H = pair_gram(Q, y, tied.astype(float), gauge=1.0)
    values, vectors = scipy.linalg.eigh(H, check_finite=False)
    null = vectors[:, values <= _NULL_EIGENVALUE * max(1.0, float(values[-1]))]
    return np.ascontiguousarray(null.T).reshape(-1, tied.shape[1], Q.shape[1])


class PairSpace:
    """Directions theta of the features Y that are orthogonal to the tied pairs.

    Y are the features in an orthonormal basis of their row space (or as they
    are, if sparse), so that ||theta|| = ||W||. Without tied pairs the directions
    are all (n_classes, rank) matrices; else the combinations beta of ``basis``.
    """

    def __init__(self, Z: Any, y: Codes, n_classes: int, tied: Mask | None) -> None:
        self.y = y
        self.n_classes = n_classes
        self.basis: Floats | None = None
        self.back: Floats | None = None
        self.Y = Z
        if sp.issparse(Z) and tied is None:
            return
        features = orthonormal_features(Z, fit_intercept=False)
        to_columns = np.ldexp(features.back, -features.column_exponent)
        V, T = np.linalg.qr(to_columns.T)
        self.back = V.T
        self.Y = np.asarray(Z @ V)
        if tied is not None:
            null = null_directions(features.Q, y, tied & (np.arange(n_classes) != y[:, None]))
            turned = (null @ T.T).reshape(len(null), -1)
            orthonormal, _ = np.linalg.qr(turned.T)
            self.basis = orthonormal

    @property
    def rank(self) -> int:
        """Number of columns of Y."""
        return int(self.Y.shape[1])

    @property
    def n_unknowns(self) -> int:
        """Number of free parameters."""
        return self.n_classes * self.rank if self.basis is None else int(self.basis.shape[1])

    def theta(self, beta: Floats) -> Floats:
        """Return the (n_classes, rank) direction of free parameters."""
        flat = beta if self.basis is None else self.basis @ beta
        return np.asarray(flat).reshape(self.n_classes, self.rank)

    def to_columns(self, theta: Floats) -> Floats:
        """Return the direction in the columns of Z."""
        return theta if self.back is None else theta @ self.back

    def margins(self, theta: Floats) -> Floats:
        """Return all relative margins of a direction."""
        return relative_margins(self.Y, self.y, theta)

    def rows(self, index: Codes, rivals: Codes) -> Any:
        """Return the pair features of chosen pairs, (n_pairs, n_unknowns), dense or CSR."""
        if self.basis is None:
            return self._sparse_rows(index, rivals)
        blocks = self.basis.reshape(self.n_classes, self.rank, -1)
        dense = np.empty((len(index), self.n_unknowns))
        own = self.y[index]
        for c, k in {(int(a), int(b)) for a, b in zip(own, rivals, strict=True)}:
            at = np.flatnonzero((own == c) & (rivals == k))
            dense[at] = self.Y[index[at]] @ (blocks[c] - blocks[k])
        return dense

    def _sparse_rows(self, index: Codes, rivals: Codes) -> Any:
        features = sp.coo_array(self.Y[index])
        line, column = features.coords
        own = self.y[index][line] * self.rank + column
        other = rivals[line] * self.rank + column
        data = np.r_[features.data, -features.data]
        return sp.csr_array(
            (data, (np.r_[line, line], np.r_[own, other])), shape=(len(index), self.n_classes * self.rank)
        )
