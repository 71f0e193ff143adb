"""The maximum of the multinomial likelihood, and hypotheses about it.

Everything here is free of a gauge. A hypothesis is a linear space of coefficients:

    Wald               min over W in the space of (W - What)' F (W - What)
    likelihood ratio   2 (l(What) - max over W in the space of l(W))

Both are chi-square with as many degrees of freedom as the space has dimensions less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import NotSolvedError
from marginscope.geometry.gauge import contrast_basis, gauge_matrix
from marginscope.inference.finite_part import finite_part
from marginscope.inference.likelihood import Likelihood

__all__ = ["Estimate", "estimate"]

Floats = NDArray[np.float64]

_SMALLEST_CURVATURE = 1e-13
_OUTSIDE = 1e-7
# steps of a hundred millionth of a standard error
_SETTLED = 1e-16
_NEAR = 1e-4


@dataclass(frozen=True, eq=False)
class Estimate:
    """The largest log likelihood, and the coefficients with their covariance.

    ``W`` is (n_classes, n_columns) in the basis of the design and sums to zero over the
    classes; ``covariance`` is that of H' W with the orthonormal contrasts H, and the
    inverse of ``information``. On separable data the first two are of the finite part
    only, and the columns of ``finite_basis`` span the functionals of H' W that it
    determines; otherwise that is ``None``.
    """

    likelihood: Likelihood
    log_likelihood: float
    W: Floats
    covariance: Floats
    information: Floats | None = None
    finite_basis: Floats | None = None

    @property
    def is_finite(self) -> bool:
        """Whether the maximum is attained."""
        return self.finite_basis is None

    def table(self, reference: int | None) -> Floats:
        """Return (n_classes, n_features + 1) coefficients and intercepts in a gauge."""
        G = gauge_matrix(self.likelihood.n_classes, reference)
        return np.asarray(G @ (self.W @ self.likelihood.design.back))

    def variances(self, reference: int | None) -> Floats:
        """Return the variances of ``table``."""
        M, back, C = self._maps(reference)
        # C[a, p, b, q] seen through one class and one column of the table at a time
        half = np.einsum("ka,apbq,kb->kpq", M, C, M, optimize=True)
        return np.asarray(np.maximum(np.einsum("pj,kpq,qj->kj", back, half, back, optimize=True), 0.0))

    def table_covariance(self, reference: int | None) -> Floats:
        """Return the covariance of ``table``, its rows one after another."""
        M, back, C = self._maps(reference)
        full = np.einsum("ka,pj,apbq,lb,qi->kjli", M, back, C, M, back, optimize=True)
        n = M.shape[0] * back.shape[1]
        return np.asarray(full.reshape(n, n))

    def determined(self, reference: int | None) -> NDArray[np.bool_]:
        """Say which entries of ``table`` have a finite value that the rows determine."""
        design, K = self.likelihood.design, self.likelihood.n_classes
        d = design.back.shape[1]
        known = np.tile(design.determines(np.eye(d)), (K, 1))
        # an intercept that the model does not have is zero for certain
        known[:, -1] |= not design.fit_intercept
        if self.finite_basis is None:
            return known
        M = gauge_matrix(K, reference) @ contrast_basis(K)
        finite = np.array([self._is_finite(np.asarray(np.kron(row, design.back.T), dtype=float)) for row in M])
        return np.asarray(known & finite)

    def is_contrast_finite(self, classes: Floats, columns: Floats) -> bool:
        """Say whether a sum over classes and columns has a finite value."""
        f = np.asarray(np.kron(contrast_basis(len(classes)).T @ classes, self.likelihood.design.back @ columns), float)
        return bool(self._is_finite(f[None, :])[0])

    def of_functional(self, classes: Floats, columns: Floats) -> tuple[float, float]:
        """Return value and variance of sum_kj classes_k columns_j table_kj.

        The numbers of the classes sum to zero.
        """
        design = self.likelihood.design
        f = np.kron(contrast_basis(len(classes)).T @ classes, design.back @ columns)
        return float(classes @ self.W @ design.back @ columns), float(f @ self.covariance @ f)

    def equal_slopes(self, contrast: Floats) -> Floats:
        """Return the space in which a contrast of slopes is zero; intercepts are free."""
        design, H = self.likelihood.design, contrast_basis(len(contrast))
        B = H @ scipy.linalg.null_space((contrast @ H)[None, :])
        p = self.likelihood.shape[1]
        slopes = np.kron(B, np.eye(p)[:, : design.rank])
        return np.column_stack([slopes, np.kron(H, np.eye(p)[:, design.rank :])])

    def without_features(self, features: NDArray[np.intp]) -> Floats:
        """Return the space in which no class uses some features of the table."""
        design = self.likelihood.design
        N = scipy.linalg.block_diag(design.without(features), np.eye(self.likelihood.shape[1] - design.rank))
        return np.asarray(np.kron(contrast_basis(self.likelihood.n_classes), N), dtype=float)

    def wald(self, space: Floats) -> float:
        """Return the Wald statistic of a hypothesis."""
        assert self.information is not None
        theta = self.likelihood.space.T @ (self.W - self._nearest(space)).ravel()
        return float(theta @ self.information @ theta)

    def ratio(self, space: Floats) -> float:
        """Return the likelihood ratio statistic of a hypothesis."""
        start = self._nearest(space) if self.is_finite else None
        restricted = self.likelihood.maximise(space, start)
        return max(0.0, 2.0 * (self.log_likelihood - restricted.log_likelihood))

    def _is_finite(self, functionals: Floats) -> NDArray[np.bool_]:
        if self.finite_basis is None:
            return np.ones(len(functionals), dtype=bool)
        outside = functionals - (functionals @ self.finite_basis) @ self.finite_basis.T
        return np.asarray(np.linalg.norm(outside, axis=1) <= _OUTSIDE * np.linalg.norm(functionals, axis=1))

    def _maps(self, reference: int | None) -> tuple[Floats, Floats, Floats]:
        K, p = self.likelihood.shape
        M = gauge_matrix(K, reference) @ contrast_basis(K)
        return M, self.likelihood.design.back, self.covariance.reshape(K - 1, p, K - 1, p)

    def _nearest(self, space: Floats) -> Floats:
        """Return the W of a space that is nearest in the metric of the information."""
        assert self.information is not None
        if not space.shape[1]:
            return np.zeros_like(self.W)
        S = self.likelihood.space.T @ space
        FS = self.information @ S
        factor = scipy.linalg.cho_factor(S.T @ FS, check_finite=False)
        t = scipy.linalg.cho_solve(factor, FS.T @ (self.likelihood.space.T @ self.W.ravel()), check_finite=False)
        return np.asarray((space @ t).reshape(self.W.shape))


def estimate(likelihood: Likelihood, *, start: Floats | None = None, tied: NDArray[np.bool_] | None = None) -> Estimate:
    """Maximise the likelihood.

    Parameters
    ----------
    likelihood : Likelihood
    start : (n_classes, n_columns) array, optional
        Near the maximum; from one that is not, the search goes on.
    tied : (n_samples, n_classes) mask, optional
        On separable data, the pairs of a row and another class that no direction
        separates; then the maximum is a supremum, and the estimates are of its finite part.

    Raises
    ------
    NotSolvedError
        If rounding leaves no maximum, or an information that is singular.
    """
    space = likelihood.space
    if tied is not None:
        # with every pair separable the supremum is 0 and nothing is finite: no search is needed
        found = likelihood.maximise(space if tied.any() else space[:, :0])
        part = finite_part(likelihood.Z, likelihood.objective.y, likelihood.weights, tied, space, found.W)
        return Estimate(likelihood, part.log_likelihood, part.W, part.covariance, None, part.basis)
    W = likelihood.maximise(space).W if start is None else start
    decrement = np.inf
    while decrement > _SETTLED:
        F = space.T @ likelihood.information(W) @ space
        factor = _checked_factor(F)
        # steps with the information of the point itself take W to rounding
        step = -scipy.linalg.cho_solve(factor, space.T @ likelihood.objective.gradient(W).ravel())
        before, decrement = decrement, float(step @ F @ step)
        if not decrement < before:
            break
        if decrement > _NEAR and start is not None:
            return estimate(likelihood)
        W = W + (space @ step).reshape(W.shape)
    covariance = scipy.linalg.cho_solve(factor, np.eye(space.shape[1]))
    value = -likelihood.objective.value(W)
    return Estimate(likelihood, value, W, 0.5 * (covariance + covariance.T), 0.5 * (F + F.T))


def _checked_factor(F: Floats) -> tuple[Floats, bool]:
    F = 0.5 * (F + F.T)
    values = scipy.linalg.eigvalsh(F, check_finite=False)
    if not values[0] > _SMALLEST_CURVATURE * values[-1]:
        raise NotSolvedError(
            f"an information matrix of full rank is needed for standard errors, but its smallest eigenvalue is "
            f"{values[0] / values[-1]:.1e} of the largest; bring the columns to similar scales, or drop near copies"
        )
    return scipy.linalg.cho_factor(F, check_finite=False)
