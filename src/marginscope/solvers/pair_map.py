"""The margins of chosen pairs as a linear map, in any coordinates of the classes.

    u_ik(V) = <x~_ik, C V>,     scores = X (C V)'

C holds the class scales, or maps fewer class coordinates to scores. Arrays of pairs are
zero where there is no pair, so that sums over them are sums over pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse, pair_sum, relative_margins
from marginscope.geometry.pair_gram import pair_gram

__all__ = ["PairMap"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PairMap:
    """Rows, labels, the pairs that count, and C of shape (n_classes, n_class_coordinates)."""

    X: Any
    y: NDArray[np.intp]
    pairs: Mask
    classes: Floats

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.classes.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of V."""
        return int(self.classes.shape[1]), int(self.X.shape[1])

    def margins(self, V: Floats) -> Floats:
        """Return u_ik on the pairs, zero elsewhere."""
        return np.where(self.pairs, relative_margins(self.X, self.y, self.classes @ V), 0.0)

    def adjoint(self, weights: Floats) -> Floats:
        """Return sum_ik weights_ik x~_ik in the class coordinates."""
        return np.asarray(self.classes.T @ pair_sum(self.X, self.y, weights))

    def gram_without_last(self, weights: Floats) -> Floats:
        """Return sum_ik weights_ik vec(x~_ik) vec(x~_ik)' in scores, less the last class."""
        free = (self.n_classes - 1) * self.X.shape[1]
        X = self.X.toarray() if is_sparse(self.X) else self.X
        return np.ascontiguousarray(pair_gram(X, self.y, weights)[:free, :free])

    def gram_of_pairs(self, metric: Floats) -> Floats:
        """Return <x~_ik, metric * x~_jl> of all pairs; C is diagonal, the metric like W and positive."""
        rows, rivals = np.nonzero(self.pairs)
        own, scale = self.y[rows], np.diag(self.classes)
        B = np.zeros((len(rows), len(rows)))
        for c in range(self.n_classes):
            at = np.flatnonzero((own == c) | (rivals == c))
            if not len(at):
                continue
            used, where = np.unique(rows[at], return_inverse=True)
            root = self.X[used] * np.sqrt(metric[c])
            products = np.asarray((root @ root.T).toarray()) if is_sparse(self.X) else root @ root.T
            sign = np.where(own[at] == c, scale[c], -scale[c])
            B[np.ix_(at, at)] += products[np.ix_(where, where)] * np.outer(sign, sign)
        return B

    def rows(self, pairs: Mask, columns: Mask) -> Floats:
        """Return the features of some pairs at some entries of V, dense; C is diagonal."""
        index, rivals = np.nonzero(pairs)
        own, scale = self.y[index], np.diag(self.classes)
        out = np.zeros((len(index), int(columns.sum())))
        start = 0
        for c in range(self.n_classes):
            kept = np.flatnonzero(columns[c])
            stop = start + len(kept)
            for at, sign in ((np.flatnonzero(own == c), scale[c]), (np.flatnonzero(rivals == c), -scale[c])):
                part = self.X[index[at]][:, kept]
                out[at, start:stop] = sign * (part.toarray() if is_sparse(self.X) else part)
            start = stop
        return out
