"""Newton's equations with every working pair written out in a basis of the directions.

    theta = sum_j z_j basis_j,     u_ik = <x~_ik, theta> = A_ik z

The basis spans the directions that are allowed: all of them, one class vector taken
off, or those under which the tied pairs have margin 0. One matrix product makes H, so
this is the quickest for few unknowns, and exact for tied pairs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import scipy.linalg

from marginscope.geometry.orthonormal import OrthonormalFeatures, orthonormal_features
from marginscope.geometry.pair_gram import pair_gram
from marginscope.solvers.margin_problem import Codes, MarginProblem, Mask
from marginscope.solvers.margin_system import Floats, Indices, TooLargeError, cholesky, cholesky_solve, row_norms
from marginscope.solvers.ridge_guess import ridge_guess

__all__ = ["BasisSystem", "least_columns", "plain_basis_system", "tied_basis_system"]

_NULL_EIGENVALUE = 1e-12
_TURNS = 3
# eigenvectors of so many unknowns take a gigabyte and a minute
_MOST_TIED_UNKNOWNS = 5000
# columns that depend on others may leave so many times fewer; telling that takes a while too
_MOST_DEPENDENCE = 4


class BasisSystem:
    """Coordinates are z, (n_unknowns,).

    ``features`` (n_rows, rank) and ``basis`` (n_unknowns, n_classes, rank) give the scaled
    scores; ``columns`` (n_unknowns, n_classes * n_columns) the unscaled W of each unit z.
    These are orthonormal: P is the identity.
    """

    def __init__(self, problem: MarginProblem, features: Floats, basis: Floats, columns: Floats) -> None:
        self.features, self.y = features, problem.y
        self.n_classes = problem.n_classes
        self.basis, self.columns = basis, columns
        self.shape = problem.shape
        self.pairs = np.zeros(0, dtype=np.intp)
        self.row_sizes = row_norms(features)
        self.A: Floats = np.zeros((0, len(basis)))
        self.factored: Floats = np.zeros((0, 0))
        self.problem = problem

    @property
    def n_unknowns(self) -> int:
        """Number of basis directions."""
        return len(self.basis)

    def select(self, pairs: Indices) -> Indices:
        """Write the pairs out, those of the same two classes in one product."""
        K = self.n_classes
        rows, rivals = np.divmod(pairs, K)
        code = self.y[rows] * K + rivals
        order = np.argsort(code, kind="stable")
        self.pairs, code = pairs[order], code[order]
        rows = rows[order]
        self.A = np.empty((len(pairs), self.n_unknowns))
        ends = np.flatnonzero(np.r_[True, code[1:] != code[:-1], True])
        for start, stop in pairwise(ends):
            c, k = divmod(int(code[start]), K)
            np.matmul(self.features[rows[start:stop]], (self.basis[:, c] - self.basis[:, k]).T, out=self.A[start:stop])
        return order

    def all_margins(self, W: Floats) -> Floats:
        """Return u of all rows and rivals."""
        scores = self.features @ np.tensordot(W, self.basis, axes=1).T
        return np.asarray(scores[np.arange(len(self.y)), self.y][:, None] - scores)

    def margins(self, W: Floats) -> Floats:
        """Apply A."""
        return np.asarray(self.A @ W)

    def adjoint(self, weights: Floats) -> Floats:
        """Apply A'."""
        return np.asarray(weights @ self.A)

    def adjoint_size(self, weights: Floats) -> Floats:
        """Sum alpha |a|."""
        return np.asarray(weights @ np.abs(self.A))

    def metric(self, W: Floats) -> Floats:
        """Apply P."""
        return W

    def inverse_metric(self, G: Floats) -> Floats:
        """Apply the inverse of P."""
        return G

    def factor(self, weights: Floats, *, roughly: bool = False) -> None:
        """Form H by one product and factor it."""
        Z = self.A * np.sqrt(weights)[:, None]
        H = Z.T @ Z
        H.ravel()[:: len(H) + 1] += 1.0
        self.factored = cholesky(H)

    def solve(self, G: Floats) -> Floats:
        """Solve H z = G."""
        return cholesky_solve(self.factored, G)

    def first_guess(self) -> Floats:
        """Return the part of a ridge regression that is allowed."""
        guess = ridge_guess(self.problem.X, self.y, self.n_classes)
        if self.problem.class_scales is not None:
            guess = guess / self.problem.class_scales[:, None]
        return self.from_columns(guess)

    def from_columns(self, W: Floats) -> Floats:
        """Project onto the allowed directions."""
        return np.asarray(self.columns @ W.ravel())

    def to_columns(self, W: Floats) -> Floats:
        """Return W of shape (n_classes, n_columns)."""
        return (W @ self.columns).reshape(self.shape)


