"""The machine code of many steps W <- W - eta grad R(W).

Samples lie on the lanes, sorted by class: the rows of a block share their class y, so only
the K - 1 rivals cost a product and an exponential,

    x_r = <w_r - w_y, x>,   q = weights(x),   G_r = q_r,   G_y = -sum_r q_r,   W <- W - eta G' X

Rows of zeros fill the last block of a class; they have weights but add nothing.
This module imports llvmlite: load it lazily.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from marginscope.descent.kernels.plan import Plan, tiles
from marginscope.losses.lanes.code import Code, Index, Lanes
from marginscope.losses.lanes.templates import Slots, weigh

__all__ = ["Memory", "write_steps"]

_MOST_RIVALS_AT_ONCE = 6
_NEVER_WRITTEN_OUT = 10**6


@dataclass(frozen=True)
class Memory:
    """Where everything of one run lies.

    Attributes
    ----------
    starts : (n_classes + 1,) first block of every class
    X : (n_blocks, n_features, width)
    terms : the numbers per class, see ``Pack``
    factors : (n_blocks, width) weight of every sample, divided by the margin of its class
    W : (n_classes, row)
    differences : (n_rivals, row) scratch
    G : (n_blocks, n_classes, width) scratch
    """

    starts: Any
    X: Any
    terms: Any
    factors: Any
    W: Any
    differences: Any
    G: Any


def write_steps(code: Code, plan: Plan, memory: Memory, step_size: Any, n_steps: Index) -> None:
    """Write the loop over the steps."""
    pointers = [getattr(memory, one.name) for one in fields(memory)]

    # two functions: constants of the exponential would hold the registers that the sums need
    def weigh_all(inner: Code, arguments: Sequence[Any]) -> None:
        data = Memory(*arguments)
        inner.each(plan.n_classes, lambda y: _weigh_class(inner, plan, data, y), size=_NEVER_WRITTEN_OUT)

    def descend(inner: Code, arguments: Sequence[Any]) -> None:
        _descend(inner, plan, Memory(*arguments[1:]), inner.everywhere(arguments[0]))

    def step(_: Index) -> None:
        code.outline("weigh", pointers, weigh_all)
        code.outline("descend", [step_size, *pointers], descend)

    code.each(n_steps, step)


def _weigh_class(code: Code, plan: Plan, memory: Memory, y: Any) -> None:
    """Fill the rows of G that belong to class y."""
    code.each(plan.n_rivals, lambda r: _subtract(code, plan, memory, r, y), size=4 * plan.row // plan.width)
    slots = Slots(code, code.reserve(plan.n_rivals), 0, plan.width)
    first, end = code.scalar(memory.starts, y), code.scalar(memory.starts, code.plus(y, 1))

    def weigh_block(index: Index) -> None:
        block = code.plus(first, index)
        X = code.address(memory.X, code.times(block, plan.n_features * plan.width))
        _fill(code, plan, memory, X, slots, y)
        total, _ = weigh(plan.template, slots, plan.n_rivals, flush=True)
        G = code.address(memory.G, code.times(block, plan.n_classes * plan.width))
        factor = code.load(memory.factors, code.times(block, plan.width)) if plan.adjusted else None

        def put(k: Index, q: Lanes) -> None:
            code.store(q if factor is None else q * factor, G, code.times(k, plan.width))

        code.each(plan.n_rivals, lambda r: put(_rival(code, r, y), slots.get(r)), size=2)
        put(y, -total)

    code.each(code.builder.sub(end, first), weigh_block)


def _subtract(code: Code, plan: Plan, memory: Memory, r: Index, y: Any) -> None:
    """Write w_r - w_y, each scaled where the classes are adjusted."""
    k = _rival(code, r, y)
    own_row, row, out = code.times(y, plan.row), code.times(k, plan.row), code.times(r, plan.row)
    own_scale = rival_scale = None
    if plan.adjusted:
        own_scale = code.everywhere(code.scalar(memory.terms, y))
        place = code.plus(code.times(y, plan.n_rivals), r, 2 * plan.n_classes)
        rival_scale = code.everywhere(code.scalar(memory.terms, place))

    def subtract(tile: Index) -> None:
        j = code.times(tile, plan.width)
        own, rival = code.load(memory.W, code.plus(own_row, j)), code.load(memory.W, code.plus(row, j))
        if own_scale is not None and rival_scale is not None:
            own, rival = own * own_scale, rival * rival_scale
        code.store(rival - own, memory.differences, code.plus(out, j))

    code.each(plan.row // plan.width, subtract, size=4)


def _rival(code: Code, r: Index, y: Any) -> Index:
    """Return the class of rival r: the own class is passed over."""
    passed = code.builder.zext(code.builder.icmp_signed(">=", code.index(r), y), code.index(0).type)
    return code.plus(r, passed)


def _fill(code: Code, plan: Plan, memory: Memory, X: Any, slots: Slots, y: Any) -> None:
    """Put x_r of one block into the slots."""
    size, full, rest = tiles(plan.n_rivals, _MOST_RIVALS_AT_ONCE)

    def fill(first: Index, count: int) -> None:
        rivals = [code.plus(first, t) for t in range(count)]
        rows = [code.times(r, plan.row) for r in rivals]
        found = [_start(code, plan, memory, r, y) for r in rivals]

        def add(column: Index, place: Index, found: list[Lanes]) -> list[Lanes]:
            x = code.load(X, code.times(column, plan.width))
            w = [code.everywhere(code.scalar(memory.differences, code.plus(row, place))) for row in rows]
            return [one * x + total for one, total in zip(w, found, strict=True)]

        def add_tile(tile: Index, found: list[Lanes], n_columns: int) -> list[Lanes]:
            for j in range(n_columns):
                column = code.plus(code.times(tile, n_full), j)
                found = add(column, code.plus(code.times(tile, plan.width), j), found)
            return found

        n_full, full_tiles, rest_columns = plan.column_tiles
        found = code.carry(full_tiles, found, lambda t, x: add_tile(t, x, n_full), size=2 * count * n_full)
        for r, x in zip(rivals, add_tile(full_tiles, found, rest_columns), strict=True):
            slots.put(r, x)

    code.each(full, lambda tile: fill(code.times(tile, size), size), size=3 * size * plan.n_features)
    if rest:
        fill(full * size, rest)


def _start(code: Code, plan: Plan, memory: Memory, r: Index, y: Any) -> Lanes:
    """Return the shift of a pair."""
    if not plan.adjusted:
        return code.constant(0.0)
    offsets = plan.n_classes * (2 + plan.n_rivals)
    place = code.plus(code.times(y, plan.n_rivals), r, offsets)
    return code.everywhere(code.scalar(memory.terms, place))


def _descend(code: Code, plan: Plan, memory: Memory, eta: Lanes) -> None:
    """Subtract eta G' X from W, a tile of classes and features at a time."""
    (n_rows, full_rows, rest_rows), (n_columns, full_columns, rest_columns) = plan.row_tiles, plan.column_tiles

    def across(row: Index, rows: int) -> None:
        def tile(index: Index, columns: int) -> None:
            _descend_tile(code, plan, memory, eta, (row, rows), (index, columns))

        size = 8 * rows * n_columns
        code.each(full_columns, lambda t: tile(t, n_columns), size=size)
        if rest_columns:
            tile(full_columns, rest_columns)

    code.each(full_rows, lambda t: across(code.times(t, n_rows), n_rows), size=8 * n_rows * plan.n_features)
    if rest_rows:
        across(full_rows * n_rows, rest_rows)


