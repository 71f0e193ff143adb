"""Intervals, jets and germs against mpmath, exact fractions and torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("flint")

from marginscope.certificates.germs import Germ, GermFunctions
from marginscope.certificates.intervals import Interval, IntervalFunctions, NoEnclosure, enough_digits
from marginscope.certificates.jets import JetFunctions

Formula = Callable[[Sequence[Any], Any], Any]

FORMULAS: dict[str, Formula] = {
    "log1p": lambda z, ops: ops.log1p(z[0] + 2.0 * z[1]),
    "quotient": lambda z, ops: (1 - z[0] * z[1]) / (3 + z[0]) - z[1] / 7,
    "powers": lambda z, ops: (z[0] - z[1]) ** 3 + 2 / (1 + z[1]) ** 2 + z[0] ** 2,
    "root": lambda z, ops: ops.sqrt(1 + z[0] * z[1]) + ops.power(2 + z[0], -0.7) * ops.exp(-z[1]),
    "constants": lambda z, ops: ops.log(2.0) * z[0] + ops.exp(1) * z[0] * z[1] - ops.power(3, 0.5),
    "nested": lambda z, ops: ops.log(1 + ops.exp(z[0] - z[1] * z[1])) * ops.power(1 + z[1], 2.5),
    "kink": lambda z, ops: ops.positive_part(z[0] - 20) + ops.positive_part(1 + z[1] * z[0]) ** 2,
}


class MpFunctions:
    exp, log, log1p, sqrt = mpmath.exp, mpmath.log, mpmath.log1p, mpmath.sqrt

    @staticmethod
    def power(x: Any, a: Any) -> Any:
        return mpmath.mpf(x) ** mpmath.mpf(a)

    @staticmethod
    def positive_part(x: Any) -> Any:
        return max(x, mpmath.mpf(0))


class TorchFunctions:
    log1p, sqrt = torch.log1p, torch.sqrt

    @staticmethod
    def exp(x: Any) -> Any:
        return torch.exp(torch.as_tensor(x, dtype=torch.float64))

    @staticmethod
    def log(x: Any) -> Any:
        return torch.log(torch.as_tensor(x, dtype=torch.float64))

    @staticmethod
    def power(x: Any, a: Any) -> Any:
        return torch.as_tensor(x, dtype=torch.float64) ** float(a)

    @staticmethod
    def positive_part(x: Any) -> Any:
        return torch.relu(x)


def jet_of(formula: Formula, cell: Sequence[Interval]) -> Any:
    with enough_digits():
        ops = JetFunctions(IntervalFunctions(), len(cell), twice=True)
        return ops.jet(formula([ops.variable(one, k) for k, one in enumerate(cell)], ops))


def contains(interval: Interval, value: Any) -> bool:
    """Hold a 60-digit number against exact ends, read as fractions."""
    return _exact(interval.lower) <= value <= _exact(interval.upper)


def _exact(end: Any) -> Any:
    if not end.is_finite():
        return mpmath.inf if end > 0 else -mpmath.inf
    mantissa, exponent = end.man_exp()
    return mpmath.mpf(int(mantissa)) * mpmath.mpf(2) ** int(exponent)


@pytest.mark.parametrize("name", FORMULAS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_value_and_derivative_in_a_box_is_enclosed(name: str, data: Any) -> None:
    numbers = st.integers(0, 64).map(lambda n: n / 32)
    low = [data.draw(numbers), data.draw(numbers)]
    width = [data.draw(st.sampled_from([0.0, 2.0**-20, 0.125, 1.0])) for _ in low]
    share = [data.draw(st.integers(0, 8).map(lambda n: n / 8)) for _ in low]
    formula = FORMULAS[name]
    jet = jet_of(formula, [Interval.of(a, a + w) for a, w in zip(low, width, strict=True)])
    with mpmath.workdps(60):
        x, y = (mpmath.mpf(a + w * s) for a, w, s in zip(low, width, share, strict=True))
        found = [(jet.value, 0, 0), (jet.gradient[0], 1, 0), (jet.gradient[1], 0, 1), (jet.row[0], 2, 0)]
        for interval, n, m in [*found, (jet.row[1], 1, 1)]:
            value = (
                mpmath.diff(lambda *z: formula(z, MpFunctions), (x, y), (n, m))
                if n + m
                else formula((x, y), MpFunctions)
            )
            slack = mpmath.mpf(10) ** (-40 if n + m == 0 else -15)  # mpmath's differences lose digits
            assert _exact(interval.lower) - slack <= value <= _exact(interval.upper) + slack


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_at_a_point_are_those_of_torch(name: str) -> None:
    point = [0.375, 1.25]
    jet = jet_of(FORMULAS[name], [Interval.of(one) for one in point])
    z = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    value = FORMULAS[name]((z[0], z[1]), TorchFunctions)
    (gradient,) = torch.autograd.grad(value, z, create_graph=True)
    (row,) = torch.autograd.grad(gradient[0], z)
    for mine, theirs in zip([jet.value, *jet.gradient, *jet.row], [value, *gradient, *row], strict=True):
        assert float(mine.lower) == pytest.approx(theirs.item(), rel=1e-12, abs=1e-12)
        assert mine.upper - mine.lower < 1e-30


ends = st.one_of(st.integers(-40, 40).map(lambda n: n / 8), st.sampled_from([math.inf, -math.inf]))


@given(ends, ends, ends, ends, st.lists(st.integers(0, 16), min_size=2, max_size=2), st.sampled_from("+-*/2"))
@settings(max_examples=300, deadline=None)
def test_arithmetic_encloses_exact_fractions(a: float, b: float, c: float, d: float, at: list[int], sign: str) -> None:
    (a, b), (c, d) = sorted((a, b)), sorted((c, d))
    if a == math.inf or b == -math.inf or c == math.inf or d == -math.inf:
        return
    x, y = _point(a, b, at[0]), _point(c, d, at[1])
    first, second = Interval.of(a, b), Interval.of(c, d)
    try:
        if sign == "2":
            result, exact = first**2, x * x
        else:
            operators = {"+": lambda p, q: p + q, "-": lambda p, q: p - q, "*": lambda p, q: p * q}
            operators["/"] = lambda p, q: p / q
            result, exact = operators[sign](first, second), operators[sign](x, y)
    except (NoEnclosure, ZeroDivisionError):
        assert sign == "/"
        assert c <= 0 <= d
        return
    with mpmath.workdps(60):
        assert contains(result, mpmath.mpf(exact.numerator) / exact.denominator)


def _point(a: float, b: float, n: int) -> Fraction:
    """Return a point of an interval: between its ends, or n^3 beyond the finite one."""
    if math.isinf(a) and math.isinf(b):
        return Fraction(n - 8) ** 3
    if math.isinf(a):
        return Fraction(b) - n**3
    return Fraction(a) + n**3 if math.isinf(b) else Fraction(a) + (Fraction(b) - Fraction(a)) * n / 16


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, ops: ops.log(x),
        lambda x, ops: 1 / x,
        lambda x, ops: 0 * ops.log(x),
        lambda x, ops: ops.sqrt(x),
        lambda x, ops: ops.power(x, 1.5),
        lambda x, ops: ops.log1p(x - 1),
        lambda x, ops: ops.positive_part(x),
    ],
)
def test_what_is_not_smooth_on_the_closed_box_is_not_enclosed(formula: Any) -> None:
    with pytest.raises(NoEnclosure):
        jet_of(lambda z, ops: formula(z[0], ops), [Interval.of(0, 1)])


@pytest.mark.parametrize(
    "formula",
    [
        lambda z, ops: z if z else -z,
        lambda z, ops: z if z == 0 else -z,
        lambda z, ops: z if z > 0 else -z,
        lambda z, ops: max(z, 0),
        lambda z, ops: abs(z),
        lambda z, ops: math.log(z),
        lambda z, ops: torch.log1p(z),
    ],
)
def test_branches_and_foreign_functions_are_refused(formula: Any) -> None:
    with pytest.raises(TypeError):
        jet_of(lambda z, ops: formula(z[0], ops), [Interval.of(0, 1)])


GERMS: dict[str, Any] = {
    "rational": lambda t, ops: (1 + 3 * t) / (1 - t + 2 * t**2) - 1 / (2 + t) ** 2,
    "logarithm": lambda t, ops: ops.log1p(t) * ops.log(t) + t,
    "power of a logarithm": lambda t, ops: ops.power(1 - ops.log(t), -1.5),
    "exponential": lambda t, ops: ops.exp(-t) + ops.exp(2 * ops.log(t) + t),
    "root": lambda t, ops: ops.sqrt(t + t**2) * ops.power(t / (1 + t), 0.25),
    "hinge": lambda t, ops: ops.positive_part(1 + ops.log(t)) + ops.positive_part(2 - t),
    "quotient of logarithms": lambda t, ops: ops.log(t) / (1 + ops.log(t)),
    "not rational": lambda t, ops: ops.exp(1 + t) + ops.log(2 + t) + ops.log(3 * t),
}


@pytest.mark.parametrize("name", GERMS)
@pytest.mark.parametrize("power", [1, 2])
def test_the_leading_terms_come_close_as_their_rest_says(name: str, power: int) -> None:
    formula = GERMS[name]
    with enough_digits():
        ops = JetFunctions(GermFunctions(), 1, twice=False)
        variable = ops.variable(Germ.monomial(Fraction(1), power), 0)
        jet = ops.jet(formula(variable, ops))
    with mpmath.workdps(400):
        # so small that the first of the rest is far below the last term kept
        for t in (mpmath.mpf(10) ** -12, mpmath.mpf(10) ** -16):
            x = t**power
            for germ, value in [
                (jet.value, formula(x, MpFunctions)),
                (jet.gradient[0], mpmath.diff(lambda s: formula(s, MpFunctions), x, h=x * mpmath.mpf(10) ** -100)),
            ]:
                rest = abs(value - sum((_term(c, order, t) for order, c in germ.terms.items()), mpmath.mpf(0)))
                bound = mpmath.mpf(0) if germ.rest is None else 1e7 * _term(1, germ.rest, t)
                assert rest <= bound + abs(value) * mpmath.mpf(10) ** -25


def _term(c: Any, order: Any, t: Any) -> Any:
    p, d = (mpmath.mpf(one.numerator) / one.denominator for one in order)
    if hasattr(c, "p"):
        c = mpmath.mpf(int(c.p)) / int(c.q)
    elif not isinstance(c, int):
        c = _exact(c.mid())
    return c * t**p * mpmath.log(1 / t) ** -d


def test_what_cancels_is_not_called_zero() -> None:
    with enough_digits():
        t = Germ.monomial(Fraction(1), 1)
        third = GermFunctions.log(GermFunctions.constant(3) + t) - GermFunctions.log(GermFunctions.constant(3) + t)
        with pytest.raises(NoEnclosure):
            third.leading()
        assert (t - t).leading() is None
        rest = GermFunctions.exp(t) - GermFunctions.exp(t)
        with pytest.raises(NoEnclosure):
            rest.leading()


def test_the_logarithm_of_a_ball_around_one_is_not_called_zero() -> None:
    with enough_digits():
        nearly_one = GermFunctions.exp(GermFunctions.constant(Fraction(1, 10**60)))
        with pytest.raises(NoEnclosure):
            (GermFunctions.log(nearly_one) - Germ.monomial(Fraction(1), 1)).leading()
        assert GermFunctions.log(GermFunctions.constant(1)).leading() is None


@pytest.mark.parametrize("formula", [lambda t: GermFunctions.exp(1 / t), lambda t: GermFunctions.log(-t)])
def test_what_grows_too_fast_or_is_undefined_is_refused(formula: Any) -> None:
    with enough_digits(), pytest.raises(NoEnclosure):
        formula(Germ.monomial(Fraction(1), 1))
