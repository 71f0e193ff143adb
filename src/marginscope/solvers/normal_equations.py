"""Newton's normal equations (A' w A + Theta) V = A' t + f, solved on the cheaper side.

Theta is the curvature of a norm ball: diagonal for the two entrywise norms, a full
matrix for the two Schatten norms. What all classes share has no margin: it is left out
before anything is factorised, since A' w A is zero there.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.solvers.margin_system import NotPositiveError, cholesky, cholesky_solve_vector
from marginscope.solvers.pair_map import PairMap

__all__ = ["FeatureSide", "FullCurvature", "NormalEquations", "PairSide"]

Floats = NDArray[np.float64]

_SMALLEST_RIDGE = 1e-15
_MOST_RIDGES = 4


class NormalEquations(Protocol):
    """``solve`` is (A' w A + Theta)^-1 (A' t + f); ``correct`` the same where A' t and f nearly cancel."""

    def solve(self, t: Floats, f: Floats) -> Floats: ...
    def correct(self, t: Floats, f: Floats) -> Floats: ...


class FullCurvature:
    """Theta is a full matrix, given in the scores of all classes relative to the last one.

    ``ridge``, relative to the largest entry, keeps W where nothing binds it: along a flat
    part of the ball the smallest eigenvalues would be rounding of the largest.
    """

    def __init__(self, pairs: PairMap, w: Floats, theta: Floats, turn: Floats, *, ridge: float) -> None:
        # V = turn Z, where Z are the scores less those of the last class
        self.pairs, self.turn = pairs, turn
        M = pairs.gram_without_last(w)
        M += theta
        M[np.diag_indices_from(M)] += ridge * float(np.diag(M).max())
        self.factor = _factorise(M)

    def solve(self, t: Floats, f: Floats) -> Floats:
        right = self.turn.T @ (self.pairs.adjoint(t) + f)
        return self.turn @ _solve(self.factor, right)

    correct = solve


class FeatureSide:
    """Theta is diagonal, and everything is of the order of W.

    In scores U = C V the last class is the shared part c, and V_k = U_k - c is the rest. The
    block of c is diagonal and positive; its Schur complement takes no difference of nearly
    equal numbers.
    """

    def __init__(self, pairs: PairMap, w: Floats, theta: Floats) -> None:
        self.pairs = pairs
        self.scale = np.diag(pairs.classes)[:, None]
        self.theta = theta / self.scale**2
        self.total = self.theta.sum(axis=0)
        K, d = theta.shape
        S = pairs.gram_without_last(w)
        blocks, each = S.reshape(K - 1, d, K - 1, d), np.arange(d)
        share = self.theta / self.total
        for k in range(K - 1):
            for e in range(K - 1):
                other = -self.theta[e] if e != k else np.delete(self.theta, k, axis=0).sum(axis=0)
                blocks[k, each, e, each] += share[k] * other
        self.factor = _factorise(S)

    def solve(self, t: Floats, f: Floats) -> Floats:
        scaled = f / self.scale
        right = self.pairs.adjoint(t) / self.scale + scaled
        # exact: A' t is zero on what all classes share
        shared = scaled.sum(axis=0)
        rest = _solve(self.factor, right[:-1] - self.theta[:-1] * (shared / self.total))
        c = (shared - (self.theta[:-1] * rest).sum(axis=0)) / self.total
        return np.asarray(np.vstack([rest + c, c]) / self.scale)

    correct = solve


class PairSide:
    """Theta is diagonal and there are fewer pairs than coefficients.

    (A' w A + Theta)^-1 A' t = Theta^-1 A' (1 / w + A Theta^-1 A')^-1 (t / w)
    """

    def __init__(self, pairs: PairMap, w: Floats, theta: Floats) -> None:
        self.pairs = pairs
        self.inverse = 1.0 / theta
        self.w = w[pairs.pairs]
        B = pairs.gram_of_pairs(self.inverse)
        B[np.diag_indices_from(B)] += 1.0 / self.w
        self.factor = _factorise(B)

    def solve(self, t: Floats, f: Floats) -> Floats:
        V = self.inverse * f
        return V + self._through(t[self.pairs.pairs] / self.w - self._margins(V))

    def correct(self, t: Floats, f: Floats) -> Floats:
        V = self.inverse * (self.pairs.adjoint(t) + f)
        return V - self._through(self._margins(V))

    def _margins(self, V: Floats) -> Floats:
        return self.pairs.margins(V)[self.pairs.pairs]

    def _through(self, right: Floats) -> Floats:
        """Return Theta^-1 A' (1 / w + A Theta^-1 A')^-1 right."""
        z = np.zeros(self.pairs.pairs.shape)
        z[self.pairs.pairs] = _solve(self.factor, right)
        return self.inverse * self.pairs.adjoint(z)


def _factorise(M: Floats) -> Floats:
    """Factor in place; a ridge at the level of rounding helps a singular matrix."""
    ridge = 0.0
    diagonal = np.diag(M).copy()
    for attempt in range(_MOST_RIDGES):
        try:
            return np.asarray(cholesky(M))
        except NotPositiveError as error:
            if attempt == _MOST_RIDGES - 1:
                raise scipy.linalg.LinAlgError(str(error)) from error
            ridge = max(100.0 * ridge, _SMALLEST_RIDGE)
            # only the upper triangle and the diagonal were overwritten
            upper = np.triu_indices_from(M, 1)
            M[upper] = M.T[upper]
            M[np.diag_indices_from(M)] = (1.0 + ridge) * diagonal
    raise AssertionError


def _solve(factor: Floats, right: Floats) -> Floats:
    return cholesky_solve_vector(factor, right.ravel()).reshape(right.shape)
