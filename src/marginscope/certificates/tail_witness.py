"""Margins at which a reader can see by hand that a template has no exponential tail."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from flint import arb

from marginscope.certificates.intervals import Interval, IntervalFunctions
from marginscope.certificates.tail_boxes import slope_at
from marginscope.certificates.tail_curves import Curve, Deviation

__all__ = ["FloatWitness", "TailWitness", "WitnessPoint", "constant_of", "points_on"]

_LEVELS = (3.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
_MOST_POINTS = 4
_BROKEN = {"zero": "lower", "vanishes": "lower", "negative": "lower", "below": "lower", "grows": "upper"}


@dataclass(frozen=True)
class WitnessPoint:
    """One margin vector; the numbers are balls that enclose the exact values.

    Attributes
    ----------
    margins : tuple of float
    ratio : str
        r_1 at these margins.
    bound : str
        What it should be at least or at most: c (1 - S) or c where c is forced. Where it
        is not, the largest c that the lower bound allows here, r_1 / (1 - S), or the
        least that the upper bound needs, r_1.
    """

    margins: tuple[float, ...]
    ratio: str
    bound: str


@dataclass(frozen=True)
class TailWitness:
    """A curve on which a bound fails for every c, u_+ and u_-, and points of it.

    Attributes
    ----------
    n_classes : int
    curve : Curve
        z_j = a_j t^p_j with t -> 0.
    deviation : Deviation
        The leading term that decides.
    points : tuple of WitnessPoint
    """

    n_classes: int
    curve: Curve
    deviation: Deviation
    points: tuple[WitnessPoint, ...]

    @property
    def margins(self) -> tuple[float, ...]:
        """The first of the points."""
        return self.points[0].margins

    @property
    def coordinate(self) -> int:
        """The margin whose ratio breaks its bound: the first."""
        return 0

    @property
    def broken_bound(self) -> str:
        """Which bound fails, "upper" or "lower"."""
        return _BROKEN.get(self.deviation.kind, "upper")

    @property
    def sentence(self) -> str:
        """The argument, to be checked by hand."""
        deviation, powers = (
            self.deviation,
            ", ".join(
                f"{_factor(a)}t{'' if p == 1 else f'^{p}'}"
                for a, p in zip(self.curve.factors, self.curve.powers, strict=True)
            ),
        )
        start = f"K = {self.n_classes}, exp(-u) = ({powers}), t -> 0: "
        if deviation.kind == "zero":
            return start + "r_1 = 0, but the lower bound needs r_1 >= c (1 - S) > 0, so no c > 0 fits."
        if deviation.kind == "vanishes":
            return start + (
                f"r_1 ~ {deviation.term} tends to 0, but the lower bound needs c <= r_1 / (1 - S), so no c > 0 fits."
            )
        if deviation.kind == "grows":
            return start + f"r_1 ~ {deviation.term} grows without bound, but the upper bound needs r_1 <= c."
        if deviation.kind == "negative":
            return start + f"r_1 ~ {deviation.term} is negative, but the lower bound needs r_1 >= c (1 - S) > 0."
        name = "r_1 - c" if deviation.kind == "above" else "r_1 - c (1 - S)"
        sign, bound = ("positive", "upper") if deviation.kind == "above" else ("negative", "lower")
        return start + (
            f"both bounds force c = lim r_1 = {_readable(deviation.c)}, but {name} ~ {deviation.term} is {sign} "
            f"for all small t, so the {bound} bound fails at margins as large as one likes."
        )

    def lines(self) -> list[str]:
        """Return the sentence and the points as text."""
        rows = [
            f"  u = ({', '.join(f'{one:g}' for one in point.margins)}): {self._comparison(point)}"
            for point in self.points
        ]
        return ["  " + self.sentence, *rows]

    def _comparison(self, point: WitnessPoint) -> str:
        kind, ratio = self.deviation.kind, _short(point.ratio)
        if self.deviation.c is None:
            return f"r_1 = {ratio}" + ("" if kind in ("grows", "zero") else f", r_1 / (1 - S) = {_short(point.bound)}")
        name = "c" if kind == "above" else "c (1 - S)"
        gap = (arb(point.ratio) - arb(point.bound)).mid().str(6, radius=False)
        return f"r_1 = {ratio}, r_1 - {name} = {gap}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        curve = {"factors": [str(a) for a in self.curve.factors], "powers": list(self.curve.powers)}
        return {
            "basis": "curve",
            "n_classes": self.n_classes,
            "coordinate": self.coordinate,
            "broken_bound": self.broken_bound,
            "sentence": self.sentence,
            "curve": curve,
            "deviation": asdict(self.deviation),
            "points": [asdict(one) for one in self.points],
        }

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> TailWitness:
        """Return the witness that ``to_dict`` wrote."""
        curve, deviation = document["curve"], Deviation(**document["deviation"])
        if not isinstance(deviation.c, str | None):
            raise TypeError("deviation.c")
        return cls(
            n_classes=document["n_classes"],
            curve=Curve(tuple(map(Fraction, curve["factors"])), tuple(curve["powers"])),
            deviation=deviation,
            points=tuple(_point_from(one) for one in document["points"]),
        )


@dataclass(frozen=True)
class FloatWitness:
    """Margins at which floats contradict each other's bounds: evidence, not proof.

    With r = exp(log_ratios), thresholds below the first margin s of a point would need
    r(s) >= r(t) (1 - S(s)) and r(t) >= r(s) (1 - S(t)) for every larger margin t.

    Attributes
    ----------
    n_classes : int
    level : float
        No c, u_+, u_- with thresholds below this margin fit.
    margins : tuple of float
        s of the margin vectors (s, ..., s).
    log_ratios : tuple of float
        log |q_1| + s; minus infinity where q_1 = 0.
    signs : tuple of float
        Sign of q_1.
    precision : float
        Rounding unit of the floats; 8 of it over S are allowed for, as 1 - p loses digits.
    """

    n_classes: int
    level: float
    margins: tuple[float, ...]
    log_ratios: tuple[float, ...]
    signs: tuple[float, ...]
    precision: float

    @property
    def sentence(self) -> str:
        """What was seen."""
        return (
            f"K = {self.n_classes}, u = (s, ..., s): the floats of r_1 contradict the two bounds together at every s "
            f"up to {self.level:g}, so no c, u_+, u_- with thresholds below {self.level:g} fit; "
            "floats cannot tell what happens at larger margins."
        )

    def lines(self) -> list[str]:
        """Return the sentence and the points as text."""
        rows = list(zip(self.margins, self.log_ratios, self.signs, strict=True))
        shown = [f"  s = {s:g}: r_1 = {sign:+.0f} * exp({one:.12g})" for s, one, sign in rows[::4]]
        return ["  " + self.sentence, *shown]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"basis": "floats", "sentence": self.sentence, **asdict(self)}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> FloatWitness:
        """Return the witness that ``to_dict`` wrote."""
        own = {name: tuple(map(float, document[name])) for name in ("margins", "log_ratios", "signs")}
        return cls(document["n_classes"], float(document["level"]), precision=float(document["precision"]), **own)


def points_on(
    function: Callable[[Sequence[Any], Any], Any], curve: Curve, deviation: Deviation, from_margin: float
) -> tuple[WitnessPoint, ...]:
    """Return points near a curve, far out, at which intervals show what the leading term says.

    Raises
    ------
    NoEnclosure
        If the function cannot be enclosed there.
    """
    found: list[tuple[Interval, WitnessPoint]] = []
    for level in _LEVELS:
        pairs = zip(curve.factors, curve.powers, strict=True)
        margins = tuple(round(level * p - math.log(a), 2) for a, p in pairs)
        if min(margins) < from_margin or len(found) == _MOST_POINTS:
            continue
        ratio, bound, is_broken = _measured(function, margins, deviation)
        # without a forced c, each point must allow less, or need more, than the one before
        falls = not found or (ratio.lower > found[-1][0].upper if deviation.kind == "grows" else True)
        falls = falls and not (found and deviation.kind == "vanishes" and not bound.upper < found[-1][0].lower)
        if is_broken and falls:
            mark = bound if deviation.kind == "vanishes" else ratio
            found.append((mark, WitnessPoint(margins, _decimal(ratio), _decimal(bound))))
    return tuple(point for _, point in found)


def _measured(function: Any, margins: tuple[float, ...], deviation: Deviation) -> tuple[Interval, Interval, bool]:
    """Return r_1, what it is held against, and whether it is on the wrong side."""
    z = [IntervalFunctions.exp(Interval.of(-one)) for one in margins]
    total = z[0]
    for one in z[1:]:
        total = total + one
    ratio, kind = slope_at(function, z), deviation.kind
    if kind == "grows":
        return ratio, ratio, bool(ratio.lower > 0)
    if deviation.c is None:
        allowed = ratio / (1 - total)
        broken = {"zero": ratio.lower.is_zero() and ratio.upper.is_zero(), "negative": ratio.upper < 0}
        return ratio, allowed, bool(broken.get(kind, ratio.lower > 0))
    c = constant_of(deviation.c)
    if kind == "above":
        return ratio, c, bool(ratio.lower > c.upper)
    bound = c * (1 - total)
    return ratio, bound, bool(ratio.upper < bound.lower)


def constant_of(shown: str) -> Interval:
    """Return an enclosure of a constant that was written as a fraction or a ball."""
    if shown.startswith("["):
        return Interval.of(arb(shown))
    return Interval.of(Fraction(shown))


def _decimal(x: Interval) -> str:
    return str(x.lower.union(x.upper).str(25))


def _short(ball: str) -> str:
    return str(arb(ball).mid().str(12, radius=False))


def _readable(c: str | None) -> str:
    return c or "" if c is None or len(c) <= 12 else f"{float(constant_of(c).lower):.12g}"


def _factor(a: Fraction) -> str:
    return "" if a == 1 else f"{a} "


def _point_from(document: dict[str, Any]) -> WitnessPoint:
    return WitnessPoint(tuple(map(float, document["margins"])), document["ratio"], document["bound"])
