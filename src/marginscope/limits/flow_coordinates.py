"""The coordinates in which descent moves: the span of the data, without the class gauge.

    W = rest + C Theta B,    scores of a row z of Z = X B':  C Theta z

The rows of B are orthonormal and span the rows of X (ones included). The columns of C are
orthonormal and orthogonal to 1 / D, D the class scales: gradients are so too, hence the rest of
W never changes. Margins of class c are affine in Theta, u_i = (z_i' Theta') G_c + b_c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import SizeError
from marginscope.geometry.label_code import margins_of_scores
from marginscope.geometry.margins import is_sparse
from marginscope.limits.log_slope import LogSlope
from marginscope.objectives import LinearObjective

__all__ = ["MOST_UNKNOWNS", "FlowCoordinates", "flow_coordinates"]

Floats = NDArray[np.float64]

MOST_UNKNOWNS = 2000
_MOST_ENTRIES = 50_000_000


@dataclass(frozen=True, eq=False)
class FlowCoordinates:
    """Rows sorted by class, and the maps between Theta, margins and coefficients.

    Attributes
    ----------
    order : (n_kept,) array
        Rows of the objective in the order used here; rows of weight zero are left out.
    Z : (n_kept, rank) array
    blocks : tuple of slices, one for each class that has rows
    to_margins : tuple of (n_classes - 1, n_classes - 1) arrays
        G_c of each block, class margins and scales included.
    offsets : (n_kept, n_classes - 1) array
    log_weights : (n_kept, 1) array
        Logarithms of the sample weights.
    class_basis : (n_classes, n_classes - 1) array
        C.
    row_basis : (rank, n_columns) array
        B.
    """

    order: NDArray[np.intp]
    Z: Floats
    blocks: tuple[slice, ...]
    to_margins: tuple[Floats, ...]
    offsets: Floats
    log_weights: Floats
    class_basis: Floats
    row_basis: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of Theta."""
        return self.class_basis.shape[1], self.Z.shape[1]

    @property
    def longest_row(self) -> float:
        """Largest norm of a row of Z, or 1 if all are zero."""
        return float(np.sqrt(np.einsum("ij,ij->i", self.Z, self.Z).max(initial=0.0))) or 1.0

    def linear_margins(self, theta: Floats) -> Floats:
        """Return the margins without their offsets, (n_kept, n_classes - 1)."""
        moved = theta @ self.Z.T
        # the rows lie along memory: sums over few rivals are fast only that way
        out = np.empty_like(moved)
        for rows, G in zip(self.blocks, self.to_margins, strict=True):
            np.matmul(G.T, moved[:, rows], out=out[:, rows])
        return out.T

    def margins(self, theta: Floats) -> Floats:
        """Return the adjusted margins, (n_kept, n_classes - 1)."""
        out = self.linear_margins(theta)
        out += self.offsets
        return out

    def pull_back(self, weights: Floats) -> Floats:
        """Return the adjoint of ``linear_margins``, of the shape of Theta."""
        given = weights.T
        turned = np.empty_like(given)
        for rows, G in zip(self.blocks, self.to_margins, strict=True):
            np.matmul(G, given[:, rows], out=turned[:, rows])
        return np.asarray(turned @ self.Z)

    def weighted_gram(self, weights: Floats, slope: LogSlope) -> Floats:
        """Return sum_i (G_c diag(weight_i) D_i G_c') (x) z_i z_i', square in the entries of Theta."""
        last, rank = self.shape
        pairs = np.empty((last, last, len(weights)))
        for j in range(last):
            for k in range(last):
                pairs[j, k] = slope.weighted(weights, j, k)
        for rows, G in zip(self.blocks, self.to_margins, strict=True):
            half = np.tensordot(G, pairs[:, :, rows], (1, 0))
            pairs[:, :, rows] = np.tensordot(G, half, (1, 1)).transpose(1, 0, 2)
        gram = np.empty((last, rank, last, rank))
        for a in range(last):
            for b in range(last):
                gram[a, :, b, :] = (self.Z.T * pairs[a, b]) @ self.Z
        return gram.reshape(last * rank, last * rank)

    def theta_of(self, W: Floats) -> Floats:
        """Return C' W B'."""
        return np.asarray(self.class_basis.T @ W @ self.row_basis.T)

    def coefficients_of(self, theta: Floats) -> Floats:
        """Return C Theta B."""
        return np.asarray(self.class_basis @ theta @ self.row_basis)


