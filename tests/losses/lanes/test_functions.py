"""exp and log1p on lanes against mpmath, over the whole range, in both precisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numba import types
from numba.extending import intrinsic

from marginscope.losses.lanes import functions
from marginscope.losses.lanes.compiling import code_for, compiled, known_to_the_compiler, pointers

TYPES = {64: np.float64, 32: np.float32}
every_precision = pytest.mark.parametrize("bits", [64, 32])
every_rounding = pytest.mark.parametrize("contract", [True, False], ids=["contracted", "plain"])


@dataclass(frozen=True)
class Call:
    function: str
    flush: bool
    bits: int
    contract: bool
    width: int = 8


known_to_the_compiler(Call, __file__)


def _write(typing: Any, call: Any, arrays: Any, n_blocks: Any) -> Any:
    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        settings = signature.args[0].settings
        code = code_for(builder, settings)
        x, y = pointers(context, builder, signature.args[1], args[1])
        function = getattr(functions, settings.function)
        more = {"flush": True} if settings.flush else {}
        code.each(args[2], lambda i: code.store(function(code.load(x, code.times(i, 8)), **more), y, code.times(i, 8)))
        return context.get_dummy_value()

    return types.void(call, arrays, n_blocks), write


_apply = intrinsic(_write)


@compiled
def _over_blocks(call, arrays, n_blocks):
    _apply(call, arrays, n_blocks)


def apply(function: str, x: Any, bits: int, contract: bool, flush: bool = False) -> Any:
    values = np.zeros(-(-len(x) // 8) * 8, TYPES[bits])
    values[: len(x)] = x
    out = np.empty_like(values)
    _over_blocks(Call(function, flush, bits, contract), (values, out), len(values) // 8)
    return out[: len(x)]


def units_off(got: Any, x: Any, exact: Any) -> float:
    """Return the largest error in units in the last place; below the normal numbers the unit is the smallest one."""
    with mp.workdps(50):
        return max(
            float(abs(mp.mpf(float(g)) - exact(mp.mpf(float(one)))) / mp.mpf(float(np.spacing(np.abs(g)))))
            for g, one in zip(got, x, strict=True)
        )


@every_rounding
@every_precision
@pytest.mark.parametrize("function", ["exp", "exp_below"])
def test_exp_is_accurate_to_the_last_places(function, bits, contract):
    rng = np.random.default_rng(bits)
    low, top, ceiling = (-746.0, 709.7, functions.CEILING[64]) if bits == 64 else (-104.0, 88.7, functions.CEILING[32])
    high = top if function == "exp" else ceiling
    x = np.concatenate(
        [rng.uniform(low, high, 1500), rng.uniform(-1, 1, 500), rng.normal(size=300) * 1e-9, [0.0, high]]
    )
    x = x.astype(TYPES[bits])
    got = apply(function, x, bits, contract)
    assert units_off(got, x, mp.exp) < 2.0
    assert got[x == 0.0] == 1.0


@every_precision
def test_exp_underflows_gradually_and_to_nothing(bits):
    lowest, half = (-745.13, -745.14) if bits == 64 else (-103.97, -103.98)
    for function in ("exp", "exp_below"):
        got = apply(function, [lowest, half, -1e30, -np.inf], bits, True)
        assert got[0] == np.finfo(TYPES[bits]).smallest_subnormal
        assert not got[1:].any()


@every_precision
def test_exp_overflows_and_keeps_what_is_no_number(bits):
    top = 709.79 if bits == 64 else 88.73
    with np.errstate(invalid="ignore"):
        assert np.array_equal(apply("exp", [top, 1e30, np.inf], bits, True), [np.inf] * 3)
        for function in ("exp", "exp_below", "log1p"):
            assert np.isnan(apply(function, [np.nan], bits, True)).all()


@every_precision
@pytest.mark.parametrize("function", ["exp", "exp_below"])
def test_flushing_changes_nothing_but_the_smallest_results(function, bits):
    x = np.linspace(-800.0 if bits == 64 else -120.0, 60.0, 4001).astype(TYPES[bits])
    flushed, kept = (apply(function, x, bits, True, flush=flush) for flush in (True, False))
    small = x < (-690.0 if bits == 64 else -78.0)
    assert not flushed[small].any()
    # the last product of the form that underflows gradually is by a power of two, so exact
    assert np.array_equal(flushed[~small], kept[~small])


@every_rounding
@every_precision
def test_log1p_is_accurate_to_the_last_places(bits, contract):
    rng = np.random.default_rng(bits)
    largest = 300 if bits == 64 else 30
    x = np.concatenate([10.0 ** rng.uniform(-largest, largest, 2000), rng.uniform(0, 3, 500), [0.0]]).astype(
        TYPES[bits]
    )
    got = apply("log1p", x, bits, contract)
    assert units_off(got, x, mp.log1p) < 3.0
