"""What one cell of text can be: a number, a date, no value, or words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from enum import IntEnum

__all__ = ["CellKind", "CellReader", "is_date", "looks_grouped"]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:[,.' \u00a0\u202f]\d{3})+(?:[.,]\d+)?", re.ASCII)
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_INFINITE = re.compile(r"[+-]?(?:inf|infinity|∞|1\.#INF)", re.IGNORECASE)

_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?"
_MONTH = r"(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*\.?"
_DATE = re.compile(
    rf"(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{4}}/\d{{1,2}}/\d{{1,2}}|\d{{4}}\.\d{{1,2}}\.\d{{1,2}}"
    rf"|\d{{1,2}}([./-])\d{{1,2}}\1(?:\d{{4}}|\d{{2}})|\d{{1,2}}[ .-]{{1,2}}{_MONTH}[ ,-]{{0,2}}\d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}},? \d{{4}})(?:[T ]{_CLOCK}\s?(?:Z|UTC|[+-]\d{{2}}:?\d{{2}})?)?|{_CLOCK}",
    re.IGNORECASE | re.ASCII,
)


class CellKind(IntEnum):
    """The kinds of cell that the typing of a column tells apart."""

    MISSING = 0
    INTEGER = 1
    POINT = 2
    COMMA = 3
    GROUPED = 4
    INFINITE = 5
    OTHER = 6


class CellReader:
    """Classify cells under one set of missing marks.

    A mark that is a number is met by value, so that ``-999`` also means ``-999.0``.
    """

    def __init__(self, marks: Iterable[str]) -> None:
        self.marks = frozenset(marks)
        self.mark_values = {float(mark): mark for mark in self.marks if _NUMBER.fullmatch(mark)}

    def classify(self, cell: str | None) -> tuple[CellKind, float]:
        """Return the kind of a cell and its value, NaN where it has none."""
        if cell is None:
            return CellKind.MISSING, math.nan
        text = cell.strip()
        if text in self.marks:
            return CellKind.MISSING, math.nan
        if _NUMBER.fullmatch(text):
            value = float(text)
            if value in self.mark_values:
                return CellKind.MISSING, math.nan
            if math.isinf(value):
                return CellKind.INFINITE, value
            return (CellKind.INTEGER if _INTEGER.fullmatch(text) else CellKind.POINT), value
        if _COMMA.fullmatch(text):
            value = float(text.replace(",", "."))
            return (CellKind.COMMA, value) if math.isfinite(value) else (CellKind.INFINITE, value)
        if _GROUPED.fullmatch(text):
            return CellKind.GROUPED, math.nan
        if _INFINITE.fullmatch(text):
            return CellKind.INFINITE, -math.inf if text[0] == "-" else math.inf
        return CellKind.OTHER, math.nan

    def mark_of(self, cell: str | None, null_name: str) -> str:
        """Return the mark that made a cell missing, for the count in the notes."""
        if cell is None:
            return null_name
        text = cell.strip()
        return text if text in self.marks else self.mark_values.get(float(text), text)


def is_date(cell: str) -> bool:
    """Tell whether a cell is a date, a time of day or both."""
    return _DATE.fullmatch(cell.strip()) is not None


def looks_grouped(cell: str) -> bool:
    """Tell whether ``1,234`` may as well be one thousand as one and a bit."""
    return _ONE_GROUP.fullmatch(cell.strip()) is not None
