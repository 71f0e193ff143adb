"""Accelerated projected gradients for margin problems too large for a normal matrix.

    minimise  mu log sum exp(-u_ik(W) / mu)    subject to   ||W|| <= 1

The smoothed worst margin is within mu log n_pairs of the worst margin itself, and the
gradient is -A' lambda with lambda the softmax of -u / mu: every step gives both ends of
a bracket (Nesterov 2005). mu falls as the bracket closes. A step costs two products with
X; a bracket of a tenth of a percent takes thousands of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from marginscope.geometry.norms import get_norm
from marginscope.solvers.margin_bracket import MarginBracket
from marginscope.solvers.pair_map import PairMap

__all__ = ["PROJECTIONS", "descend_in_ball"]

Floats = NDArray[np.float64]

_MOST_ITERATIONS = 5000
# mu log n_pairs is this share of the gap; it falls when it would at least halve, or when the gap stays as it is
_SMOOTHING, _FALL = 2.0, 0.5
_PATIENCE, _PROGRESS = 200, 0.95
_GROWTH = 1.1


def descend_in_ball(
    pairs: PairMap, norm: str, *, tol: float, deadline: float, most_iterations: int = _MOST_ITERATIONS
) -> MarginBracket:
    """Narrow the bracket until it is closed or time is up.

    Parameters
    ----------
    pairs : PairMap
        With a diagonal C; X dense or CSR.
    norm : str
    tol : float
        Relative width at which the bracket is closed.
    deadline : float
        In seconds of ``time.monotonic``.
    most_iterations : int

    Returns
    -------
    MarginBracket
    """
    bracket, project = MarginBracket(pairs, get_norm(norm)), PROJECTIONS[norm]
    mask = pairs.pairs
    level = np.log(max(2.0, float(mask.sum())))
    W = V = np.zeros(pairs.shape)
    # uniform weights are those of W = 0
    mu = bracket.norm.dual_value(pairs.adjoint(mask / float(mask.sum()))) or 1.0
    mu /= level
    step, momentum, last_gap, last_fall = mu, 1.0, np.inf, 0
    u = pairs.margins(V)
    # weights averaged since mu last fell often give the better upper end (Tseng 2008)
    mean, mean_G, total = np.zeros(mask.shape), W, 0.0
    for bracket.n_iterations in range(1, most_iterations + 1):
        weights, value = _softmax(u, mask, mu)
        G = pairs.adjoint(weights)
        while True:
            other = project(V + step * G)
            change = other - V
            reached = pairs.margins(other)
            bound = value - float(np.vdot(G, change)) + float(np.vdot(change, change)) / (2.0 * step)
            if _softmax(reached, mask, mu)[1] <= bound + 1e-12 * abs(value):
                break
            step *= 0.5
        share = momentum / (total + momentum)
        total += momentum
        mean, mean_G = mean + share * (weights - mean), mean_G + share * (G - mean_G)
        bracket.offer_measured(other, reached, weights, G)
        bracket.offer_measured(other, reached, mean, mean_G)
        if bracket.is_closed(tol) or time.monotonic() > deadline:
            break
        gap = bracket.upper - bracket.lower
        if gap < _PROGRESS * last_gap:
            last_gap, last_fall = gap, bracket.n_iterations
        smaller = _SMOOTHING * gap / level
        if bracket.n_iterations - last_fall > _PATIENCE:
            smaller, last_fall = min(smaller, _FALL * mu), bracket.n_iterations
        restart = float(np.vdot(G, other - W)) < 0
        if smaller <= _FALL * mu:
            step, mu, restart, total = step * smaller / mu, smaller, True, 0.0
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        V = other if restart else other + (momentum - 1.0) / following * (other - W)
        momentum = 1.0 if restart else following
        W, step = other, _GROWTH * step
        u = reached if restart else pairs.margins(V)
    return bracket


def _softmax(u: Floats, mask: NDArray[np.bool_], mu: float) -> tuple[Floats, float]:
    """Return weights of sum one and mu log sum exp(-u / mu)."""
    worst = float(np.min(u, where=mask, initial=np.inf))
    share = np.where(mask, np.exp(np.minimum((worst - u) / mu, 0.0)), 0.0)
    total = float(share.sum())
    return share / total, mu * float(np.log(total)) - worst


def _project_max(W: Floats) -> Floats:
    return np.clip(W, -1.0, 1.0)


def _project_sum(W: Floats) -> Floats:
    size = np.abs(W)
    return np.asarray(np.sign(W) * np.maximum(size - _excess(size.ravel()), 0.0))


def _project_spectral(W: Floats) -> Floats:
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    return W if s[0] <= 1.0 else np.asarray((U * np.minimum(s, 1.0)) @ Vt)


def _project_nuclear(W: Floats) -> Floats:
    U, s, Vt = np.linalg.svd(W, full_matrices=False)
    return np.asarray((U * np.maximum(s - _excess(s), 0.0)) @ Vt)


def _excess(values: Floats) -> float:
    """Return the amount to take off non-negative values so that the positive rest has a sum of at most one."""
    if float(values.sum()) <= 1.0:
        return 0.0
    falling = np.sort(values)[::-1]
    excess = (np.cumsum(falling) - 1.0) / np.arange(1, len(falling) + 1)
    return float(excess[np.flatnonzero(falling > excess)[-1]])


PROJECTIONS: dict[str, Callable[[Floats], Floats]] = {
    "max": _project_max,
    "sum": _project_sum,
    "spectral": _project_spectral,
    "nuclear": _project_nuclear,
}
