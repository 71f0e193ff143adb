"""Which coordinates and which equations suit a hard-margin problem.

Few unknowns are written out pair by pair; more columns than rows, or too many unknowns
to factor, go by the pairs, all else by blocks of classes. Columns that nearly depend on each other are made
orthonormal first: what tells them apart would be lost in the normal equations.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.linalg.lapack as lapack

from marginscope.geometry.margins import is_sparse
from marginscope.geometry.orthonormal import orthonormal_features
from marginscope.solvers.basis_system import least_columns, plain_basis_system, tied_basis_system
from marginscope.solvers.block_system import BlockSystem
from marginscope.solvers.dual_system import DualSystem
from marginscope.solvers.margin_problem import MarginProblem
from marginscope.solvers.margin_system import MarginSystem, TooLargeError

__all__ = ["suitable_systems"]

_MOST_UNKNOWNS = 12_000
_MOST_WRITTEN_OUT = 100_000
_MOST_DENSE_ENTRIES = 200_000_000
_SMALLEST_PIVOT = 1e-5


def suitable_systems(problem: MarginProblem) -> Iterator[MarginSystem]:
    """Yield systems to try in turn: each is for problems on which those before may fail.

    Raises ``TooLargeError`` where tied pairs leave more than can be laid out.
    """
    if problem.tied is not None and problem.tied.any():
        if problem.X.shape[0] * problem.X.shape[1] > _MOST_DENSE_ENTRIES:
            raise TooLargeError(f"features of shape {problem.X.shape} are too many to make orthonormal")
        tied = tied_basis_system(problem, problem.tied)
        if tied is not None:
            yield tied
        return
    n, d = problem.X.shape
    K = problem.n_classes
    if d > n or (K - 1) * d > _MOST_UNKNOWNS:
        yield DualSystem(problem)
    elif not _is_well_conditioned(problem):
        pass
    elif int(problem.pairs.sum()) * (K - 1) * d <= _MOST_WRITTEN_OUT:
        yield plain_basis_system(problem)
    else:
        yield BlockSystem(problem)
    if n * d <= _MOST_DENSE_ENTRIES and (K - 1) * min(n, d) <= _MOST_UNKNOWNS:
        yield _orthonormal_system(problem)


def _is_well_conditioned(problem: MarginProblem) -> bool:
    """Say whether no column nearly depends on the others; sizes of columns do no harm to a factorisation."""
    X = problem.X
    gram = X.T @ X
    gram = np.asarray(gram.toarray() if is_sparse(gram) else gram)
    gram = gram[np.ix_(*2 * (np.flatnonzero(np.diagonal(gram)),))]
    size = np.sqrt(np.diagonal(gram))
    factor, _, rank, _ = lapack.dpstrf(gram / size[:, None] / size, tol=_SMALLEST_PIVOT**2)
    return int(rank) == len(factor)


def _orthonormal_system(problem: MarginProblem) -> MarginSystem:
    features = orthonormal_features(problem.X, fit_intercept=False)
    return BlockSystem(problem, features.Q / features.row_scale[:, None], least_columns(features))
