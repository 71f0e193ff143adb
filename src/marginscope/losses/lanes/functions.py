"""exp and log1p on lanes, from + - * / and the bits of a float alone: the same bits on every machine.

Relative error below 2 units in the last place where the result is a normal number; gradual
underflow is kept. Minimax polynomials; the reduction is that of Cody and Waite (1980).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marginscope.losses.lanes.code import Lanes

__all__ = ["CEILING", "exp", "exp_below", "log1p"]

CEILING = {64: 660.0, 32: 70.0}
"""``exp_below`` takes numbers up to this."""

_LOG2_E = 1.4426950408889634


@dataclass(frozen=True)
class _Numbers:
    """Constants of one precision.

    ln 2 = high + low, with as many zeros at the end of high that n * high is exact.
    """

    mantissa: int
    bias: int
    lifted: int
    """The power of two by which a result is held up until the last product, for gradual underflow."""
    floor: float
    """exp of less is nearest to 0. It is set so: arithmetic on subnormal numbers costs a hundred times as much."""
    top: float
    flushed: float
    """Where ``flush`` begins: products with features are normal numbers still."""
    high: float
    low: float
    exp: tuple[float, ...]
    """(exp(r) - 1 - r) / r^2"""
    log: tuple[float, ...]
    """(log((1 + s) / (1 - s)) - 2 s) / s^3 as a polynomial in s^2"""


_OF_BITS = {
    64: _Numbers(
        mantissa=52,
        bias=1023,
        lifted=64,
        floor=-745.14,
        top=711.0,
        flushed=-690.0,
        high=6.93147180369123816490e-01,
        low=1.90821492927058770002e-10,
        exp=(
            0.5000000000000011,
            0.1666666666666641,
            0.04166666666652973,
            0.00833333333349498,
            0.001388888894375969,
            0.0001984126950576586,
            2.480149294987594e-05,
            2.7557586812894924e-06,
            2.7630306178626537e-07,
            2.5000015510719588e-08,
        ),
        log=(
            0.6666666666666735,
            0.3999999999940748,
            0.2857142874414219,
            0.22222198378416588,
            0.18183575167850166,
            0.1531375571395278,
            0.14799066454086623,
        ),
    ),
    32: _Numbers(
        mantissa=23,
        bias=127,
        lifted=24,
        floor=-103.98,
        top=90.0,
        flushed=-78.0,
        high=0.693359375,
        low=-2.12194440054690582e-4,
        exp=(
            0.49999993431974377,
            0.16666520399457485,
            0.04166839083439133,
            0.008368745080916883,
            0.0013814537082063353,
        ),
        log=(0.6666677705345668, 0.39977449492730815, 0.29874420130131357),
    ),
}


def exp_below(x: Lanes, *, flush: bool = False) -> Lanes:
    """Return exp(x) for x up to ``CEILING``; with ``flush`` 0 instead of results near underflow.

    Where underflow changes nothing, flushing spares the processor subnormal numbers.
    """
    code, numbers = x.code, _OF_BITS[x.code.bits]
    lifted = 0 if flush else numbers.lifted
    vanishes = x < (numbers.flushed if flush else numbers.floor)
    within = x.at_least(numbers.flushed) if flush else code.choose(vanishes, 0.0, x)
    reduced, power = _reduced_exp(within, lifted)
    result = reduced * code.as_lanes(code.builder.shl(power, code.integer_constant(numbers.mantissa)))
    return code.choose(vanishes, 0.0, result if flush else result * 2.0**-lifted)


def exp(x: Lanes, *, flush: bool = False) -> Lanes:
    """Return exp(x), infinite where it overflows; ``flush`` as in ``exp_below``."""
    code, numbers = x.code, _OF_BITS[x.code.bits]
    vanishes = x < (numbers.flushed if flush else numbers.floor)
    reduced, power = _reduced_exp(code.choose(vanishes, 0.0, x).at_most(numbers.top), 0)
    # large results are held down and small ones up, so that the scale is a normal number
    is_small = x < 0.0
    lift = code.builder.select(is_small, code.integer_constant(numbers.lifted), code.integer_constant(-numbers.lifted))
    shift = code.integer_constant(numbers.mantissa)
    scale = code.as_lanes(code.builder.shl(code.builder.add(power, lift), shift))
    result = reduced * scale * code.choose(is_small, 2.0**-numbers.lifted, 2.0**numbers.lifted)
    return code.choose(vanishes, 0.0, result)


def log1p(x: Lanes) -> Lanes:
    """Return log(1 + x) for finite x of 0 or more."""
    code, numbers = x.code, _OF_BITS[x.code.bits]
    builder = code.builder
    u = x + 1.0
    # 1 + x = 2^n f with f between sqrt(1/2) and sqrt(2)
    root = code.as_integers(code.constant(0.5**0.5))
    steps = builder.ashr(builder.sub(code.as_integers(u), root), code.integer_constant(numbers.mantissa))
    f = code.as_lanes(builder.sub(code.as_integers(u), builder.shl(steps, code.integer_constant(numbers.mantissa))))
    n = Lanes(builder.sitofp(steps, code.type), code)
    s = (f - 1.0) / (f + 1.0)
    z = s * s
    lost = (x - (u - 1.0)) / u
    return n * numbers.high + (s * 2.0 + (s * z * _polynomial(z, numbers.log) + (n * numbers.low + lost)))


def _reduced_exp(x: Lanes, lifted: int) -> tuple[Lanes, object]:
    """Return exp(x) / 2^n, and n plus the bias and the lift in the low bits of integers."""
    code, numbers = x.code, _OF_BITS[x.code.bits]
    magic = 1.5 * 2.0**numbers.mantissa + numbers.bias + lifted
    shifted = x * _LOG2_E + magic
    n = shifted - magic
    r = x - n * numbers.high - n * numbers.low
    return _polynomial(r, numbers.exp) * (r * r) + r + 1.0, code.as_integers(shifted)


def _polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """Return sum_j c_j x^j by pairs (Estrin), which leaves no long chain of waiting."""
    terms = [x.code.constant(one) for one in coefficients]
    power = x
    while len(terms) > 1:
        pairs = [terms[i + 1] * power + terms[i] for i in range(0, len(terms) - 1, 2)]
        terms = pairs + terms[2 * len(pairs) :]
        power = power * power
    return terms[0]
