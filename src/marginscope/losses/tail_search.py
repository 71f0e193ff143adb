"""The search for boxes on which the bounds of an exponential tail can be proved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from marginscope.certificates.intervals import Interval, IntervalFunctions, NoEnclosure, exact_arb
from marginscope.certificates.jets import JetFunctions
from marginscope.certificates.tail_boxes import BoxClaim, cell_at_origin, halves, slope_at_zero
from marginscope.certificates.tail_proof import (
    Cover,
    TailProof,
    claims_of,
    fits_domain,
    is_zero_at_zero,
    outer_side,
)

__all__ = ["find_proof"]

_MOST_CELLS = 600
_DEEPEST = 12
_REFINEMENTS = 5
_REFINEMENTS_OF_ONE = 10
# points of a box at which a bound is tried before the box is halved
_TRIALS = 24
_RATIOS = tuple(math.sqrt(prime) for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23))

Covers = tuple[Cover, ...]


def find_proof(rule: str, form: Any, n_classes: int | None, from_margin: float) -> TailProof | None:
    """Return a proof by one rule with boxes as large as were found, or ``None``."""
    try:
        functions = claims_of(rule, form, n_classes)
        slopes = {name: slope_at_zero(*function) for name, function in functions.items()}
    except NoEnclosure:
        return None
    c = slopes["inner"] * slopes["outer"] if rule == "composition" else next(iter(slopes.values()))
    if not c.lower > 0:
        return None
    if rule == "composition":
        found = _composition(form, functions, slopes, from_margin)
    else:
        ((name, function),) = functions.items()
        claim = _claim(function, slopes[name], "upper", Fraction(1))
        n = _REFINEMENTS_OF_ONE if claim.n_variables == 1 else _REFINEMENTS
        upper = _largest(lambda side: _covers(name, claim, side), from_margin, n)
        lower = upper and _largest(lambda side: _covers(name, replace(claim, bound="lower"), side), from_margin, n)
        found = (upper, lower) if upper and lower else None
    if found is None:
        return None
    (side_plus, covers_plus), (side_minus, covers_minus) = found
    return TailProof(
        rule=rule,
        n_classes=n_classes if rule == "boxes" else None,
        variable={"profile": form.profile_of, "composition": "S", "boxes": "z"}[rule],
        c=(float(c.lower), float(c.upper)),
        side_plus=side_plus,
        side_minus=side_minus,
        from_margin=from_margin,
        covers=covers_plus + covers_minus,
    )


def _covers(name: str, claim: BoxClaim, side: float) -> Covers | None:
    letters = _letters(claim, side)
    return None if letters is None else (Cover(name, claim.bound, side, letters, str(claim.curvature)),)


def _largest(
    attempt: Callable[[float], Covers | None], from_margin: float, n_refinements: int = _REFINEMENTS_OF_ONE
) -> tuple[float, Covers] | None:
    """Return the largest edge found for which an attempt succeeds, with what it gave."""
    failed = None
    for side in _sides(from_margin):
        covers = attempt(side)
        if covers is not None:
            return (side, covers) if failed is None else _refined(attempt, side, covers, failed, n_refinements)
        failed = side if math.isfinite(side) else None
    return None


def _refined(
    attempt: Callable[[float], Covers | None], side: float, covers: Covers, failed: float, n_refinements: int
) -> tuple[float, Covers]:
    """Return a larger edge below one that failed, by bisection of its logarithm."""
    for _ in range(n_refinements):
        middle = _few_bits(math.sqrt(side * failed))
        found = attempt(middle)
        if found is None:
            failed = middle
        else:
            side, covers = middle, found
    return side, covers


def _sides(from_margin: float) -> Iterator[float]:
    """Yield edges from the largest to the smallest that is tried."""
    if from_margin == -math.inf:
        yield math.inf
    else:
        yield float(np.nextafter(math.exp(-from_margin), 0.0)) if from_margin else 1.0
    largest = 6 if from_margin == -math.inf else math.floor(-from_margin / math.log(2.0))
    for exponent in range(largest, largest - 19, -1):
        if fits_domain(2.0**exponent, from_margin):
            yield 2.0**exponent


def _few_bits(x: float) -> float:
    """Round down to 12 bits, so that corners of cells stay short numbers."""
    mantissa, exponent = math.frexp(x)
    return math.ldexp(math.floor(mantissa * 4096), exponent - 12)


def _letters(claim: BoxClaim, side: float) -> str | None:
    """Return the word that proves a claim on a box, or ``None`` if none was found."""
    letters: list[str] = []
    if side != math.inf and any(claim.fails_at(point) for point in _trials(claim.n_variables, side)):
        return None
    waiting = [(cell_at_origin(side, claim.n_variables), 0)]
    while waiting:
        cell, depth = waiting.pop()
        letter = claim.letter(cell) or "s"
        letters.append(letter)
        if letter != "s":
            continue
        if len(letters) > _MOST_CELLS or depth >= _DEEPEST * claim.n_variables or _is_hopeless(claim, cell):
            return None
        first, second = halves(cell)
        waiting += [(second, depth + 1), (first, depth + 1)]
    return "".join(letters)


def _trials(n_variables: int, side: float) -> Iterator[tuple[Interval, ...]]:
    """Yield points of a box: its diagonal, and a sequence that fills it evenly."""
    for k in range(1, _TRIALS + 1):
        yield (Interval.of(side * k / _TRIALS),) * n_variables
        if n_variables > 1:
            yield tuple(Interval.of(side * ((k * ratio) % 1.0)) for ratio in _RATIOS[:n_variables])


def _is_hopeless(claim: BoxClaim, cell: tuple[Interval, ...]) -> bool:
    """Return whether the bound is broken at the middle or the far corner of a cell."""
    far = tuple(Interval.of(one.upper) if one.upper.is_finite() else Interval.of(one.lower + 1) for one in cell)
    middle = tuple(Interval.of(((one.lower + two.upper) / 2).mid()) for one, two in zip(cell, far, strict=True))
    return claim.fails_at(far) or claim.fails_at(middle)


def _composition(form: Any, functions: Any, slopes: Any, from_margin: float) -> Any:
    inner, outer = functions["inner"], functions["outer"]
    if not slopes["inner"].lower > 0 or not is_zero_at_zero(form.inner):
        return None
    shares = _shares(inner[0], outer[0], slopes)
    if shares is None:
        return None

    def attempt(side: float, bounds: tuple[str, ...]) -> Covers | None:
        found: list[Cover] = []
        for bound in bounds:
            for name, edge in (("inner", side), ("outer", outer_side(side, slopes["inner"]))):
                curvature = shares[name] if bound == "lower" else Fraction(1)
                covers = _covers(name, _claim(functions[name], slopes[name], bound, curvature), edge)
                if covers is None:
                    return None
                found += covers
        return tuple(found)

    upper = _largest(lambda side: attempt(side, ("positive", "upper")), from_margin)
    if upper is None:
        return None
    lower = _largest(lambda side: attempt(side, ("lower",)) if side <= upper[0] else None, from_margin)
    return None if lower is None else (upper, lower)


def _claim(function: tuple[Any, int], slope: Interval, bound: str, curvature: Fraction) -> BoxClaim:
    return BoxClaim(function[0], function[1], slope, bound, curvature)


def _shares(inner: Any, outer: Any, slopes: Any) -> dict[str, Fraction] | None:
    """Return a and b with a + b f'(0) <= 1 that bound the curvatures at 0, what is left over halved."""
    ops = JetFunctions(IntervalFunctions(), 1, twice=True)
    try:
        rows = [ops.jet(one([ops.variable(Interval.of(0), 0)], ops)).row for one in (inner, outer)]
    except NoEnclosure:
        return None
    a, b = (-(row[0] / slopes[name]) for row, name in zip(rows, ("inner", "outer"), strict=True) if row is not None)
    spare = 1 - a - b * slopes["inner"]
    if not (a.upper >= 0 and b.upper >= 0 and spare.lower >= 0):
        return None
    # an exact end stays exact: 1 - 1 leaves nothing to spare, but enough
    half = Interval.of((spare.lower / 2).lower())
    shares = {"inner": a + half, "outer": b + half / slopes["inner"]}
    found = {name: _fraction(max(one.upper, exact_arb(Fraction(0)))) for name, one in shares.items()}
    fits = (found["inner"] + found["outer"] * slopes["inner"]).upper <= 1
    return found if fits else None


def _fraction(x: Any) -> Fraction:
    mantissa, exponent = x.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
