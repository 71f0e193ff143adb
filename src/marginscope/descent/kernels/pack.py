"""Data in the order of the machine code: samples sorted by class, one in each lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.kernels.plan import Plan
from marginscope.losses.adjust import Adjustment
from marginscope.objectives import LinearObjective

__all__ = ["Pack", "aligned", "block_starts", "pack", "stacked"]

_CACHE_LINE = 64


@dataclass(frozen=True)
class Pack:
    """One problem in the layout of ``Plan``.

    Attributes
    ----------
    starts : (n_classes + 1,) first block of every class
    X : (n_blocks, n_features, width)
    factors : (n_blocks, width)
        omega_i / m_y of every sample, 0 where a block is filled up.
    terms : (n_terms,)
        D_y / m_y and D_y of every class, then D_k / m_y and (i_k - i_y + c_y) / m_y of
        every class and rival.
    """

    starts: NDArray[np.int64]
    X: NDArray[Any]
    factors: NDArray[Any]
    terms: NDArray[Any]


def aligned(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Return zeros that start on a cache line: a vector across two lines costs two reads."""
    n_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.zeros(n_bytes + _CACHE_LINE, dtype=np.uint8)
    skip = -room.ctypes.data % _CACHE_LINE
    array: NDArray[Any] = room[skip : skip + n_bytes].view(dtype).reshape(shape)
    return array


def stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return the arrays along a new first axis."""
    out = aligned((len(arrays), *arrays[0].shape), arrays[0].dtype)
    np.stack(arrays, out=out)
    return out


def block_starts(y: NDArray[np.intp], n_classes: int, width: int) -> NDArray[np.int64]:
    """Return the first block of every class and the number of blocks."""
    n_blocks = -(-np.bincount(y, minlength=n_classes) // width)
    return np.concatenate([[0], np.cumsum(n_blocks)]).astype(np.int64)


def pack(objective: LinearObjective, plan: Plan, n_blocks: int) -> Pack:
    """Lay one problem out, with room for so many blocks."""
    y, K, width = objective.y, objective.n_classes, plan.width
    dtype = np.float64 if plan.bits == 64 else np.float32
    starts = block_starts(y, K, width)
    order = np.argsort(y, kind="stable")
    counts = np.bincount(y, minlength=K)
    rank = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    block, lane = starts[y[order]] + rank // width, rank % width
    X = aligned((n_blocks, plan.n_features, width), dtype)
    n_columns = objective.X.shape[1]
    X[block, :n_columns, lane] = objective.X[order]
    if objective.fit_intercept:
        X[block, n_columns, lane] = 1.0
    factors = aligned((n_blocks, width) if plan.adjusted else (0, width), dtype)
    if plan.adjusted:
        factors[block, lane] = _sample_factors(objective.adjustment, y)[order]
    return Pack(starts, X, factors, _terms(objective.adjustment, K).astype(dtype))


def _sample_factors(adjustment: Adjustment, y: NDArray[np.intp]) -> NDArray[np.float64]:
    # products, not exp of sums of logarithms: the bytes of exp depend on the processor
    factors = np.ones(len(y)) if adjustment.sample_weights is None else adjustment.sample_weights
    if adjustment.class_weights is not None:
        factors = factors * adjustment.class_weights[y]
    return np.asarray(factors if adjustment.margins is None else factors / adjustment.margins[y])


def _terms(adjustment: Adjustment, n_classes: int) -> NDArray[np.float64]:
    K = n_classes
    margins = np.ones(K) if adjustment.margins is None else adjustment.margins
    scales = np.ones(K) if adjustment.scales is None else adjustment.scales
    shifts = np.zeros(K) if adjustment.shifts is None else adjustment.shifts
    own = -shifts if adjustment.own_shifts is None else adjustment.own_shifts - shifts
    rivals = np.array([[k for k in range(K) if k != y] for y in range(K)])
    return np.concatenate(
        [
            scales / margins,
            scales,
            (scales[rivals] / margins[:, None]).ravel(),
            ((shifts[rivals] + own[:, None]) / margins[:, None]).ravel(),
        ]
    )
