"""The flow in log time where some pairs tie: their part is solved for, the rest is integrated.

L is the span of the features of the tied pairs. In L the risk has curvature, so that part of
Theta follows the rest within exp(-s) while everything else moves with log t. With v in L and w
orthogonal to L,

    g_v(v, w) = exp(-s) dv/ds ~ -exp(-s) (v - v*),    dw/ds = sum over separable pairs exp(s + log q_ik) x~_ik

v* minimises the risk in which the separable pairs have no weight. Integrated as it is, the
system would be stiff like exp(s), with a velocity that is rounding times exp(s).
"""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.limits.flow_coordinates import FlowCoordinates
from marginscope.limits.log_flow import LogFlow
from marginscope.limits.log_slope import PairSlope, log_slope

__all__ = ["SlavedFlow"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# margins at which a pair has no weight, and their sums no overflow
_FAR = 1e4
_NULL_EIGENVALUE = 1e-11
_MOST_STEPS = 200
_MOST_CORRECTIONS = 30
# after this many relaxation times 1 / h the tied part follows: what is left falls like the third power
_RELAXATIONS = 1e5
# before this step the terms of order eta^2, which are left out here, are above rounding
_FEWEST_STEPS = 1e7


class SlavedFlow:
    """The flow of the part orthogonal to the tied pairs.

    Parameters
    ----------
    flow : LogFlow
    tied : (n_kept, n_classes - 1) mask
        In the order of the flow's rows and margins.
    flat : (n_unknowns,) array
        Where the search for v* starts.

    Attributes
    ----------
    finite, growing : (n_unknowns, .) arrays
        Orthonormal bases of L and of its complement.
    rest : array
        v*, in the basis of L.
    follows_from : float
        Log time from which the tied part can be solved for.
    """

    def __init__(self, flow: LogFlow, tied: Mask, flat: Floats) -> None:
        self.flow = flow
        self.separable = ~tied
        self.n_evaluations = 0
        self.finite, self.growing = _bases(flow.coordinates, tied)
        self.rest, curvature = self._minimise(self.finite.T @ flat)
        self.follows_from = math.log(_FEWEST_STEPS * flow.step_size)
        if len(self.rest):
            lowest = float(scipy.linalg.eigvalsh(curvature, subset_by_index=[0, 0])[0])
            self.follows_from = max(self.follows_from, math.log(_RELAXATIONS / lowest))
            self._factor = scipy.linalg.cho_factor(curvature, check_finite=False)

    def velocity(self, s: float, w: Floats) -> Floats:
        """Return dw/ds."""
        self.n_evaluations += 1
        margins, weights = self._forces(s, self.at(s, w))
        F = self._pull(weights)
        steps = math.exp(-s) * self.flow.step_size
        change = self.flow.coordinates.linear_margins(self._theta(self.growing @ F))
        turned = log_slope(self.flow.template, margins).product(change)
        return np.asarray(F + (0.5 * steps) * self._pull(weights * turned))

    def jacobian(self, s: float, w: Floats) -> Floats:
        """Return the derivative of the velocity at fixed v, which answers like exp(-s) only."""
        margins, weights = self._forces(s, self.at(s, w))
        gram = self.flow.coordinates.weighted_gram(weights, log_slope(self.flow.template, margins))
        return np.asarray(-self.growing.T @ gram @ self.growing)

    def at(self, s: float, w: Floats) -> Floats:
        """Return Theta, flat, with v solved for."""
        if not len(self.rest):
            return np.asarray(self.growing @ w)
        base, v, lag = self.growing @ w, self.rest, math.exp(-s)
        smallest = math.inf
        for _ in range(_MOST_CORRECTIONS):
            flat = base + self.finite @ v
            slope = self.finite.T @ self._gradient(self.flow.coordinates.margins(self._theta(flat)))
            move = scipy.linalg.cho_solve(self._factor, slope - lag * (v - self.rest), check_finite=False)
            size = float(np.abs(move).max())
            if not size < 0.5 * smallest:  # rounding: the steps no longer shrink
                break
            v, smallest = v + move, size
        return np.asarray(base + self.finite @ v)

    def _minimise(self, v: Floats) -> tuple[Floats, Floats]:
        """Return v*, and the curvature there, by Newton's method with halved steps."""
        at, template = self.flow.coordinates, self.flow.template
        omega = np.exp(at.log_weights[:, 0])

        def margins_of(point: Floats) -> Floats:
            margins = at.margins(self._theta(self.finite @ point))
            return np.where(self.separable, _FAR, margins)

        margins, curvature = margins_of(v), np.zeros((0, 0))
        for _ in range(_MOST_STEPS if len(v) else 0):
            weights = np.where(self.separable, 0.0, np.exp(template.log_weights(margins) + at.log_weights))
            slope = self.finite.T @ at.pull_back(weights).ravel()
            gram = at.weighted_gram(weights, log_slope(template, margins))
            curvature = self.finite.T @ gram @ self.finite
            move = scipy.linalg.solve(curvature, slope, assume_a="pos", check_finite=False)
            value, gain, length = float(omega @ template.value(margins)), float(move @ slope), 1.0
            trial = margins_of(v + move)
            while float(omega @ template.value(trial)) > value - 1e-4 * length * gain and gain > 1e-13 * (1.0 + value):
                length *= 0.5
                trial = margins_of(v + length * move)
            v, margins = v + length * move, trial
            if float(np.abs(move).max()) <= 1e-14 * (1.0 + float(np.abs(v).max())):
                break
        return v, curvature

    def _gradient(self, margins: Floats) -> Floats:
        """Return g, flat."""
        at = self.flow.coordinates
        return at.pull_back(np.exp(self.flow.template.log_weights(margins) + at.log_weights)).ravel()

    def _forces(self, s: float, flat: Floats) -> tuple[Floats, Floats]:
        """Return margins and the weights exp(s + log q) of the separable pairs."""
        at = self.flow.coordinates
        margins = at.margins(self._theta(flat))
        exponents = s + self.flow.template.log_weights(margins) + at.log_weights
        return margins, np.exp(np.where(self.separable, exponents, -np.inf))

    def _pull(self, weights: Floats) -> Floats:
        return np.asarray(self.growing.T @ self.flow.coordinates.pull_back(weights).ravel())

    def _theta(self, flat: Floats) -> Floats:
        return flat.reshape(self.flow.coordinates.shape)


def _bases(coordinates: FlowCoordinates, tied: Mask) -> tuple[Floats, Floats]:
    """Return orthonormal bases of the span of the tied pair features and of its complement."""
    plain = PairSlope(np.ones(tied.shape), np.zeros(tied.shape))
    gram = coordinates.weighted_gram(tied.astype(float), plain)
    if not len(gram):
        return gram, gram
    values, vectors = scipy.linalg.eigh(gram, check_finite=False)
    spanned = values > _NULL_EIGENVALUE * max(float(values[-1]), 0.0)
    return vectors[:, spanned], vectors[:, ~spanned]
