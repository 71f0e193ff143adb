"""The step of length one that falls most, for a tensor: `geometry.norms` in torch.

    norm        linear maximiser of G = U S V'
    max         sign(G)
    spectral    U V'
    nuclear     u_1 v_1'

A tensor is read as the matrix of its first axis against all others, so the kernel of a
convolution is (out, in * height * width). A vector or a number is a matrix of one row, for
which the last two are G / ||G||.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from marginscope.descent.muon import N_ITERATIONS, QUINTIC

__all__ = ["as_matrix", "newton_schulz", "normalized", "polar_factor", "rank_one", "rank_tolerance_of"]

# singular values below this share of the largest are rounding noise of a gradient of this type
_RANK_TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.float16: 2.0**-11,
    torch.bfloat16: 2.0**-8,
}


def rank_tolerance_of(dtype: torch.dtype) -> float:
    """Return the share of the largest singular value below which others are noise."""
    return _RANK_TOLERANCE.get(dtype, 1e-10)


def as_matrix(G: Tensor) -> Tensor:
    """Return a tensor as the matrix of its first axis against all others."""
    return G.reshape(1, -1) if G.ndim < 2 else G.flatten(1)


def polar_factor(G: Tensor, rank_tolerance: float = 1e-10) -> Tensor:
    """Return U V' of G = U S V', without the directions that are noise.

    Parameters
    ----------
    G : (m, n) tensor of finite numbers
    rank_tolerance : float
        Singular values of at most this share of the largest are left out. The gradient of
        cross-entropy needs it: its rows sum to zero, so its rank is below m.
    """
    scaled = _of_size_one(G)
    if scaled is None:
        return torch.zeros_like(G)
    U, s, Vt = torch.linalg.svd(scaled, full_matrices=False)
    factor: Tensor = (U * (s > rank_tolerance * s[0])) @ Vt
    return factor


def newton_schulz(G: Tensor) -> Tensor:
    """Approximate the polar factor by five quintic iterations.

    X <- a X + (b A + c A^2) X,    A = X X'

    Singular values end between 0.68 and 1.13 if they were above a hundredth of ||G||_F,
    between 0.68 and 1.21 above two thousandths; smaller ones grow about 485 times.
    """
    scaled = _of_size_one(G)
    if scaled is None:
        return torch.zeros_like(G)
    is_tall = G.shape[0] > G.shape[1]
    X = (scaled.T if is_tall else scaled) / torch.linalg.vector_norm(scaled)
    a, b, c = QUINTIC
    for _ in range(N_ITERATIONS):
        A = X @ X.T
        X = a * X + (b * A + c * A @ A) @ X
    found: Tensor = X.T if is_tall else X
    return found


def rank_one(G: Tensor) -> Tensor:
    """Return u_1 v_1' of the largest singular value."""
    scaled = _of_size_one(G)
    if scaled is None:
        return torch.zeros_like(G)
    U, _, Vt = torch.linalg.svd(scaled, full_matrices=False)
    return torch.outer(U[:, 0], Vt[0])


def normalized(tensors: list[Tensor]) -> list[Tensor]:
    """Return tensors divided by the Euclidean norm of all their entries together."""
    sizes = [_largest_entry(one) for one in tensors]
    largest = max(sizes, default=0.0)
    # divided first: squares of a gradient leave the range long before it does
    scaled = [
        one / one.new_tensor(largest) if size else torch.zeros_like(one)
        for one, size in zip(tensors, sizes, strict=True)
    ]
    length = math.hypot(*(float(torch.linalg.vector_norm(one)) for one in scaled))
    return [one / length for one in scaled] if length else scaled


def _largest_entry(G: Tensor) -> float:
    return float(G.abs().max()) if G.numel() else 0.0


def _of_size_one(G: Tensor) -> Tensor | None:
    """Return G with largest entry one, or None for zero: squares of it are in range."""
    largest = _largest_entry(G)
    # by a tensor: a number would be inverted first on some devices, and that overflows
    return G / G.new_tensor(largest) if largest > 0.0 else None
