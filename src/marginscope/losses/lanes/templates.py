"""Weights and losses of the templates, one sample a lane.

With x_r = -u_r over the rivals r of a sample and a number m,

    cross_entropy   q_r exp(-m) = e_r / (1 + exp(m) sum e),  e_r = exp(x_r - m)
    pair_logistic   q_r exp(-m) = e_r / (1 + exp(m) e_r)
    exponential     q_r exp(-m) = e_r

so that one form serves m = 0 and margins of any size: with m near the largest x nothing
that matters underflows. A rival at x = -inf weighs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from marginscope.losses.lanes.code import Code, Index, Lanes
from marginscope.losses.lanes.functions import exp, exp_below, log1p

__all__ = ["Scale", "Slots", "weigh"]

# e beyond it: 1 + e = e, and what e stands against is nothing
_SATURATED = {64: 40.0, 32: 20.0}
# instructions of one exponential, about
_EXP = 24
_LIFTED_FROM = {64: 600.0, 32: 60.0}


@dataclass(frozen=True)
class Slots:
    """Vectors at equal distances in memory: slot r is that of rival r."""

    code: Code
    start: Any
    offset: Index
    stride: Index

    def get(self, r: Index) -> Lanes:
        return self.code.load(self.start, self._place(r))

    def put(self, r: Index, value: Lanes) -> None:
        self.code.store(value, self.start, self._place(r))

    def _place(self, r: Index) -> Index:
        return self.code.plus(self.offset, self.code.times(r, self.stride))


@dataclass(frozen=True)
class Scale:
    """The number m, at most 0 except for ``exponential``, and exp(m)."""

    log: Lanes
    unit: Lanes


def weigh(
    template: str, slots: Slots, count: Index, scale: Scale | None = None, *, flush: bool = False
) -> tuple[Lanes, Lanes]:
    """Turn x in the slots into q exp(-m), and return the sum of these and the template's value.

    The value is right for m = 0 only.
    """
    return _WEIGH[template](slots, count, scale, flush)


def _cross_entropy(slots: Slots, count: Index, scale: Scale | None, flush: bool) -> tuple[Lanes, Lanes]:
    code = slots.code
    zero = code.constant(0.0)
    (largest,) = code.carry(
        count, [zero if scale is None else scale.log], lambda r, found: [found[0].at_least(slots.get(r))]
    )
    # far beyond 0 the terms are divided by exp(lift), beside which the 1 is nothing
    if scale is None:
        lift = shift = (largest - _LIFTED_FROM[code.bits]).at_least(0.0)
    else:
        lift = (largest - scale.log - _LIFTED_FROM[code.bits]).at_least(0.0)
        shift = scale.log + lift

    def term(r: Index, found: list[Lanes]) -> list[Lanes]:
        e = exp_below(slots.get(r) - shift, flush=flush)
        slots.put(r, e)
        return [found[0] + e]

    (total,) = code.carry(count, [zero], term, size=_EXP)
    inverse = 1.0 / ((total if scale is None else total * scale.unit) + 1.0)
    code.each(count, lambda r: slots.put(r, slots.get(r) * inverse))
    return total * inverse, lift + log1p(total)


def _pair_logistic(slots: Slots, count: Index, scale: Scale | None, flush: bool) -> tuple[Lanes, Lanes]:
    code = slots.code
    top = _SATURATED[code.bits]

    def one(r: Index) -> tuple[Lanes, Lanes, Lanes]:
        x = slots.get(r)
        shifted = x if scale is None else x - scale.log
        e = exp_below(shifted.at_most(top), flush=flush)
        return e, (e if scale is None else e * scale.unit) + 1.0, log1p(e) + (shifted - top).at_least(0.0)

    def two(pair: Index, found: list[Lanes]) -> list[Lanes]:
        r = code.times(pair, 2)
        (e, d, value), (other_e, other_d, other_value) = one(r), one(code.plus(r, 1))
        inverse = 1.0 / (d * other_d)  # a division costs as much as an exponential
        q, other_q = e * other_d * inverse, other_e * d * inverse
        slots.put(r, q)
        slots.put(code.plus(r, 1), other_q)
        return [found[0] + q + other_q, found[1] + value + other_value]

    def last(r: Index, found: list[Lanes]) -> list[Lanes]:
        e, d, value = one(r)
        q = e / d
        slots.put(r, q)
        return [found[0] + q, found[1] + value]

    zeros = [code.constant(0.0)] * 2
    if isinstance(count, int):
        found = code.carry(count // 2, zeros, two, size=2 * _EXP)
        if count % 2:
            found = last(count - 1, found)
    else:
        found = code.carry(count, zeros, last, size=_EXP)
    return found[0], found[1]


def _exponential(slots: Slots, count: Index, scale: Scale | None, flush: bool) -> tuple[Lanes, Lanes]:
    def term(r: Index, found: list[Lanes]) -> list[Lanes]:
        x = slots.get(r)
        q = exp(x if scale is None else x - scale.log, flush=flush)
        slots.put(r, q)
        return [found[0] + q]

    (total,) = slots.code.carry(count, [slots.code.constant(0.0)], term, size=_EXP)
    return total, total


_WEIGH: dict[str, Callable[[Slots, Index, Scale | None, bool], tuple[Lanes, Lanes]]] = {
    "cross_entropy": _cross_entropy,
    "pair_logistic": _pair_logistic,
    "exponential": _exponential,
}
