"""The coefficients of least norm among those of least total violation.

By complementary slackness W is optimal if and only if, for optimal weights lambda,

    row with sum_k lambda_ik < omega_i:   u_ik >= 1, with equality where lambda_ik > 0
    row with sum_k lambda_ik = omega_i:   u_ij <= 1 and u_ik >= u_ij, with equality where
                                          lambda_ik > 0; j is a rival with lambda_ij > 0

The equations leave a subspace, most often that of what all classes share; the least norm
over the rest of the face is a small conic programme, which Clarabel solves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import all_pairs
from marginscope.solvers.pair_rows import pair_rows

__all__ = ["least_norm_on_face"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

# weights closer than this share of the row's weight to a bound are at the bound
_AT_BOUND = 1e-9
_RANK = 1e-11
_MOVES = 1e-12
_SHARED = 1e-8
# a square matrix of so many rows is decomposed
_MOST_UNKNOWNS = 4_000
# relative gap of the conic solver
_TOL, _LARGEST_GAP = 1e-10, 1e-7


class _Face(NamedTuple):
    """A @ w >= b on the first rows, A @ w = b on the others; w is W row by row."""

    A: Any
    b: Floats
    n_inequalities: int


def least_norm_on_face(
    Z: Any, y: Codes, omega: Floats, W: Floats, weights: Floats, norm: str, *, time_limit: float = 60.0
) -> tuple[Floats, str]:
    """Return the point of the face with the least norm, and why it may not be it.

    Parameters
    ----------
    Z : (n_rows, n_columns) array or CSR matrix
    y : (n_rows,) class codes
    omega : (n_rows,) array
        Positive weights of the rows.
    W : (n_classes, n_columns) array
        A point of the face, as exact as a linear programme gives it.
    weights : (n_rows, n_classes) array
        Optimal weights of the pairs.
    norm : str
    time_limit : float
    """
    if W.size > _MOST_UNKNOWNS:
        reason = f"the least norm is looked for among at most {_MOST_UNKNOWNS:,} coefficients, here are {W.size:,}"
        return _CENTRED[norm](W), reason
    face = _face_of(Z, y, omega, weights)
    E, e = face.A[face.n_inequalities :], face.b[face.n_inequalities :]
    if np.all(face.b[: face.n_inequalities] <= 0.0) and np.all(e == 0.0):
        return np.zeros_like(W), ""
    point, basis = _affine_space(E, e, W.ravel())
    G = np.asarray(face.A[: face.n_inequalities] @ basis)
    room = np.asarray(face.A[: face.n_inequalities] @ point) - face.b[: face.n_inequalities]
    size = np.sqrt(np.asarray(face.A[: face.n_inequalities].multiply(face.A[: face.n_inequalities]).sum(axis=1)))
    moves = np.abs(G).max(axis=1, initial=0.0) > _MOVES * np.maximum(size.ravel(), 1e-300)
    if not moves.any() and _is_shared(basis, W.shape):
        return _CENTRED[norm](point.reshape(W.shape)), ""
    step, reason = _least_norm(point, basis, G[moves], room[moves], W.shape, norm, time_limit)
    return (point + basis @ step).reshape(W.shape), reason


def _face_of(Z: Any, y: Codes, omega: Floats, weights: Floats) -> _Face:
    """Write the conditions of complementary slackness as rows of a matrix."""
    rows, K = np.arange(len(y)), weights.shape[1]
    positive = weights > _AT_BOUND * omega[:, None]
    full = weights.sum(axis=1) >= (1.0 - _AT_BOUND) * omega
    chosen = weights.argmax(axis=1)
    pairs = all_pairs(y, K)
    bound = full[:, None] & pairs
    bound[rows, chosen] = False
    free = ~full[:, None] & pairs
    parts: list[tuple[Any, float]] = [
        (pair_rows(Z, *_where(free & ~positive), y), 1.0),
        (pair_rows(Z, *_where(bound & ~positive), chosen), 0.0),
        (-pair_rows(Z, rows[full], chosen[full], K, y), -1.0),
        (pair_rows(Z, *_where(free & positive), y), 1.0),
        (pair_rows(Z, *_where(bound & positive), chosen), 0.0),
    ]
    A = sp.csr_array(sp.vstack([part for part, _ in parts]))
    b = np.concatenate([np.full(part.shape[0], value) for part, value in parts])
    return _Face(A, b, sum(part.shape[0] for part, _ in parts[:3]))


def _where(mask: Mask) -> tuple[Codes, Codes, int]:
    rows, rivals = np.nonzero(mask)
    return rows, rivals, mask.shape[1]


def _affine_space(E: Any, e: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Return the point nearest to w with E w = e, and an orthonormal basis of the directions that keep it."""
    if not E.shape[0]:
        return w, np.eye(len(w))
    size = np.sqrt(np.asarray(E.multiply(E).sum(axis=1)).ravel())
    size[size == 0.0] = 1.0
    dense = E.toarray() / size[:, None]
    left, values, right = scipy.linalg.svd(dense, full_matrices=True, check_finite=False)
    rank = int((values > _RANK * values[0] * max(dense.shape)).sum()) if values[0] > 0.0 else 0
    missing = left[:, :rank].T @ (e / size - dense @ w)
    return w + right[:rank].T @ (missing / values[:rank]), np.ascontiguousarray(right[rank:].T)


