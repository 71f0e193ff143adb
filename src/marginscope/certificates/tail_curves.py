"""What the ratio r_1 = d_1 phi does along a curve that runs into z = 0.

    z_j = a_j t^p_j,  t -> 0+        r_1(z(t)) = its leading terms

An exponential tail forces r_1 to tend to its c on every curve, because both bounds do.
So there is no such tail if r_1 tends to 0, to infinity or below 0; or if it tends to
c > 0 and its first other term lies above c, or below c (1 - S): the sign of a leading
term holds for all small t, hence at margins as large as one likes, whatever u_+ and u_-.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq

from marginscope.certificates.germs import Germ, GermFunctions
from marginscope.certificates.intervals import NoEnclosure
from marginscope.certificates.jets import JetFunctions

__all__ = ["Curve", "Deviation", "curves", "deviation", "ratio_along"]

Function = Callable[[Sequence[Any], Any], Any]
_CONSTANT = (Fraction(0), Fraction(0))


@dataclass(frozen=True)
class Curve:
    """z_j = a_j t^p_j for factors a_j > 0 and whole powers p_j > 0."""

    factors: tuple[Fraction, ...]
    powers: tuple[int, ...]

    def germs(self) -> list[Germ]:
        """Return the coordinates as functions of t."""
        return [Germ.monomial(a, p) for a, p in zip(self.factors, self.powers, strict=True)]


@dataclass(frozen=True)
class Deviation:
    """How r_1 leaves what a tail allows.

    Attributes
    ----------
    kind : str
        "zero", "vanishes", "grows", "negative", "above" or "below".
    c : str or None
        The constant that the diagonal forces, where it forces one.
    term : str
        The leading term that decides: of r_1, of r_1 - c, or of r_1 - c (1 - S).
    series : str
        The first terms of r_1.
    """

    kind: str
    c: str | None
    term: str
    series: str


def curves(n_variables: int) -> list[Curve]:
    """Return the curves to try, the diagonal first."""
    m, one, small = n_variables, Fraction(1), Fraction(1, 16)
    found = [Curve((one,) * m, (1,) * m)]
    if m > 1:
        found += [Curve((one, *[small] * (m - 1)), (1,) * m), Curve((small, *[one] * (m - 1)), (1,) * m)]
        found += [Curve((small, one, *[small] * (m - 2)), (1,) * m)] if m > 2 else []
        # coordinates of different order, so that a faint term of one can outweigh the first of another
        found += [Curve((one,) * m, (p, *[q] * (m - 1))) for p, q in ((1, 2), (2, 1), (1, 3), (3, 1))]
    return found


def ratio_along(function: Function, curve: Curve) -> Germ:
    """Return r_1 along a curve, or raise ``NoEnclosure``."""
    ops = JetFunctions(GermFunctions(), 1, twice=False)
    # only the derivative in the first coordinate is carried
    z = [ops.variable(one, k) for k, one in enumerate(curve.germs())]
    ratio: Germ = ops.jet(function(z, ops)).gradient[0]
    return ratio


def deviation(function: Function, curve: Curve) -> Deviation | None:
    """Return how the ratio along a curve excludes a tail, or ``None`` where it does not."""
    diagonal = curves(len(curve.factors))[0]
    try:
        forced = ratio_along(function, diagonal)
        excluded = _limit(forced)
        if excluded is not None:
            return excluded if curve == diagonal else None
        # c is the limit along the diagonal itself, so there the constant cancels exactly
        c = forced.terms[_CONSTANT]
        excess = forced.without_constant() if curve == diagonal else ratio_along(function, curve) - Germ({_CONSTANT: c})
        return _bounds(excess, c, curve)
    except NoEnclosure:
        return None


def _limit(ratio: Germ) -> Deviation | None:
    """Return the deviation of a ratio whose limit is not a positive number."""
    leading = ratio.leading()
    if leading is None:
        return Deviation("zero", None, "0", "0")
    order, coefficient = leading
    kind = "negative"
    if coefficient > 0:
        if order == _CONSTANT:
            return None
        kind = "vanishes" if order > _CONSTANT else "grows"
    return Deviation(kind, None, _term(ratio), repr(ratio))


def _bounds(excess: Germ, c: Any, curve: Curve) -> Deviation | None:
    """Return the deviation of a ratio c + excess from c (1 - S) <= r_1 <= c."""
    room = excess
    for one in curve.germs():
        room = room + one * Germ({_CONSTANT: c})
    shown = str(c) if isinstance(c, fmpq) else str(c.str(30))
    for kind, difference, sign in (("above", excess, 1), ("below", room, -1)):
        try:
            leading = difference.leading()
        except NoEnclosure:
            continue
        if leading is not None and leading[1] * sign > 0:
            return Deviation(kind, shown, _term(difference), f"{shown} + ({excess!r})")
    return None


def _term(germ: Germ) -> str:
    leading = germ.leading()
    return "0" if leading is None else repr(Germ({leading[0]: leading[1]}))
