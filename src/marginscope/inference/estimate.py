"""The maximum of the multinomial likelihood with its covariance, and hypotheses about it.

Everything here is free of a gauge. A hypothesis is a linear space of coefficients:

    Wald               min over W in the space of (W - What)' F (W - What)
    likelihood ratio   2 (l(What) - max over W in the space of l(W))

Both are chi-square with as many degrees of freedom as the space has dimensions less.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.exceptions import NotSolvedError
from marginscope.geometry.gauge import contrast_basis, gauge_matrix
from marginscope.inference.likelihood import Likelihood, Maximum

__all__ = ["Estimate", "estimate"]

Floats = NDArray[np.float64]

_SMALLEST_CURVATURE = 1e-13


@dataclass(frozen=True, eq=False)
class Estimate:
    """The largest log likelihood, and where it is attained the coefficients and their covariance.

    ``W`` is (n_classes, n_columns) in the basis of the design and sums to zero over the
    classes; ``covariance`` is that of H' W with the orthonormal contrasts H. Both are
    ``None`` where the data are separable.
    """

    likelihood: Likelihood
    log_likelihood: float
    W: Floats | None
    covariance: Floats | None

    @cached_property
    def space(self) -> Floats:
        """All W that sum to zero over the classes."""
        p = self.likelihood.shape[1]
        return np.asarray(np.kron(contrast_basis(self.likelihood.n_classes), np.eye(p)), dtype=float)

    def table(self, reference: int | None) -> Floats:
        """Return (n_classes, n_features + 1) coefficients and intercepts in a gauge."""
        assert self.W is not None
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

    def of_functional(self, classes: Floats, columns: Floats) -> tuple[float, float]:
        """Return value and variance of sum_kj classes_k columns_j table_kj; ``classes`` sum to zero."""
        assert self.W is not None
        assert self.covariance is not None
        design = self.likelihood.design
        f = np.kron(contrast_basis(len(classes)).T @ classes, design.back @ columns)
        return float(classes @ self.W @ design.back @ columns), float(f @ self.covariance @ f)

    def equal_slopes(self, contrast: Floats) -> Floats:
        """Return the space in which a contrast of the classes' rows is zero, whatever the intercepts."""
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
        return float(np.sum(self._distance(space)[0] ** 2))

    def ratio(self, space: Floats) -> float:
        """Return the likelihood ratio statistic of a hypothesis, twice the difference of log likelihoods."""
        start = None if self.W is None else self._distance(space)[1]
        restricted = self.likelihood.maximise(space, start)
        return max(0.0, 2.0 * (self.log_likelihood - restricted.log_likelihood))

    def _maps(self, reference: int | None) -> tuple[Floats, Floats, Floats]:
        assert self.covariance is not None
        K, p = self.likelihood.shape
        M = gauge_matrix(K, reference) @ contrast_basis(K)
        return M, self.likelihood.design.back, self.covariance.reshape(K - 1, p, K - 1, p)

    @cached_property
    def _root(self) -> Floats:
        """Upper factor R of the information, F = R'R, in the coordinates of ``space``."""
        assert self.covariance is not None
        return np.asarray(scipy.linalg.cholesky(np.linalg.inv(self.covariance)))

    def _distance(self, space: Floats) -> tuple[Floats, Floats]:
        """Return the residual of W outside a space in the metric of the information, and the nearest W in it."""
        assert self.W is not None
        theta = self.space.T @ self.W.ravel()
        R, S = self._root, self.space.T @ space
        t = np.linalg.lstsq(R @ S, R @ theta, rcond=None)[0] if S.shape[1] else np.zeros(0)
        return R @ theta - R @ S @ t, (space @ t).reshape(self.W.shape)


def estimate(likelihood: Likelihood, start: Floats | None, *, is_finite: bool) -> Estimate:
    """Maximise the likelihood.

    Parameters
    ----------
    likelihood : Likelihood
    start : (n_classes, n_columns) array, optional
    is_finite : bool
        Whether the maximum is attained; without it only its supremum is returned.

    Raises
    ------
    NotSolvedError
        If rounding leaves no maximum, or an information that is singular.
    """
    K, p = likelihood.shape
    space = np.asarray(np.kron(contrast_basis(K), np.eye(p)), dtype=float)
    found = likelihood.maximise(space, start)
    if not is_finite:
        return Estimate(likelihood, found.log_likelihood, None, None)
    factor = _checked_factor(space.T @ likelihood.information(found.W) @ space)
    # one step with the information of the maximum itself takes W to rounding
    gradient = space.T @ likelihood.objective.gradient(found.W).ravel()
    W = found.W - (space @ scipy.linalg.cho_solve(factor, gradient)).reshape(found.W.shape)
    best = Maximum(W, -likelihood.objective.value(W))
    factor = _checked_factor(space.T @ likelihood.information(W) @ space)
    covariance = scipy.linalg.cho_solve(factor, np.eye(space.shape[1]))
    return Estimate(likelihood, best.log_likelihood, best.W, 0.5 * (covariance + covariance.T))


def _checked_factor(F: Floats) -> tuple[Floats, bool]:
    F = 0.5 * (F + F.T)
    values = scipy.linalg.eigvalsh(F, check_finite=False)
    if not values[0] > _SMALLEST_CURVATURE * values[-1]:
        raise NotSolvedError(
            f"an information matrix of full rank is needed for standard errors, but its smallest eigenvalue is "
            f"{values[0] / values[-1]:.1e} of the largest; bring the columns to similar scales, or drop near copies"
        )
    return scipy.linalg.cho_factor(F, check_finite=False)