def contrasts(p: Floats) -> Floats:
    """Return C (n_classes, n_classes - 1) with C' diag(p) C = 1 and p' C = 0."""
    root = np.sqrt(p)
    unit = root / np.linalg.norm(root)
    # the reflection that sends the last axis to the unit vector keeps the others orthogonal to it
    v = unit.copy()
    v[-1] += np.copysign(1.0, unit[-1])
    Q = np.eye(len(p)) - 2.0 * np.outer(v, v) / (v @ v)
    return np.asarray(Q[:, :-1] / root[:, None])


def plain_basis_system(problem: MarginProblem) -> BasisSystem:
    """All directions but adding one vector to every class, in the columns as they are."""
    X, (K, d) = problem.X, problem.shape
    X = X.toarray() if hasattr(X, "toarray") else X
    scales = np.ones(K) if problem.class_scales is None else problem.class_scales
    C = contrasts(1.0 / scales**2)
    basis = np.einsum("kj,ab->jakb", C, np.eye(d)).reshape((K - 1) * d, K, d)
    columns = (basis / scales[:, None]).reshape(len(basis), K * d)
    return BasisSystem(problem, X, basis, columns)


def tied_basis_system(problem: MarginProblem, tied: Mask) -> BasisSystem | None:
    """The directions under which the tied pairs have margin 0, in orthonormal features; None if there are none.

    Raises ``TooLargeError`` before the matrix of all unknowns is laid out.
    """
    scales = np.ones(problem.n_classes) if problem.class_scales is None else problem.class_scales
    _check_size(problem.n_classes * min(problem.X.shape), _MOST_DEPENDENCE * _MOST_TIED_UNKNOWNS)
    features = orthonormal_features(problem.X, fit_intercept=False)
    _check_size(problem.n_classes * features.Q.shape[1], _MOST_TIED_UNKNOWNS)
    basis = null_directions(features.Q, problem.y, tied)
    if not len(basis):
        return None
    # adding one vector to every scaled class vector changes no margin: take the one of least norm
    p = 1.0 / scales**2
    basis = basis - np.tensordot(basis, p / p.sum(), axes=([1], [0]))[:, None]
    columns = ((basis / scales[:, None]) @ least_columns(features)).reshape(len(basis), -1)
    plain = features.Q / features.row_scale[:, None]
    return BasisSystem(problem, plain, *_orthonormal(basis, columns))


def _check_size(n_unknowns: int, most: int) -> None:
    if n_unknowns > most:
        raise TooLargeError(f"{n_unknowns:,} unknowns are too many beside tied pairs, the most is {most:,}")


def _orthonormal(basis: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Combine the directions so that their columns are orthonormal, those that need small coefficients last.

    With the rows sorted by size and the columns pivoted, large coefficients (of a column of
    ones beside large features) leave the small ones their digits (Cox & Higham 1998); what
    the first turn leaves of the angles is gone after the next.
    """
    width = columns.shape[1]
    both = np.column_stack([columns, basis.reshape(len(basis), -1)])
    for _ in range(_TURNS):
        found = both[:, :width].T
        by_size = np.argsort(-np.abs(found).max(axis=1), kind="stable")
        R, order = scipy.linalg.qr(found[by_size], mode="r", pivoting=True, check_finite=False)
        both = scipy.linalg.solve_triangular(R[: len(both)], both[order], trans="T", check_finite=False)
    return np.ascontiguousarray(both[:, width:]).reshape(basis.shape), np.ascontiguousarray(both[:, :width])


def least_columns(features: OrthonormalFeatures) -> Floats:
    """Map (rank, n_columns) from coefficients of Q to the least coefficients of X with the same scores."""
    columns = np.ldexp(features.back, -features.column_exponent)
    if len(features.span) == columns.shape[1]:
        return columns
    V = np.linalg.qr(features.span.T)[0]
    return np.asarray((columns @ V) @ V.T)


def null_directions(Q: Floats, y: Codes, tied: Mask) -> Floats:
    """Return an orthonormal basis (n, n_classes, rank) of the directions with margin 0 on all tied pairs.

    Adding one vector to every class is left out. Q has orthogonal columns.
    """
    H = pair_gram(Q, y, tied.astype(float), gauge=1.0)
    values, vectors = scipy.linalg.eigh(H, check_finite=False)
    null = vectors[:, values <= _NULL_EIGENVALUE * max(1.0, float(values[-1]))]
    return np.ascontiguousarray(null.T).reshape(null.shape[1], tied.shape[1], Q.shape[1])
