"""Descent on a loss, recorded and certified: the public face of the loop."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._validation import check_rng
from marginscope.batches import MinibatchObjective
from marginscope.descent import Optimizer, get_optimizer
from marginscope.descent.run import Descent, Position, Watcher
from marginscope.descent.saved import SavedRun
from marginscope.descent.schedule import record_steps
from marginscope.descent.trajectory import Trajectory
from marginscope.exceptions import UsageError
from marginscope.geometry.norms import get_norm
from marginscope.limits.forecast import PathLaw
from marginscope.limits.margin_limit import MarginLimit
from marginscope.limits.question import Question, ask
from marginscope.limits.run_arguments import (
    batch_size_of,
    check_dtype,
    check_jobs,
    check_runs_differ,
    check_watched,
    check_whole,
    starts,
    step_sizes,
    steps_forward,
)
from marginscope.limits.saved_runs import saved_runs, saved_seed

__all__ = ["descend"]

Floats = NDArray[np.float64]

_MOST_STEPS = 10**12
# below this many steps in all, starting processes would cost more than they save
_WORTH_PROCESSES = 20_000


def descend(
    X: Any,
    y: Any,
    *,
    loss: Any = "cross_entropy",
    optimizer: str | Optimizer = "gd",
    step_size: Any = "theory",
    n_steps: int = 100_000,
    record: Any = "log",
    momentum: float | None = None,
    batch_size: int | None = None,
    fit_intercept: bool = False,
    init: Any = None,
    n_runs: int = 1,
    rng: Any = 0,
    norms: str | Sequence[str] | None = None,
    adjustment: Any = None,
    class_weight: Any = None,
    class_margins: Any = None,
    class_scales: Any = None,
    sample_weight: Any = None,
    dtype: str = "float64",
    kernel: str = "auto",
    n_jobs: int | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    checkpoint_seconds: float = 30.0,
    on_record: Watcher | None = None,
) -> Trajectory:
    """Minimise the summed risk by a first-order method and record the path.

        R(W) = sum_i omega_i psi(u_i(W)),    W_{t+1} = W_t - eta_t Delta_t

    Parameters
    ----------
    X : (n_samples, n_features) array, data frame or sparse matrix
    y : (n_samples,) labels of any kind
    loss : str or Template
        A name of ``losses.names()``, or a template of your own.
    optimizer : str or Optimizer
        "gd", "momentum", "nesterov", "sgd", "adam", "sign", "normalized", "spectral",
        "muon", "nuclear", "coordinate" or "dual_accelerated".
    step_size : "theory", float, (scale, decay), StepSize, or a list of n_runs of them
        (scale, decay) is scale (t + 1)^-decay. "theory" is half the largest constant step that
        is proved not to raise the risk; for normalised methods steps of length t^-1/2.
    n_steps : int
    record : "log", int or sequence of int
        Twelve records a decade, every so many steps, or these steps; 0 and the last are kept.
    momentum : float, optional
        Of the methods that have it.
    batch_size : int, optional
        Rows of a step, drawn without replacement; 32 for "sgd", all for the others.
    fit_intercept : bool
        Append a column of ones; its weights are a part of W and of its norm.
    init : None, "normal" or (n_classes, n_columns) array
        Zero, standard normal divided by the square root of the number of columns, or given;
        an array may have a leading axis of runs.
    n_runs : int
        Runs that differ by their batches, their random start or their step size.
    rng : int, Generator or None
    norms : str or sequence of str, optional
        Norms to measure; first that of ``margin``. That of the method and Frobenius by default.
    adjustment : Adjustment, optional
        Class margins, scales, shifts and weights in one; or some of the next four.
    class_weight : "balanced", mapping {label: weight} or (n_classes,) array, optional
    class_margins, class_scales : mapping {label: value} or (n_classes,) array, optional
    sample_weight : (n_samples,) array, optional
    dtype : "float64" or "float32"
        Precision of the coefficients and, in the compiled loop, of all arithmetic.
    kernel : "auto", "numpy", "fast" or "portable"
        The loop of plain gradient descent: "fast" is compiled and repeats its bytes on this
        machine, "portable" on every machine; "auto" is "fast" for long runs on data that fit
        the cache, and NumPy otherwise.
    n_jobs : int, optional
        Runs at once; all cores by default.
    run_dir : path, optional
        Directory to save the whole state of every run in, on the way and at the end.
    resume : bool
        Go on with what is in run_dir, if anything; the bytes are those of a run that was
        never stopped.
    checkpoint_seconds : float
        Between two states on disk.
    on_record : callable, optional
        Called with the step and W, the intercept as last column, after each record of a single
        run; a true answer ends it with the status "stopped".

    Returns
    -------
    Trajectory
        Divergence, standstill and data that are not separable are statuses.

    Raises
    ------
    DataError, UsageError
        If data or arguments cannot be meant, or run_dir holds a run that is not to be resumed.
    ConfigMismatch, RunLocked, CheckpointError, IOFault
        If run_dir is that of another run, in use, damaged or not to be written.

    References
    ----------
    Ravi, Scott, Soudry & Wang, NeurIPS 2024; Fan, Schmidt & Thrampoulidis, arXiv 2502.04664.

    Examples
    --------
    >>> from marginscope.limits.descend import descend
    >>> X, y = [[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], ["a", "b", "c"]
    >>> path = descend(X, y, n_steps=1000)
    >>> path.status, round(float(path.margin[-1]), 3), path.verify(X, y)
    ('completed', 0.816, True)
    """
    question = ask(
        X,
        y,
        loss,
        fit_intercept=fit_intercept,
        adjustment=adjustment,
        class_weight=class_weight,
        class_margins=class_margins,
        class_scales=class_scales,
        sample_weight=sample_weight,
    )
    method = get_optimizer(optimizer, **({} if momentum is None else {"momentum": momentum}))
    objective = question.objective
    check_whole("n_steps", n_steps, 0, _MOST_STEPS)
    check_whole("n_runs", n_runs, 1, 100_000)
    chosen = _norms(norms, method)
    check_watched(on_record is not None, n_runs)
    batch = batch_size_of(batch_size, method, len(objective.y))
    check_dtype(dtype)
    seed, _ = check_rng(saved_seed(run_dir) if rng is None and resume else rng)
    begin = starts(init, objective, n_runs, seed)
    sizes = step_sizes(step_size, objective, method, begin, batch)
    check_runs_differ(sizes, batch is None and init is None)
    schedule = record_steps(record, int(n_steps)).tolist()
    forward = steps_forward(kernel, objective, method, sizes, batch, dtype, int(n_steps) * n_runs)
    descents = [
        Descent(
            objective,
            method,
            sizes[r],
            schedule,
            None if batch is None else MinibatchObjective(objective, batch, np.random.default_rng([seed, r])),
            np.dtype(dtype),
            forward,
            on_record,
        )
        for r in range(n_runs)
    ]
    with saved_runs(run_dir, resume, checkpoint_seconds, question, descents, begin, seed) as saved:
        positions = _run_all(descents, begin, saved, int(n_steps), n_jobs)
    return _trajectory(question, method, descents, positions, chosen)


def _run_all(
    descents: list[Descent], starts: Floats, saved: list[SavedRun | None], n_steps: int, n_jobs: int | None
) -> list[Position]:
    """Run side by side, in threads where the loop is compiled and in processes where it is long."""
    check_jobs(n_jobs)
    cores = os.cpu_count() or 1
    n_workers = min(len(descents), cores) if n_jobs is None else n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
    jobs = list(zip(descents, starts, saved, strict=True))
    if n_workers < 2 or len(jobs) < 2 or n_steps * len(jobs) < _WORTH_PROCESSES:
        return [_run_one(*job) for job in jobs]
    from joblib import Parallel, delayed

    prefer = "threads" if descents[0].steps_forward is not None else "processes"
    found: list[Position] = Parallel(n_jobs=n_workers, prefer=prefer)(delayed(_run_one)(*job) for job in jobs)
    return found


def _norms(given: Sequence[str] | None, method: Optimizer) -> tuple[str, ...]:
    """Return the norms to measure, checked."""
    names = [method.norm or "frobenius", "frobenius"] if given is None else [given] if isinstance(given, str) else given
    chosen = tuple(dict.fromkeys(names))
    if not chosen:
        raise UsageError("norms needs at least one name, but got none; leave it out for those of the method")
    for name in chosen:
        get_norm(name)
    return chosen


def _run_one(descent: Descent, W: Floats, saved: SavedRun | None) -> Position:
    return descent.run(descent.start(W)) if saved is None else saved.run(descent, W)


def _trajectory(
    question: Question,
    method: Optimizer,
    descents: list[Descent],
    positions: list[Position],
    chosen: tuple[str, ...],
) -> Trajectory:
    return Trajectory(
        tuple(descent.recorded(position) for descent, position in zip(descents, positions, strict=True)),
        question.objective,
        question.classes,
        question.loss_name,
        method.name,
        chosen[0],
        chosen,
        MarginLimit(question.objective, question.classes),
        PathLaw(question) if method.name == "gd" else None,
    )
