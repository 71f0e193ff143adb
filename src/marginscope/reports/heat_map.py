"""The parameters of a linear model as a table of coloured cells, class by feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.result import Diagnosis, ParameterTable
from marginscope.reports.numbers import as_aligned, as_number

__all__ = ["HeatMap", "HeatRow", "heat_map"]

MOST_FEATURES = 40
MOST_CLASSES = 40
MOST_NUMBERED_FEATURES = 14
LEVELS = 6
MOST_FLAT_LETTERS = 4


@dataclass(frozen=True)
class HeatCell:
    """A value as text, its style (``p1`` .. ``n6``, ``0`` or ``none``), and whether it has no finite value."""

    text: str
    shade: str
    is_infinite: bool


@dataclass(frozen=True)
class HeatRow:
    """The parameters of one class."""

    label: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class HeatMap:
    """What the table shows; ``notes`` say what was left out."""

    gauge: str
    features: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    scale: str
    has_infinite: bool
    is_numbered: bool
    notes: tuple[str, ...]

    @property
    def is_flat(self) -> bool:
        """Whether the names are short enough to be written across."""
        return max(map(len, self.features), default=0) <= MOST_FLAT_LETTERS


def heat_map(diagnosis: Diagnosis) -> HeatMap | None:
    """Lay out the parameters: classes worst first, the features that matter most."""
    table = diagnosis.parameters
    if table is None or not table.values.size:
        return None
    infinite = np.zeros(table.values.shape, dtype=np.int8) if table.infinite is None else table.infinite
    columns = _leading_features(table, infinite)
    order = {one.label: place for place, one in enumerate(diagnosis.classes)}
    classes = sorted(range(len(table.classes)), key=lambda k: order.get(table.classes[k], len(order)))[:MOST_CLASSES]
    values, signs = table.values[np.ix_(classes, columns)], infinite[np.ix_(classes, columns)]
    largest = _largest(values[signs == 0]) or _largest(values)
    rows = tuple(
        HeatRow(table.classes[k], tuple(_cell(float(v), int(s), largest) for v, s in zip(*pair, strict=True)))
        for k, pair in zip(classes, zip(values, signs, strict=True), strict=True)
    )
    return HeatMap(
        gauge=table.gauge,
        features=tuple(table.features[j] for j in columns),
        rows=rows,
        scale=as_number(largest),
        has_infinite=bool(np.any(signs)),
        is_numbered=len(columns) <= MOST_NUMBERED_FEATURES,
        notes=tuple(_notes(table, columns, classes)),
    )


def _leading_features(table: ParameterTable, infinite: NDArray[np.int8]) -> list[int]:
    """Return all features in their order, or those with the largest parameters, infinite ones first."""
    n_features = len(table.features)
    if n_features <= MOST_FEATURES:
        return list(range(n_features))
    size = np.nan_to_num(np.abs(table.values), nan=0.0, posinf=np.finfo(float).max).max(axis=0)
    ranked = np.lexsort((-size, ~np.any(infinite != 0, axis=0)))
    return [int(j) for j in ranked[:MOST_FEATURES]]


def _largest(values: NDArray[np.float64]) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def _cell(value: float, sign: int, largest: float) -> HeatCell:
    if sign:
        return HeatCell("+\u221e" if sign > 0 else "\u2212\u221e", f"{'p' if sign > 0 else 'n'}{LEVELS // 2}", True)
    if not math.isfinite(value):
        return HeatCell(as_number(value), "none", False)
    level = min(LEVELS, round(LEVELS * abs(value) / largest)) if largest else 0
    return HeatCell(as_aligned(value, largest), f"{'p' if value > 0 else 'n'}{level}" if level else "0", False)


def _notes(table: ParameterTable, columns: Sequence[int], classes: Sequence[int]) -> list[str]:
    notes = []
    if len(columns) < len(table.features):
        notes.append(f"the {len(columns):,} of {len(table.features):,} features with the largest parameters")
    if len(classes) < len(table.classes):
        notes.append(f"the {len(classes):,} of {len(table.classes):,} classes that are worst learned")
    return notes