def _is_shared(basis: Floats, shape: tuple[int, int]) -> bool:
    """Say whether the directions are those that move all classes alike."""
    blocks = basis.reshape(*shape, -1)
    return basis.shape[1] == shape[1] and bool(np.all(np.abs(blocks - blocks.mean(axis=0)) <= _SHARED))


# what all classes share, taken off so that the norm is the least; P = I - 11'/K raises no singular value
_CENTRED: dict[str, Callable[[Floats], Floats]] = {
    "frobenius": lambda W: W - W.mean(axis=0),
    "spectral": lambda W: W - W.mean(axis=0),
    "nuclear": lambda W: W - W.mean(axis=0),
    "max": lambda W: W - (W.max(axis=0) + W.min(axis=0)) / 2.0,
    "sum": lambda W: W - np.median(W, axis=0),
}


def _least_norm(
    point: Floats, basis: Floats, G: Floats, room: Floats, shape: tuple[int, int], norm: str, time_limit: float
) -> tuple[Floats, str]:
    """Minimise ||point + basis s|| with G s >= -room."""
    import clarabel

    n = basis.shape[1]
    # scaled to ordinary size: the room of a row and the length of a step are of the size of 1 and of W
    unit = float(np.abs(point).max(initial=0.0)) or 1.0
    stretch = np.maximum(np.abs(G).max(axis=1, initial=0.0), 1e-300)[:, None]
    P, q, blocks, right, cones = _objective(point / unit, basis, shape, norm)
    extra = blocks.shape[1] - n
    rows = sp.hstack([sp.csc_array(-G / stretch), sp.csc_array((len(G), extra))])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.time_limit = max(1.0, time_limit)
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOL
    solution = clarabel.DefaultSolver(
        P,
        q,
        sp.csc_matrix(sp.vstack([rows, blocks])),
        np.r_[np.maximum(room, 0.0) / stretch[:, 0] / unit, right],
        [clarabel.NonnegativeConeT(len(G)), *cones],
        settings,
    ).solve()
    step = np.asarray(solution.x)[:n] * unit
    if not np.all(np.isfinite(step)):
        return np.zeros(n), f"the conic solver ended with {solution.status}"
    gap = abs(solution.obj_val - solution.obj_val_dual)
    is_exact = str(solution.status) == "Solved" or (
        str(solution.status) == "AlmostSolved" and gap <= _LARGEST_GAP * abs(solution.obj_val)
    )
    return step, "" if is_exact else f"the conic solver ended with {solution.status}"


def _objective(point: Floats, basis: Floats, shape: tuple[int, int], norm: str) -> tuple[Any, Floats, Any, Floats, Any]:
    """Return P and q of 1/2 x' P x + q' x, and the rows A, b and cones of b - A x, for x = (s, more)."""
    import clarabel

    size, n = len(point), basis.shape[1]
    if norm == "frobenius":
        nothing = sp.csc_array((0, n))
        return sp.csc_matrix(sp.eye_array(n)), basis.T @ point, nothing, np.zeros(0), []
    if norm in ("max", "sum"):
        extra = 1 if norm == "max" else size
        bound: Any = -sp.csc_array(np.ones((size, 1)) if norm == "max" else sp.eye_array(size))
        columns: Any = sp.csc_array(basis)
        A: Any = sp.vstack([sp.hstack([columns, bound]), sp.hstack([-columns, bound])])
        q = np.r_[np.zeros(n), np.ones(extra)]
        P = sp.csc_matrix((n + extra, n + extra))
        return P, q, A, np.r_[-point, point], [clarabel.NonnegativeConeT(2 * size)]
    return _semidefinite(point, basis, shape, norm)


def _semidefinite(
    point: Floats, basis: Floats, shape: tuple[int, int], norm: str
) -> tuple[Any, Floats, Any, Floats, Any]:
    """Write the spectral or nuclear norm through [[A, W], [W', B]] >= 0, its upper triangle column by column."""
    import clarabel

    K, p = shape
    side, n, root = K + p, basis.shape[1], np.sqrt(2.0)
    length = side * (side + 1) // 2

    def place(i: NDArray[np.intp], j: NDArray[np.intp]) -> NDArray[np.intp]:
        return np.asarray(j * (j + 1) // 2 + i)

    i, j = np.divmod(np.arange(K * p), p)
    at = place(i, K + j)
    upper = np.zeros((length, n))
    upper[at] = root * basis
    right = np.zeros(length)
    right[at] = root * point
    if norm == "spectral":
        diagonal = np.arange(side)
        more = sp.csc_array((np.ones(side), (place(diagonal, diagonal), np.zeros(side, int))), shape=(length, 1))
        q = np.r_[np.zeros(n), 1.0]
    else:
        a, b = np.triu_indices(K), tuple(K + one for one in np.triu_indices(p))
        i, j = np.concatenate([a[0], b[0]]), np.concatenate([a[1], b[1]])
        scale = np.where(i == j, 1.0, root)
        more = sp.csc_array((scale, (place(i, j), np.arange(len(i)))), shape=(length, len(i)))
        q = np.r_[np.zeros(n), np.where(i == j, 0.5, 0.0)]
    P = sp.csc_matrix((len(q), len(q)))
    return P, q, -sp.hstack([sp.csc_array(upper), more]), right, [clarabel.PSDTriangleConeT(side)]
