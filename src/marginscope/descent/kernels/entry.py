"""The compiled function: one per plan, kept on disk between processes.

The plan travels as the type of an argument, so Numba compiles and caches one function per
plan. The type also holds a hash of the files that write the code: a cache from before a
change of them is never used.
This module imports numba: load it lazily.
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import cgutils
from numba.core.pythonapi import NativeValue
from numba.core.registry import cpu_target
from numba.extending import intrinsic, models, register_model, typeof_impl, unbox

from marginscope.descent.kernels.plan import Plan
from marginscope.descent.kernels.steps import Memory, write_steps
from marginscope.losses import lanes
from marginscope.losses.lanes.code import Code

__all__ = ["PlanType", "has_wide_vectors", "registers", "run_steps"]


@cache
def _source_hash() -> str:
    """Return a hash of all files that write code."""
    folders = [Path(__file__).parent, Path(lanes.__file__).parent]
    total = hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


class PlanType(types.Type):
    """A plan as a type."""

    def __init__(self, plan: Plan, source: str) -> None:
        self.plan = plan
        super().__init__(name=f"Plan({plan}, {source})")


register_model(PlanType)(models.OpaqueModel)


@cache
def _type_of(plan: Plan) -> PlanType:
    return PlanType(plan, _source_hash())


@typeof_impl.register(Plan)
def _typeof(plan: Plan, _: Any) -> PlanType:
    return _type_of(plan)


@unbox(PlanType)  # type: ignore[no-untyped-call, untyped-decorator]
def _unbox(typ: PlanType, _obj: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())  # type: ignore[no-untyped-call]


def registers(vector_bytes: int) -> int:
    """Return how many vectors of this size the processor that Numba compiles for can hold."""
    count, size = (32, 64) if has_wide_vectors() else (16, 32)
    return count * size // max(size, vector_bytes)


def has_wide_vectors() -> bool:
    """Say whether the processor that Numba compiles for has vectors of 64 bytes."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return "+avx512f" in features.split(",")


def _write(typing: Any, plan: Any, arrays: Any, step_size: Any, n_steps: Any) -> Any:
    signature = types.void(plan, arrays, step_size, n_steps)

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        settings: Plan = signature.args[0].plan
        code = Code(builder, settings.bits, settings.width, contract=settings.contract)
        values = cgutils.unpack_tuple(builder, args[1])  # type: ignore[no-untyped-call]
        kinds = signature.args[1]
        data = [context.make_array(one)(context, builder, v).data for one, v in zip(kinds, values, strict=True)]
        write_steps(code, settings, Memory(*data), args[2], args[3])
        return context.get_dummy_value()

    return signature, write


_run: Any = intrinsic(_write)


@numba.njit(nogil=True)
def run_steps(plan: Any, problems: Any, step_sizes: Any, W: Any, scratch: Any, n_steps: Any) -> None:
    """Take steps of every run, in place.

    Parameters
    ----------
    plan : Plan
    problems : starts, X, terms and factors of ``Pack``, stacked; a single one serves all runs
    step_sizes : (n_runs,)
    W : (n_runs, n_classes, row)
    scratch : (n_rivals, row) and (n_blocks, n_classes, width)
    n_steps : int
    """
    starts, X, terms, factors = problems
    differences, G = scratch
    for run in range(W.shape[0]):
        data = run if X.shape[0] > 1 else 0
        arrays = (starts[data], X[data], terms[data], factors[data], W[run], differences, G)
        _run(plan, arrays, step_sizes[run], n_steps)


# where no folder can be written to, every process compiles anew
with contextlib.suppress(RuntimeError):
    run_steps.enable_caching()
