"""Runs that survive their process: the whole state on disk, from which the same bits follow."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.batches import MinibatchObjective
from marginscope.descent.run import Descent, Position
from marginscope.exceptions import CheckpointError, UsageError
from marginscope.runs.checkpoint import Checkpoints
from marginscope.runs.lock import RunLock

__all__ = ["SavedRun", "position_arrays", "restored_position"]

Floats = NDArray[np.float64]

_STATE = "optimizer."
_LOOK_SECONDS = 0.5
# a worker of a process that was killed ends at its next look
_PATIENCE = 10.0


def position_arrays(position: Position, batches: MinibatchObjective | None) -> dict[str, NDArray[Any]]:
    """Return all that the rest of a run depends on, and what it recorded.

    Raises
    ------
    UsageError
        If the state of an optimizer holds anything but arrays of numbers.
    """
    plain: dict[str, Any] = {"step": int(position.step), "status": position.status, "batches": None}
    arrays: dict[str, NDArray[Any]] = {
        "W": position.W,
        "steps": np.array(position.steps, dtype=np.int64),
        "coefs": np.array(position.coefs, dtype=float).reshape(-1, *position.W.shape),
    }
    for name, value in position.state.items():
        arrays[_STATE + name] = np.asarray(value)
        if arrays[_STATE + name].dtype.kind not in "fiub":
            raise UsageError(
                f"a state of arrays of numbers is needed to save a run, but the optimizer keeps {name!r} as "
                f"{type(value).__name__}; run without a run_dir"
            )
    if batches is not None:
        state = batches.state()
        arrays["order"] = np.array(state.pop("order"), dtype=np.int64)
        plain["batches"] = state
    arrays["position"] = np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)
    return arrays


def restored_position(arrays: Mapping[str, NDArray[Any]], batches: MinibatchObjective | None) -> Position:
    """Return the position that was saved, and set the batches to it."""
    plain = json.loads(arrays["position"].tobytes())
    if batches is not None:
        batches.restore({**plain["batches"], "order": arrays["order"]})
    state = {name.removeprefix(_STATE): array for name, array in arrays.items() if name.startswith(_STATE)}
    steps = [int(step) for step in arrays["steps"]]
    return Position(arrays["W"], state, int(plain["step"]), str(plain["status"]), steps, list(arrays["coefs"]))


@dataclass(frozen=True)
class SavedRun:
    """Where a run is saved, and how often.

    ``owner`` is the process that holds the directory; a worker of it ends when it does.
    """

    folder: Path
    seconds: float
    owner: int

    def run(self, descent: Descent, W: Floats) -> Position:
        """Go on from what is saved, or start from W; save on the way and at the end.

        Raises
        ------
        CheckpointError
            If no saved state is whole, or it is of another run.
        IOFault
            If the disk is full or refuses; the states before are kept.
        """
        checkpoints = Checkpoints(self.folder)
        lock = RunLock(self.folder, patience=_PATIENCE)
        try:
            saved = checkpoints.load()
            position = descent.start(W) if saved is None else self._restored(saved, descent)
            if position.status != "running":
                return position
            descent.run(position, until=self._saver(checkpoints, position, descent))
            checkpoints.save(position_arrays(position, descent.batches))
        finally:
            lock.release()
        return position

    def _restored(self, saved: Mapping[str, NDArray[Any]], descent: Descent) -> Position:
        try:
            position = restored_position(saved, descent.batches)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"a saved run is needed, but {str(self.folder)!r} holds something else "
                f"({type(error).__name__}: {error}); start anew in another directory"
            ) from error
        if position.W.shape != descent.objective.shape:
            raise CheckpointError(
                f"coefficients of shape {descent.objective.shape} are needed, but {str(self.folder)!r} holds "
                f"{position.W.shape}; start anew in another directory"
            )
        return position

    def _saver(self, checkpoints: Checkpoints, position: Position, descent: Descent) -> Any:
        """Return what the loop asks between steps: never to stop, but to save when it is time."""
        saved = looked = time.monotonic()

        def until() -> bool:
            nonlocal saved, looked
            now = time.monotonic()
            if now - looked >= _LOOK_SECONDS:
                looked = now
                if os.getpid() != self.owner and os.getppid() != self.owner:
                    # the process that started this run is gone, and nobody waits for an answer
                    os._exit(1)
            if now - saved >= self.seconds:
                checkpoints.save(position_arrays(position, descent.batches))
                saved = time.monotonic()
            return False

        return until
