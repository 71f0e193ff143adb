"""A table while its rows come in: the columns, the labels and the line numbers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, SizeError
from marginscope.tables.cells import CellKind, CellReader, looks_grouped
from marginscope.tables.column import Column
from marginscope.tables.column_builder import ColumnBuilder
from marginscope.tables.column_typing import FEW_LEVELS
from marginscope.tables.lines import LineIndex
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ColumnPlan, ReadingPlan
from marginscope.tables.selection import Selection
from marginscope.tables.source import free_memory
from marginscope.tables.wording import count, shown

__all__ = ["Cells", "RawTable", "TableBuilder"]

Cells = Sequence[str | None] | NDArray[np.float64]


@dataclass
class RawTable:
    """What a format's reader hands over: typed columns, or one matrix of numbers."""

    selection: Selection
    target: NDArray[np.object_]
    where: Callable[[int], str]
    columns: list[Column] = field(default_factory=list)
    matrix: Any = None
    notes: list[str] = field(default_factory=list)
    decimal: str | None = None
    declared: tuple[str, ...] = ()
    first_index: int | None = None


# Texts of all columns together that are kept before columns of numbers drop theirs.
_MOST_TEXTS = 50_000
_FEWEST_LEVELS = 256


class _Codes(dict[str, int]):
    def __missing__(self, text: str) -> int:
        self[text] = code = len(self)
        return code


class TableBuilder:
    """Takes blocks of columns and types them at the end.

    ``null_name`` is what a format with a missing value of its own calls it;
    ``declared`` the kinds that it gives to columns: "number", "words" or "date".
    """

    def __init__(
        self,
        selection: Selection,
        options: ReaderOptions,
        plan: ReadingPlan | None,
        source_name: str,
        *,
        null_name: str = "",
        unit: str = "line",
        declared: Mapping[int, str] | None = None,
    ) -> None:
        has_null = bool(null_name)
        declared = declared or {}
        self.selection = selection
        self.lines = LineIndex(unit)
        self.notes: list[str] = []
        self._options = options
        self._name = source_name
        self._plan = plan
        self._labels = _Codes()
        self._label_codes = array("i")
        self._target_marks = options.target_marks
        self._missing_targets = 0
        self._first_missing_target = 0
        self._memory = free_memory()
        reader = CellReader(options.typed_marks if has_null else options.feature_marks)
        expected = {column.name: column for column in plan.columns} if plan else {}
        names = selection.names
        self._dates = {at: Column(names[at], at, "date") for at in selection.features if declared.get(at) == "date"}
        self._builders = {
            at: ColumnBuilder(
                names[at],
                at,
                reader,
                expected=expected.get(
                    names[at], ColumnPlan(names[at], "number") if declared.get(at) == "number" else None
                ),
                is_text=at in selection.text,
                is_words=declared.get(at) == "words",
                null_name=null_name,
                patience=max(_FEWEST_LEVELS, min(FEW_LEVELS, _MOST_TEXTS // len(selection.features))),
            )
            for at in selection.features
            if at not in self._dates
        }

    def __len__(self) -> int:
        return len(self._label_codes)

    def add(self, columns: Sequence[Cells | None], lines: Sequence[int]) -> None:
        """Append a block given by columns, all of the file's; unused ones may be None."""
        labels: Sequence[str | None] = columns[self.selection.target]  # type: ignore[assignment]
        keep = [label is not None and label.strip() not in self._target_marks for label in labels]
        n_missing = keep.count(False)
        if n_missing and not self._missing_targets:
            self._first_missing_target = lines[keep.index(False)]
        self._missing_targets += n_missing
        if n_missing:
            labels, lines = list(compress(labels, keep)), list(compress(lines, keep))
        self._label_codes.extend(map(self._labels.__getitem__, labels))  # type: ignore[arg-type]
        self.lines.extend(lines)
        mask = np.array(keep)
        for position, builder in self._builders.items():
            cells = columns[position]
            if isinstance(cells, np.ndarray):
                builder.add_values(cells[mask] if n_missing else cells)
            elif cells is not None:
                builder.add(list(compress(cells, keep)) if n_missing else cells)
        if len(self) * len(self._builders) * 12 > self._memory:
            raise SizeError(
                f"{self._name} needs more memory than the {self._memory:,} bytes that are free "
                f"(stopped after {count(len(self), 'row')} of {count(len(self._builders), 'column')}); "
                "use fewer rows or --drop columns"
            )

    def finish(self) -> RawTable:
        """Type the columns and hand the table over.

        Raises
        ------
        DataError
            For zero rows, missing labels, and whatever a column refuses.
        """
        self._check_target()
        if not len(self):
            raise DataError(
                f"0 sample(s) (shape=(0, {len(self._builders)})) while a minimum of 1 is required: "
                f"{self._name} has 0 rows below the names of its "
                f"{len(self._builders) + 1} columns; give a file with data, or --no-header if that line is a row"
            )
        decimal = self._decimal()
        raw = RawTable(self.selection, self._target(), self.lines.where, notes=self.notes, decimal=decimal)
        for at in self.selection.features:
            column = self._dates.get(at) or self._builders.pop(at).finish(decimal or ".", self.lines.where)
            raw.columns.append(column)
        return raw

    def _check_target(self) -> None:
        if not self._missing_targets:
            return
        name = shown(self.selection.names[self.selection.target])
        if not self._options.drop_missing_target:
            raise DataError(
                f"every row needs a label, but the target {name} is missing in {count(self._missing_targets, 'row')} "
                f"of {self._name} (first: {self.lines.unit} {self._first_missing_target}); "
                "give --drop-missing-target to leave them out, or complete them"
            )
        self.notes.append(f"{count(self._missing_targets, 'row')} without a label were left out")

    def _target(self) -> NDArray[np.object_]:
        texts = np.array(list(self._labels), dtype=object)
        codes = np.frombuffer(self._label_codes, dtype=np.intc)
        return texts[codes]

    def _decimal(self) -> str | None:
        """Return the decimal mark: the user's, the training file's, or the one that all columns agree on."""
        known = self._options.decimal or (self._plan.decimal if self._plan else None)
        if known is not None:
            return known
        points, commas = [], []
        for builder in self._builders.values():
            evidence = builder.evidence()
            if CellKind.POINT in evidence:
                points.append((builder, evidence[CellKind.POINT]))
            if CellKind.COMMA in evidence:
                commas.append((builder, evidence[CellKind.COMMA]))
        if not commas:
            return "." if points else None
        first, remark = commas[0]
        cell = f"column {shown(first.name)} has {shown(remark.cell.strip())} at {self.lines.where(remark.row)}"
        if points:
            other, point = points[0]
            raise DataError(
                f"one decimal mark is needed, but {cell} and column {shown(other.name)} has "
                f"{shown(point.cell.strip())} at {self.lines.where(point.row)}; correct one of them, "
                "or say which it is with --decimal , or --decimal ."
            )
        if all(looks_grouped(text) for builder, _ in commas for text in builder.comma_cells()):
            raise DataError(
                f"{cell}, which may be a decimal comma or a separator of thousands; "
                "give --decimal , if it is the decimal mark, else write the numbers without separators"
            )
        self.notes.append(f"numbers are written with a decimal comma (first: {cell})")
        return ","
