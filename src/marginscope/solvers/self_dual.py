"""Interior point for all separable pairs and all tied weights at once.

    s = A W,   A' lambda = 0,   lambda >= 0,   s >= 0

has a solution with lambda + s > 0 (Goldman and Tucker 1956): s is positive on the
separable pairs and lambda on the others. The system is its own dual, so a path from
lambda = s = 1 on which residuals and products lambda s fall at one rate leads to such a
solution (Xu, Hung and Ye 1996), whatever the kind of the data. The partition shows long
before the end; it is then confirmed as the end of Newton's method is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.geometry.margins import pair_sum, relative_margins
from marginscope.geometry.pair_gram import pair_gram
from marginscope.solvers.null_programme import solve_in_null_space
from marginscope.solvers.pair_loss import PairLoss
from marginscope.solvers.recession import balance, confirmed_direction

__all__ = ["Partition", "follow_self_dual_path"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MOST_STEPS = 80
_FIRST_GUESS = 3e-7
_GUESS_FACTOR = 0.1
_LAST = 1e-14
_RIDGES = (1e-16, 1e-14, 1e-12)


@dataclass(frozen=True)
class Partition:
    """Directions, each with the pairs it separates of those left by the ones before, and the rest.

    ``weights`` are balanced on the pairs that no direction separates, or None.
    """

    directions: list[tuple[Floats, Mask]]
    weights: Floats | None


def follow_self_dual_path(model: PairLoss) -> Partition:
    """Follow the path until every pair of the model is separated or has a balanced weight."""
    path = _Path(model)
    next_guess = _FIRST_GUESS
    directions: list[tuple[Floats, Mask]] = []
    for _ in range(_MOST_STEPS):
        if path.mu <= next_guess:
            next_guess = path.mu * _GUESS_FACTOR
            while path.pairs.any():
                weights = path.balanced()
                if weights is not None:
                    return Partition(directions, weights)
                found = path.direction()
                if found is None:
                    break
                # what is left is near the end of a path of its own
                directions.append(found)
                path.leave_out(found[1])
        if not path.pairs.any() or path.mu <= _LAST or not path.advance():
            break
    return Partition(directions, None)


class _Path:
    """The iterates, with margins and weights of the pairs as flat arrays."""

    def __init__(self, model: PairLoss) -> None:
        self.model = model
        # rows of one size: a path that starts at ones treats them alike
        size = np.sqrt((model.Q * model.Q).sum(axis=1))
        self.size = np.where(size > 0, size, 1.0)
        self.Q = model.Q / self.size[:, None]
        self.pairs = model.pairs
        n = int(self.pairs.sum())
        self.slack, self.weights = np.ones(n), np.ones(n)
        self.W = np.zeros(model.shape)

    @property
    def mu(self) -> float:
        """Mean product of slack and weight."""
        return float(self.slack @ self.weights) / max(1, len(self.slack))

    def full(self, flat: Floats) -> Floats:
        """Write flat values into the (n_rows, n_classes) matrix of pairs."""
        values = np.zeros(self.pairs.shape)
        values[self.pairs] = flat
        return values

    def margins(self, W: Floats) -> Floats:
        return relative_margins(self.Q, self.model.y, W)[self.pairs]

    def total(self, flat: Floats) -> Floats:
        return pair_sum(self.Q, self.model.y, self.full(flat))

    def advance(self) -> bool:
        """Take a predictor-corrector step (Mehrotra 1992); say no where rounding stops it."""
        ratio = self.weights / self.slack
        factor = self._factor(ratio)
        if factor is None:
            return False
        dW, dw, ds = self._direction(factor, ratio, 0.0, np.zeros_like(ratio))
        gamma = max((1.0 - self._longest(dw, ds)) ** 3, 1e-4)
        dW, dw, ds = self._direction(factor, ratio, gamma, dw * ds)
        length = min(1.0, 0.99 * self._longest(dw, ds))
        before = self.mu
        self.W = self.W + length * dW
        self.weights = self.weights + length * dw
        self.slack = self.slack + length * ds
        return length > 1e-3 and self.mu < before

    def _factor(self, ratio: Floats) -> tuple[Floats, bool] | None:
        H = pair_gram(self.Q, self.model.y, self.full(ratio), gauge=1.0)
        mean = float(np.trace(H)) / max(1, len(H))
        for ridge in _RIDGES:
            H[np.diag_indices(len(H))] += ridge * mean
            try:
                factor: tuple[Floats, bool] = scipy.linalg.cho_factor(H, lower=True, check_finite=False)
            except np.linalg.LinAlgError:
                continue
            return factor
        return None

    def _direction(
        self, factor: tuple[Floats, bool], ratio: Floats, gamma: float, products: Floats
    ) -> tuple[Floats, Floats, Floats]:
        eta = 1.0 - gamma
        residual = self.slack - self.margins(self.W)
        target = gamma * self.mu - products
        right = self.total(target / self.slack - self.weights + eta * ratio * residual) + eta * self.total(self.weights)
        dW = scipy.linalg.cho_solve(factor, right.ravel(), check_finite=False).reshape(self.W.shape)
        ds = self.margins(dW) - eta * residual
        dw = target / self.slack - self.weights - ratio * ds
        return dW, dw, ds

    def _longest(self, dw: Floats, ds: Floats) -> float:
        steps = [
            float(np.min(-value[change < 0] / change[change < 0], initial=1.0))
            for value, change in ((self.weights, dw), (self.slack, ds))
        ]
        return min(steps)

    def balanced(self) -> Floats | None:
        """Return weights for the rows of the model, if all pairs look tied and theirs can be corrected."""
        if not np.all(self.weights > self.slack):
            return None
        return balance(PairLoss(self.model.Q, self.model.y, self.pairs), self.full(self.weights) / self.size[:, None])

    def direction(self) -> tuple[Floats, Mask] | None:
        """Return a recession direction and its pairs, if the partition that shows is one."""
        model = PairLoss(self.model.Q, self.model.y, self.pairs)
        rising = self.full((self.slack > self.weights).astype(float)) > 0
        if np.array_equal(rising, model.pairs) and model.clearly_separates(self.W):
            return self.W, model.pairs
        found = solve_in_null_space(model, model.pairs & ~rising) if rising.any() else None
        return None if found is None else confirmed_direction(model, model.pairs & ~found[1], [found[0]])

    def leave_out(self, separable: Mask) -> None:
        """Go on with the other pairs."""
        kept = ~separable[self.pairs]
        self.slack, self.weights = self.slack[kept], self.weights[kept]
        self.pairs = self.pairs & ~separable
