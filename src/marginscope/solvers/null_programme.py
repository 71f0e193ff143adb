"""Two programmes over the few directions that a guess of the tied pairs leaves.

    maximise sum z_m   subject to   z <= R beta,  0 <= z <= 1
    minimise ||beta||  subject to   R beta >= 1 on the pairs with z = 1

with the rows of R the features of the other pairs in a basis of the directions that tie
the guess. The first finds the pairs, the second a direction of the least size, so that
its ties are as exact as they can be.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.pair_gram import pair_gram
from marginscope.solvers.pair_loss import PairLoss

__all__ = ["solve_in_null_space"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NULL_EIGENVALUE = 1e-11
_MOST_ENTRIES = 10_000_000
_FLAT = 1e-9


def solve_in_null_space(model: PairLoss, tied: Mask, time_limit: float = 60.0) -> tuple[Floats, Mask] | None:
    """Return a direction that ties the given pairs, and all others that such directions separate.

    None if there are none, the programme is too large, or it does not end.
    """
    H = pair_gram(model.Q, model.y, tied.astype(float), gauge=1.0)
    largest = float(np.diag(H).max(initial=0.0))
    _, vectors = scipy.linalg.eigh(H, subset_by_value=(-np.inf, _NULL_EIGENVALUE * largest), check_finite=False)
    null = np.ascontiguousarray(vectors.T).reshape(-1, *model.shape)
    others = model.pairs & ~tied
    rows, rivals = np.nonzero(others)
    if not len(null) or not len(rows) or len(null) * len(rows) > _MOST_ENTRIES:
        return None
    R = _features(model, null, rows, rivals)
    # what the basis hardly moves ties as well
    moved = np.abs(R).max(axis=1) > _FLAT
    if not moved.any():
        return None
    R = R[moved] / np.linalg.norm(R[moved], axis=1)[:, None]
    # directions that move none of them would only grow
    _, values, right = np.linalg.svd(R, full_matrices=False)
    kept = right[values > _FLAT * values[0]]
    R = R @ kept.T
    null = np.tensordot(kept, null, axes=1)
    n, width = R.shape
    answer = scipy.optimize.linprog(
        c=np.r_[np.zeros(width), -np.ones(n)],
        A_ub=sp.hstack([sp.csr_array(-R), sp.eye_array(n)], format="csr"),
        b_ub=np.zeros(n),
        bounds=np.r_[np.full((width, 2), [-np.inf, np.inf]), np.full((n, 2), [0.0, 1.0])],
        method="highs",
        options={"time_limit": time_limit},
    )
    if answer.status != 0:
        return None
    chosen = np.asarray(answer.x)[width:] > 0.5
    beta = _least_norm(R[chosen]) if chosen.any() else None
    if beta is None:
        return None
    separable = np.zeros_like(tied)
    separable[rows[moved][chosen], rivals[moved][chosen]] = True
    return np.tensordot(beta, null, axes=1), separable


def _least_norm(R: Floats) -> Floats | None:
    """Return the shortest beta with R beta >= 1, or None where the solver fails."""
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    n, width = R.shape
    solution = clarabel.DefaultSolver(
        sp.csc_matrix(sp.eye_array(width)),
        np.zeros(width),
        sp.csc_matrix(-R),
        -np.ones(n),
        [clarabel.NonnegativeConeT(n)],
        settings,
    ).solve()
    beta = np.asarray(solution.x)
    return beta if np.all(np.isfinite(beta)) and np.all(R @ beta > 0.5) else None


def _features(model: PairLoss, null: Floats, rows: NDArray[np.intp], rivals: NDArray[np.intp]) -> Floats:
    """Write pair features of unit rows in the basis, (n_pairs, n_directions)."""
    size = np.sqrt((model.Q[rows] ** 2).sum(axis=1))
    own = model.y[rows]
    R = np.empty((len(rows), len(null)))
    for c in range(null.shape[1]):
        for k in range(null.shape[1]):
            at = np.flatnonzero((own == c) & (rivals == k))
            R[at] = model.Q[rows[at]] @ (null[:, c] - null[:, k]).T
    return R / np.where(size > 0, size, 1.0)[:, None]
