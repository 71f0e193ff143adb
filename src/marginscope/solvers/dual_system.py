"""Newton's equations in the working pairs, for more columns than rows.

By the formula of Woodbury, with B = A P^-1 A' the inner products of the pairs,

    (P + A' w A)^-1 G = P^-1 (G - A' y),     (1 / w + B) y = A P^-1 G,

so the columns enter through the Gram matrix of the rows alone, dense or sparse.
"""

from __future__ import annotations

import numpy as np

from marginscope.geometry.margins import is_sparse
from marginscope.solvers.margin_problem import MarginProblem
from marginscope.solvers.margin_system import (
    Floats,
    Indices,
    NotPositiveError,
    TooLargeError,
    cholesky,
    cholesky_solve_vector,
    numbered_rows,
    row_norms,
)
from marginscope.solvers.ridge_guess import ridge_guess

__all__ = ["DualSystem"]

_MOST_PAIRS = 12_000


class DualSystem:
    """Coordinates are the scaled class vectors D_k w_k, (n_classes, n_columns)."""

    def __init__(self, problem: MarginProblem) -> None:
        self.X, self.y = problem.X, problem.y
        self.n_classes = problem.n_classes
        scales = problem.class_scales
        self.scales = np.ones(self.n_classes) if scales is None else scales
        self.p = 1.0 / self.scales**2
        self.pairs = np.zeros(0, dtype=np.intp)
        self.row_sizes = row_norms(self.X)
        self.products: Floats = np.zeros((0, 0))
        self.kept: Indices = self.pairs
        self.factored: Floats = self.products

    @property
    def n_unknowns(self) -> int:
        """Number of rows: a few pairs of each bind."""
        return min(int(min(self.X.shape)), _MOST_PAIRS // 8)

    def select(self, pairs: Indices) -> Indices:
        """Form the inner products of the pairs."""
        if len(pairs) > _MOST_PAIRS:
            raise TooLargeError(f"{len(pairs):,} pairs of a margin problem bind, the most is {_MOST_PAIRS:,}")
        K = self.n_classes
        self.pairs = pairs
        rows, rivals = np.divmod(pairs, K)
        used, self.row = numbered_rows(rows, self.X.shape[0])
        own = self.y[rows]
        self.n_used = len(used)
        self.Y = self.X[used]
        between = self.Y @ self.Y.T
        between = np.asarray(between.toarray() if is_sparse(between) else between)
        # <D_a e_a - D_b e_b, D_c e_c - D_d e_d> for the classes of two pairs
        contrast = np.zeros((len(pairs), K))
        line = np.arange(len(pairs))
        contrast[line, own] = self.scales[own]
        contrast[line, rivals] = -self.scales[rivals]
        self.products = contrast @ contrast.T
        for start in range(0, len(pairs), 1000):
            part = slice(start, start + 1000)
            self.products[part] *= between[np.ix_(self.row[part], self.row)]
        self.at_own, self.at_rival = self.row * K + own, self.row * K + rivals
        return line

    def all_margins(self, W: Floats) -> Floats:
        """Return u of all rows and rivals."""
        scores = np.asarray(self.X @ W.T)
        return np.asarray(scores[np.arange(len(self.y)), self.y][:, None] - scores)

    def margins(self, W: Floats) -> Floats:
        """Apply A."""
        scores = np.asarray(self.Y @ W.T).ravel()
        return np.asarray(scores[self.at_own] - scores[self.at_rival])

    def adjoint(self, weights: Floats) -> Floats:
        """Apply A'."""
        size = self.n_used * self.n_classes
        signed = np.bincount(self.at_own, weights, size) - np.bincount(self.at_rival, weights, size)
        return np.ascontiguousarray(np.asarray(self.Y.T @ signed.reshape(-1, self.n_classes)).T)

    def adjoint_size(self, weights: Floats) -> Floats:
        """Sum alpha |x|, the same for all classes."""
        return np.asarray(abs(self.Y).T @ np.bincount(self.row, weights, self.n_used))

    def metric(self, W: Floats) -> Floats:
        """Apply P."""
        return self.p[:, None] * W

    def inverse_metric(self, G: Floats) -> Floats:
        """Apply the inverse of P."""
        return G / self.p[:, None]

    def factor(self, weights: Floats, *, roughly: bool = False) -> None:
        """Factor 1 + w^1/2 B w^1/2 of the pairs that have weight."""
        self.kept = np.flatnonzero(weights > 1e-12 * weights.max(initial=0.0))
        if not len(self.kept):
            raise NotPositiveError("the weights are zero, infinite or not numbers")
        self.root = np.sqrt(weights[self.kept])
        S = self.products[np.ix_(self.kept, self.kept)]
        S *= self.root[:, None]
        S *= self.root
        S.ravel()[:: len(S) + 1] += 1.0
        self.factored = cholesky(S)

    def solve(self, G: Floats) -> Floats:
        """Solve H W = G, and once more for what rounding left of G."""
        W = self._solve_once(G)
        return W + self._solve_once(G - self._apply(W))

    def _solve_once(self, G: Floats) -> Floats:
        free = self.inverse_metric(G)
        y = np.zeros(len(self.pairs))
        y[self.kept] = self.root * cholesky_solve_vector(self.factored, self.root * self.margins(free)[self.kept])
        return free - self.inverse_metric(self.adjoint(y))

    def _apply(self, W: Floats) -> Floats:
        y = np.zeros(len(self.pairs))
        y[self.kept] = self.root**2 * self.margins(W)[self.kept]
        return self.metric(W) + self.adjoint(y)

    def first_guess(self) -> Floats:
        """Return a ridge regression on the classes."""
        guess = ridge_guess(self.X, self.y, self.n_classes)
        return np.asarray(guess - (self.p @ guess) / self.p.sum())

    def from_columns(self, W: Floats) -> Floats:
        """Return the scaled class vectors of W, in balance."""
        scaled = self.scales[:, None] * W
        return np.asarray(scaled - (self.p @ scaled) / self.p.sum())

    def to_columns(self, W: Floats) -> Floats:
        """Divide by the class scales."""
        return W / self.scales[:, None]
