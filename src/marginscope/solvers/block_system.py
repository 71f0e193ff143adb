"""Newton's equations in the unknowns, block by block of two classes.

Scores are relative to a base class, V_k = D_k w_k - D_b w_b, which leaves
(n_classes - 1) * n_columns unknowns: for given V the least norm has
sum_k p_k D_k w_k = 0 with p = 1 / D^2, so that

    ||W||^2 = sum_k p_k ||V_k||^2 - ||sum_k p_k V_k||^2 / sum_k p_k.

A pair of classes c and e adds T_ce = sum w x x' over its pairs to the two diagonal
blocks and subtracts it from the block (c, e), so every pair is summed once: about
n_pairs * n_columns^2 operations for H.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from marginscope.geometry.margins import is_sparse
from marginscope.solvers.margin_problem import MarginProblem
from marginscope.solvers.margin_system import (
    Floats,
    Indices,
    NotPositiveError,
    cholesky,
    cholesky_solve,
    cholesky_solve_vector,
    numbered_rows,
    row_norms,
    triangular_root,
)
from marginscope.solvers.ridge_guess import ridge_guess

__all__ = ["BlockSystem"]

_NEGLIGIBLE = 1e-4
# weights, of rows shorter than 1, that leave single precision two digits of a step
_STIFFEST_IN_SINGLE = 5e6
_LARGEST_UPDATE = 0.1
_FAR_FROM_OVERFLOW = (1e-12, 1e12)


class BlockSystem:
    """Coordinates are the scaled class vectors D_k w_k, (n_classes, n_columns).

    ``features`` stand in for the columns of the problem where W = theta ``back``; the
    metric of the columns is then back back'.
    """

    def __init__(self, problem: MarginProblem, features: Any = None, back: Floats | None = None) -> None:
        self.X = problem.X if features is None else features
        self.y = problem.y
        self.n_classes, self.n_columns = problem.n_classes, int(self.X.shape[1])
        scales = problem.class_scales
        self.scales = np.ones(self.n_classes) if scales is None else scales
        self.p = 1.0 / self.scales**2
        self.is_plain = scales is None
        self.back = back
        self.root = None if back is None else triangular_root(back)
        self.gram = None if self.root is None else self.root @ self.root.T
        counts = np.bincount(self.y, minlength=self.n_classes)
        self.base = int(np.argmax(counts))
        self.free = np.flatnonzero(np.arange(self.n_classes) != self.base)
        self.place = np.full(self.n_classes, -1)
        self.place[self.free] = np.arange(len(self.free))
        self.pairs = np.zeros(0, dtype=np.intp)
        self.row_sizes = row_norms(self.X)
        self.memory: Floats = np.zeros(0)
        self.factored: Any = None
        self.weights: Floats | None = None
        self.update: tuple[Floats, Floats] | None = None

    @property
    def n_unknowns(self) -> int:
        """Unknowns after one class is taken off."""
        return len(self.free) * self.n_columns

    def select(self, pairs: Indices) -> Indices:
        """Sort the pairs by their two classes, so that every block is one slice."""
        K = self.n_classes
        rows, rivals = np.divmod(pairs, K)
        own = self.y[rows]
        low, high = np.minimum(own, rivals), np.maximum(own, rivals)
        code = low * K + high
        # one number for block and pair: a third of the time of two keys
        order = np.argsort(code * (self.X.shape[0] * K) + pairs)
        self.pairs, code, self.weights = pairs[order], code[order], None
        ends = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1], [True]]))
        heads = code[ends[:-1]] if len(pairs) else code
        self.groups = [
            (int(h) // K, int(h) % K, int(a), int(b)) for h, a, b in zip(heads, ends[:-1], ends[1:], strict=True)
        ]
        used, self.row = numbered_rows(rows[order], self.X.shape[0])
        self.n_used = len(used)
        Y = self.X if self.n_used == self.X.shape[0] else self.X[used]
        self.Y = Y.toarray() if is_sparse(Y) else Y
        self.used_class = self.y[used]
        self.at_own, self.at_rival = self.row * K + own[order], self.row * K + rivals[order]
        return order

    def all_margins(self, W: Floats) -> Floats:
        """Return u of all rows and rivals."""
        scores = np.asarray(self.X @ W.T)
        return np.asarray(scores[np.arange(len(self.y)), self.y][:, None] - scores)

    def margins(self, W: Floats) -> Floats:
        """Apply A."""
        scores = (self.Y @ W.T).ravel()
        return np.asarray(scores[self.at_own] - scores[self.at_rival])

    def adjoint(self, weights: Floats) -> Floats:
        """Apply A'."""
        signed = np.zeros((self.n_used, self.n_classes))
        signed.ravel()[self.at_rival] = -weights
        signed[np.arange(self.n_used), self.used_class] = np.bincount(self.row, weights, self.n_used)
        return np.asarray((self.Y.T @ signed).T)

    def adjoint_size(self, weights: Floats) -> Floats:
        """Sum alpha |x|, the same for all classes."""
        return np.asarray(abs(self.Y).T @ np.bincount(self.row, weights, self.n_used))

    def metric(self, W: Floats) -> Floats:
        """Apply P."""
        scaled = W if self.is_plain else self.p[:, None] * W
        return scaled if self.root is None else (scaled @ self.root) @ self.root.T

    def inverse_metric(self, G: Floats) -> Floats:
        """Apply the inverse of P, which keeps the balance of the classes."""
        scaled = G if self.is_plain else G / self.p[:, None]
        return scaled if self.root is None else cholesky_solve(self.root, scaled.T).T

    def factor(self, weights: Floats, *, roughly: bool = False) -> None:
        """Factor H, in single precision where that is allowed and has digits enough."""
        if not roughly and self._update(weights):
            return
        self.weights, self.update = weights, None
        if roughly and self._suits_single(weights):
            try:
                self._factor_in(np.float32, weights)
            except NotPositiveError:
                pass
            else:
                return
        self._factor_in(np.float64, weights)

    def _update(self, weights: Floats) -> bool:
        """Keep the factor where the weights of few pairs are new, and note what they change (Woodbury)."""
        if self.weights is None or self.factored.dtype != np.float64:
            return False
        changed = np.flatnonzero(weights != self.weights)
        if len(changed) > _LARGEST_UPDATE * self.n_unknowns:
            return False
        self.update = None
        if len(changed):
            rows, line = self.row[changed], np.arange(len(changed))
            features = np.zeros((len(changed), self.n_classes, self.n_columns))
            features[line, self.used_class[rows]] = self.Y[rows]
            features[line, self.at_rival[changed] - rows * self.n_classes] = -self.Y[rows]
            A = features[:, self.free].reshape(len(changed), -1)
            U = cholesky_solve(self.factored, A.T)
            inner = A @ U
            inner[line, line] += 1.0 / (weights - self.weights)[changed]
            self.update = U @ np.linalg.inv(inner), A
        return True

    def _suits_single(self, weights: Floats) -> bool:
        if self.gram is not None:
            return False
        least, largest = float(self.p.min()), max(float(self.p.max()), float(weights.max()))
        return _FAR_FROM_OVERFLOW[0] < least and largest < min(_STIFFEST_IN_SINGLE * least, _FAR_FROM_OVERFLOW[1])

    def _factor_in(self, precision: Any, weights: Floats) -> None:
        """Sum the blocks and factor them; pairs that cannot bend H are left out."""
        d, n = self.n_columns, len(self.free)
        if not self.memory.size:
            self.memory = np.empty((n * d) ** 2)
        H = self.memory.view(precision)[: (n * d) ** 2].reshape(n * d, n * d)
        blocks = H.reshape(n, d, n, d)
        diagonal: Any = np.zeros((n, d, d), precision)
        Y, root = self.Y.astype(precision, copy=False), np.sqrt(weights).astype(precision)
        # all that is left out adds less than this share of the unit part of H
        kept = weights > _NEGLIGIBLE / max(1, len(weights))
        everything = bool(kept.all())
        empty = set(combinations(range(n), 2))
        for c, e, start, stop in self.groups:
            rows, scale = self.row[start:stop], root[start:stop]
            if not everything:
                chosen = kept[start:stop]
                rows, scale = rows[chosen], scale[chosen]
                if not len(rows):
                    continue
            Z = Y.take(rows, axis=0)
            Z *= scale[:, None]
            T = Z.T @ Z
            i, j = sorted((int(self.place[c]), int(self.place[e])))
            diagonal[j] += T
            if i >= 0:
                diagonal[i] += T
                np.negative(T, out=blocks[i, :, j])
                empty.remove((i, j))
        for i, j in empty:
            blocks[i, :, j] = 0.0
        for i in range(n):
            blocks[i, :, i] = diagonal[i]
        self._add_metric(H)
        self.factored = cholesky(H)

    def _add_metric(self, H: Any) -> None:
        """Add P of the reduced unknowns to the upper triangle."""
        p, total = self.p[self.free], float(self.p.sum())
        size, d = len(H), self.n_columns
        entries, blocks = H.ravel(), H.reshape(len(p), d, len(p), d)
        for i in range(len(p)):
            for j in range(i, len(p)):
                share = (p[i] if i == j else 0.0) - p[i] * p[j] / total
                if self.gram is None:
                    start = i * d * size + j * d
                    entries[start : start + d * (size + 1) : size + 1] += share
                else:
                    blocks[i, :, j] += share * self.gram

    def solve(self, G: Floats) -> Floats:
        """Solve H W = G for class vectors in balance."""
        found = cholesky_solve_vector(self.factored, G[self.free].ravel())
        if self.update is not None:
            U, A = self.update
            found -= U @ (A @ found)
        V = np.zeros((self.n_classes, self.n_columns))
        V[self.free] = found.reshape(-1, self.n_columns)
        return self.balanced(V)

    def balanced(self, V: Floats) -> Floats:
        """Add one vector to all classes so that the norm is least."""
        return np.asarray(V - (self.p @ V) / self.p.sum())

    def first_guess(self) -> Floats:
        """Return a ridge regression on the classes."""
        return self.balanced(ridge_guess(self.X, self.y, self.n_classes))

    def from_columns(self, W: Floats) -> Floats:
        """Return the scaled class vectors of W."""
        scaled = self.scales[:, None] * W
        if self.root is not None and self.back is not None:
            scaled = cholesky_solve(self.root, self.back @ scaled.T).T
        return self.balanced(scaled)

    def to_columns(self, W: Floats) -> Floats:
        """Divide by the class scales."""
        plain = W / self.scales[:, None]
        return plain if self.back is None else plain @ self.back
