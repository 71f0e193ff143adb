"""A column while its cells come in, block by block.

Cells are first kept as codes into a dictionary of the different texts seen; a
column with many different numbers changes to numbers. So a table of floats costs
eight bytes a cell, and one of words four.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.tables.cells import CellKind, CellReader
from marginscope.tables.column import HUGE_INTEGER, LARGEST_VALUE, LOSSLESS_INTEGER, Column
from marginscope.tables.column_typing import (
    FEW_LEVELS,
    HUGE,
    LARGE,
    MOST_LEVELS,
    LevelTable,
    Remark,
    is_huge_integer,
    is_lossy_integer,
    refuse_mixture,
    refuse_values,
)
from marginscope.tables.plan import ColumnPlan
from marginscope.tables.wording import shown

__all__ = ["ColumnBuilder"]

# Texts that are looked at for numbers.
_LOOKED_AT = 1000
#: The kinds of number that show the decimal mark of a file.
_MARKED = (CellKind.POINT, CellKind.COMMA)


class _Levels(dict[str | None, int]):
    """Text to code, in the order of first sight."""

    def __missing__(self, text: str | None) -> int:
        self[text] = code = len(self)
        return code


class ColumnBuilder:
    """Collects the cells of one feature column and decides its type at the end.

    ``patience`` is how many different texts are kept before a column that shows
    only numbers is kept as numbers.
    """

    def __init__(
        self,
        name: str,
        position: int,
        reader: CellReader,
        *,
        expected: ColumnPlan | None = None,
        is_text: bool = False,
        is_words: bool = False,
        null_name: str = "",
        patience: int = FEW_LEVELS,
    ) -> None:
        self.name = name
        self.position = position
        self._reader = reader
        self._expected = expected
        self._is_text = is_text
        self._is_words = is_words and not (expected is not None and expected.kind == "number")
        self._null_name = null_name
        self._patience = patience
        self._seen = _Levels()
        self._kinds: list[CellKind] = []
        self._values: list[float] = []
        self._commas: list[str] = []
        self._chunks: list[NDArray[Any]] = []
        self._texts: list[str] = []
        self._in_numbers = False
        self._has_commas = False
        self._overflowed = False
        self._rows = 0
        self._missing: Counter[str] = Counter()
        self._first: dict[str, Remark] = {}
        self._number_kinds: Counter[CellKind] = Counter()
        self._loses_integers = False

    def add(self, cells: Sequence[str | None]) -> None:
        """Append a block of cells; None is the missing value of formats that have one."""
        if self._is_text:
            self._texts.extend("" if cell is None or cell.strip() in self._reader.marks else cell for cell in cells)
        elif self._in_numbers:
            self._add_numbers(cells)
        elif not self._overflowed:
            self._chunks.append(np.fromiter(map(self._seen.__getitem__, cells), np.int32, len(cells)))
            self._rows += len(cells)
            self._review()
            return
        self._rows += len(cells)

    def add_values(self, values: NDArray[np.float64], *, loses_integers: bool = False) -> None:
        """Append a block that is numeric in its file, with NaN for missing."""
        self._in_numbers = True
        self._loses_integers |= loses_integers
        n_missing = int(np.isnan(values).sum())
        if n_missing:
            self._missing[self._null_name] += n_missing
        if (hits := np.flatnonzero(np.isinf(values))).size:
            remark = Remark(self._rows + int(hits[0]), f"{values[hits[0]]}")
            self._first.setdefault(CellKind.INFINITE.name, remark)
        self._number_kinds[CellKind.POINT] += len(values) - n_missing
        self._keep_numbers(values, lambda at: f"{values[at]:g}")
        self._rows += len(values)

    def evidence(self) -> dict[CellKind, Remark]:
        """Return the first cell of each kind of number, which settles the decimal mark of the file."""
        if self._in_numbers:
            return {kind: self._first[kind.name] for kind in _MARKED if kind.name in self._first}
        if self._is_text or self._is_words or self._overflowed:
            return {}
        self._classify()
        if CellKind.OTHER in self._kinds:
            return {}
        table = self._table()
        found = {kind: np.flatnonzero(table.kinds == kind) for kind in _MARKED}
        return {kind: table.first(codes) for kind, codes in found.items() if codes.size}

    def comma_cells(self) -> list[str]:
        """Return the different texts that may be numbers with a decimal comma."""
        if self._in_numbers:
            return self._commas
        return [text or "" for text, kind in zip(self._seen, self._kinds, strict=True) if kind == CellKind.COMMA]

    def finish(self, decimal: str, where: Callable[[int], str]) -> Column:
        """Return the typed column.

        Raises
        ------
        DataError
            For infinity, values that overflow, and numbers mixed with words.
        """
        if self._is_text:
            if self._expected is None:
                self._refuse_numbers()
            column = Column(self.name, self.position, "text", texts=self._texts)
            column.filled = sum(1 for text in self._texts if text)
            return column
        if self._overflowed:
            return Column(self.name, self.position, "identifier", filled=self._rows, distinct=len(self._seen))
        if self._in_numbers:
            return self._finish_numbers(decimal, where)
        return self._finish_levels(decimal, where)

    def _refuse_numbers(self) -> None:
        """Refuse a column of numbers as text: each number would count as a word."""
        kinds = Counter(self._reader.classify(text)[0] for text in self._texts[:_LOOKED_AT] if text)
        if 2 * (kinds.total() - kinds[CellKind.OTHER]) > kinds.total():
            raise UsageError(
                f"--text needs a column of words, but {shown(self.name)} holds numbers; leave --text {self.name} out"
            )

    def _review(self) -> None:
        """Leave the dictionary once it is too large to pay."""
        if len(self._seen) <= max(self._patience, self._rows // 20):
            return
        if self._is_words or (self._expected is not None and self._expected.kind == "category"):
            return
        self._classify()
        kinds = set(self._kinds)
        if not kinds & {CellKind.OTHER, CellKind.GROUPED} and not {CellKind.POINT, CellKind.COMMA} <= kinds:
            self._has_commas = CellKind.COMMA in kinds
            self._turn_to_numbers()
        elif CellKind.OTHER in kinds and len(self._seen) > MOST_LEVELS:
            self._overflowed = True
            self._chunks = []

    def _classify(self) -> None:
        for text in list(self._seen)[len(self._kinds) :]:
            kind, value = self._reader.classify(text)
            self._kinds.append(kind)
            self._values.append(value)

    def _turn_to_numbers(self) -> None:
        chunks, texts = self._chunks, list(self._seen)
        self._commas = self.comma_cells()
        self._chunks, self._in_numbers = [], True
        table = np.array(self._values)
        kinds = np.array(self._kinds)
        rows, self._rows = self._rows, 0
        for codes in chunks:
            self._number_kinds.update(map(CellKind, kinds[codes].tolist()))
            for code in np.unique(codes[kinds[codes] == CellKind.MISSING]):
                self._missing[self._reader.mark_of(texts[code], self._null_name)] += int((codes == code).sum())
            self._note_kinds(codes, kinds, texts)
            self._keep_numbers(table[codes], partial(_text_at, texts, codes))
            self._rows += len(codes)
        self._rows = rows
        self._seen, self._kinds, self._values = _Levels(), [], []

    def _note_kinds(self, codes: NDArray[np.int32], kinds: NDArray[Any], texts: list[str | None]) -> None:
        for kind in (CellKind.POINT, CellKind.COMMA, CellKind.INFINITE):
            if kind.name not in self._first and (hits := np.flatnonzero(kinds[codes] == kind)).size:
                self._first[kind.name] = Remark(self._rows + int(hits[0]), texts[codes[hits[0]]] or "")

    def _add_numbers(self, cells: Sequence[str | None]) -> None:
        values = self._plain_numbers(cells)
        if values is None:
            values = self._mixed_numbers(cells)
        self._keep_numbers(values, lambda at: cells[at] or "")

    def _plain_numbers(self, cells: Sequence[str | None]) -> NDArray[np.float64] | None:
        """Convert at full speed, or return None where a cell needs a closer look."""
        if self._reader.mark_values:
            return None
        try:
            text = "\n".join(cells)  # type: ignore[arg-type]
            # float() also takes 1_000 and the digits of other scripts, which no table means as numbers.
            if "_" in text or not text.isascii() or (self._has_commas and "." in text):
                return None
            plain = text.replace(",", ".").split("\n") if self._has_commas else cells
            values = np.fromiter(map(float, plain), np.float64, len(cells))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        if not np.isfinite(values).all():
            return None
        if CellKind.POINT.name not in self._first and "." in text:
            at = next(at for at, cell in enumerate(cells) if cell and "." in cell)
            self._first[CellKind.POINT.name] = Remark(self._rows + at, cells[at] or "")
        self._number_kinds[CellKind.COMMA if self._has_commas else CellKind.POINT] += len(cells)
        return values

    def _mixed_numbers(self, cells: Sequence[str | None]) -> NDArray[np.float64]:
        values = np.empty(len(cells))
        for at, cell in enumerate(cells):
            kind, values[at] = self._reader.classify(cell)
            self._number_kinds[kind] += 1
            if kind == CellKind.MISSING:
                self._missing[self._reader.mark_of(cell, self._null_name)] += 1
            else:
                self._first.setdefault(kind.name, Remark(self._rows + at, cell or ""))
        return values

    def _keep_numbers(self, values: NDArray[np.float64], text_of: Callable[[int], str]) -> None:
        self._chunks.append(values)
        size = np.abs(values)
        if LARGE not in self._first and (hits := np.flatnonzero(size > LARGEST_VALUE)).size:
            self._first[LARGE] = Remark(self._rows + int(hits[0]), text_of(int(hits[0])))
        limit = HUGE_INTEGER if self._loses_integers else LOSSLESS_INTEGER
        for at in np.flatnonzero(size >= limit):
            self._note_integer(int(at), text_of(int(at)))

    def _note_integer(self, at: int, cell: str) -> None:
        if self._reader.classify(cell)[0] == CellKind.INTEGER:
            self._loses_integers |= is_lossy_integer(cell)
            if is_huge_integer(cell):
                self._first.setdefault(HUGE, Remark(self._rows + at, cell))

    def _finish_numbers(self, decimal: str, where: Callable[[int], str]) -> Column:
        other = CellKind.COMMA if decimal == "." else CellKind.POINT
        bad = [self._first[kind.name] for kind in (other, CellKind.GROUPED, CellKind.OTHER) if kind.name in self._first]
        n_words = self._number_kinds[CellKind.OTHER]
        filled = self._number_kinds.total() - self._number_kinds[CellKind.MISSING]
        expects_number = self._expected is not None and self._expected.kind == "number"
        if bad and n_words * 2 >= filled and not expects_number:
            return Column(self.name, self.position, "identifier", filled=filled, distinct=FEW_LEVELS)
        if bad:
            refuse_mixture(self.name, min(bad, key=lambda remark: remark.row), self._reader, where)
        refuse_values(self.name, self._first, where)
        return Column(
            self.name,
            self.position,
            "number",
            self._chunks,
            missing=self._missing,
            filled=filled,
            distinct=FEW_LEVELS,
            loses_integers=self._loses_integers,
        )

    def _finish_levels(self, decimal: str, where: Callable[[int], str]) -> Column:
        table = self._table()
        column = Column(self.name, self.position, "number", self._chunks, missing=table.missing(self._null_name))
        column.filled = int(table.counts.sum()) - column.n_missing
        expected = None if self._expected is None else self._expected.kind
        if self._expected is not None and expected == "category":
            return table.map_to(column, self._expected.levels)
        return table.finish(column, decimal, where, expected, self._is_words)

    def _table(self) -> LevelTable:
        self._classify()
        counts = np.zeros(len(self._seen), dtype=np.int64)
        for codes in self._chunks:
            counts += np.bincount(codes, minlength=len(counts))
        kinds = np.array(self._kinds, dtype=np.int8)
        values = np.array(self._values, dtype=np.float64)
        return LevelTable(list(self._seen), kinds, values, counts, self._chunks, self._reader)


def _text_at(texts: list[str | None], codes: NDArray[np.int32], at: int) -> str:
    return texts[codes[at]] or ""
