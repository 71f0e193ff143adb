"""The confusion matrix: whole while it can be read, else its largest off-diagonal counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope._display import display_order
from marginscope.diagnosis.result import Diagnosis

__all__ = ["ConfusionTable", "Mistake", "confusion_table"]

MOST_CLASSES = 25
MOST_MISTAKES = 40
LEVELS = 6


@dataclass(frozen=True)
class Mistake:
    """Rows of one class that were taken for another."""

    true: str
    predicted: str
    rows: int
    of: int

    @property
    def share(self) -> float:
        """Share of the rows of the true class."""
        return self.rows / self.of


@dataclass(frozen=True)
class ConfusionTable:
    """``cells`` holds (count, shade 0 .. 6) per true and predicted class, or nothing if there are too many."""

    labels: tuple[str, ...]
    cells: tuple[tuple[tuple[int, int], ...], ...]
    mistakes: tuple[Mistake, ...]
    n_mistaken_pairs: int
    n_repeats: int = 1


def confusion_table(diagnosis: Diagnosis) -> ConfusionTable | None:
    """Lay out the confusion matrix."""
    counts, labels = diagnosis.confusion, diagnosis.labels
    if counts is None or not counts.size:
        return None
    # Codes are in the order of words; a reader looks for 2 before 10.
    order = display_order(labels)
    counts, labels = counts[np.ix_(order, order)], tuple(labels[k] for k in order)
    of = counts.sum(axis=1)
    pairs = np.argwhere(counts * ~np.eye(len(labels), dtype=bool))
    rows = counts[tuple(pairs.T)]
    # Largest first; equal counts in the order of the labels.
    first = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], -rows))][:MOST_MISTAKES]
    mistakes = tuple(Mistake(labels[i], labels[j], int(counts[i, j]), int(of[i])) for i, j in first)
    if len(labels) > MOST_CLASSES:
        return ConfusionTable(labels, (), mistakes, len(pairs), diagnosis.n_repeats)
    shades = np.ceil(LEVELS * counts / np.maximum(of, 1)[:, None]).astype(int)
    cells = tuple(
        tuple((int(c), int(s)) for c, s in zip(*pair, strict=True)) for pair in zip(counts, shades, strict=True)
    )
    return ConfusionTable(labels, cells, (), len(pairs), diagnosis.n_repeats)
