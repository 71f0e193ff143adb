"""The five norms of a coefficient matrix: optimizers, solvers and certificates share them.

A norm gives its value, the value of its dual norm and the matrix of norm one with
the largest inner product with G, for which <Delta, G> is the dual value of G.

    norm of W            dual       linear maximiser of G = U S V'
    frobenius            frobenius  G / ||G||_F
    max (entrywise)      sum        sign(G)
    sum (entrywise)      max        sign of the largest entry, there alone
    spectral             nuclear    U V'
    nuclear              spectral   u_1 v_1'
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import look_up

__all__ = ["NORMS", "Norm", "get_norm"]

Floats = NDArray[np.float64]

# directions with singular values below this share of the largest are rounding noise
_SMALLEST_SINGULAR_VALUE = 1e-10


class Norm(Protocol):
    """A norm on (n_classes, n_features) matrices.

    ``value(W)`` is ||W||; ``dual_value(G)`` is max <W, G> over ||W|| <= 1;
    ``linear_maximizer(G)`` is a W that attains it, of norm one, and zero for G = 0.
    """

    name: str
    dual: str

    def value(self, W: Floats) -> float: ...
    def dual_value(self, G: Floats) -> float: ...
    def linear_maximizer(self, G: Floats) -> Floats: ...


class _Frobenius:
    name = "frobenius"
    dual = "frobenius"

    def value(self, W: Floats) -> float:
        return _euclidean(W)

    def dual_value(self, G: Floats) -> float:
        return _euclidean(G)

    def linear_maximizer(self, G: Floats) -> Floats:
        size = _euclidean(G)
        return G / size if size > 0 else np.zeros_like(G)


class _Max:
    name = "max"
    dual = "sum"

    def value(self, W: Floats) -> float:
        return float(np.abs(W).max(initial=0.0))

    def dual_value(self, G: Floats) -> float:
        return float(np.abs(G).sum())

    def linear_maximizer(self, G: Floats) -> Floats:
        return np.sign(G)


class _Sum:
    name = "sum"
    dual = "max"

    def value(self, W: Floats) -> float:
        return float(np.abs(W).sum())

    def dual_value(self, G: Floats) -> float:
        return float(np.abs(G).max(initial=0.0))

    def linear_maximizer(self, G: Floats) -> Floats:
        best = np.zeros_like(G)
        if G.size:
            at = np.unravel_index(int(np.argmax(np.abs(G))), G.shape)
            best[at] = np.sign(G[at])
        return best


class _Spectral:
    name = "spectral"
    dual = "nuclear"

    def value(self, W: Floats) -> float:
        return float(_singular_values(W).max(initial=0.0))

    def dual_value(self, G: Floats) -> float:
        return float(_singular_values(G).sum())

    def linear_maximizer(self, G: Floats) -> Floats:
        U, s, Vt = np.linalg.svd(G, full_matrices=False)
        kept = s > _SMALLEST_SINGULAR_VALUE * s.max(initial=0.0)
        return np.asarray(U[:, kept] @ Vt[kept])


class _Nuclear:
    name = "nuclear"
    dual = "spectral"

    def value(self, W: Floats) -> float:
        return float(_singular_values(W).sum())

    def dual_value(self, G: Floats) -> float:
        return float(_singular_values(G).max(initial=0.0))

    def linear_maximizer(self, G: Floats) -> Floats:
        U, s, Vt = np.linalg.svd(G, full_matrices=False)
        return np.outer(U[:, 0], Vt[0]) if s.max(initial=0.0) > 0 else np.zeros_like(G)


def _euclidean(W: Floats) -> float:
    largest = float(np.abs(W).max(initial=0.0))
    # divided first: squares of a direction may overflow
    return largest * float(np.linalg.norm(W / largest)) if 0.0 < largest < np.inf else largest


def _singular_values(W: Floats) -> Floats:
    return np.asarray(np.linalg.svd(W, compute_uv=False))


NORMS: tuple[Norm, ...] = (_Frobenius(), _Max(), _Sum(), _Spectral(), _Nuclear())


def get_norm(name: str) -> Norm:
    """Look a norm up by name."""
    return look_up("norm", name, {norm.name: norm for norm in NORMS})
