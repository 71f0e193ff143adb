"""The table of a sweep: a line a cell, in the order of the configuration."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marginscope.runs.atomic import write_bytes_atomically, write_text_atomically

__all__ = ["COLUMNS", "write_table"]

COLUMNS = (
    "cell",
    "seed",
    "data",
    "loss",
    "optimizer",
    "step_size",
    "status",
    "final_step",
    "final_loss",
    "log_loss",
    "norm",
    "margin",
    "lower",
    "upper",
    "norm_ratio",
    "direction_error",
)
_WHOLE = ("seed", "final_step")
_TEXTS = ("cell", "data", "loss", "optimizer", "step_size", "status", "norm")


def write_table(folder: Path, rows: Sequence[dict[str, Any]]) -> list[Path]:
    """Write table.csv, and table.parquet where pyarrow is installed; return what was written.

    Raises
    ------
    IOFault
        If the disk is full or refuses.
    """
    written = [folder / "table.csv"]
    write_text_atomically(written[0], as_csv(rows))
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return written
    kinds = {name: pyarrow.string() if name in _TEXTS else pyarrow.float64() for name in COLUMNS}
    kinds.update(dict.fromkeys(_WHOLE, pyarrow.int64()))
    columns = {name: pyarrow.array([row.get(name) for row in rows], type=kinds[name]) for name in COLUMNS}
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    written.append(folder / "table.parquet")
    write_bytes_atomically(written[1], stream.getvalue())
    return written


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """Return rows as CSV: numbers in full, nothing for what does not exist, no text that a spreadsheet would run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in COLUMNS])
    return stream.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in tuple("=+-@\t\r\0") else value
    return repr(value)
