"""Chosen pair features, written out in a basis of the allowed directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse, relative_margins
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
    """Directions that are orthogonal to the tied pairs, in two systems of coordinates.

    ``beta`` are orthonormal: ||beta|| = ||W||. ``gamma`` are those in which the
    features are uncorrelated, so that constraints on margins are well conditioned;
    ||W||^2 = gamma' ``metric`` gamma. Sparse features without tied pairs are left as
    they are, and both are the entries of W.
    """

    def __init__(self, Z: Any, y: Codes, n_classes: int, tied: Mask | None) -> None:
        self.y = y
        self.n_classes = n_classes
        self.basis: Floats | None = None
        self.Y = self.Q = Z
        if is_sparse(Z) and tied is None:
            return
        features = orthonormal_features(Z, fit_intercept=False)
        to_columns = np.ldexp(features.back, -features.column_exponent)
        # the least W with the scores of phi is phi to_columns V V', V the rows of Z made orthonormal
        full_rank = len(features.span) == Z.shape[1]
        V = np.eye(Z.shape[1]) if full_rank else np.linalg.qr(features.span.T)[0]
        self.turn = (to_columns @ V).T
        self.back = V.T
        self.Y = np.asarray(Z @ V)
        self.Q = features.Q / features.row_scale[:, None]
        if tied is not None:
            self.null = null_directions(features.Q, y, tied)
            turned = (self.null @ self.turn.T).reshape(len(self.null), -1)
            self.basis, self.turn = np.linalg.qr(turned.T)

    @property
    def is_plain(self) -> bool:
        """Whether the features are used as they are."""
        return not hasattr(self, "back")

    @property
    def rank(self) -> int:
        """Number of columns of Y."""
        return int(self.Y.shape[1])

    @property
    def n_unknowns(self) -> int:
        """Number of free parameters."""
        return self.n_classes * self.rank if self.basis is None else int(self.basis.shape[1])

    @property
    def metric(self) -> Any:
        """Matrix P of ||W||^2 = gamma' P gamma, sparse."""
        if self.is_plain:
            return sp.eye_array(self.n_unknowns, format="csc")
        block = self.turn.T @ self.turn
        if self.basis is not None:
            return sp.csc_array(block)
        return sp.block_diag([block] * self.n_classes, format="csc")

    def to_beta(self, gamma: Floats) -> Floats:
        """Change from gamma to beta."""
        if self.basis is not None:
            return np.asarray(self.turn @ gamma)
        if self.is_plain:
            return self.centred(gamma)
        return self.centred(np.asarray(gamma.reshape(self.n_classes, self.rank) @ self.turn.T).ravel())

    def centred(self, beta: Floats) -> Floats:
        """Take off what all classes share; it changes no margin."""
        if self.basis is not None:
            return beta
        theta = beta.reshape(self.n_classes, self.rank)
        return np.asarray(theta - theta.mean(axis=0)).ravel()

    def to_theta(self, beta: Floats) -> Floats:
        """Return (n_classes, rank) coefficients of Y."""
        flat = beta if self.basis is None else self.basis @ beta
        return np.asarray(flat).reshape(self.n_classes, self.rank)

    def to_columns(self, beta: Floats) -> Floats:
        """Return the direction in the columns of Z."""
        theta = self.to_theta(beta)
        return theta if self.is_plain else theta @ self.back

    def from_columns(self, W: Floats) -> Floats:
        """Return beta of the closest allowed direction."""
        theta = W if self.is_plain else W @ self.back.T
        return theta.ravel() if self.basis is None else np.asarray(self.basis.T @ theta.ravel())

    def margins(self, beta: Floats) -> Floats:
        """Return all relative margins of a direction."""
        return relative_margins(self.Y, self.y, self.to_theta(beta))

    def beta_rows(self, index: Codes, rivals: Codes) -> Any:
        """Return pair features (n_pairs, n_unknowns) for beta, dense or CSR."""
        if self.basis is None:
            return self._sparse_rows(self.Y, index, rivals)
        return self._dense_rows(self.Y, self.basis.reshape(self.n_classes, self.rank, -1), index, rivals)

    def gamma_rows(self, index: Codes, rivals: Codes) -> Any:
        """Return pair features (n_pairs, n_unknowns) for gamma, dense or CSR."""
        if self.basis is None:
            return self._sparse_rows(self.Q, index, rivals)
        return self._dense_rows(self.Q, self.null.transpose(1, 2, 0), index, rivals)

    def _dense_rows(self, features: Floats, blocks: Floats, index: Codes, rivals: Codes) -> Floats:
        dense = np.empty((len(index), self.n_unknowns))
        own = self.y[index]
        for c, k in {(int(a), int(b)) for a, b in zip(own, rivals, strict=True)}:
            at = np.flatnonzero((own == c) & (rivals == k))
            dense[at] = features[index[at]] @ (blocks[c] - blocks[k])
        return dense

    def _sparse_rows(self, features: Any, index: Codes, rivals: Codes) -> Any:
        chosen = sp.coo_array(features[index])
        line, column = chosen.coords
        own = self.y[index][line] * self.rank + column
        other = rivals[line] * self.rank + column
        data = np.r_[chosen.data, -chosen.data]
        return sp.csr_array(
            (data, (np.r_[line, line], np.r_[own, other])), shape=(len(index), self.n_classes * self.rank)
        )
