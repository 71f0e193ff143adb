"""The compiled function, one per plan.

This module imports numba: load it lazily.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from marginscope.descent.kernels.plan import Plan
from marginscope.descent.kernels.steps import Memory, write_steps
from marginscope.losses.lanes.compiling import code_for, compiled, known_to_the_compiler, pointers

__all__ = ["run_steps"]

known_to_the_compiler(Plan, __file__)


def _write(typing: Any, plan: Any, arrays: Any, step_size: Any, n_steps: Any) -> Any:
    signature = types.void(plan, arrays, step_size, n_steps)

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        settings: Plan = signature.args[0].settings
        memory = Memory(*pointers(context, builder, signature.args[1], args[1]))
        write_steps(code_for(builder, settings), settings, memory, args[2], args[3])
        return context.get_dummy_value()

    return signature, write


_run: Any = intrinsic(_write)


@compiled
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
