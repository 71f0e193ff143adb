"""Search for a recession direction, or for weights that exclude one.

Newton's method on the pair loss meets one of three ends. On pairs that
can all be separated some iterate separates them. On pairs that can only tie it
converges, and its weights balance. Otherwise the step settles: it changes the
margins of the tied pairs no more and keeps raising the others. Its projection
onto the directions that tie the first is then a recession direction; the pairs
that it separates are set aside and the search goes on with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.certificates.balance import BalanceSystem
from marginscope.geometry.margins import relative_margins
from marginscope.solvers.pair_loss import PairLoss
from marginscope.solvers.tied_space import TiedSpace

__all__ = ["Outcome", "balance", "confirmed_direction", "search"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

_SETTLED = 1e-3
_RISING = 0.05
_IN_PLAY = 1e-12
_CONVERGED = 1e-7
_TIE = 1e-10
_LARGEST_SLACK = 0.1
_CORRECTED = 1e-6
_MOST_GROWTHS = 8
# beyond this many unknowns a projection costs as much as several steps
_LARGEST_GUESS = 2000
_FEW_OPEN = 0.02
# and a search that is far from an end after some steps is left to the interior point
_PATIENCE = 12
_FAR = 0.5


@dataclass(frozen=True)
class Outcome:
    """How a search ended: "separated", "peeled", "balanced" or "open".

    ``theta`` is a direction in the first two cases, else the last iterate.
    """

    kind: str
    theta: Floats
    weights: Floats
    separable: Mask


def search(model: PairLoss, theta: Floats, accept: Callable[[Floats], bool], *, max_steps: int = 100) -> Outcome:
    """Run Newton's method until one of the three ends is certain."""
    nowhere = np.zeros_like(model.pairs)
    weights = model.pairs.astype(float)
    for iteration in range(max_steps):
        u = model.margins(theta)
        if u.min() > 0 and accept(theta):
            return Outcome("separated", theta, weights, model.pairs)
        value, weights = model.value_and_weights(u)
        step = model.newton_step(weights)
        if step is None:
            break
        rise = np.where(model.pairs, relative_margins(model.Q, model.y, step), 0.0)
        # relative to the margin: a Newton step on a rising pair adds half of 1 + u
        relative = np.where(model.pairs, rise / (1.0 + np.maximum(u, 0.0)), 0.0)
        if float(np.abs(relative).max()) <= _CONVERGED:
            break
        if theta.size > _LARGEST_GUESS and iteration >= _PATIENCE and np.abs(relative).max() > _FAR:
            return Outcome("open", theta, weights, nowhere)
        if np.min(rise, where=model.pairs, initial=np.inf) > 0 and accept(step):
            return Outcome("separated", step, weights, model.pairs)
        if iteration >= 2:
            peeled = _peel(model, theta, step, relative, weights, anyway=iteration >= 10 and iteration % 5 == 0)
            if peeled is not None:
                return Outcome("peeled", peeled[0], weights, peeled[1])
        slope = float((model.gradient(weights) * step).sum())
        length = model.line_search(theta, step, value, slope)
        if length == 0.0:
            break
        theta = theta + length * step
    balanced = balance(model, weights)
    if balanced is None:
        return Outcome("open", theta, weights, nowhere)
    return Outcome("balanced", theta, balanced, nowhere)


def balance(model: PairLoss, weights: Floats) -> Floats | None:
    """Correct positive weights so that they sum to zero, or return None where that would turn signs."""
    weights = np.where(model.pairs, weights, 0.0)
    if not np.all(weights[model.pairs] > 0):
        return None
    weights = weights / weights.max()
    system = BalanceSystem(model.Q, model.y, weights)
    for _ in range(4):
        slack, correction = system.correction(weights)
        if not slack <= _LARGEST_SLACK:
            return None
        # relative to the weights of the system: its matrix has not changed
        weights = weights - system.weights * correction
        if slack < 1e-14:
            break
    return weights if slack <= _CORRECTED else None


def _peel(
    model: PairLoss, theta: Floats, step: Floats, relative: Floats, weights: Floats, *, anyway: bool
) -> tuple[Floats, Mask] | None:
    """Return a recession direction and the pairs it separates, if the step has settled.

    Pairs that neither rise nor rest are a reason to wait, or count as tied if ``anyway``.
    """
    rising = model.pairs & ((weights <= _IN_PLAY) | (relative >= _RISING))
    settled = model.pairs & ~rising & (np.abs(relative) <= _SETTLED)
    open_pairs = model.pairs & ~rising & ~settled
    n_open = np.count_nonzero(open_pairs)
    if theta.size > _LARGEST_GUESS:
        anyway = anyway and bool(n_open <= _FEW_OPEN * np.count_nonzero(model.pairs))
    if not rising.any() or (n_open and not anyway):
        return None
    return confirmed_direction(model, settled | open_pairs, [step, theta])


def confirmed_direction(model: PairLoss, tied: Mask, guesses: list[Floats]) -> tuple[Floats, Mask] | None:
    """Return a recession direction near the guesses and the pairs it separates.

    The guesses are projected onto the directions that tie the given pairs; pairs that
    do not rise then are tied as well, and so on until all others rise or none is left.
    """
    floor = _TIE * float(np.abs(np.where(model.pairs, relative_margins(model.Q, model.y, guesses[0]), 0.0)).max())
    for _ in range(_MOST_GROWTHS):
        space = TiedSpace(model.Q, model.y, tied)
        parts = [space.project(one) for one in guesses]
        fewest: Mask | None = None
        for share in (0.0, 0.01, 0.1, 1.0)[: 1 if len(parts) == 1 else 4]:
            direction = parts[0] + share * parts[-1]
            u = np.where(model.pairs, relative_margins(model.Q, model.y, direction), 0.0)
            bad = model.pairs & ~tied & (u <= max(floor, _TIE * float(np.abs(u).max())))
            if not bad.any():
                return direction, model.pairs & ~tied
            if fewest is None or bad.sum() < fewest.sum():
                fewest = bad
        assert fewest is not None
        tied = tied | fewest
        if np.all(tied == model.pairs):
            return None
    return None
