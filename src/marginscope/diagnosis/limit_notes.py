"""Which remedies cannot change where training ends, on rows that are certified to be separable."""

from __future__ import annotations

from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.separation import Separation, separation_of
from marginscope.exceptions import CheckNotApplicable
from marginscope.remedies.changes import LIMIT
from marginscope.remedies.recipe import Remedy

__all__ = ["limit_note", "separation_or_none"]

# What acts before the limit, or on the answers of another model, is not meant to move it.
_OTHER_AIMS = frozenset({"training", "penalty", "model", "features", "labels"})


def separation_or_none(case: Case) -> Separation | None:
    """Return the certificate of an unpenalised linear model whose rows are separable, ``None`` elsewhere."""
    try:
        found = separation_of(case)
    except (CheckNotApplicable, NotTried):
        return None
    return found if found.certificate.status in ("complete", "quasi_complete") else None


def limit_note(remedy: Remedy, separation: Separation | None) -> str:
    """Return why a remedy does not change where training ends, empty if it does or nothing is certified."""
    if separation is None or LIMIT in remedy.changes or remedy.family in _OTHER_AIMS:
        return ""
    whole = separation.certificate.status == "complete"
    proved = "certificate verified" if separation.certificate.verify(separation.X, separation.y) else "certificate"
    return (
        f"cannot move the limit: the training rows are {'completely' if whole else 'quasi-completely'} separable "
        f"({proved}) and no penalty holds the model, so {'' if whole else 'in the separable part '}this changes when a "
        "class is learned, not where training ends; class margins, a penalty or early stopping can change that"
    )
