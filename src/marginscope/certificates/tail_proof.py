"""Proofs of an exponential tail, as data, and their check.

Three rules lead from bounds of a derivative on boxes (``tail_boxes``) to the tail:

profile      phi(z) = sum_j h(z_j) or h(sum_j z_j), so r_i is h' at z_i or at S. If
             c (1 - x) <= h'(x) <= c on [0, side], the tail holds for every K: in the
             first case where z_j <= side (and 1 - S <= 1 - z_i), in the second where
             S <= side, so where z_j <= side / (K - 1).
composition  phi(z) = g(sum_j f(z_j)) with f(0) = 0, so r_i = g'(T) f'(z_i). If f' and g'
             are >= 0, at most their values at 0, and at least f'(0) (1 - a x) and
             g'(0) (1 - b x) with a + b f'(0) <= 1, then T <= f'(0) S and
             r_i >= c (1 - b f'(0) S) (1 - a z_i) >= c (1 - S); where a factor is
             negative S > 1 and the bound is void. For every K where S <= side.
boxes        the bounds on [0, side]^(K-1) for one K; phi is symmetric, so i = 1 will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from marginscope.certificates.intervals import Interval, IntervalFunctions, NoEnclosure, enough_digits
from marginscope.certificates.jets import JetFunctions
from marginscope.certificates.tail_boxes import BoxClaim, covers, slope_at_zero

__all__ = ["Cover", "TailProof", "claims_of", "first_margin", "fits_domain", "holds", "is_zero_at_zero", "outer_side"]

RULES = ("profile", "composition", "boxes")


@dataclass(frozen=True)
class Cover:
    """The halving of a box that proves one bound.

    Attributes
    ----------
    function : str
        "profile", "phi", or "inner" and "outer" of a composition.
    bound : str
        "upper", "lower" or "positive".
    side : float
        Edge of the box, infinite where the bound holds everywhere.
    letters : str
        See ``tail_boxes.covers``.
    curvature : str
        kappa of the lower bound, a fraction.
    """

    function: str
    bound: str
    side: float
    letters: str
    curvature: str = "1"


@dataclass(frozen=True)
class TailProof:
    """What proves the tail for one number of classes, or for all.

    Attributes
    ----------
    rule : str
        "profile", "composition" or "boxes".
    n_classes : int or None
        The K it is for; ``None`` for every K.
    variable : str
        "z" if ``side`` bounds every z_j = exp(-u_j), "S" if it bounds their sum.
    c : (float, float)
        Bounds of the constant.
    side_plus, side_minus : float
        The upper bound holds where the variable is below the first, the lower below
        the second.
    from_margin : float
        The form of the template holds where all margins are at least this.
    covers : tuple of Cover
    """

    rule: str
    n_classes: int | None
    variable: str
    c: tuple[float, float]
    side_plus: float
    side_minus: float
    from_margin: float
    covers: tuple[Cover, ...]

    def u_plus(self, n_classes: int) -> float:
        """Return a margin above which the upper bound holds, for a number of classes."""
        return first_margin(self.side_plus, self._parts(n_classes))

    def u_minus(self, n_classes: int) -> float:
        """Return a margin above which the lower bound holds, for a number of classes."""
        return first_margin(self.side_minus, self._parts(n_classes))

    def _parts(self, n_classes: int) -> int:
        return n_classes - 1 if self.variable == "S" else 1


def first_margin(side: float, parts: int) -> float:
    """Return log(parts / side), rounded up."""
    if side == float("inf"):
        return -float("inf")
    import numpy as np

    with enough_digits():
        exact = IntervalFunctions.log(Interval.of(parts) / Interval.of(side)).upper
    nearest = float(exact)
    while not Interval.of(nearest).lower >= exact:
        nearest = float(np.nextafter(nearest, np.inf))
    return nearest


def claims_of(rule: str, form: Any, n_classes: int | None) -> dict[str, tuple[Callable[..., Any], int]]:
    """Return the functions whose derivative a rule bounds, with their number of variables."""
    if rule == "profile":
        return {"profile": (_of_one(form.profile), 1)}
    if rule == "composition":
        return {"inner": (_of_one(form.inner), 1), "outer": (_of_one(form.outer), 1)}
    return {"phi": (form.phi, (n_classes or 2) - 1)}


def _of_one(function: Callable[..., Any]) -> Callable[[Sequence[Any], Any], Any]:
    return lambda z, ops: function(z[0], ops)


def holds(proof: TailProof, form: Any, from_margin: float) -> bool:
    """Return whether a proof is one, for a tail form that holds from a margin on."""
    if proof.rule not in RULES or (proof.n_classes is None) != (proof.rule != "boxes"):
        return False
    if not _is_applicable(proof, form) or proof.from_margin != from_margin:
        return False
    with enough_digits():
        try:
            return _holds(proof, form)
        except NoEnclosure:
            return False


def _is_applicable(proof: TailProof, form: Any) -> bool:
    if proof.rule == "profile":
        return form.profile is not None and proof.variable == form.profile_of
    if proof.rule == "composition":
        return getattr(form, "inner", None) is not None and proof.variable == "S"
    return proof.n_classes is not None and proof.n_classes >= 2 and proof.variable == "z"


def _holds(proof: TailProof, form: Any) -> bool:
    functions = claims_of(proof.rule, form, proof.n_classes)
    slopes = {name: slope_at_zero(*function) for name, function in functions.items()}
    c = next(iter(slopes.values()))
    for one in list(slopes.values())[1:]:
        c = c * one
    if not c.lower > 0 or (float(c.lower), float(c.upper)) != proof.c:
        return False
    if not (fits_domain(proof.side_plus, proof.from_margin) and fits_domain(proof.side_minus, proof.from_margin)):
        return False
    needed = list(_needed(proof, slopes))
    if [(one.function, one.bound, one.side) for one in proof.covers] != needed:
        return False
    if proof.rule == "composition" and not (is_zero_at_zero(form.inner) and _shares_suffice(proof, slopes["inner"])):
        return False
    for cover in proof.covers:
        curvature = Fraction(cover.curvature) if cover.bound == "lower" and proof.rule == "composition" else Fraction(1)
        claim = BoxClaim(*functions[cover.function], slopes[cover.function], cover.bound, curvature)
        if str(curvature) != cover.curvature or not covers(claim, cover.side, cover.letters):
            return False
    return True


def _needed(proof: TailProof, slopes: dict[str, Interval]) -> Iterator[tuple[str, str, float]]:
    """Yield the bounds that the rule needs, each with the edge of its box."""
    if proof.rule != "composition":
        name = next(iter(slopes))
        yield name, "upper", proof.side_plus
        yield name, "lower", proof.side_minus
        return
    for bound, side in (("positive", proof.side_plus), ("upper", proof.side_plus), ("lower", proof.side_minus)):
        yield "inner", bound, side
        yield "outer", bound, outer_side(side, slopes["inner"])


def outer_side(side: float, slope: Interval) -> float:
    """Return how far T = sum f(z_j) can go where S <= side: f'(0) side, rounded up."""
    if side == float("inf"):
        return side
    reach = (slope * side).upper
    nearest = float(reach)
    return nearest if Interval.of(nearest).lower >= reach else nearest * (1.0 + 2.0**-50)


def _shares_suffice(proof: TailProof, slope: Interval) -> bool:
    """Return whether a + b f'(0) <= 1, and the lower bounds lie where the others hold."""
    shares = {one.function: Fraction(one.curvature) for one in proof.covers if one.bound == "lower"}
    if min(shares.values()) < 0 or not proof.side_minus <= proof.side_plus:
        return False
    return bool((shares["inner"] + shares["outer"] * slope).upper <= 1)


def is_zero_at_zero(inner: Callable[..., Any]) -> bool:
    """Return whether f(0) = 0 exactly."""
    ops = JetFunctions(IntervalFunctions(), 1, twice=False)
    value = ops.jet(inner(ops.variable(Interval.of(0), 0), ops)).value
    return bool(value.lower.is_zero() and value.upper.is_zero())


def fits_domain(side: float, from_margin: float) -> bool:
    """Return whether z <= side lies where all margins are at least ``from_margin``."""
    if from_margin == -float("inf"):
        return True
    with enough_digits():
        return side < float("inf") and bool(
            Interval.of(side).upper <= IntervalFunctions.exp(Interval.of(-from_margin)).lower
        )
