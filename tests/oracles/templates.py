"""Templates and their weights in arbitrary precision, one formula each, straight from the definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath as mp


def psi(name: str, u: Sequence[Any], **parameters: float) -> Any:
    """Return psi(u) as an mpmath number."""
    return PSI[name]([mp.mpf(one) for one in u], **{key: mp.mpf(one) for key, one in parameters.items()})


def q(name: str, u: Sequence[Any], **parameters: float) -> list[Any]:
    """Return minus the gradient of psi at u."""
    return Q[name]([mp.mpf(one) for one in u], **{key: mp.mpf(one) for key, one in parameters.items()})


def _sum(u):
    return mp.fsum(mp.exp(-one) for one in u)


def _plus(x):
    return max(x, mp.mpf(0))


def _ratio(e, s):
    return e / (1 + s)


def _focal(u, gamma):
    s = _sum(u)
    return (s / (1 + s)) ** gamma * mp.log1p(s)


def _focal_q(u, gamma):
    s = _sum(u)
    p, r, loss = 1 / (1 + s), s / (1 + s), mp.log1p(s)
    return [(r**gamma + gamma * r ** (gamma - 1) * p * loss) * mp.exp(-one) * p for one in u]


def _huber(d, h):
    return mp.mpf(0) if d <= 0 else d**2 / (2 * h) if d < h else d - h / 2


def _worst_q(u):
    least = min(u)
    tied = [one == least and one < 1 for one in u]
    return [mp.mpf(one) / max(1, sum(tied)) for one in tied]


def entmax_probabilities(s, alpha):
    """Return the alpha-entmax of scores: the threshold is right when the probabilities sum to one."""
    x = [(alpha - 1) * (one - max(s)) for one in s]
    power = 1 / (mp.mpf(alpha) - 1)
    # the mass is convex and falls, so Newton's steps from the left never pass the root
    tau = max(x) - 1
    for _ in range(200):
        above = [one - tau for one in x if one > tau]
        excess = mp.fsum(one**power for one in above) - 1
        step = excess / (power * mp.fsum(one ** (power - 1) for one in above))
        tau += step
        if step < 10 * mp.eps:
            break
    p = [_plus(one - tau) ** power for one in x]
    assert abs(mp.fsum(p) - 1) < 1000 * power * mp.eps
    return p


def _entmax(u, alpha):
    s = [mp.mpf(0), *(-one for one in u)]
    p = entmax_probabilities(s, alpha)
    entropy = (mp.fsum(one**alpha for one in p) - 1) / (alpha * (alpha - 1))
    return mp.fsum(one * two for one, two in zip(p, s, strict=True)) - entropy


def _entmax_q(u, alpha):
    return entmax_probabilities([mp.mpf(0), *(-one for one in u)], alpha)[1:]


PSI: dict[str, Any] = {
    "cross_entropy": lambda u: mp.log1p(_sum(u)),
    "exponential": _sum,
    "pair_logistic": lambda u: mp.fsum(mp.log1p(mp.exp(-one)) for one in u),
    "gamma_phi": lambda u: mp.log1p(_sum(u)),
    "crammer_singer": lambda u: max(_plus(1 - one) for one in u),
    "weston_watkins": lambda u: mp.fsum(_plus(1 - one) for one in u),
    "squared_weston_watkins": lambda u: mp.fsum(_plus(1 - one) ** 2 for one in u),
    "smooth_weston_watkins": lambda u, h: mp.fsum(_huber(1 - one, h) for one in u),
    "sparsemax": lambda u: _entmax(u, mp.mpf(2)),
    "entmax": _entmax,
    "focal": _focal,
    "label_smoothing": lambda u, eps: mp.log1p(_sum(u)) + eps / (len(u) + 1) * mp.fsum(u),
    "polynomial": lambda u, a: mp.fsum((1 + one) ** -a if one > 0 else 1 - a * one for one in u),
    "mae": lambda u: _ratio(_sum(u), _sum(u)),
    "squared_margin": lambda u: mp.fsum((1 - one) ** 2 for one in u),
}
Q: dict[str, Any] = {
    "cross_entropy": lambda u: [_ratio(mp.exp(-one), _sum(u)) for one in u],
    "exponential": lambda u: [mp.exp(-one) for one in u],
    "pair_logistic": lambda u: [1 / (1 + mp.exp(one)) for one in u],
    "gamma_phi": lambda u: [_ratio(mp.exp(-one), _sum(u)) for one in u],
    "crammer_singer": _worst_q,
    "weston_watkins": lambda u: [mp.mpf(one < 1) for one in u],
    "squared_weston_watkins": lambda u: [2 * _plus(1 - one) for one in u],
    "smooth_weston_watkins": lambda u, h: [min(_plus((1 - one) / h), mp.mpf(1)) for one in u],
    "sparsemax": lambda u: _entmax_q(u, mp.mpf(2)),
    "entmax": _entmax_q,
    "focal": _focal_q,
    "label_smoothing": lambda u, eps: [_ratio(mp.exp(-one), _sum(u)) - eps / (len(u) + 1) for one in u],
    "polynomial": lambda u, a: [a * (1 + one) ** (-a - 1) if one > 0 else a for one in u],
    "mae": lambda u: [_ratio(mp.exp(-one), _sum(u)) / (1 + _sum(u)) for one in u],
    "squared_margin": lambda u: [2 * (1 - one) for one in u],
}
