"""The directory of a descent: which run it belongs to, and where each of its runs is saved."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.descent.run import Descent
from marginscope.descent.saved import SavedRun
from marginscope.exceptions import UsageError
from marginscope.geometry.margins import is_sparse
from marginscope.limits.question import Question
from marginscope.runs.checkpoint import arrays_sha256
from marginscope.runs.directory import RunDirectory, saved_config

__all__ = ["saved_runs", "saved_seed"]

Floats = NDArray[np.float64]

# longer lists are told by their SHA-256
_MOST_LISTED = 100


@contextlib.contextmanager
def saved_runs(
    run_dir: str | Path | None,
    resume: bool,
    seconds: float,
    question: Question,
    descents: Sequence[Descent],
    starts: Floats,
    seed: int,
) -> Iterator[list[SavedRun | None]]:
    """Hold the directory while runs are made, and give each its place; nothing where there is no directory.

    Raises
    ------
    UsageError, ConfigMismatch, RunLocked, IOFault
        Before any step is taken.
    """
    if run_dir is None:
        if resume:
            raise UsageError("resuming needs the directory of a run, but got none; pass run_dir=")
        yield [None] * len(descents)
        return
    if not isinstance(run_dir, str | os.PathLike):
        raise UsageError(f"run_dir needs the path of a directory, but got {run_dir!r:.40}; pass a str or a Path")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.0 <= seconds < math.inf:
        raise UsageError(
            f"checkpoint_seconds needs a number of at least 0, but got {seconds!r:.40}; the default is a good start"
        )
    config = _config(question, descents, starts, seed)
    with RunDirectory(run_dir, config, data_sha256=_data_sha256(question), resume=resume) as directory:
        yield [SavedRun(directory.path / f"run-{r:05d}", float(seconds), os.getpid()) for r in range(len(descents))]


def saved_seed(run_dir: str | Path | None) -> int | None:
    """Return the seed of the run in a directory, or None where there is none."""
    record = None if run_dir is None else saved_config(run_dir)
    return None if record is None else int(record["config"]["seed"])


def _config(question: Question, descents: Sequence[Descent], starts: Floats, seed: int) -> dict[str, Any]:
    """Return all that decides the bits of the runs, flat."""
    first, adjustment = descents[0], question.objective.adjustment
    fields = {f.name: getattr(adjustment, f.name) for f in dataclasses.fields(adjustment)}
    return {
        "loss": _described(question.objective.template),
        "optimizer": _described(first.optimizer),
        "step_size": _listed(np.array([(one.step_size.scale, one.step_size.decay) for one in descents])),
        "n_steps": int(first.schedule[-1]),
        "record": _listed(np.array(first.schedule, dtype=np.int64)),
        "batch_size": None if first.batches is None else int(first.batches.batch_size),
        "dtype": str(first.dtype),
        "loop": _loop(first),
        "n_runs": len(descents),
        "seed": seed,
        "init": arrays_sha256({"W": starts}) if np.any(starts) else "zero",
        "fit_intercept": question.objective.fit_intercept,
        **{f"adjustment.{name}": None if one is None else _listed(np.asarray(one)) for name, one in fields.items()},
    }


def _loop(descent: Descent) -> str:
    """Return which loop rounds the steps, and how."""
    if descent.steps_forward is None:
        return "numpy"
    plan = getattr(descent.steps_forward, "plan", None)
    return f"compiled(width={getattr(plan, 'width', None)}, contract={getattr(plan, 'contract', None)})"


def _data_sha256(question: Question) -> str:
    """Return one SHA-256 of the rows, their codes and the names of the classes."""
    X = question.objective.X
    parts = {"data": X.data, "indices": X.indices, "indptr": X.indptr} if is_sparse(X) else {"data": np.asarray(X)}
    shape = np.array(X.shape, dtype=np.int64)
    names = np.array([repr(label) for label in question.classes.tolist()])
    return arrays_sha256({**parts, "shape": shape, "codes": question.objective.y, "classes": names})


def _listed(values: NDArray[Any]) -> Any:
    return values.tolist() if values.size <= _MOST_LISTED else arrays_sha256({"values": values})


def _described(thing: Any) -> str:
    """Return what a loss or an optimizer is, the same in every process."""
    kind = type(thing)
    if not dataclasses.is_dataclass(thing):
        return f"{kind.__module__}.{kind.__qualname__}"
    parts = [f"{one.name}={_value(getattr(thing, one.name))}" for one in dataclasses.fields(thing)]
    return f"{kind.__module__}.{kind.__qualname__}({', '.join(parts)})"


def _value(value: Any) -> str:
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, np.ndarray):
        return arrays_sha256({"value": value})
    return _described(value) if dataclasses.is_dataclass(value) else repr(value)