def flow_coordinates(objective: LinearObjective) -> FlowCoordinates:
    """Return the coordinates of the moving part of W.

    Raises
    ------
    SizeError
        If there are more than 2000 unknowns.
    """
    log_weights = objective.adjustment.log_sample_weights(objective.y)
    kept = np.flatnonzero(log_weights > -np.inf)
    order = kept[np.argsort(objective.y[kept], kind="stable")]
    K = objective.n_classes
    Z, row_basis = _in_row_space(objective, order)
    if (unknowns := (K - 1) * Z.shape[1]) > MOST_UNKNOWNS:
        raise SizeError(
            f"the flow in log time needs at most {MOST_UNKNOWNS} unknowns, because it factors dense matrices of that "
            f"size, but {K} classes and features of rank {Z.shape[1]} have {unknowns}; reduce the features, or use "
            "descend"
        )
    y = objective.y[order]
    scales = np.ones(K) if objective.adjustment.scales is None else objective.adjustment.scales
    C = _class_basis(1.0 / scales)
    scaled = np.ascontiguousarray((scales[:, None] * C).T)
    divisors = np.ones(K) if objective.adjustment.margins is None else objective.adjustment.margins
    ends = np.searchsorted(y, np.arange(K + 1))
    present = [c for c in range(K) if ends[c] < ends[c + 1]]
    return FlowCoordinates(
        order=order,
        Z=Z,
        blocks=tuple(slice(int(ends[c]), int(ends[c + 1])) for c in present),
        to_margins=tuple(margins_of_scores(scaled, np.full(K - 1, c)) / divisors[c] for c in present),
        offsets=np.asfortranarray(objective.adjustment.adjusted_margins(np.zeros((len(y), K)), y)),
        log_weights=log_weights[order][:, None],
        class_basis=C,
        row_basis=row_basis,
    )


def _in_row_space(objective: LinearObjective, order: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the rows in coordinates of their span, and the basis of the span."""
    X = objective.X[order]
    if X.shape[0] * X.shape[1] > _MOST_ENTRIES:
        raise SizeError(
            f"the flow in log time needs a dense matrix of at most {_MOST_ENTRIES:,} entries, but got {X.shape[0]:,} "
            f"rows and {X.shape[1]:,} columns; use fewer rows or features, or descend"
        )
    Z = X.toarray() if is_sparse(X) else np.asarray(X, dtype=float)
    if objective.fit_intercept:
        Z = np.column_stack([Z, np.ones(len(Z))])
    U, s, Vt = np.linalg.svd(Z, full_matrices=False)
    rank = int((s > max(Z.shape) * np.finfo(float).eps * s.max(initial=0.0)).sum())
    # along the singular vectors a flat direction has small entries, hence small rounding
    if rank == Z.shape[1]:
        return np.ascontiguousarray(Z @ Vt.T), np.ascontiguousarray(Vt)
    return np.ascontiguousarray(U[:, :rank] * s[:rank]), np.ascontiguousarray(Vt[:rank])


def _class_basis(normal: Floats) -> Floats:
    """Return orthonormal columns orthogonal to ``normal`` (a reflection that takes it to the last axis)."""
    n = normal / np.linalg.norm(normal)
    v = n.copy()
    v[-1] += np.copysign(1.0, n[-1])
    return np.asarray(np.eye(len(n)) - np.outer(v, v) * (2.0 / (v @ v)))[:, :-1]
