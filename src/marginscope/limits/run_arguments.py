"""The arguments of a run of descent, checked: starts, step sizes, batches and the compiled loop."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import look_up
from marginscope.descent import Optimizer
from marginscope.descent.compiled import compiled_descent
from marginscope.descent.gradient_descent import GradientDescent
from marginscope.descent.run import StepsForward
from marginscope.descent.step_size import StepSize, step_size_for
from marginscope.exceptions import UsageError
from marginscope.objectives import LinearObjective

__all__ = [
    "batch_size_of",
    "check_dtype",
    "check_jobs",
    "check_runs_differ",
    "check_watched",
    "check_whole",
    "given_start",
    "starts",
    "step_sizes",
    "steps_forward",
]

Floats = NDArray[np.float64]

_DEFAULT_BATCH = 32
# below this many steps in all, starting the compiler would cost more than it saves
_WORTH_COMPILING = 20_000
_KERNELS = ("auto", "numpy", "fast", "portable")


def steps_forward(
    kernel: str,
    objective: LinearObjective,
    method: Optimizer,
    sizes: list[StepSize],
    batch: int | None,
    dtype: str,
    n_steps: int,
) -> StepsForward | None:
    """Return the compiled loop that was asked for, or that pays, or None."""
    look_up("kernel", kernel, {name: name for name in _KERNELS})
    if kernel == "numpy" or (kernel == "auto" and n_steps < _WORTH_COMPILING):
        return None
    is_plain = isinstance(method, GradientDescent) and batch is None and not any(size.decay for size in sizes)
    forward = None
    if is_plain:
        chosen = "portable" if kernel == "portable" else "fast"
        forward = compiled_descent(objective, kernel=chosen, dtype=np.dtype(dtype), n_threads=1)  # type: ignore[arg-type]
    if forward is None and kernel != "auto":
        raise UsageError(
            f"the kernel {kernel!r} needs plain gradient descent with constant steps on cross_entropy, pair_logistic "
            "or exponential, and dense data that fit the cache, but this run is another; leave kernel at auto"
        )
    return forward


def starts(init: Any, objective: LinearObjective, n_runs: int, seed: int) -> Floats:
    """Return the start of every run."""
    shape = objective.shape
    if init is None:
        return np.zeros((n_runs, *shape))
    if isinstance(init, str):
        if init != "normal":
            raise UsageError(f'init needs "normal" or an array of shape {shape}, but got {init!r}; leave it out for 0')
        draws = [np.random.default_rng([seed, r, 1]).standard_normal(shape) for r in range(n_runs)]
        return np.asarray(np.array(draws) / np.sqrt(max(shape[1], 1)))
    W = given_start(init, objective, n_runs)
    return np.array(np.broadcast_to(W, (n_runs, *shape)))


def given_start(init: Any, objective: LinearObjective, n_runs: int | None = None) -> Floats:
    """Return coefficients that were given: of one run, or with a leading axis of so many."""
    shape = objective.shape
    try:
        W = np.array(init, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"init needs finite numbers of shape {shape}, but got {init!r:.40}; leave it out for 0"
        ) from error
    is_of_all = n_runs is not None and W.shape == (n_runs, *shape)
    if not (W.shape == shape or is_of_all) or not np.all(np.isfinite(W)):
        more = "" if n_runs is None else f", or a leading axis of {n_runs} runs"
        raise UsageError(
            f"init needs finite numbers of shape {shape} (a row for each class, the intercept as last column){more}, "
            f"but got {'NaN or infinity' if W.shape == shape or is_of_all else f'shape {W.shape}'}; leave it out for 0"
        )
    return W


def step_sizes(
    given: Any, objective: LinearObjective, method: Optimizer, starts: Floats, batch: int | None
) -> list[StepSize]:
    """Return the step size of every run."""
    each = given if isinstance(given, list) else [given] * len(starts)
    if len(each) != len(starts):
        raise UsageError(
            f"a list of step sizes needs one for each of the {len(starts)} runs, but got {len(each)}; "
            f"pass n_runs={len(each)}"
        )
    return [step_size_for(one, objective, method, W, batch) for one, W in zip(each, starts, strict=True)]


def check_dtype(dtype: str) -> None:
    """Refuse what is no precision of the coefficients."""
    if dtype not in ("float64", "float32"):
        raise UsageError(f'dtype needs "float64" or "float32", but got {dtype!r:.40}; leave it at "float64"')


def check_jobs(n_jobs: Any) -> None:
    """Refuse what is no number of processes; as in joblib, -1 is all cores."""
    if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0):
        raise UsageError(
            f"n_jobs needs a number of processes, or -1 for all cores, but got {n_jobs!r:.40}; leave it out"
        )


def check_watched(is_watched: bool, n_runs: int) -> None:
    """Refuse to watch several runs, which may go on in processes of their own."""
    if is_watched and n_runs > 1:
        raise UsageError(f"on_record needs a single run, but got n_runs={n_runs}; watch the runs one by one")


def check_runs_differ(sizes: list[StepSize], are_alike: bool) -> None:
    """Refuse several runs with one step size if start and batches are alike too."""
    if are_alike and len(sizes) > 1 and len({(one.scale, one.decay) for one in sizes}) == 1:
        raise UsageError(
            f"{len(sizes)} runs need something to differ by, but start, batches and step size are the same; "
            'pass init="normal", a batch_size or a list of step sizes'
        )


def batch_size_of(batch_size: int | None, method: Optimizer, n_rows: int) -> int | None:
    """Return the rows of a step, None for all."""
    if batch_size is None:
        return min(_DEFAULT_BATCH, n_rows) if method.name == "sgd" else None
    check_whole("batch_size", batch_size, 1, n_rows)
    return int(batch_size)


def check_whole(name: str, value: Any, least: int, most: int, advice: str = "") -> None:
    """Refuse what is no whole number in a range."""
    whole = isinstance(value, int | np.integer) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or not least <= value <= most:
        raise UsageError(f"{name} needs a whole number between {least} and {most:,}, but got {value!r:.40}{advice}")