def _descend_tile(
    code: Code, plan: Plan, memory: Memory, eta: Lanes, rows: tuple[Index, int], columns: tuple[Index, int]
) -> None:
    (row, n_rows), (tile, n_columns) = rows, columns
    column = code.times(tile, plan.column_tiles[0])
    n_blocks = code.scalar(memory.starts, plan.n_classes)

    def add(block: Index, found: list[Lanes]) -> list[Lanes]:
        G = code.address(memory.G, code.times(code.plus(code.times(block, plan.n_classes), row), plan.width))
        X = code.address(memory.X, code.times(code.plus(code.times(block, plan.n_features), column), plan.width))
        g = [code.load(G, k * plan.width) for k in range(n_rows)]
        x = [code.load(X, j * plan.width) for j in range(n_columns)]
        return [g[k] * x[j] + found[k * n_columns + j] for k in range(n_rows) for j in range(n_columns)]

    sums = code.carry(n_blocks, [code.constant(0.0)] * (n_rows * n_columns), add)
    for k in range(n_rows):
        gradient = code.sums(sums[k * n_columns : (k + 1) * n_columns])
        if plan.adjusted:
            gradient = gradient * code.everywhere(code.scalar(memory.terms, code.plus(row, k, plan.n_classes)))
        place = code.plus(code.times(code.plus(row, k), plan.row), code.times(tile, plan.width))
        code.store(code.load(memory.W, place) - eta * gradient, memory.W, place)
