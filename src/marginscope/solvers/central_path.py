"""Primal-dual interior point on a growing set of pairs.

    minimise 1/2 <W, P W>   subject to   A W - s = 1,  s >= 0

Newton's method follows s alpha = mu down to mu = 0 with predictor and corrector
(Mehrotra 1992) and further correctors where they lengthen the step (Gondzio 1996).
Only pairs near the margin bend the path: a few take part from the start, and after
every step all the others are looked at and those that are violated enter (constraint
reduction; Jung, O'Leary & Tits 2008). The bracket is always that of all pairs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marginscope.solvers.margin_system import Floats, Indices, MarginSystem

__all__ = ["CentralPath"]

Mask = NDArray[np.bool_]

_FIRST_PAIRS = 2
_FEWEST_PAIRS = 200
_FIRST_MARGIN = 2.0
_FIRST_CENTRE = 3.0
_MOST_CORRECTORS = 2
_SUSPICIOUS = 1e-4
_PATIENCE = 4
_CENTRED = (0.1, 10.0)


class CentralPath:
    """The iterate, its bracket, and one step at a time.

    ``wanted`` is the (n_rows, n_classes) mask of pairs, ``direction`` a first W in the
    coordinates of the system. ``best`` is the W with the largest normalised margin so far
    and ``lower`` that margin; ``upper`` is the bound by the present dual weights.
    """

    def __init__(self, system: MarginSystem, wanted: Mask, direction: Floats) -> None:
        self.system = system
        self.wanted = wanted.ravel()
        self.inside = np.zeros_like(self.wanted)
        self.best, self.lower, self.upper = direction, -np.inf, np.inf
        self.n_steps, self.worst = 0, -np.inf
        self.fallen, self.fell_at = np.inf, 0
        self.suspicious = _SUSPICIOUS * float(system.row_sizes.mean())
        pairs, u = self._first_pairs(direction)
        self.inside[pairs] = True
        self.is_partial = len(pairs) < int(self.wanted.sum())
        u = u[system.select(pairs)]
        scale = self._first_scale(direction, u)
        self.W, self.u = direction * scale, u * scale
        # slacks in units of the rows: a row times 1000 has 1000 times the margin
        unit = system.row_sizes[system.pairs // system.n_classes]
        s = (self.u - 1.0) / unit
        self.s = unit * (s + max(0.0, -1.5 * float(s.min())) + 0.1 * float(np.abs(s).mean()) + 1e-3)
        squared = float(np.vdot(self.W, system.metric(self.W)))
        self.alpha = _FIRST_CENTRE * max(squared, 1e-300) / len(s) / self.s
        self.G = system.adjoint(self.alpha)
        self.best_pairs, self.best_alpha, self.best_sum = system.pairs, self.alpha, self.G

    def _first_scale(self, direction: Floats, u: Floats) -> float:
        """Return the factor that makes the middle margin large, and the norm larger than the shortest row needs."""
        system = self.system
        middle = max(float(np.median(u)), 0.1 * float(np.abs(u).mean()), 1e-300)
        single = np.zeros(len(u))
        single[np.argmin(system.row_sizes[system.pairs // system.n_classes])] = 1.0
        norm = float(np.sqrt(np.vdot(direction, system.metric(direction))))
        least = 1.0 / max(self._upper(system.adjoint(single), single), 1e-300)
        return max(_FIRST_MARGIN / middle, 2.0 * least / max(norm, 1e-300))

    def _first_pairs(self, direction: Floats) -> tuple[Indices, Floats]:
        """Take the smallest margins under the direction, and as many spread over all pairs."""
        u = self.system.all_margins(direction).ravel()
        every = np.flatnonzero(self.wanted)
        most = max(_FEWEST_PAIRS, _FIRST_PAIRS * self.system.n_unknowns)
        if len(every) <= 1.5 * most:
            return every, u[every]
        chosen = np.zeros_like(self.wanted)
        chosen[every[np.argpartition(u[every], most // 2)[: most // 2]]] = True
        chosen[every[:: max(1, 2 * len(every) // most)]] = True
        pairs = np.flatnonzero(chosen)
        return pairs, u[pairs]

    @property
    def gap(self) -> float:
        """Width of the bracket relative to its upper end; infinite where that is zero."""
        return 1.0 - self.lower / self.upper if self.upper > 0.0 else np.inf

    @property
    def norm(self) -> float:
        """Norm of W."""
        return float(np.sqrt(np.vdot(self.W, self.system.metric(self.W))))

    def measure(self) -> None:
        """Look at all pairs, take in those that are violated, and update the bracket."""
        u, self.worst = self._margins(self.W)
        self.u = u[self.system.pairs] if self.is_partial else u
        norm = self.norm
        if norm > 0 and self.worst / norm > self.lower:
            self.best, self.lower = self.W, self.worst / norm
        upper = self._upper(self.G, self.alpha)
        # without a solution the bound falls and falls: more pairs would only slow it down
        if upper < 0.5 * self.fallen:
            self.fallen, self.fell_at = upper, self.n_steps
        is_falling = self.lower <= 0.0 and upper < self.suspicious and self.n_steps < self.fell_at + _PATIENCE
        self.is_finite = bool(np.isfinite(upper) and np.isfinite(norm))
        if upper < self.upper:
            self.upper = upper
            self.best_pairs, self.best_alpha, self.best_sum = self.system.pairs, self.alpha, self.G
        if self.is_partial and self.worst < 1.0 and not is_falling:
            self.enter(self._violated(u), u)

    def offer(self, W: Floats, alpha: Floats) -> Indices:
        """Keep W and weights of the working pairs if their bracket is narrower; return violated pairs."""
        u, worst = self._margins(W)
        norm = float(np.sqrt(np.vdot(W, self.system.metric(W))))
        lower = worst / norm if norm > 0.0 else -np.inf
        G = self.system.adjoint(alpha)
        upper = self._upper(G, alpha)
        if upper > 0.0 and 1.0 - lower / upper < self.gap:
            self.best, self.lower, self.upper = W, lower, upper
            self.best_pairs, self.best_alpha, self.best_sum = self.system.pairs, alpha, G
        noise = 8.0 * np.finfo(float).eps * float(np.linalg.norm(W))
        return self._violated(u, 1.0 - noise) if self.is_partial else np.zeros(0, dtype=np.intp)

    def scaled_best(self) -> tuple[Floats, Indices, Floats]:
        """Return the best W with worst margin 1 and the best weights, scaled so that sum alpha = ||A' alpha||^2."""
        W, alpha = self.best, self.best_alpha
        if self.lower > 0.0:
            W = W / (self.lower * float(np.sqrt(np.vdot(W, self.system.metric(W)))))
            alpha = alpha / (self.upper * (self.upper * float(alpha.sum())))
        return W, self.best_pairs, alpha

    def _margins(self, W: Floats) -> tuple[Floats, float]:
        """Return u of all pairs, or of the working ones if these are all, and the worst."""
        if not self.is_partial:
            u = self.system.margins(W)
        else:
            u = np.where(self.wanted, self.system.all_margins(W).ravel(), np.inf)
        return u, float(u.min())

    def _upper(self, G: Floats, alpha: Floats) -> float:
        squared = float(np.vdot(G, self.system.inverse_metric(G)))
        return float(np.sqrt(max(squared, 0.0))) / float(alpha.sum())

    def _violated(self, u: Floats, least: float = 1.0) -> Indices:
        """Return the most violated of the pairs outside."""
        violated = np.flatnonzero(~self.inside & (u < least))
        most = max(_FEWEST_PAIRS, self.system.n_unknowns)
        return violated[np.argpartition(u[violated], most)[:most]] if len(violated) > most else violated

    def enter(self, entering: Indices, u: Floats | None = None) -> None:
        """Let pairs in, centred on the path; ``u`` are the margins of all pairs under W."""
        if not len(entering):
            return
        if u is None:
            u, _ = self._margins(self.W)
        mu = float(self.s @ self.alpha) / len(self.s)
        heavy = self.alpha >= self.alpha.mean()
        sizes = self.system.row_sizes
        least = float(np.median(self.s[heavy] / sizes[self.system.pairs[heavy] // self.system.n_classes]))
        slack = np.maximum(np.abs(u[entering] - 1.0), least * sizes[entering // self.system.n_classes])
        self.inside[entering] = True
        pairs = np.concatenate([self.system.pairs, entering])
        order = self.system.select(pairs)
        self.s = np.concatenate([self.s, slack])[order]
        self.alpha = np.concatenate([self.alpha, mu / slack])[order]
        self.u = u[pairs[order]]
        self.G = self.system.adjoint(self.alpha)
        self.is_partial = len(pairs) < int(self.wanted.sum())

    def step(self) -> None:
        """Move once along the path."""
        system, s, alpha = self.system, self.s, self.alpha
        system.factor(alpha / s, roughly=True)
        primal, dual = s - self.u + 1.0, system.metric(self.W) - self.G
        products = s * alpha
        mu = float(products.mean())

        def towards(target: Floats) -> tuple[Floats, Floats, Floats, float]:
            dW = system.solve(system.adjoint((target + alpha * primal) / s) - dual)
            ds = system.margins(dW) - primal
            dalpha = (target - alpha * ds) / s
            return dW, ds, dalpha, _longest_step(s, ds, alpha, dalpha)

        move = towards(-products)
        after = float(((s + move[3] * move[1]) * (alpha + move[3] * move[2])).mean())
        centre = mu * min(1.0, after / mu) ** 3
        target = centre - products - move[1] * move[2]
        move = towards(target)
        for _ in range(_MOST_CORRECTORS):
            further = min(1.0, move[3] + 0.3)
            reached = (s + further * move[1]) * (alpha + further * move[2])
            wished = np.clip(reached, _CENTRED[0] * centre, _CENTRED[1] * centre)
            target = target + np.maximum(wished - reached, -_CENTRED[1] * centre)
            other = towards(target)
            if other[3] < move[3] + 0.03:
                break
            move = other
        length = min(0.9995, move[3] * max(0.99, 1.0 - after / mu))
        self.W = self.W + length * move[0]
        self.s = s + length * move[1]
        self.alpha = alpha + length * move[2]
        self.G = system.adjoint(self.alpha)
        self.n_steps += 1


def _longest_step(s: Floats, ds: Floats, alpha: Floats, dalpha: Floats) -> float:
    """Return how far, up to 1, slacks and weights stay positive."""
    steepest = min(float((ds / s).min()), float((dalpha / alpha).min()))
    return 1.0 if steepest >= -1.0 else -1.0 / steepest
