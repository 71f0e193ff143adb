"""Notes about a model that came fitted, and about rows that are copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.model_view import ModelView
from marginscope.diagnosis.copied_rows import MANY, number_of_copies, same_row_and_label
from marginscope.diagnosis.trials import Subject
from marginscope.exceptions import ModelError

__all__ = ["copies_note", "fitted_notes", "unlike_note"]

# Difference of recall between a given model and its refit that is worth a note.
_UNLIKE = 0.2
# Rows that a given model is asked twice about.
_ASKED_TWICE = 50


def fitted_notes(view: ModelView, subject: Subject, *, is_judged: bool) -> list[str]:
    """Say where a fitted model answers by chance, and where it is fitted anew; ``is_judged`` as it stands."""
    if view.fitted is None:
        return []
    notes = []
    if _throws_dice(view, subject):
        notes.append("Two calls of the given model on the same rows differ: its recall is one draw of several.")
    if not is_judged:
        notes.append(
            "The fitted model that was given is fitted anew on every fold: recall is not that of its own coefficients."
        )
    return notes


def _throws_dice(view: Any, subject: Subject) -> bool:
    if not hasattr(view, "is_repeatable"):
        return False
    rows = np.arange(min(_ASKED_TWICE, subject.n_first))
    try:
        return not view.is_repeatable(view.fitted, subject.take(rows))
    except ModelError:
        # It may answer for the rows that were to be judged, and for no others.
        return False


def unlike_note(names: tuple[str, ...], recall: NDArray[np.float64], refitted: NDArray[np.float64]) -> list[str]:
    """Say so where the given fitted model and a refit of it are not the same model, by their recalls."""
    unlike = [names[k] for k in np.flatnonzero(np.abs(recall - refitted) > _UNLIKE)]
    if not unlike:
        return []
    return [
        f"The fitted model that was given and a refit of it differ on {', '.join(map(repr, unlike[:5]))}: "
        "it was trained otherwise; interventions are compared with the refit."
    ]


def copies_note(groups: NDArray[np.int64], codes: NDArray[np.int64], *, kept_together: bool) -> list[str]:
    """Say so where many rows are exact copies: a flexible learner may have seen the row that it is scored on."""
    copies = number_of_copies(same_row_and_label(groups, codes))
    if copies <= MANY * codes.size:
        return []
    text = f"{copies:,} of {codes.size:,} rows are exact copies of another row"
    if kept_together:
        return [
            f"{text}: copies stay on one side of every split, and one of each is scored. "
            "Rows that are copied to balance classes belong into the training part of a split only."
        ]
    return [f"{text}; copies that fall on both sides of a split flatter flexible learners."]
