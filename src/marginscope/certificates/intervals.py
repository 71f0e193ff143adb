"""Intervals with outward rounding: what a formula can give on a whole box.

    x in [a, b], y in [c, d]   =>   x y in [min(ac, ad, bc, bd), max(...)]

The ends are exact numbers of python-flint or infinite; every result is rounded away
from the interval, and not at all where it can be represented. Where a point of the
interval lies outside the domain of a function, ``NoEnclosure`` is raised instead of
a guess, so an enclosure also proves that the function is smooth there.
"""

from __future__ import annotations

from fractions import Fraction
from numbers import Integral, Rational, Real
from typing import Any

from marginscope.exceptions import MissingExtra

try:
    from flint import arb, ctx, fmpq
except ImportError as error:
    raise MissingExtra("python-flint", "cert", "the proof of an exponential tail") from error

__all__ = ["Interval", "IntervalFunctions", "NoEnclosure", "as_fraction", "enough_digits", "exact_arb"]

_ZERO = arb(0)
_PRECISION = 128


class NoEnclosure(ArithmeticError):
    """No bounded statement can be made here; a smaller box or another way may decide."""


def enough_digits() -> Any:
    """Return a context in which balls have 128 bits."""
    return ctx.workprec(_PRECISION)


def as_fraction(x: Any) -> Fraction:
    """Return a finite number as an exact fraction, or raise ``TypeError``."""
    if isinstance(x, Integral):
        return Fraction(int(x))
    if isinstance(x, Rational):
        return Fraction(int(x.numerator), int(x.denominator))
    if isinstance(x, Real) and float(x) - float(x) == 0.0:
        return Fraction(float(x))
    raise TypeError(f"a finite number is needed, but got {x!r}; write the formula with numbers, + - * / and ops")


def exact_arb(x: Fraction) -> arb:
    """Return a ball around a fraction, of radius zero where its denominator is a power of two."""
    return arb(fmpq(x.numerator, x.denominator))


class Interval:
    """All real numbers between two ends, which may be infinite."""

    __slots__ = ("lower", "upper")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, lower: arb, upper: arb) -> None:
        self.lower = lower
        self.upper = upper

    @classmethod
    def of(cls, lower: Any, upper: Any = None) -> Interval:
        """Return the interval between two numbers, or around one; infinite floats are allowed."""
        low = _ball(lower)
        return cls(low.lower(), (low if upper is None else _ball(upper)).upper())

    def __bool__(self) -> bool:
        raise TypeError("a formula without branches is needed, but it asks whether an interval is true; use ops")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a formula without branches is needed, but it compares intervals; use ops")

    def __repr__(self) -> str:
        return f"[{self.lower.str(20, radius=False)}, {self.upper.str(20, radius=False)}]"

    def __neg__(self) -> Interval:
        return Interval(-self.upper, -self.lower)

    def __add__(self, other: Any) -> Interval:
        one = _lift(other)
        return Interval((self.lower + one.lower).lower(), (self.upper + one.upper).upper())

    __radd__ = __add__

    def __sub__(self, other: Any) -> Interval:
        return self + (-_lift(other))

    def __rsub__(self, other: Any) -> Interval:
        return _lift(other) + (-self)

    def __mul__(self, other: Any) -> Interval:
        one = _lift(other)
        if self.lower >= _ZERO and one.lower >= _ZERO:
            return Interval(_times(self.lower, one.lower).lower(), _times(self.upper, one.upper).upper())
        return _hull([_times(x, y) for x in (self.lower, self.upper) for y in (one.lower, one.upper)])

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Interval:
        one = _lift(other)
        if not (one.lower > _ZERO or one.upper < _ZERO):
            raise NoEnclosure("a divisor may be zero")
        return _hull([_divided(x, y) for x in (self.lower, self.upper) for y in (one.lower, one.upper)])

    def __rtruediv__(self, other: Any) -> Interval:
        return _lift(other) / self

    def __pow__(self, exponent: int) -> Interval:
        if exponent < 0:
            return Interval.of(1) / self**-exponent
        if exponent == 0:
            return Interval.of(1)
        ends = [_whole_power(self.lower, exponent), _whole_power(self.upper, exponent)]
        if exponent % 2 == 0 and not self.lower >= _ZERO and not self.upper <= _ZERO:
            ends.append(_ZERO)
        return _hull(ends)


class IntervalFunctions:
    """The functions of ``ops`` on intervals."""

    @staticmethod
    def constant(x: Any) -> Interval:
        return Interval.of(x)

    @staticmethod
    def exp(x: Interval) -> Interval:
        return Interval(x.lower.exp().lower(), x.upper.exp().upper())

    @staticmethod
    def log(x: Interval) -> Interval:
        if not x.lower > _ZERO:
            raise NoEnclosure("the argument of a logarithm may be zero or less")
        return Interval(x.lower.log().lower(), x.upper.log().upper())

    @staticmethod
    def log1p(x: Interval) -> Interval:
        if not x.lower > -1:
            raise NoEnclosure("the argument of log1p may be -1 or less")
        return Interval(x.lower.log1p().lower(), x.upper.log1p().upper())

    @staticmethod
    def power(x: Interval, exponent: Fraction) -> Interval:
        """Return x^exponent for an exponent that is no integer."""
        if not (x.lower > _ZERO or (x.lower >= _ZERO and exponent > 0)):
            raise NoEnclosure("the base of a power may be zero or less")
        return _hull([_powered(x.lower, exponent), _powered(x.upper, exponent)])

    @staticmethod
    def sign(x: Interval) -> int:
        if x.lower > _ZERO:
            return 1
        if x.upper < _ZERO:
            return -1
        raise NoEnclosure("the sign is not the same on the whole box")


def _ball(x: Any) -> arb:
    if isinstance(x, arb):
        return x
    if isinstance(x, float) and abs(x) == float("inf"):
        return arb(x)
    return exact_arb(as_fraction(x))


def _lift(x: Any) -> Interval:
    return x if isinstance(x, Interval) else Interval.of(x)


def _hull(ends: list[arb]) -> Interval:
    # a comparison with an undefined number is false, so min and max would pass over it
    if any(one.is_nan() for one in ends):
        raise NoEnclosure("an undefined number")
    return Interval(min(one.lower() for one in ends), max(one.upper() for one in ends))


def _times(x: arb, y: arb) -> arb:
    # An infinite end stands for arbitrarily large numbers, each of which times zero is zero.
    return _ZERO if x.is_zero() or y.is_zero() else x * y


def _divided(x: arb, y: arb) -> arb:
    # Where both grow, the quotients by the fixed ends already span the interval.
    return x / y if y.is_finite() else _ZERO


def _whole_power(x: arb, exponent: int) -> arb:
    if x.is_finite():
        return x**exponent
    return x if exponent % 2 or x > 0 else -x


def _powered(x: arb, exponent: Fraction) -> arb:
    if x.is_finite():
        return _ZERO if x.is_zero() else x ** exact_arb(exponent)
    return x if exponent > 0 else _ZERO
