"""Vectors of lanes as Python values: arithmetic on them writes LLVM instructions.

A kernel is a Python program that runs once, at compile time. Python integers and loops
(the number of classes, of features) are then constants in the machine code, and a sample
is one lane of every vector. Nothing is left to the vectoriser of a compiler, so sums
run in the same order on every machine; with ``contract`` a product and a sum may become
one instruction, without it every operation is rounded as it is written.

This module imports llvmlite: load it lazily.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from llvmlite import ir

__all__ = ["Code", "Index", "Lanes"]

Index = int | Any
_INDEX = ir.IntType(64)
_WRITTEN_OUT = 320


@dataclass(frozen=True, eq=False)
class Lanes:
    """One value per lane; operators write the instruction."""

    value: Any
    code: Code

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fadd, other)

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fsub, other)

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fmul, other)

    def __truediv__(self, other: Lanes | float) -> Lanes:
        return self._with(self.code.builder.fdiv, other)

    def __rsub__(self, other: float) -> Lanes:
        return self.code.constant(other) - self

    def __rtruediv__(self, other: float) -> Lanes:
        return self.code.constant(other) / self

    def __radd__(self, other: float) -> Lanes:
        return self + other

    def __rmul__(self, other: float) -> Lanes:
        return self * other

    def __lt__(self, other: Lanes | float) -> Any:
        return self.code.builder.fcmp_ordered("<", self.value, self.code.lanes(other).value)

    def __neg__(self) -> Lanes:
        return Lanes(self.code.builder.fneg(self.value), self.code)

    def at_least(self, floor: Lanes | float) -> Lanes:
        """Return the larger; not a number stays so."""
        return self.code.choose(self < floor, floor, self)

    def at_most(self, ceiling: Lanes | float) -> Lanes:
        """Return the smaller; not a number stays so."""
        ceiling = self.code.lanes(ceiling)
        return self.code.choose(ceiling < self, ceiling, self)

    def _with(self, instruction: Callable[..., Any], other: Lanes | float) -> Lanes:
        other = self.code.lanes(other)
        return Lanes(instruction(self.value, other.value, flags=self.code.flags), self.code)


class Code:
    """Where the instructions go, and the width and precision of the lanes.

    Parameters
    ----------
    builder : llvmlite.ir.IRBuilder
    bits : int
        64 or 32, of the floats.
    width : int
        Number of lanes, a power of two.
    contract : bool
        Whether a product and a sum may become one rounding.
    """

    def __init__(self, builder: Any, bits: int, width: int, *, contract: bool) -> None:
        self.builder = builder
        self.bits = bits
        self.width = width
        self.flags = ("contract",) if contract else ()
        self.real = ir.DoubleType() if bits == 64 else ir.FloatType()
        self.integer = ir.IntType(bits)
        self.type = ir.VectorType(self.real, width)
        self.integers = ir.VectorType(self.integer, width)

    def constant(self, value: float) -> Lanes:
        """Return the same number in every lane."""
        return Lanes(ir.Constant(self.type, [ir.Constant(self.real, value)] * self.width), self)

    def lanes(self, value: Lanes | float) -> Lanes:
        """Return lanes as they are, and a number in every lane."""
        return value if isinstance(value, Lanes) else self.constant(value)

    def choose(self, condition: Any, yes: Lanes | float, no: Lanes | float) -> Lanes:
        """Return one of two values, lane by lane."""
        return Lanes(self.builder.select(condition, self.lanes(yes).value, self.lanes(no).value), self)

    def index(self, value: Index) -> Any:
        """Return an index as LLVM takes it."""
        return ir.Constant(_INDEX, value) if isinstance(value, int) else value

    def plus(self, *terms: Index) -> Index:
        """Return the sum of indices, in Python as far as they are known."""
        total: Index = sum(one for one in terms if isinstance(one, int))
        for one in terms:
            if not isinstance(one, int):
                total = one if isinstance(total, int) and total == 0 else self.builder.add(self.index(total), one)
        return total

    def times(self, left: Index, right: Index) -> Index:
        """Return the product of indices."""
        if isinstance(left, int) and isinstance(right, int):
            return left * right
        return self.builder.mul(self.index(left), self.index(right))

    def address(self, start: Any, offset: Index) -> Any:
        """Return where the element at an offset lies."""
        return self.builder.gep(start, [self.index(offset)], inbounds=True)

    def load(self, start: Any, offset: Index = 0) -> Lanes:
        """Return consecutive elements, one in each lane."""
        place = self.builder.bitcast(self.address(start, offset), self.type.as_pointer())
        return Lanes(self.builder.load(place, align=self.bits // 8), self)

    def store(self, value: Lanes, start: Any, offset: Index = 0) -> None:
        """Write the lanes to consecutive elements."""
        place = self.builder.bitcast(self.address(start, offset), self.type.as_pointer())
        self.builder.store(value.value, place, align=self.bits // 8)

    def load_integers(self, start: Any, offset: Index) -> Any:
        """Return consecutive integers of the size of a float."""
        place = self.builder.bitcast(self.address(start, offset), self.integers.as_pointer())
        return self.builder.load(place, align=self.bits // 8)

    def equals(self, integers: Any, index: Index) -> Any:
        """Return which of the integers equal an index."""
        one = self.builder.trunc(self.index(index), self.integer) if self.bits < 64 else self.index(index)
        return self.builder.icmp_signed("==", integers, self._spread(one, self.integers))

    def store_scalar(self, value: Any, start: Any, offset: Index) -> None:
        """Write one element."""
        self.builder.store(value, self.address(start, offset))

    def scalar(self, start: Any, offset: Index = 0) -> Any:
        """Return one element of an array of floats or of integers."""
        return self.builder.load(self.address(start, offset))

    def everywhere(self, scalar: Any) -> Lanes:
        """Return a scalar in every lane."""
        return Lanes(self._spread(scalar, self.type), self)

    def reserve(self, count: int) -> Any:
        """Return room for so many vectors, on the stack; constant offsets end up in registers."""
        with self.builder.goto_entry_block():
            room = self.builder.alloca(self.type, count)
            room.align = self.width * self.bits // 8
            return self.builder.bitcast(room, self.real.as_pointer())

    def carry(
        self,
        count: Index,
        start: Sequence[Lanes],
        body: Callable[[Index, list[Lanes]], Sequence[Lanes]],
        *,
        size: int = 1,
    ) -> list[Lanes]:
        """Run ``values = body(index, values)`` for index 0..count - 1 and return the values.

        A loop of known count is written out where it has few instructions, ``size`` of them each time.
        """
        values = list(start)
        if isinstance(count, int) and count * size <= _WRITTEN_OUT:
            for step in range(count):
                values = list(body(step, values))
            return values
        builder = self.builder
        before, inside, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.cbranch(builder.icmp_signed(">", self.index(count), self.index(0)), inside, after)
        builder.position_at_end(inside)
        index = builder.phi(_INDEX)
        carried = [builder.phi(self.type) for _ in values]
        results = list(body(index, [Lanes(one, self) for one in carried]))
        following = builder.add(index, self.index(1))
        end = builder.block
        builder.cbranch(builder.icmp_signed("<", following, self.index(count)), inside, after)
        builder.position_at_end(after)
        found = [builder.phi(self.type) for _ in values]
        for phi, first, later in [(index, self.index(0), following), *_flows(carried, values, results)]:
            phi.add_incoming(first, before)
            phi.add_incoming(later, end)
        for phi, first, later in _flows(found, values, results):
            phi.add_incoming(first, before)
            phi.add_incoming(later, end)
        return [Lanes(one, self) for one in found]

    def each(self, count: Index, body: Callable[[Index], None], *, size: int = 1) -> None:
        """Run ``body(index)`` for index 0..count - 1."""

        def once(index: Index, _: list[Lanes]) -> list[Lanes]:
            body(index)
            return []

        self.carry(count, [], once, size=size)

    def outline(self, name: str, arguments: Sequence[Any], body: Callable[[Code, Sequence[Any]], None]) -> None:
        """Call a function of its own with these arguments: its registers are then its own, too."""
        module = self.builder.module
        signature = ir.FunctionType(ir.VoidType(), [one.type for one in arguments])
        function = ir.Function(module, signature, module.get_unique_name(name))
        function.linkage = "internal"
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        body(Code(builder, self.bits, self.width, contract=bool(self.flags)), function.args)
        builder.ret_void()
        self.builder.call(function, arguments)

    def sums(self, vectors: Sequence[Lanes]) -> Lanes:
        """Return the sum over the lanes of each vector, vector j in lane j, zeros behind.

        Halves are added to halves, so the order is fixed.
        """
        rows = [*vectors, *[self.constant(0.0)] * (self.width - len(vectors))]
        half = self.width // 2
        while half:
            low = [lane + group for group in range(0, 2 * self.width, 2 * half) for lane in range(half)]
            high = [lane + half for lane in low]
            rows = [
                Lanes(self._shuffle(left.value, right.value, low), self)
                + Lanes(self._shuffle(left.value, right.value, high), self)
                for left, right in zip(rows[::2], rows[1::2], strict=True)
            ]
            half //= 2
        return rows[0]

    def largest(self, vector: Lanes) -> Lanes:
        """Return the largest lane, in every lane."""
        half = self.width // 2
        while half:
            turned = [(lane + half) % self.width for lane in range(self.width)]
            vector = vector.at_least(Lanes(self._shuffle(vector.value, vector.value, turned), self))
            half //= 2
        return vector

    def first(self, vector: Lanes) -> Any:
        """Return the lane 0."""
        return self.builder.extract_element(vector.value, ir.Constant(ir.IntType(32), 0))

    def as_integers(self, vector: Lanes) -> Any:
        """Return the bits of every lane."""
        return self.builder.bitcast(vector.value, self.integers)

    def as_lanes(self, integers: Any) -> Lanes:
        """Return floats with these bits."""
        return Lanes(self.builder.bitcast(integers, self.type), self)

    def integer_constant(self, value: int) -> Any:
        """Return the same integer in every lane."""
        return ir.Constant(self.integers, [ir.Constant(self.integer, value)] * self.width)

    def _spread(self, scalar: Any, vectors: Any) -> Any:
        undefined = ir.Constant(vectors, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        return self._shuffle(first, undefined, [0] * self.width)

    def _shuffle(self, left: Any, right: Any, lanes: Sequence[int]) -> Any:
        places = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), [ir.Constant(ir.IntType(32), i) for i in lanes])
        return self.builder.shuffle_vector(left, right, places)


def _flows(phis: Sequence[Any], first: Sequence[Lanes], later: Sequence[Lanes]) -> list[tuple[Any, Any, Any]]:
    return [(phi, a.value, b.value) for phi, a, b in zip(phis, first, cast(Any, later), strict=True)]
