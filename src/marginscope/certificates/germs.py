"""Leading terms of a function as its variable falls to zero, with a proved remainder.

    f(t) = sum_k c_k t^p_k log(1/t)^-d_k + O(t^p log(1/t)^-d),    t -> 0+

Coefficients are exact rationals, or balls where they are not rational; exponents are
exact. The terms are sorted by (p, d): the first decides sign and limit. Where terms
cancel and what is left is not known, ``NoEnclosure`` is raised.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, TypeAlias

from flint import arb, fmpq

from marginscope.certificates.intervals import NoEnclosure, as_fraction

__all__ = ["Germ", "GermFunctions", "Order"]

Order: TypeAlias = tuple[Fraction, Fraction]

_MOST_TERMS = 10
_CONSTANT: Order = (Fraction(0), Fraction(0))
_LOGARITHM: Order = (Fraction(0), Fraction(-1))


class Germ:
    """A function near 0+: its leading terms, and the order of what was left out (``None``: nothing)."""

    __slots__ = ("rest", "terms")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: dict[Order, Any], rest: Order | None = None) -> None:
        # a ball around zero may be any small number: no more than the order of its term is known
        unsure = [order for order, c in terms.items() if isinstance(c, arb) and c.contains(0) and not c.is_zero()]
        rest = min([*unsure, *([] if rest is None else [rest])], default=None)
        kept = sorted(order for order, c in terms.items() if c != 0 and (rest is None or order < rest))
        if len(kept) > _MOST_TERMS:
            rest, kept = kept[_MOST_TERMS], kept[:_MOST_TERMS]
        self.terms = {order: terms[order] for order in kept}
        self.rest = rest

    @classmethod
    def monomial(cls, coefficient: Fraction, power: int) -> Germ:
        """Return c t^p."""
        return cls({(Fraction(power), Fraction(0)): _rational(coefficient)})

    def leading(self) -> tuple[Order, Any] | None:
        """Return the order and coefficient of the first term, or ``None`` for the zero function."""
        for order, coefficient in self.terms.items():
            return order, coefficient
        if self.rest is not None:
            raise NoEnclosure("the leading terms cancel")
        return None

    def without_constant(self) -> Germ:
        """Return f minus its constant term."""
        return Germ({order: c for order, c in self.terms.items() if order != _CONSTANT}, self.rest)

    def __bool__(self) -> bool:
        raise TypeError("a formula without branches is needed, but it asks whether a function is true; use ops")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a formula without branches is needed, but it compares functions; use ops")

    def __repr__(self) -> str:
        shown = [_product_text(_shown(c), _monomial(order)) for order, c in self.terms.items()]
        return " + ".join(shown + ([] if self.rest is None else [f"O({_monomial(self.rest) or 1})"])) or "0"

    def __neg__(self) -> Germ:
        return self * -1

    def __add__(self, other: Any) -> Germ:
        one = _lift(other)
        terms = dict(self.terms)
        for order, c in one.terms.items():
            terms[order] = terms[order] + c if order in terms else c
        return Germ(terms, _largest(self.rest, one.rest))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Germ:
        return self + (-_lift(other))

    def __rsub__(self, other: Any) -> Germ:
        return _lift(other) + (-self)

    def __mul__(self, other: Any) -> Germ:
        one = _lift(other)
        terms: dict[Order, Any] = {}
        for (p, d), c in self.terms.items():
            for (q, e), f in one.terms.items():
                order = (p + q, d + e)
                terms[order] = terms[order] + c * f if order in terms else c * f
        rest = _largest(_product(self.rest, one._size()), _product(self._size(), one.rest))
        return Germ(terms, rest)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Germ:
        return self * GermFunctions.power(_lift(other), Fraction(-1))

    def __rtruediv__(self, other: Any) -> Germ:
        return _lift(other) / self

    def __pow__(self, exponent: int) -> Germ:
        if exponent < 0:
            return GermFunctions.power(self, Fraction(exponent))
        product = GermFunctions.constant(1)
        for _ in range(exponent):
            product = product * self
        return product

    def _size(self) -> Order | None:
        """Return an order that bounds the function, or ``None`` if it is zero."""
        return next(iter(self.terms), self.rest)


class GermFunctions:
    """The functions of ``ops`` on germs."""

    @staticmethod
    def constant(x: Any) -> Germ:
        return Germ({_CONSTANT: _rational(as_fraction(x))})

    @staticmethod
    def exp(x: Germ) -> Germ:
        factor = Germ({_CONSTANT: fmpq(1)})
        small: dict[Order, Any] = {}
        for order, c in x.terms.items():
            if order > _CONSTANT:
                small[order] = c
            elif order == _CONSTANT:
                factor = factor * Germ({_CONSTANT: arb(c).exp()})
            elif order == _LOGARITHM and isinstance(c, fmpq):
                # exp(c log(1/t)) = t^-c
                factor = factor * Germ({(-Fraction(int(c.p), int(c.q)), Fraction(0)): fmpq(1)})
            else:
                raise NoEnclosure("the exponential of a function that grows faster than a logarithm")
        if x.rest is not None and x.rest <= _CONSTANT:
            raise NoEnclosure("the exponential of a function whose limit is not known")
        coefficients, c = [], fmpq(1)
        for k in range(_MOST_TERMS + 1):
            coefficients.append(c)
            c = c / (k + 1)
        return factor * _series(Germ(small, x.rest), coefficients)

    @staticmethod
    def log(x: Germ) -> Germ:
        (p, d), c = _first(x)
        if not c > 0 or d != 0:
            raise NoEnclosure("the logarithm of a function that is not positive, or of a logarithm")
        terms: dict[Order, Any] = {_LOGARITHM: _rational(-p)}
        # between 1 and a ball around it neither == nor != is true
        if isinstance(c, arb) or c != 1:
            terms[_CONSTANT] = arb(c).log()
        coefficients = [fmpq(0), *(fmpq((-1) ** (k + 1), k) for k in range(1, _MOST_TERMS + 1))]
        return Germ(terms) + _series(_relative(x), coefficients)

    @staticmethod
    def log1p(x: Germ) -> Germ:
        return GermFunctions.log(1 + x)

    @staticmethod
    def power(x: Germ, exponent: Fraction) -> Germ:
        if x.leading() is None and exponent > 0:
            return x
        (p, d), c = _first(x)
        a = _rational(exponent)
        if exponent.denominator == 1:
            factor = c ** int(exponent)
        elif c > 0:
            factor = fmpq(1) if c == 1 else arb(c) ** arb(a)
        else:
            raise NoEnclosure("a power of a function that is not positive")
        coefficients = [fmpq(1)]
        for k in range(_MOST_TERMS):
            coefficients.append(coefficients[-1] * (a - k) / (k + 1))
        return Germ({(p * exponent, d * exponent): factor}) * _series(_relative(x), coefficients)

    @staticmethod
    def sign(x: Germ) -> int:
        return 1 if _first(x)[1] > 0 else -1


def _series(x: Germ, coefficients: list[Any]) -> Germ:
    """Return sum_k c_k x^k for a function that tends to zero; what follows is O(x^n)."""
    total, power = Germ({_CONSTANT: coefficients[0]}), Germ({_CONSTANT: fmpq(1)})
    if x._size() is None:
        return total
    for c in coefficients[1:]:
        power = power * x
        total = total + power * Germ({_CONSTANT: c})
    return total + Germ({}, _product(power._size(), x._size()))


def _relative(x: Germ) -> Germ:
    """Return f divided by its leading term, minus 1."""
    (p, d), c = _first(x)
    shifted = {(q - p, e - d): f / c for (q, e), f in x.terms.items() if (q, e) != (p, d)}
    return Germ(shifted, None if x.rest is None else (x.rest[0] - p, x.rest[1] - d))


def _first(x: Germ) -> tuple[Order, Any]:
    first = x.leading()
    if first is None:
        raise NoEnclosure("zero has no leading term")
    return first


def _lift(x: Any) -> Germ:
    return x if isinstance(x, Germ) else GermFunctions.constant(x)


def _rational(x: Fraction) -> fmpq:
    return fmpq(x.numerator, x.denominator)


def _largest(x: Order | None, y: Order | None) -> Order | None:
    return y if x is None else x if y is None else min(x, y)


def _product(x: Order | None, y: Order | None) -> Order | None:
    return None if x is None or y is None else (x[0] + y[0], x[1] + y[1])


def _shown(c: Any) -> str:
    if not isinstance(c, fmpq):
        return str(c.str(12, radius=False))
    return str(c) if len(str(c)) <= 12 else f"{int(c.p) / int(c.q):.12g}"


def _product_text(coefficient: str, monomial: str) -> str:
    if not monomial or coefficient not in ("1", "-1"):
        return f"{coefficient} {monomial}".strip()
    return coefficient.removesuffix("1") + monomial


def _monomial(order: Order) -> str:
    power, depth = order
    parts = []
    if power:
        parts.append("t" if power == 1 else f"t^{_exponent(power)}")
    if depth:
        parts.append("log(1/t)" if depth == -1 else f"log(1/t)^{_exponent(-depth)}")
    return " ".join(parts)


def _exponent(x: Fraction) -> str:
    return str(x) if x.denominator == 1 else f"{float(x):.6g}"
