"""The cells that are done: arrays and numbers, each pair whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from marginscope.exceptions import IOFault
from marginscope.runs.atomic import remove_orphans, write_bytes_atomically, write_text_atomically
from marginscope.runs.checkpoint import pack_arrays
from marginscope.sweeps.cell_run import CellValue
from marginscope.sweeps.cells import Cell

__all__ = ["CellStore"]

_SCHEMA = "marginscope.cell/1"
_TIMINGS = "timings.csv"


class CellStore:
    """Cells on disk, under the directory of a sweep.

    The numbers are written after the arrays and hold their SHA-256: a cell is done when both
    are there and agree. Equal cells are equal bytes, whoever computed them, when, and how often.

    Parameters
    ----------
    folder : Path
        The directory of the sweep; its lock is held.
    """

    def __init__(self, folder: Path) -> None:
        self._cells, self._work, self._timings = folder / "cells", folder / "work", folder / _TIMINGS
        try:
            for one in (self._cells, self._work):
                one.mkdir(exist_ok=True)
            remove_orphans(self._cells)
            _cut_torn_line(self._timings)
        except OSError as error:
            raise IOFault(
                f"folders had to be made in {str(folder)!r}, but the system refused ({error.strerror or error}); "
                "choose another place"
            ) from error

    def work(self, cell: Cell) -> Path:
        """Return where the run of a cell may be saved until the cell is done."""
        return self._work / cell.id

    def load(self, cell: Cell) -> dict[str, Any] | None:
        """Return the numbers of a cell that is done, else None."""
        try:
            record = json.loads(self._cells.joinpath(f"{cell.id}.json").read_bytes())
            arrays = self._cells.joinpath(f"{cell.id}.npz").read_bytes()
            if record["schema"] != _SCHEMA or record["arrays_sha256"] != hashlib.sha256(arrays).hexdigest():
                return None
            return dict(record["numbers"])
        except (OSError, ValueError, KeyError, TypeError):
            # damaged is as good as absent: the cell is computed again
            return None

    def save(self, cell: Cell, value: CellValue) -> None:
        """Write a cell that ended.

        Raises
        ------
        IOFault
            If the disk is full or refuses.
        """
        arrays = pack_arrays(value.arrays)
        record = {
            "schema": _SCHEMA,
            "cell": cell.id,
            "parameters": cell.parameters,
            "arrays_sha256": hashlib.sha256(arrays).hexdigest(),
            "numbers": value.numbers,
        }
        write_bytes_atomically(self._cells / f"{cell.id}.npz", arrays)
        text = json.dumps(record, indent=1, sort_keys=True, allow_nan=False) + "\n"
        write_text_atomically(self._cells / f"{cell.id}.json", text)
        self._add_timing(cell, value.seconds)
        shutil.rmtree(self.work(cell), ignore_errors=True)

    def clear_work(self) -> None:
        """Remove what unfinished cells left, once there are none."""
        shutil.rmtree(self._work, ignore_errors=True)

    def _add_timing(self, cell: Cell, seconds: float) -> None:
        # times are no result: a line that is lost with the power costs nothing
        try:
            is_new = not self._timings.exists()
            with self._timings.open("a", encoding="ascii") as file:
                file.write(("cell,seconds\n" if is_new else "") + f"{cell.id},{seconds:.3f}\n")
        except OSError as error:
            raise IOFault(
                f"a line had to be added to {str(self._timings)!r}, but the system refused "
                f"({error.strerror or error}); free space or choose another place"
            ) from error


def _cut_torn_line(path: Path) -> None:
    """Cut off a line that a killed writer did not end."""
    if path.exists() and not (content := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)
