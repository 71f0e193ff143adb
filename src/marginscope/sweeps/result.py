"""What a sweep gave: its table, the cells that failed, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from marginscope._display import Displayed, make_frame
from marginscope.distributed.engine import Failure
from marginscope.sweeps.table import COLUMNS

__all__ = ["SweepResult"]

_MOST_SHOWN = 8


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(Displayed):
    """The cells of a sweep in the order of its configuration.

    Attributes
    ----------
    path : Path
        The directory: table.csv, timings.csv, and arrays and numbers of every cell in cells.
    name : str
    rows : tuple of dict
        A line of the table per cell; what does not exist is None.
    failures : dict
        Cell to Failure, for the cells that have no result.
    n_found : int
        Cells that were done before.
    tables : tuple of Path
    """

    _report = "sweep_page"

    path: Path
    name: str
    rows: tuple[dict[str, Any], ...]
    failures: dict[str, Failure]
    n_found: int
    tables: tuple[Path, ...] = field(default=())

    def frame(self) -> Any:
        """Return one line per cell."""
        return make_frame({name: [row.get(name) for row in self.rows] for name in COLUMNS})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": "marginscope.sweep/1",
            "name": self.name,
            "cells": len(self.rows),
            "found": self.n_found,
            "failed": [
                {"cell": cell, "cause": one.cause, "attempts": one.attempts} for cell, one in self.failures.items()
            ],
            "tables": [str(one) for one in self.tables],
            "rows": [{name: row.get(name) for name in COLUMNS} for row in self.rows],
        }

    def __str__(self) -> str:
        n_done = len(self.rows) - len(self.failures)
        found = f", {self.n_found} of them before" if self.n_found else ""
        lines = [f"Sweep {self.name!r}: {n_done} of {len(self.rows)} cells done{found}."]
        by_status: dict[str, int] = {}
        for row in self.rows:
            by_status[row["status"]] = by_status.get(row["status"], 0) + 1
        lines.append(", ".join(f"{number} {status}" for status, number in sorted(by_status.items())))
        shown = list(self.failures.items())[:_MOST_SHOWN]
        lines += [f"cell {cell} failed ({_times(one.attempts)}): {one.cause}" for cell, one in shown]
        if len(self.failures) > len(shown):
            lines.append(f"and {len(self.failures) - len(shown)} more (all in failures.json)")
        return "\n".join(lines)


def _times(number: int) -> str:
    return "tried once" if number == 1 else f"tried {number} times"
