"""Bounds of a derivative on a box that touches z = 0, proved cell by cell.

    upper:     d_1 f(z) <= c                          c = d_1 f(0)
    lower:     d_1 f(z) >= c (1 - kappa sum_j z_j)
    positive:  d_1 f(z) >= 0

on [0, side]^m. The box is halved into cells, and each cell is proved by one of

    h   the Hessian row d_1 d_j f has the right sign: <= 0, or >= -kappa c
    d   the bound itself holds on the cell
    t   the cell touches 0, where the row has the right sign, and so have all d_1 d_j d_k f
        on the cell: <= 0, or >= 0; then the row has it too, as in ``h``
    o   no point of it is sorted, z_2 <= z_3 <= ..., so symmetry covers it

This suffices. A point of a cell ``h`` satisfies the bound if the point where the
segment to 0 leaves the cell does, for along it the distance to the bound only
shrinks. That point lies in another cell; a segment meets every cell once, so after
finitely many steps it ends in a cell ``d`` or at 0, where the first two are equalities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import arb

from marginscope.certificates.intervals import Interval, IntervalFunctions, NoEnclosure
from marginscope.certificates.jets import Jet, JetFunctions

__all__ = ["BoxClaim", "cell_at_origin", "covers", "halves", "slope_at", "slope_at_zero"]

Function = Callable[[Sequence[Any], Any], Any]
Cell = tuple[Interval, ...]


@dataclass(frozen=True)
class BoxClaim:
    """One bound of d_1 f near zero; ``slope`` encloses c, ``curvature`` is kappa."""

    function: Function
    n_variables: int
    slope: Interval
    bound: str
    curvature: Fraction = Fraction(1)

    def holds(self, cell: Cell, letter: str) -> bool:
        """Return whether the letter proves the cell."""
        if letter == "o":
            return _is_unsorted(cell)
        try:
            if letter == "t":
                return self._is_bent_at_zero(cell)
            jet = _jet(self.function, cell, twice=letter == "h")
        except NoEnclosure:
            return False
        if letter == "d":
            return self._is_bounded(jet.gradient[0], cell)
        return letter == "h" and jet.row is not None and all(self._is_bent(one) for one in jet.row)

    def letter(self, cell: Cell) -> str | None:
        """Return a letter that proves the cell, or ``None``."""
        if _is_unsorted(cell):
            return "o"
        try:
            jet = _jet(self.function, cell, twice=True)
            if jet.row is not None and all(self._is_bent(one) for one in jet.row):
                return "h"
            if self._is_bounded(jet.gradient[0], cell):
                return "d"
            return "t" if self._is_bent_at_zero(cell) else None
        except NoEnclosure:
            # one derivative less may still be bounded
            return "d" if self.holds(cell, "d") else None

    def fails_at(self, point: Cell) -> bool:
        """Return whether the bound is broken at a point of the box."""
        try:
            slope = _jet(self.function, point, twice=False).gradient[0]
        except NoEnclosure:
            return False
        if self.bound == "upper":
            return bool(slope.lower > self.slope.upper)
        return bool(slope.upper < self._least(point).lower)

    def _is_bounded(self, slope: Interval, cell: Cell) -> bool:
        if self.bound == "upper":
            return bool(slope.upper <= self.slope.lower)
        return bool(slope.lower >= self._least(cell).upper)

    def _is_bent(self, second: Interval) -> bool:
        if self.bound == "upper":
            return bool(second.upper <= 0)
        if self.bound == "lower":
            return bool(second.lower >= -(self.slope * self.curvature).lower)
        return False

    def _is_bent_at_zero(self, cell: Cell) -> bool:
        if self.bound == "positive" or not all(one.lower.is_zero() for one in cell):
            return False
        row = _jet(self.function, (Interval.of(0),) * len(cell), twice=True).row or ()
        if not all(self._is_bent(one) for one in row):
            return False
        third = [one for column in _third_row(self.function, cell) for one in column]
        return all(bool(one.upper <= 0 if self.bound == "upper" else one.lower >= 0) for one in third)

    def _least(self, cell: Cell) -> Interval:
        if self.bound == "positive":
            return Interval.of(0)
        total = cell[0]
        for one in cell[1:]:
            total = total + one
        return self.slope * (1 - self.curvature * total)


def slope_at_zero(function: Function, n_variables: int) -> Interval:
    """Return an enclosure of d_1 f(0)."""
    return slope_at(function, (Interval.of(0),) * n_variables)


def slope_at(function: Function, z: Sequence[Interval]) -> Interval:
    """Return an enclosure of d_1 f(z), or raise ``NoEnclosure``."""
    found: Interval = _jet(function, tuple(z), twice=False).gradient[0]
    if found.lower.is_nan() or found.upper.is_nan():
        raise NoEnclosure("an undefined number")
    return found


def _jet(function: Function, cell: Cell, *, twice: bool) -> Jet:
    ops = JetFunctions(IntervalFunctions(), len(cell), twice=twice)
    return ops.jet(function([ops.variable(one, k) for k, one in enumerate(cell)], ops))


def _third_row(function: Function, cell: Cell) -> list[list[Interval]]:
    """Return d_1 d_j d_k f: jets over jets."""
    inner = JetFunctions(IntervalFunctions(), len(cell), twice=False)
    outer = JetFunctions(inner, len(cell), twice=True)
    z = [outer.variable(inner.variable(one, k), k) for k, one in enumerate(cell)]
    return [list(one.gradient) for one in outer.jet(function(z, outer)).row or ()]


def _is_unsorted(cell: Cell) -> bool:
    return any(one.lower > two.upper for one, two in pairwise(cell[1:]))


def cell_at_origin(side: float, n_variables: int) -> Cell:
    """Return the whole box."""
    return (Interval.of(0, side),) * n_variables


def halves(cell: Cell) -> tuple[Cell, Cell]:
    """Return the two halves of a cell along its longest edge; an infinite edge is the longest."""
    widths = [one.upper - one.lower if one.upper.is_finite() else arb.pos_inf() for one in cell]
    longest = max(range(len(cell)), key=lambda k: widths[k])
    low, high = cell[longest].lower, cell[longest].upper
    middle = (low + high) / 2 if high.is_finite() else (2 * low if low > arb(0.5) else arb(1))
    middle = middle.mid()
    first, second = Interval(low, middle), Interval(middle, high)
    return (*cell[:longest], first, *cell[longest + 1 :]), (*cell[:longest], second, *cell[longest + 1 :])


def covers(claim: BoxClaim, side: float, letters: str) -> bool:
    """Return whether the letters prove the claim on [0, side]^m.

    Parameters
    ----------
    claim : BoxClaim
    side : float
        Positive, or infinity.
    letters : str
        The halving as a word: ``s`` halves a cell, followed by its first and then its
        second half; any other letter proves a cell.
    """
    if not side > 0.0:
        return False
    waiting = [cell_at_origin(side, claim.n_variables)]
    for letter in letters:
        if not waiting:
            return False
        cell = waiting.pop()
        if letter == "s":
            first, second = halves(cell)
            waiting += [second, first]
        elif letter not in "hdto" or not claim.holds(cell, letter):
            return False
    return not waiting
