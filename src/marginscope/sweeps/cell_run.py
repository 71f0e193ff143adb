"""What a worker does: one cell, from its data to the last record."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from marginscope import losses
from marginscope.descent import get_optimizer
from marginscope.exceptions import CheckpointError, ConfigMismatch, RunLocked
from marginscope.limits.descend import descend
from marginscope.sweeps.cells import Cell
from marginscope.sweeps.data import canonical, rows_of

__all__ = ["CellTask", "CellValue", "run_cell"]

T = TypeVar("T")

# shorter runs are done again sooner than their checkpoints are written
_WORTH_SAVING = 50_000
# the worker of a driver that was killed ends within this time
_PATIENCE = 10.0


@dataclass(frozen=True)
class CellTask:
    """A cell, and the directory in which its run may be saved on the way."""

    cell: Cell
    work: Path | None
    checkpoint_seconds: float


@dataclass(frozen=True)
class CellValue:
    """What a cell measured: numbers of the last record, arrays of all, and how long it took.

    ``numbers`` are plain JSON and, like ``arrays``, the same on every engine; ``seconds`` is not.
    """

    numbers: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    seconds: float


def run_cell(task: CellTask) -> CellValue:
    """Run one cell and measure the end of its path.

    Raises
    ------
    MarginscopeError
        If the data or parameters do not go together.
    """
    from threadpoolctl import threadpool_limits

    begun = time.monotonic()
    # the solver of the limit and the measures round by the number of threads too
    with threadpool_limits(limits=1, user_api="blas"):
        path = _when_free(lambda: _descend(task))
        numbers, arrays = _measured(path)
    return CellValue(numbers, arrays, time.monotonic() - begun)


def _descend(task: CellTask) -> Any:
    parameters = task.cell.parameters
    X, y = rows_of(canonical(parameters["data"]), task.cell.path, parameters["seed"])
    step_size = parameters["step_size"]
    is_saved = task.work is not None and parameters["n_steps"] >= _WORTH_SAVING

    def run() -> Any:
        return descend(
            X,
            y,
            loss=losses.get(parameters["loss"]["name"], **_fields(parameters["loss"])),
            optimizer=get_optimizer(parameters["optimizer"]["name"], **_fields(parameters["optimizer"])),
            step_size=tuple(step_size) if isinstance(step_size, list) else step_size,
            n_steps=parameters["n_steps"],
            record=parameters["record"],
            batch_size=parameters["batch_size"],
            fit_intercept=parameters["fit_intercept"],
            init=None if parameters["init"] == "zero" else parameters["init"],
            kernel=parameters["kernel"],
            rng=task.cell.rng,
            run_dir=task.work if is_saved else None,
            resume=is_saved,
            checkpoint_seconds=task.checkpoint_seconds,
        )

    try:
        return run()
    except (CheckpointError, ConfigMismatch):
        # what an interrupted run left is no help: start over
        assert task.work is not None
        shutil.rmtree(task.work, ignore_errors=True)
        return run()


def _fields(named: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in named.items() if key != "name"}


def _when_free(run: Callable[[], T]) -> T:
    """Wait for a worker that is about to end: its driver was killed."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return run()
        except RunLocked:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def _measured(path: Any) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    bracket = path.bracket
    numbers = {
        "status": path.status,
        "final_step": int(path.steps[-1]),
        "final_loss": path.loss[-1],
        "log_loss": path.log_loss[-1],
        "margin": path.margin[-1],
        "lower": bracket.lower[-1],
        "upper": bracket.upper[-1],
        "norm_ratio": path.norm_ratio[-1],
        "direction_error": path.direction_error[-1],
    }
    plain = {key: _plain(value) for key, value in numbers.items()}
    plain["norm"], plain["limit_status"] = path.norm, str(path.limit.status)
    plain["step_size_used"] = [path.step_size.scale, path.step_size.decay]
    arrays = {
        "steps": path.steps,
        "W": path.runs[0].W,
        "log_loss": path.log_loss,
        "norm_value": path.norm_value,
        "lower": np.asarray(bracket.lower),
        "upper": np.asarray(bracket.upper),
        "norm_ratio": path.norm_ratio,
        "direction_error": path.direction_error,
    }
    return plain, {name: np.ascontiguousarray(one) for name, one in arrays.items()}


def _plain(value: Any) -> Any:
    """Return a JSON value; what does not exist is None."""
    if isinstance(value, str | int):
        return value
    return float(value) if math.isfinite(value) else None
