"""The driver of a sweep: what is done is found, the rest is handed to an engine and kept as it ends."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from marginscope.distributed.engine import Engine, Failure, check_engine, open_engine
from marginscope.runs.atomic import write_text_atomically
from marginscope.runs.directory import RunDirectory
from marginscope.sweeps.cell_run import CellTask, run_cell
from marginscope.sweeps.cells import Cell, cells_of
from marginscope.sweeps.config import read_config
from marginscope.sweeps.data import canonical
from marginscope.sweeps.result import SweepResult
from marginscope.sweeps.store import CellStore
from marginscope.sweeps.table import write_table

__all__ = ["sweep"]

#: Cells that ended, all cells, and an estimate of the seconds left or None.
Progress = Callable[[int, int, float | None], None]

_FAILURES = "failures.json"


def sweep(
    config: str | Path | Mapping[str, Any],
    out: str | Path,
    *,
    engine: str | Engine = "serial",
    n_workers: int | None = None,
    address: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    retries: int = 2,
    allow_inexact: bool = False,
    checkpoint_seconds: float = 30.0,
    progress: Progress | None = None,
) -> SweepResult:
    """Descend on every combination of seeds, losses, optimizers, step sizes and data.

    The table has the same bytes on every engine, with any number of workers, and after any
    number of interruptions.

    Parameters
    ----------
    config : path or mapping
        A TOML file, or a mapping with its keys.
    out : path
        A new directory, or with ``resume`` one with the same configuration.
    engine : "serial", "loky", "dask" or Engine
    n_workers : int, optional
        Processes of loky or of a dask cluster on this machine; all processors by default.
    address : str, optional
        Of a dask scheduler.
    resume, overwrite : bool
        What to do with a sweep that is there: keep the cells that are done, or remove it.
    retries : int
        How often a cell is tried again whose worker died.
    allow_inexact : bool
        Let dask workers differ from this machine in versions or processor.
    checkpoint_seconds : float
        Between two saved states of a long cell.
    progress : callable, optional
        Called as ``progress(done, total, seconds_left)``.

    Returns
    -------
    SweepResult
        Cells that failed are in ``failures``; the others are not touched by them.

    Raises
    ------
    UsageError, ConfigMismatch, RunLocked, DataError, IOFault
        Before anything is computed.
    EngineLost, EngineMismatch, SecurityError
        What ended is kept.

    Examples
    --------
    >>> import tempfile
    >>> config = {"losses": ["cross_entropy"], "optimizers": ["gd", "adam"], "n_steps": 50,
    ...           "data": [{"n": 12, "d": 2, "K": 3, "separation": 5.0}]}
    >>> result = sweep(config, tempfile.mkdtemp())
    >>> [row["status"] for row in result.rows]
    ['completed', 'completed']
    """
    if isinstance(engine, str):
        check_engine(engine, n_workers=n_workers, address=address, retries=retries)
    checked = read_config(config)
    cells = cells_of(checked)
    data = hashlib.sha256(canonical([one.spec for one in checked.data]).encode()).hexdigest()
    with contextlib.ExitStack() as stack:
        directory = RunDirectory(out, checked.flat(), data_sha256=data, resume=resume, overwrite=overwrite)
        stack.enter_context(directory)
        store = CellStore(directory.path)
        found = {cell.id: numbers for cell in cells if (numbers := store.load(cell)) is not None}
        left = [cell for cell in cells if cell.id not in found]
        n_found = len(found)
        failures: dict[str, Failure] = {}
        if left:
            if isinstance(engine, str):
                engine = stack.enter_context(
                    open_engine(
                        engine, n_workers=n_workers, address=address, retries=retries, allow_inexact=allow_inexact
                    )
                )
            failures = _run(left, found, store, engine, checkpoint_seconds, _Estimate(len(cells), n_found, progress))
        rows = tuple(_row(cell, found.get(cell.id)) for cell in cells)
        tables = tuple(write_table(directory.path, rows))
        _write_failures(directory.path, failures)
        if not failures:
            store.clear_work()
    return SweepResult(directory.path, checked.name, rows, failures, n_found, tables)


class _Estimate:
    """Counts cells that ended and tells how long the rest may take, at the pace so far."""

    def __init__(self, total: int, n_found: int, progress: Progress | None) -> None:
        self._total, self._ended, self._new, self._progress = total, n_found, 0, progress
        self._begun = time.monotonic()
        self._tell()

    def count(self) -> None:
        self._ended, self._new = self._ended + 1, self._new + 1
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            pace = (time.monotonic() - self._begun) / self._new if self._new else None
            self._progress(self._ended, self._total, None if pace is None else pace * (self._total - self._ended))


def _run(
    left: Sequence[Cell],
    found: dict[str, dict[str, Any]],
    store: CellStore,
    engine: Engine,
    checkpoint_seconds: float,
    estimate: _Estimate,
) -> dict[str, Failure]:
    """Run what is left, keep every cell as it ends, and return those that failed."""
    tasks = [CellTask(cell, store.work(cell) if engine.shares_files else None, checkpoint_seconds) for cell in left]
    failures: dict[str, Failure] = {}
    for outcome in engine.map(run_cell, tasks):
        cell = left[outcome.index]
        if outcome.failure is None:
            store.save(cell, outcome.value)
            found[cell.id] = outcome.value.numbers
        else:
            failures[cell.id] = outcome.failure
        estimate.count()
    return {cell.id: failures[cell.id] for cell in left if cell.id in failures}


def _row(cell: Cell, numbers: dict[str, Any] | None) -> dict[str, Any]:
    return {**cell.labels(), **({"status": "failed"} if numbers is None else numbers)}


def _write_failures(folder: Path, failures: Mapping[str, Failure]) -> None:
    """Write why cells failed; without failures the file of an earlier attempt goes."""
    path = folder / _FAILURES
    if failures:
        causes = {cell: {"cause": one.cause, "attempts": one.attempts} for cell, one in failures.items()}
        write_text_atomically(path, json.dumps(causes, indent=1, ensure_ascii=False) + "\n")
    else:
        path.unlink(missing_ok=True)
