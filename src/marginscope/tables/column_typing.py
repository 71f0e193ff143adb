"""What a column is, once all its different cells are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError
from marginscope.tables.cells import CellKind, CellReader, is_date
from marginscope.tables.column import LARGEST_VALUE, UNKNOWN_LEVEL, Column
from marginscope.tables.wording import shown

__all__ = [
    "FEW_LEVELS",
    "HUGE",
    "LARGE",
    "MOST_LEVELS",
    "NUMBER_LIKE",
    "LevelTable",
    "Remark",
    "is_huge_integer",
    "is_lossy_integer",
    "refuse_mixture",
    "refuse_values",
]

#: Up to here the different cells of any column are kept as text.
FEW_LEVELS = 4096

#: Beyond this no column can be categorical.
MOST_LEVELS = 100_000

NUMBER_LIKE = (CellKind.INTEGER, CellKind.POINT, CellKind.COMMA, CellKind.GROUPED, CellKind.INFINITE)

#: Keys of remarks about values, beside the names of ``CellKind``.
HUGE, LARGE = "huge integer", "large value"


@dataclass(frozen=True)
class Remark:
    """A cell worth naming in an error: where it is and what it says."""

    row: int
    cell: str


def is_lossy_integer(text: str) -> bool:
    """Tell whether an integer loses digits as a 64-bit float."""
    return abs(int(text)) > 2**53


def is_huge_integer(text: str) -> bool:
    """Tell whether an integer is beyond 64 bits."""
    return not -(2**63) <= int(text) < 2**63


@dataclass(frozen=True)
class LevelTable:
    """The different cells of a column, and how often each occurs."""

    texts: list[str | None]
    kinds: NDArray[np.int8]
    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    chunks: list[NDArray[Any]]
    reader: CellReader

    def missing(self, null_name: str) -> Counter[str]:
        """Return how many cells each missing mark stands in."""
        found: Counter[str] = Counter()
        for code in np.flatnonzero((self.kinds == CellKind.MISSING) & (self.counts > 0)):
            found[self.reader.mark_of(self.texts[int(code)], null_name)] += int(self.counts[code])
        return found

    def first(self, codes: NDArray[np.intp]) -> Remark:
        """Return the first row that has one of the given cells."""
        start = 0
        for chunk in self.chunks:
            hits = np.flatnonzero(np.isin(chunk, codes))
            if hits.size:
                return Remark(start + int(hits[0]), self.texts[int(chunk[hits[0]])] or "")
            start += len(chunk)
        return Remark(0, self.texts[int(codes[0])] or "")

    def finish(
        self, column: Column, decimal: str, where: Callable[[int], str], expected: str | None, is_words: bool
    ) -> Column:
        """Complete a column as numbers, categories, or what cannot be a feature."""
        if is_words:
            column = self._as_categories(column)
            column.kind = "category"
            return column
        readable = (CellKind.INTEGER, CellKind.POINT if decimal == "." else CellKind.COMMA, CellKind.INFINITE)
        bad = np.flatnonzero((self.kinds != CellKind.MISSING) & ~np.isin(self.kinds, readable))
        if not bad.size:
            return self._as_numbers(column, where)
        n_like = int(self.counts[np.isin(self.kinds, NUMBER_LIKE)].sum())
        if n_like * 2 > column.filled or expected == "number":
            refuse_mixture(column.name, self.first(bad), self.reader, where)
        return self._as_categories(column)

    def map_to(self, column: Column, levels: tuple[str, ...]) -> Column:
        """Complete a column with the levels of the training file."""
        column.kind, column.levels, column.distinct = "category", levels, len(levels)
        place = {level: float(at) for at, level in enumerate(levels)}
        column.table = np.full(len(self.texts), np.nan)
        for code, text in enumerate(self.texts):
            word = (text or "").strip()
            if self.kinds[code] != CellKind.MISSING:
                column.table[code] = place.get(word, UNKNOWN_LEVEL)
                if word not in place:
                    column.unknown[word] += int(self.counts[code])
        return column

    def _as_numbers(self, column: Column, where: Callable[[int], str]) -> Column:
        integers = [int(code) for code in np.flatnonzero(self.kinds == CellKind.INTEGER)]
        huge = [code for code in integers if is_huge_integer(self.texts[code] or "0")]
        infinite = np.flatnonzero(self.kinds == CellKind.INFINITE)
        large = np.flatnonzero((np.abs(self.values) > LARGEST_VALUE) & (self.kinds != CellKind.INFINITE))
        found = {CellKind.INFINITE.name: infinite, HUGE: np.array(huge, dtype=np.intp), LARGE: large}
        refuse_values(column.name, {key: self.first(codes) for key, codes in found.items() if codes.size}, where)
        column.table = self.values
        column.distinct = len(np.unique(self.values[~np.isnan(self.values)]))
        column.loses_integers = any(is_lossy_integer(self.texts[code] or "0") for code in integers)
        return column

    def _as_categories(self, column: Column) -> Column:
        words = [(text or "").strip() for text in self.texts]
        used = [code for code in range(len(words)) if self.kinds[code] != CellKind.MISSING and self.counts[code]]
        column.levels = tuple(sorted({words[code] for code in used}))
        column.distinct = len(column.levels)
        n_dates = sum(int(self.counts[code]) for code in used if is_date(words[code]))
        column.kind = "category"
        if n_dates * 2 > column.filled:
            column.kind = "date"
        elif _is_identifier(column.distinct, column.filled):
            column.kind = "identifier"
        place = {level: float(at) for at, level in enumerate(column.levels)}
        column.table = np.full(len(words), np.nan)
        for code in used:
            column.table[code] = place[words[code]]
        return column


def refuse_mixture(name: str, remark: Remark, reader: CellReader, where: Callable[[int], str]) -> NoReturn:
    """Refuse a column of numbers for the first cell that is none."""
    advice = {
        CellKind.COMMA: "give --decimal , if it is a decimal comma everywhere, else write it without the comma",
        CellKind.POINT: "give --decimal . if it is a decimal point everywhere, else write it without the point",
        CellKind.GROUPED: "write numbers without separators between the thousands",
    }.get(
        reader.classify(remark.cell)[0],
        f"correct the cell, or give --missing {shown(remark.cell.strip())} if it means no value",
    )
    raise DataError(
        f"column {shown(name)} must hold numbers only, but the cell {shown(remark.cell)} at {where(remark.row)} "
        f"is not one; {advice}"
    )


def refuse_values(name: str, remarks: Mapping[str, Remark], where: Callable[[int], str]) -> None:
    """Refuse infinity, integers beyond 64 bits, and values whose squares overflow."""
    if remark := remarks.get(CellKind.INFINITE.name):
        raise DataError(
            f"finite numbers are needed, but column {shown(name)} has infinity ({shown(remark.cell.strip())}) at "
            f"{where(remark.row)}; replace it by a number or leave the cell empty"
        )
    if remark := remarks.get(HUGE):
        raise DataError(
            f"integers must be below 2**63, but column {shown(name)} has {shown(remark.cell.strip())} at "
            f"{where(remark.row)}; if it is an identifier drop the column, else rescale it"
        )
    if remark := remarks.get(LARGE):
        raise DataError(
            f"value {remark.cell.strip()} in column {shown(name)} at {where(remark.row)} makes squared norms overflow; "
            "rescale the column"
        )


def _is_identifier(distinct: int, filled: int) -> bool:
    """Tell whether so many different words are free text or names of rows."""
    if distinct > max(20, filled / 2) or distinct > MOST_LEVELS:
        return True
    return (distinct > 100 and distinct * 5 > filled) or (distinct > FEW_LEVELS and distinct * 20 > filled)
