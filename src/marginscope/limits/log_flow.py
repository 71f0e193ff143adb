"""The path of gradient descent as a flow in the logarithm of time.

With t = eta n after n steps of size eta and s = log t, backward error analysis of Euler's
method (Hairer, Lubich and Wanner 2006, IX.1) gives the flow that passes through the steps:

    dW/ds = F + eta / 2 H F + eta^2 (H H F / 3 + g''(g, F) / 12) + O(n^-3)

with g = -grad R, H the Hessian of R and F = exp(s) g = sum_ik exp(s + log q_ik) x~_ik. The
exponents stay of ordinary size however large s is; exp(s + log q_ik) is the running estimate of
the multipliers of the hard-margin problem.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marginscope.limits.flow_coordinates import FlowCoordinates
from marginscope.limits.log_slope import LogSlope, log_slope
from marginscope.losses.template import Template

__all__ = ["LogFlow"]

Floats = NDArray[np.float64]

# a term of relative size n^-k is left out where it is below the rounding of the sum
_NEGLIGIBLE = 1e-15


class _Forces(NamedTuple):
    """Margins, and the pair weights omega q exp(s)."""

    margins: Floats
    weights: Floats


class LogFlow:
    """Velocity and Jacobian of the flow in coordinates Theta.

    Parameters
    ----------
    template : Template
        Falling in every margin, with a Hessian.
    coordinates : FlowCoordinates
    step_size : float
        eta; zero is the plain gradient flow.
    order : int
        Of the flow in eta, 1 to 3.
    """

    def __init__(self, template: Template, coordinates: FlowCoordinates, step_size: float, order: int = 3) -> None:
        self.template = template
        self.coordinates = coordinates
        self.step_size = step_size
        self.order = order
        self.n_evaluations = 0

    def velocity(self, s: float, flat: Floats) -> Floats:
        """Return d Theta / ds."""
        self.n_evaluations += 1
        here = self._forces(s, flat)
        F = self.coordinates.pull_back(here.weights)
        steps = math.exp(-s) * self.step_size
        if self.order == 1 or steps < _NEGLIGIBLE:
            return F.ravel()
        D = log_slope(self.template, here.margins)
        if self.order == 2 or steps * steps < _NEGLIGIBLE:
            return np.asarray(F + (0.5 * steps) * self._curved(here.weights, D, F)).ravel()
        second, third = self._corrections(steps, here, D, F)
        return np.asarray(F + second + third).ravel()

    def jacobian(self, s: float, flat: Floats) -> Floats:
        """Return the derivative of the velocity; g'' is left out of it."""
        here = self._forces(s, flat)
        J = self.coordinates.weighted_gram(here.weights, log_slope(self.template, here.margins))
        steps = math.exp(-s) * self.step_size
        if self.order == 1 or steps < _NEGLIGIBLE:
            return -J
        return -J - (0.5 * steps) * (J @ J)

    def remainder(self, s: float, flat: Floats) -> float:
        """Estimate how far the flow from here on ends from the steps, ||Theta - Theta_gd||.

        The term of order eta^3 holds H H H g / 4, and is taken for as much smaller than that of
        order eta^2 as this is than that of order eta; it falls like exp(-3 s).
        """
        here = self._forces(s, flat)
        F = self.coordinates.pull_back(here.weights)
        steps = math.exp(-s) * self.step_size
        D = log_slope(self.template, here.margins)
        second, third = self._corrections(steps, here, D, F)
        sizes = [float(np.linalg.norm(one)) for one in (second, third)]
        if not sizes[0] > 0.0:
            return 0.0
        stiff = 0.75 * steps * float(np.linalg.norm(self._curved(here.weights, D, third)))
        return (stiff + sizes[1] ** 2 / sizes[0]) / 3.0

    def _forces(self, s: float, flat: Floats) -> _Forces:
        margins = self.coordinates.margins(flat.reshape(self.coordinates.shape))
        exponents = self.template.log_weights(margins)
        exponents += self.coordinates.log_weights
        exponents += s
        return _Forces(margins, np.exp(exponents))

    def _curved(self, weights: Floats, D: LogSlope, V: Floats) -> Floats:
        """Return exp(s) H V."""
        return self.coordinates.pull_back(weights * D.product(self.coordinates.linear_margins(V)))

    def _corrections(self, steps: float, here: _Forces, D: LogSlope, F: Floats) -> tuple[Floats, Floats]:
        """Return eta / 2 H F and eta^2 (H H F / 3 + g''(g, F) / 12)."""
        change = self.coordinates.linear_margins(F)
        turned = D.product(change)
        HF = self.coordinates.pull_back(here.weights * turned)
        # the second derivative of q = exp(log q) along F is q ((log q)'^2 + (log q)'')
        bent = self.coordinates.pull_back(here.weights * (turned * turned + D.bend(change)))
        return 0.5 * steps * HF, steps * steps * (self._curved(here.weights, D, HF) / 3.0 + bent / 12.0)
