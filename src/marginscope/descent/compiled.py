"""Full-batch gradient descent in machine code, for data that fits the cache.

    W <- W - eta grad R(W)

Many runs advance side by side, each on one thread from its first step to its last, so the
result does not depend on the number of threads. The code is written for the sizes at hand
and compiled on first use, in a fraction of a second; later processes find it on disk.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from marginscope._validation import look_up
from marginscope.descent.kernels.pack import Pack, aligned, block_starts, pack, stacked
from marginscope.descent.kernels.plan import Plan
from marginscope.exceptions import UsageError
from marginscope.geometry.margins import is_sparse
from marginscope.losses.adjust import Adjustment
from marginscope.losses.lanes import has_machine_code
from marginscope.objectives import LinearObjective

__all__ = ["CompiledDescent", "Kernel", "compiled_descent"]

Kernel = Literal["fast", "portable"]
Floats = NDArray[Any]

_LARGEST_BYTES = 512 * 1024
_PORTABLE_BYTES = 64
# multiplications and additions beyond which a second thread pays
_WORTH_A_THREAD = 4e6


def compiled_descent(
    objective: LinearObjective | Sequence[LinearObjective],
    *,
    kernel: Kernel = "fast",
    dtype: Any = np.float64,
    n_threads: int | None = None,
) -> CompiledDescent | None:
    """Return gradient descent on an objective, compiled, or ``None`` where there is none.

    There is one for cross-entropy, PairLogLoss and the exponential loss, with any adjustment,
    without a ridge, on dense data that fits the L2 cache.

    Parameters
    ----------
    objective : LinearObjective or sequence of them
        One for all runs, or one for each, which agree in template and shape.
    kernel : {"fast", "portable"}
        ``"fast"`` repeats its bytes on the same machine with the same versions installed;
        ``"portable"`` on every machine, as nothing in it depends on the processor.
    dtype : float64 or float32
    n_threads : int, optional
        At most so many; all processors that this process may use unless given.

    Raises
    ------
    UsageError
        If the kernel or the dtype has another name, or the objectives differ in shape.

    Examples
    --------
    >>> from marginscope.losses import get
    >>> objective = LinearObjective(get("cross_entropy"), np.array([[1.0], [-1.0]]), np.array([0, 1]), 2)
    >>> descend = compiled_descent(objective, kernel="portable")
    >>> descend(np.zeros((2, 1)), 0.1, 1)
    array([[ 0.1],
           [-0.1]])
    """
    look_up("kernel", kernel, {name: name for name in get_args(Kernel)})
    bits = {np.dtype(np.float64): 64, np.dtype(np.float32): 32}.get(np.dtype(dtype))
    if bits is None:
        raise UsageError(f"dtype needs to be float64 or float32, but got {dtype!r}; W is converted to it")
    objectives = [objective] if isinstance(objective, LinearObjective) else list(objective)
    _check_alike(objectives)
    if not all(_is_plain(one) for one in objectives):
        return None
    plan = _plan(objectives, kernel, bits)
    if plan is None:
        return None
    n_blocks = max(int(block_starts(one.y, plan.n_classes, plan.width)[-1]) for one in objectives)
    packs = [pack(one, plan, n_blocks) for one in objectives]
    return CompiledDescent(plan, packs, n_threads or _processors())


@dataclasses.dataclass(frozen=True, eq=False)
class CompiledDescent:
    """Gradient descent on one problem, or on one for each run; see ``compiled_descent``."""

    plan: Plan
    packs: Sequence[Pack]
    n_threads: int

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave the threads behind when sent to another process."""
        return CompiledDescent, (self.plan, self.packs, self.n_threads)

    def __call__(self, W: ArrayLike, step_size: ArrayLike, n_steps: int) -> Floats:
        """Return W after more steps: n and then m steps give the bytes of n + m.

        Parameters
        ----------
        W : (n_classes, n_features) or (n_runs, n_classes, n_features)
        step_size : float or (n_runs,)
            Of the gradient of R, which is a sum over the rows.
        n_steps : int

        Raises
        ------
        UsageError
            If the shapes do not fit the problem.
        """
        plan, given = self.plan, np.asarray(W)
        self._check(given, n_steps)
        runs = given.reshape(-1, plan.n_classes, plan.n_features)
        dtype = self.packs[0].X.dtype
        sizes = np.ascontiguousarray(np.broadcast_to(np.asarray(step_size, dtype=dtype), len(runs)))
        inside = aligned((len(runs), plan.n_classes, plan.row), dtype)
        inside[:, :, plan.places] = runs
        parts = self._parts(len(runs), n_steps)
        if len(parts) == 1:
            self._advance(inside, sizes, n_steps, parts[0])
        else:
            list(self._pool.map(lambda part: self._advance(inside, sizes, n_steps, part), parts))
        return np.ascontiguousarray(inside[:, :, plan.places]).reshape(given.shape)

    def _advance(self, inside: Floats, sizes: Floats, n_steps: int, part: slice) -> None:
        """Take the steps of some of the runs."""
        from marginscope.descent.kernels.entry import run_steps

        plan, (starts, X, terms, factors) = self.plan, self._problems
        problems = (starts, X, terms, factors)
        if len(X) > 1:
            problems = (starts[part], X[part], terms[part], factors[part])
        scratch = (
            aligned((plan.n_rivals, plan.row), X.dtype),
            aligned((X.shape[1], plan.n_classes, plan.width), X.dtype),
        )
        run_steps(plan, problems, sizes[part], inside[part], scratch, n_steps)

    def _parts(self, n_runs: int, n_steps: int) -> list[slice]:
        """Split the runs among the threads, each of which gets a few parts so that none waits long."""
        plan = self.plan
        work = 4.0 * n_runs * n_steps * self._problems[1][0].size * plan.n_classes
        if self.n_threads == 1 or work < _WORTH_A_THREAD:
            return [slice(0, n_runs)]
        size = -(-n_runs // (4 * self.n_threads))
        return [slice(first, first + size) for first in range(0, n_runs, size)]

    @cached_property
    def _problems(self) -> tuple[Floats, Floats, Floats, Floats]:
        starts, X, terms, factors = zip(
            *[(one.starts, one.X, one.terms, one.factors) for one in self.packs], strict=True
        )
        return stacked(starts), stacked(X), stacked(terms), stacked(factors)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.n_threads, thread_name_prefix="marginscope-descent")

    def _check(self, W: NDArray[Any], n_steps: int) -> None:
        one = (self.plan.n_classes, self.plan.n_features)
        n_problems = len(self.packs)
        if W.shape[-2:] != one or W.ndim > 3 or (n_problems > 1 and W.shape[:-2] != (n_problems,)):
            need = f"{one} or (n_runs, {one[0]}, {one[1]})" if n_problems == 1 else str((n_problems, *one))
            raise UsageError(f"W needs the shape {need}, but got {W.shape}; one matrix for each run")
        if n_steps < 0:
            raise UsageError(f"n_steps needs to be 0 or more, but got {n_steps!r}; descent does not go back")


