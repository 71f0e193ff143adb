"""A primal-dual interior point for the largest margin over the unit ball of a norm.

    maximise gamma                  subject to   u_ik(W) >= gamma,  ||W|| <= 1
    minimise ||A' lambda||_dual     subject to   lambda >= 0,  sum lambda = 1

Both have interior points whatever the data are, so neither can be infeasible, and every
iterate gives both ends of a bracket. A step costs one factorisation of the pair Gram
matrix with weights lambda / slack plus the curvature of the ball, and several solves:
predictor, corrector (Mehrotra 1992), and corrections of outlying products (Gondzio 1996).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.geometry.norms import Norm
from marginscope.solvers.bordered_equations import BorderedEquations
from marginscope.solvers.margin_bracket import MarginBracket
from marginscope.solvers.normal_equations import NormalEquations
from marginscope.solvers.pair_map import PairMap
from marginscope.solvers.unit_ball import BallStep, UnitBall, back_to, longest_step

__all__ = ["BallInteriorPoint"]

Floats = NDArray[np.float64]
Factoriser = Callable[[PairMap, Floats], NormalEquations]

_MOST_ITERATIONS = 60
_MOST_CORRECTIONS = 2
_REFINEMENTS = 1
_SMALLEST_STEP = 1e-5
_LEAST_GAIN = 0.02
# rounding has the last word where the gap is small and not even halved in so many steps
_STALLED_AT, _PATIENCE = 1e-5, 4
# an upper end so many times nothing is nothing, where rounding ends the iteration without a direction
_ROUNDED = 1e4
_LONGEST, _SHORTEST_SHARE = 0.99, 0.9
_MOST_CLEANING = 3


class BallInteriorPoint(MarginBracket):
    """One point of the iteration, and the best ends of the bracket so far.

    Attributes
    ----------
    W, weights, slack, gamma
        The point; ``slack`` is u - gamma on the pairs and 1 elsewhere.
    """

    def __init__(self, pairs: PairMap, norm: Norm, ball: UnitBall, factorise: Factoriser) -> None:
        super().__init__(pairs, norm)
        self.ball, self.factorise = ball, factorise
        self.mask = pairs.pairs
        self.degree = int(self.mask.sum()) + ball.degree
        self.W, self.gamma = np.zeros(pairs.shape), -1.0
        self.slack = np.ones(self.mask.shape)
        self.weights = self.mask / float(self.mask.sum())
        ball.begin(pairs.adjoint(self.weights))

    def run(self, *, tol: float, nothing: float, deadline: float) -> str:
        """Iterate to a relative gap, or to an upper end that is as good as nothing; return the status."""
        gaps: list[float] = []
        while True:
            self._measure()
            gaps.append(self.upper - self.lower)
            if self.is_closed(tol):
                return "optimal"
            if self.lower <= 0.0 and self.upper <= nothing:
                return "infeasible"
            if time.monotonic() > deadline or self.n_iterations == _MOST_ITERATIONS:
                return "iteration_limit"
            stalled = len(gaps) > _PATIENCE and gaps[-1] > 0.5 * gaps[-1 - _PATIENCE]
            vanished = self.lower <= 0.0 and self.upper <= _ROUNDED * nothing
            if stalled and (vanished or gaps[-1] < _STALLED_AT * self.upper):
                return "infeasible" if vanished else "inaccurate"
            self.n_iterations += 1
            try:
                moved = self._advance()
            except scipy.linalg.LinAlgError:
                moved = False
            if not moved:
                return "infeasible" if vanished else "inaccurate"

    def clean(self, *, tol: float, deadline: float) -> None:
        """Go on from a closed bracket until the weights off the support can be left out, for a few steps at most.

        A step more costs little; a second solution on the support, to the same end, costs as much as the first.
        """
        for _ in range(_MOST_CLEANING):
            if self.offer_support(self.W, self.u, self.weights, tol) or time.monotonic() > deadline:
                return
            try:
                if not self._advance():
                    return
            except scipy.linalg.LinAlgError:
                return
            self.n_iterations += 1
            self._measure()
        self.offer_support(self.W, self.u, self.weights, tol)

    def _measure(self) -> None:
        self.u, self.G = self.pairs.margins(self.W), self.pairs.adjoint(self.weights)
        self.offer_measured(self.W, self.u, self.weights, self.G)

    def _advance(self) -> bool:
        """Take one step; say whether it was worth it."""
        ball, mask = self.ball, self.mask
        ball.linearise(self.W, self.G)
        newton = _Newton(self)
        mu = (float(np.vdot(self.weights, self.slack)) + ball.gap()) / self.degree
        ball.aim(0.0)
        step = newton.solve(-self.weights * self.slack)
        primal, dual = min(1.0, step.primal), min(1.0, step.dual)
        after = float(np.vdot(self.weights + dual * step.weights, self.slack + primal * step.slack))
        after += ball.gap_after(step.ball, primal, dual)
        share = min(1.0, max(0.0, after / self.degree / mu))
        target = mu * min(0.8, share**3)
        wanted = np.where(mask, target - self.weights * self.slack - step.weights * step.slack, 0.0)
        ball.aim(target, step.ball)
        step = self._corrected(newton, newton.solve(wanted), wanted, target)
        far = _SHORTEST_SHARE + (_LONGEST - _SHORTEST_SHARE) * min(1.0, step.primal, step.dual)
        primal, dual = min(1.0, far * step.primal), min(1.0, far * step.dual)
        if not max(primal, dual) > _SMALLEST_STEP:
            return False
        self.W = self.W + primal * step.W
        self.gamma += primal * step.gamma
        self.slack = self.slack + primal * step.slack
        self.weights = self.weights + dual * step.weights
        ball.move(step.ball, primal, dual)
        return True

    def _corrected(self, newton: _Newton, step: _Step, wanted: Floats, target: float) -> _Step:
        """Draw outlying products back as long as the steps grow."""
        for _ in range(_MOST_CORRECTIONS):
            if min(step.primal, step.dual) >= 1.0:
                break
            primal, dual = min(1.0, 1.1 * step.primal + 0.1), min(1.0, 1.1 * step.dual + 0.1)
            products = (self.weights + dual * step.weights) * (self.slack + primal * step.slack)
            wanted = wanted + np.where(self.mask, back_to(target, products), 0.0)
            self.ball.recentre(step.ball, primal, dual, target)
            other = newton.solve(wanted)
            if other.length < step.length + _LEAST_GAIN:
                break
            step = other
        return step


class _Step(NamedTuple):
    """Changes of everything, and how far primal and dual may follow them."""

    W: Floats
    gamma: float
    slack: Floats
    weights: Floats
    ball: BallStep
    primal: float
    dual: float

    @property
    def length(self) -> float:
        """Sum of both steps, one at most each."""
        return min(1.0, self.primal) + min(1.0, self.dual)


class _Newton:
    """Newton's equations at one point, for several wanted products."""

    def __init__(self, point: BallInteriorPoint) -> None:
        self.point, self.mask = point, point.mask
        w = point.weights / point.slack
        self.equations = BorderedEquations(point.factorise(point.pairs, w), point.pairs, w, point.ball)
        # both are zero but for rounding
        self.slack_error = np.where(self.mask, point.u - point.gamma - point.slack, 0.0)
        self.sum_error = 1.0 - float(point.weights.sum())

    def solve(self, wanted: Floats) -> _Step:
        point, ball = self.point, self.point.ball
        t = (wanted - point.weights * self.slack_error) / point.slack
        r, rho = ball.force()
        W, gamma, tau, relative = self.equations.solve(
            t, r, self.sum_error - float(t.sum()), rho, refinements=_REFINEMENTS
        )
        slack = relative + self.slack_error
        weights = (wanted - point.weights * slack) / point.slack
        step = ball.step(W, point.pairs.adjoint(weights), tau)
        primal, dual = ball.longest_steps(step)
        primal = min(primal, longest_step(point.slack[self.mask], slack[self.mask]))
        dual = min(dual, longest_step(point.weights[self.mask], weights[self.mask]))
        return _Step(W, gamma, slack, weights, step, primal, dual)
