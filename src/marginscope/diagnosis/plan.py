"""How much to compute: decided by the size of the data alone, so that runs repeat."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """Rows and repeats.

    Attributes
    ----------
    base_rows : int
        Rows on which recall is measured, all but for very large data.
    lab_rows : int
        Rows of the counterfactuals.
    n_splits, n_repeats : int
        Of cross-validation.
    least_per_class : int
        Rows that a class keeps in a subsample.
    """

    base_rows: int
    lab_rows: int
    n_splits: int
    n_repeats: int
    least_per_class: int = 30


# Cells times classes that one fit may cost, for the counterfactuals and for the base.
_LAB_CELLS = 2.5e6
_BASE_CELLS = 6e7
# Who has many rows waits longer anyway: from here the laboratory grows with their root.
_MANY_ROWS = 20_000
# A laboratory with all rows need not fit the model anew.
_NEARLY_ALL = 0.7
_LEAST_LAB_ROWS = 1500
_MOST_LAB_ROWS = 8000


def make_plan(n_rows: int, n_features: int, n_classes: int, *, n_splits: int) -> Plan:
    """Choose rows and repeats for data of this size; of sparse features those count that a row has."""
    per_row = max(1, n_features) * max(2, n_classes)
    lab_cells = _LAB_CELLS * max(1.0, n_rows / _MANY_ROWS) ** 0.5
    lab_rows = int(min(n_rows, _MOST_LAB_ROWS, max(_LEAST_LAB_ROWS, lab_cells / per_row)))
    if lab_rows >= _NEARLY_ALL * n_rows and n_rows <= _MOST_LAB_ROWS:
        lab_rows = n_rows
    base_rows = int(min(n_rows, max(lab_rows, 4 * _LEAST_LAB_ROWS, _BASE_CELLS / per_row)))
    cells = lab_rows * per_row
    n_repeats = 3 if cells <= 1e5 else 2 if cells <= 3e5 else 1
    return Plan(base_rows, lab_rows, n_splits, n_repeats)