def _check_alike(objectives: Sequence[LinearObjective]) -> None:
    if not objectives:
        raise UsageError("an objective is needed, but got none; give one, or one for each run")
    kinds = {(type(one.template), one.shape, one.fit_intercept) for one in objectives}
    if len(kinds) > 1:
        raise UsageError(
            f"objectives of one template and shape are needed, but got {len(kinds)} kinds; compile them one by one"
        )


def _is_plain(objective: LinearObjective) -> bool:
    return has_machine_code(objective.template) and objective.ridge == 0.0 and not is_sparse(objective.X)


def _plan(objectives: Sequence[LinearObjective], kernel: Kernel, bits: int) -> Plan | None:
    """Return the plan, or ``None`` where the data does not fit the cache."""
    from marginscope.losses.lanes.compiling import has_wide_vectors, registers

    vector_bytes = _PORTABLE_BYTES if kernel == "portable" or has_wide_vectors() else _PORTABLE_BYTES // 2
    plan = Plan(
        template=objectives[0].template.name,
        n_classes=objectives[0].n_classes,
        n_features=objectives[0].shape[1],
        bits=bits,
        width=vector_bytes * 8 // bits,
        registers=registers(vector_bytes),
        contract=kernel == "fast",
        adjusted=any(_is_adjusted(one.adjustment) for one in objectives),
    )
    n_blocks = max(int(block_starts(one.y, plan.n_classes, plan.width)[-1]) for one in objectives)
    n_vectors = n_blocks * (plan.n_features + plan.n_classes) + 2 * plan.n_classes * plan.row // plan.width
    return plan if n_vectors * vector_bytes <= _LARGEST_BYTES else None


def _is_adjusted(adjustment: Adjustment) -> bool:
    return any(getattr(adjustment, one.name) is not None for one in dataclasses.fields(adjustment))


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
