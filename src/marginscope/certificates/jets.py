"""Derivatives carried along a computation, over any numbers.

    (f o g)' = f'(g) g',    (f o g)_1j = f'(g) g_1j + f''(g) g_1 g_j

A jet holds a value, the gradient, and the first row of the Hessian where asked for.
The numbers may be intervals, germs or anything else with + - * / and integer powers;
where they are jets themselves, derivatives of higher order follow.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from marginscope.certificates.intervals import as_fraction

__all__ = ["Jet", "JetFunctions"]


class Jet:
    """A number with its derivatives; ``row`` holds d_1 d_j, or ``None``."""

    __slots__ = ("gradient", "row", "value")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, gradient: Sequence[Any], row: Sequence[Any] | None) -> None:
        self.value = value
        self.gradient = gradient
        self.row = row

    def __bool__(self) -> bool:
        raise TypeError("a formula without branches is needed, but it asks whether a variable is true; use ops")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a formula without branches is needed, but it compares variables; use ops")

    def __neg__(self) -> Jet:
        return self.__mul__(-1)

    def __add__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.value + as_fraction(other), self.gradient, self.row)
        row = None if self.row is None or other.row is None else _added(self.row, other.row)
        return Jet(self.value + other.value, _added(self.gradient, other.gradient), row)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Jet:
        return self.__add__(other * -1)

    def __rsub__(self, other: Any) -> Jet:
        return self.__mul__(-1).__add__(other)

    def __mul__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            factor = as_fraction(other)
            row = None if self.row is None else [one * factor for one in self.row]
            return Jet(self.value * factor, [one * factor for one in self.gradient], row)
        x, y = self.value, other.value
        gradient = [dx * y + x * dy for dx, dy in zip(self.gradient, other.gradient, strict=True)]
        row = None
        if self.row is not None and other.row is not None:
            dx1, dy1 = self.gradient[0], other.gradient[0]
            row = [
                hx * y + x * hy + dx1 * dy + dx * dy1
                for hx, hy, dx, dy in zip(self.row, other.row, self.gradient, other.gradient, strict=True)
            ]
        return Jet(x * y, gradient, row)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        return self * other**-1 if isinstance(other, Jet) else self * (1 / as_fraction(other))

    def __rtruediv__(self, other: Any) -> Jet:
        return self.__pow__(-1).__mul__(other)

    def __pow__(self, exponent: Any) -> Jet:
        n = int(exponent) if isinstance(exponent, float) and exponent.is_integer() else operator.index(exponent)
        if n == 1:
            return self
        x = self.value
        second = n * (n - 1) * x ** (n - 2) if self.row is not None and n else 0 * x
        return self.through(x**n, n * x ** (n - 1) if n else 0 * x, second)

    def through(self, value: Any, first: Any, second: Any) -> Jet:
        """Return the jet of f(self) from f, f' and f'' at its value."""
        gradient = [first * one for one in self.gradient]
        if self.row is None:
            return Jet(value, gradient, None)
        curved = second * self.gradient[0]
        row = [first * h + curved * one for h, one in zip(self.row, self.gradient, strict=True)]
        return Jet(value, gradient, row)


class JetFunctions:
    """The ``ops`` that a tail form is called with, on jets over some numbers.

    Parameters
    ----------
    numbers
        exp, log, log1p, power, sign and constant for the numbers.
    n_variables : int
        Length of the gradients.
    twice : bool
        Whether jets carry second derivatives.
    """

    def __init__(self, numbers: Any, n_variables: int, *, twice: bool) -> None:
        self._numbers = numbers
        self._n_variables = n_variables
        self._twice = twice

    def variable(self, value: Any, index: int) -> Jet:
        """Return the variable of an index; an index outside the gradient is held fixed."""
        constant = self._numbers.constant
        gradient = [constant(int(k == index)) for k in range(self._n_variables)]
        return Jet(value, gradient, [constant(0)] * self._n_variables if self._twice else None)

    def exp(self, x: Any) -> Jet:
        one = self.jet(x)
        value = self._numbers.exp(one.value)
        return one.through(value, value, value)

    def log(self, x: Any) -> Jet:
        one = self.jet(x)
        value, inverse = self._numbers.log(one.value), one.value**-1
        return one.through(value, inverse, -(inverse**2))

    def log1p(self, x: Any) -> Jet:
        one = self.jet(x)
        value, inverse = self._numbers.log1p(one.value), (1 + one.value) ** -1
        return one.through(value, inverse, -(inverse**2))

    def sqrt(self, x: Any) -> Jet:
        return self.power(x, Fraction(1, 2))

    def power(self, x: Any, exponent: Any) -> Jet:
        one, a = self.jet(x), as_fraction(exponent)
        if a.denominator == 1:
            return one ** int(a)
        power, value = self._numbers.power, one.value
        second = a * (a - 1) * power(value, a - 2) if self._twice else None
        return one.through(power(value, a), a * power(value, a - 1), second)

    def positive_part(self, x: Any) -> Jet:
        one = self.jet(x)
        return one if self._numbers.sign(one.value) > 0 else one * 0

    def constant(self, x: Any) -> Jet:
        """Return a number as a jet; with ``sign``, what jets over jets need."""
        return self.jet(x)

    def sign(self, x: Jet) -> int:
        """Return the sign of the value."""
        sign: int = self._numbers.sign(x.value)
        return sign

    def jet(self, x: Any) -> Jet:
        """Return a jet as it is, and a number as a jet whose derivatives are zero."""
        return x if isinstance(x, Jet) else self.variable(self._numbers.constant(as_fraction(x)), -1)


def _added(x: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    return [a + b for a, b in zip(x, y, strict=True)]
