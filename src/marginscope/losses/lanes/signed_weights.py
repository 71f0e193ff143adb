"""The machine code that turns scores into signed weights, for any number of samples and classes.

Scores are (n_classes, n_samples), so that the samples lie on the lanes. In place of v_ik
comes d loss_i / d v_ik exp(-m), the own entry as the negative sum of the others; m is 0, or near
the largest -u so that nothing that matters underflows.
This module imports llvmlite: load it lazily.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from marginscope.losses.lanes.code import Code, Index, Lanes
from marginscope.losses.lanes.functions import exp_below
from marginscope.losses.lanes.templates import Scale, Slots, weigh

__all__ = ["Memory", "WeighingPlan", "write_signed_weights"]

_LOWEST = -1e30


@dataclass(frozen=True)
class WeighingPlan:
    """Settings known to the compiler.

    Attributes
    ----------
    template : str
    n_classes : int
        0 where the code serves any number: a few classes are written out.
    bits, width, contract : of ``Code``
    adjusted : bool
        Whether there are class margins, scales, shifts or weights.
    goal : str
        ``"value"`` gives that of the loss, too; ``"scaled"`` chooses m so that the largest
        weight is of ordinary size; ``"gradient"`` does neither.
    """

    template: str
    n_classes: int
    bits: int
    width: int
    contract: bool
    adjusted: bool
    goal: str


@dataclass(frozen=True)
class Memory:
    """Where everything lies; lengths are those of the scores.

    Attributes
    ----------
    scores : (n_classes, n_samples), a multiple of ``width`` samples
    y : integers of the size of a float
    offsets : (n_classes,) added to the scores
    own_shifts, inverses, factors, weights : (n_samples,)
        c_y, 1 / m_y, omega_i / m_y and omega_i.
    found : (3,) the value, if wanted, the largest weight and m
    """

    scores: Any
    y: Any
    offsets: Any
    own_shifts: Any
    inverses: Any
    factors: Any
    weights: Any
    found: Any


def write_signed_weights(code: Code, plan: WeighingPlan, memory: Memory, n_classes: Any, n_samples: Any) -> None:
    """Write the passes over the blocks of samples."""
    n_blocks = code.builder.sdiv(n_samples, code.index(plan.width))
    room = code.reserve(plan.n_classes) if plan.n_classes else None

    def block(index: Index) -> _Block:
        first = code.times(index, plan.width)
        scores = Slots(code, memory.scores, first, n_samples)
        inside = scores if room is None else Slots(code, room, 0, plan.width)
        return _Block(code, plan, memory, plan.n_classes or n_classes, first, scores, inside)

    scale = None
    if plan.goal == "scaled":
        lowest = code.constant(_LOWEST)
        (largest,) = code.carry(n_blocks, [lowest], lambda i, found: [block(i).largest(found[0])])
        m = code.largest(largest)
        if plan.template != "exponential":
            m = m.at_most(0.0)
        scale = Scale(m, exp_below(m.at_most(0.0)))
        code.store_scalar(code.first(m), memory.found, 2)
    zeros = [code.constant(0.0)] * 2
    total, largest = code.carry(n_blocks, zeros, lambda i, found: block(i).weigh(scale, *found))
    code.store_scalar(code.first(code.sums([total])), memory.found, 0)
    code.store_scalar(code.first(code.largest(largest)), memory.found, 1)


@dataclass(frozen=True)
class _Block:
    """One vector of samples, from sample ``first`` on."""

    code: Code
    plan: WeighingPlan
    memory: Memory
    n_classes: Index
    first: Index
    scores: Slots
    inside: Slots

    def largest(self, found: Lanes) -> Lanes:
        """Return the larger of what was found and -u, over the samples that weigh something."""
        code, own, y = self.code, self._own(), self._y()
        start = code.constant(_LOWEST)
        (x,) = code.carry(self.n_classes, [start], lambda k, x: [x[0].at_least(self._x(k, own, y))])
        if self.plan.adjusted:
            x = code.choose(code.constant(0.0) < code.load(self.memory.factors, self.first), x, _LOWEST)
        return found.at_least(x)

    def weigh(self, scale: Scale | None, total: Lanes, largest: Lanes) -> list[Lanes]:
        """Put the signed weights in place; return the total loss so far and the largest weight."""
        code, own, y = self.code, self._own(), self._y()
        code.each(self.n_classes, lambda k: self.inside.put(k, self._x(k, own, y)), size=4)
        rivals, value = weigh(self.plan.template, self.inside, self.n_classes, scale)
        factor = None
        if self.plan.adjusted:
            factor = code.load(self.memory.factors, self.first)
            value = value * code.load(self.memory.weights, self.first)

        def sign(k: Index, found: list[Lanes]) -> list[Lanes]:
            q, is_own = self.inside.get(k), code.equals(y, k)
            signed = code.choose(is_own, -rivals, q)
            if factor is not None:
                q, signed = q * factor, signed * factor
            self.scores.put(k, signed)
            return [found[0].at_least(q)]  # the own entry is 0 still

        (largest,) = code.carry(self.n_classes, [largest], sign)
        return [total + value if self.plan.goal == "value" else total, largest]

    def _y(self) -> Any:
        return self.code.load_integers(self.memory.y, self.first)

    def _score(self, k: Index) -> Lanes:
        return self.scores.get(k) + self.code.everywhere(self.code.scalar(self.memory.offsets, k))

    def _own(self) -> Lanes:
        """Return the score of the true class, less its own shift."""
        code, y = self.code, self._y()
        (own,) = code.carry(
            self.n_classes,
            [code.constant(0.0)],
            lambda k, found: [code.choose(code.equals(y, k), self._score(k), found[0])],
        )
        return own - code.load(self.memory.own_shifts, self.first) if self.plan.adjusted else own

    def _x(self, k: Index, own: Lanes, y: Any) -> Lanes:
        """Return -u_ik, and minus infinity at the own class."""
        x = self._score(k) - own
        if self.plan.adjusted:
            x = x * self.code.load(self.memory.inverses, self.first)
        return self.code.choose(self.code.equals(y, k), float("-inf"), x)
