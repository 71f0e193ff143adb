"""The target column: text exactly as written, and what may be wrong with it."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, LabelTypeError
from marginscope.tables.cells import CellKind, CellReader
from marginscope.tables.options import DEFAULT_MISSING
from marginscope.tables.wording import count, joined, listed, shown

__all__ = ["check_classes", "labels_as_text", "near_equal_labels", "without_padding"]


def labels_as_text(values: NDArray[Any], name: str) -> list[str | None]:
    """Return labels of a typed format as ``str(label)``, None where missing.

    Raises
    ------
    LabelTypeError
        For bytes, dates, complex numbers and objects.
    """
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"y should be a 1d array, but the target {shown(name)} has shape {values.shape}; "
            "give one label a row (for a one-hot target: its column index, y.argmax(axis=1))"
        )
    if values.dtype.kind == "S":
        raise LabelTypeError(
            f"labels represented as bytes is not supported, but the target {shown(name)} holds bytes; decode them"
        )
    if values.dtype.kind not in "biufU":
        raise LabelTypeError(
            f"labels must be text, integers or booleans, but the target {shown(name)} is {values.dtype}; convert it"
        )
    if values.dtype.kind == "f":
        return [None if value != value else str(value) for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def without_padding(target: NDArray[np.object_], name: str) -> tuple[NDArray[np.object_], tuple[str, ...]]:
    """Strip the blank that a file writes after every delimiter, and only that.

    Labels that differ by a blank stay different.
    """
    labels = set(target)
    if not labels or not all(label[:1].isspace() for label in labels):
        return target, ()
    shorter = {label: label.lstrip() for label in labels}
    if len(set(shorter.values())) < len(labels):
        return target, ()
    stripped = np.empty(len(target), dtype=object)
    stripped[:] = [shorter[label] for label in target]
    return stripped, (f"every label of {shown(name)} begins with a blank; it is not taken as part of the label",)


def near_equal_labels(labels: list[str]) -> list[tuple[str, ...]]:
    """Return groups of labels that differ only by case, blanks or Unicode form."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        groups[" ".join(unicodedata.normalize("NFKC", label).casefold().split())].append(label)
    return [tuple(sorted(group)) for group in groups.values() if len(group) > 1]


def check_classes(target: NDArray[np.object_], name: str, declared: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return notes about the classes of a training file.

    Raises
    ------
    DataError
        If there is one class only, or the target is a measured quantity.
    """
    labels = sorted(set(target))
    if len(labels) == 1:
        raise DataError(
            f"two classes or more are needed, but all {count(len(target), 'row')} have the class "
            f"{shown(labels[0])} in the target {shown(name)}; choose another target or give more data"
        )
    _refuse_continuous(labels, len(target), name)
    notes = []
    if 2 * len(labels) > len(target):
        notes.append(
            f"more than half of the rows are distinct classes ({count(len(labels), 'class', 'classes')} in "
            f"{count(len(target), 'row')}); is {shown(name)} the right target?"
        )
    notes += [_named_like_a_gap(target, name, mark) for mark in DEFAULT_MISSING if mark in labels]
    groups = near_equal_labels(labels)
    if groups:
        words = "; ".join(joined([shown(label) for label in group]) for group in groups[:5])
        notes.append(f"labels that differ only by case, blanks or Unicode form are kept apart: {words}")
    unused = [label for label in declared if label not in set(labels)]
    if unused:
        notes.append(f"the target declares classes that have no rows: {listed(unused)}")
    return tuple(notes)


def _named_like_a_gap(target: NDArray[np.object_], name: str, mark: str) -> str:
    """Say that a class has the name of a missing value: which of the two it is, only the user knows."""
    cells = count(int(np.count_nonzero(target == mark)), "target cell")
    return (
        f"the class {shown(mark)} of {shown(name)} ({cells}) has the name of a missing value and is taken as a class; "
        f"if it means no label, use --missing {mark} --drop-missing-target"
    )


def _refuse_continuous(labels: list[str], n_rows: int, name: str) -> None:
    reader = CellReader(())
    many = len(labels) * 2 > n_rows or (len(labels) > 100 and len(labels) * 5 > n_rows)
    if len(labels) < 3 or not many:
        return
    found = [reader.classify(label) for label in labels]
    measured = [value for kind, value in found if kind in (CellKind.POINT, CellKind.COMMA) and value % 1]
    if 2 * len(measured) > len(labels):
        raise DataError(
            f"Unknown label type: continuous. The target {shown(name)} must name classes, but it has "
            f"{len(labels):,} different numbers in {count(n_rows, 'row')}, such as {shown(labels[0])}; "
            "cut it into bins first, or choose another target"
        )
