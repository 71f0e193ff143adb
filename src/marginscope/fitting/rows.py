"""Rows of data as the solvers see them: values, gradients and curvature in coordinates.

Rows are worked on in blocks, so that nothing of the size of the data is written. Products
are taken in the precision of the rows; what stands between them is float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.fitting.coordinates import Coordinates
from marginscope.geometry.label_code import margins_of_scores, scores_of_weights
from marginscope.geometry.margins import is_sparse
from marginscope.objectives import LinearObjective

__all__ = ["Curvature", "Rows"]

Floats = NDArray[np.float64]
# scores, entries of rows, of rows that are copied and of rows that are made dense, in one block
_SCORES = 2**16
_READ = 2**20
_COPIED = 2**18
_DENSE = 2**19


class Rows:
    """A loss on rows, without penalty, as a function of theta.

    Parameters
    ----------
    objective : LinearObjective
        Without ridge.
    coordinates : Coordinates
    dtype : float64 or float32
        Precision of the products.
    """

    def __init__(self, objective: LinearObjective, coordinates: Coordinates, dtype: Any = np.float64) -> None:
        self.objective = objective
        self.coordinates = coordinates
        self.n_samples, self.n_features = objective.X.shape
        self.dtype = np.dtype(dtype)
        adjustment = objective.adjustment
        self.scales = np.ones(objective.n_classes) if adjustment.scales is None else adjustment.scales
        self._omega = np.exp(adjustment.log_sample_weights(objective.y))
        is_copied = not is_sparse(objective.X) and objective.X.dtype != self.dtype
        step = min(self.n_samples, _SCORES // objective.n_classes)
        if not is_sparse(objective.X):
            step = min(step, (_COPIED if is_copied else _READ) // max(1, self.n_features))
        step = max(16, step)
        self.blocks = [slice(i, min(i + step, self.n_samples)) for i in range(0, self.n_samples, step)]
        self._compiled = self._compiled_parts()

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Return the sum of the losses and its gradient in theta."""
        W = self.coordinates.to_coef(theta)
        value, gradient = 0.0, np.zeros(W.shape)
        for part in self._compiled:
            part_value, part_gradient = part.value_and_gradient(W)
            value += part_value
            gradient += part_gradient
        if not self._compiled:
            for block in self.blocks:
                X = self.features(block)
                losses, weights = self.objective.template.value_and_weights(self.margins(W, block, X))
                value += float(losses @ self._omega[block])
                gradient -= self.pull_back(weights * self.factor(block), block, X)
        return value, self.coordinates.pull_back(gradient)

    def features(self, block: slice) -> Any:
        """Return the plain rows of a block in the precision of the products."""
        X = self.objective.X[block]
        return X if is_sparse(X) else X.astype(self.dtype, copy=False)

    def scores(self, W: Floats, X: Any) -> Floats:
        """Return the scores of ``features``."""
        scores = np.asarray(X @ W[:, : self.n_features].T.astype(self.dtype), dtype=float)
        return scores + W[:, -1] if self.objective.fit_intercept else scores

    def margins(self, W: Floats, block: slice, X: Any = None) -> Floats:
        """Return the adjusted margins of a block."""
        scores = self.scores(W, self.features(block) if X is None else X)
        return self.objective.adjustment.adjusted_margins(scores, self.objective.y[block])

    def factor(self, block: slice, power: int = 1) -> Floats:
        """Return omega_i / m_y^power as a column."""
        margins, omega = self.objective.adjustment.margins, self._omega[block, None]
        return omega if margins is None else omega / margins[self.objective.y[block], None] ** power

    def pull_back(self, weights: Floats, block: slice, X: Any) -> Floats:
        """Return sum_ik weight_ik times the gradient of the pair's scaled score difference."""
        signed = scores_of_weights(weights, self.objective.y[block]) * self.scales
        out = np.empty(self.objective.shape)
        if is_sparse(X):
            out[:, : self.n_features] = np.asarray(X.T @ signed).T
        else:
            out[:, : self.n_features] = signed.T.astype(self.dtype) @ X
        if self.objective.fit_intercept:
            out[:, -1] = signed.sum(axis=0)
        return out

    def dense(self, block: slice) -> Iterator[tuple[slice, Floats]]:
        """Yield the rows of a block in the coordinates, a few at a time, with ones for the intercept."""
        at, width = self.coordinates, self.objective.shape[1]
        step = max(16, _DENSE // width)
        for first in range(block.start, block.stop, step):
            part = slice(first, min(first + step, block.stop))
            X = self.objective.X[part]
            out = np.empty((X.shape[0], width), self.dtype)
            inner = out[:, : self.n_features]
            inner[...] = X.toarray() if is_sparse(X) else X
            if at.changes_anything:
                inner -= at.mean.astype(self.dtype)
                inner /= at.size.astype(self.dtype)
            out[:, self.n_features :] = 1.0
            yield part, out

    def _compiled_parts(self) -> list[LinearObjective]:
        """Return blocks of rows that run compiled code, or nothing where there is none."""
        whole = self.objective
        if self.dtype != np.float64 or not whole.is_compiled_at(np.zeros(whole.shape)):
            return []
        # blocks with as many scores as make the compiled code worth while
        step = max(1, 4 * _SCORES // whole.n_classes)
        cuts = [*range(0, max(1, self.n_samples - step // 2), step), self.n_samples]
        blocks = [slice(first, last) for first, last in pairwise(cuts)]
        return [whole.on_data(whole.X[one], whole.y[one], whole.adjustment.on_rows(one)) for one in blocks]


class Curvature:
    """The second derivative of a loss on rows at one theta, without penalty."""

    def __init__(self, rows: Rows, theta: Floats) -> None:
        W = rows.coordinates.to_coef(theta)
        self._rows = rows
        template = rows.objective.template
        self._maps: list[Callable[[Floats], Floats]] = [
            template.hessian_at(rows.margins(W, block)) for block in rows.blocks
        ]

    def product(self, V: Floats) -> Floats:
        """Return its product with V, of the shape of theta."""
        rows = self._rows
        W = rows.coordinates.to_coef(V)
        out = np.zeros(W.shape)
        for block, curve in zip(rows.blocks, self._maps, strict=True):
            X = rows.features(block)
            change = margins_of_scores(rows.scores(W, X) * rows.scales, rows.objective.y[block])
            out += rows.pull_back(rows.factor(block, 2) * curve(change), block, X)
        return rows.coordinates.pull_back(out)

    def in_directions(self, B: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield blocks of rows and B' C_i B of their rows: how the loss of row i curves in its scores.

        Parameters
        ----------
        B : (n_classes, n_directions)

        Yields
        ------
        slice, (n_rows, n_directions, n_directions) array
        """
        rows, m = self._rows, B.shape[1]
        table = self._moved(B)
        for block, curve in zip(rows.blocks, self._maps, strict=True):
            moved = table[:, rows.objective.y[block]]
            factor = rows.factor(block, 2)
            out = np.empty((moved.shape[1], m, m))
            for j in range(m):
                bent = factor * curve(moved[j])
                for other in range(j + 1):
                    out[:, j, other] = out[:, other, j] = np.einsum("ik,ik->i", bent, moved[other])
            yield block, out

    def of_classes(self) -> Floats:
        """Return how the loss of each row curves in the score of each class, (n_samples, n_classes)."""
        rows, n_classes = self._rows, self._rows.objective.n_classes
        table = self._moved(np.eye(n_classes))
        out = np.empty((rows.n_samples, n_classes))
        for block, curve in zip(rows.blocks, self._maps, strict=True):
            moved = table[:, rows.objective.y[block]]
            for k in range(n_classes):
                out[block, k] = np.einsum("ik,ik->i", curve(moved[k]), moved[k])
            out[block] *= rows.factor(block, 2)
        return out

    def _moved(self, B: Floats) -> Floats:
        """Return how each direction moves the margins, (n_directions, n_classes, n_classes - 1)."""
        n_classes = len(B)
        codes, scales = np.arange(n_classes), self._rows.scales
        return np.stack([margins_of_scores(np.tile(scales * b, (n_classes, 1)), codes) for b in B.T])
