"""Fit the winning remedy on all training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from marginscope.adapters.prepared_model import OnFeatures
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.trials import merge_codes, relabel_codes
from marginscope.remedies.adjusted import AdjustedClassifier
from marginscope.remedies.ledger import RemedyTrial

__all__ = ["FinalFit", "fit_winner"]

# Fall of balanced recall from new rows of the folds to own rows of the whole fit that no stable training shows.
_FALL = 0.1


@dataclass(frozen=True)
class FinalFit:
    """A remedy fitted on all training rows, and why it should not be trusted, if it should not.

    ``estimator`` predicts from X in the user's own form; ``None`` without a model to fit.
    """

    estimator: Any
    doubt: str = ""


def fit_winner(case: Case, lab: Laboratory, winner: RemedyTrial) -> FinalFit:
    """Fit a remedy that was tried on all training rows."""
    recipe = lab.recipe(winner.recipe)
    rows = np.arange(case.n_train)
    codes = relabel_codes(merge_codes(case.subject.codes, recipe.merges), recipe.relabelling)[rows]
    y = case.subject.labels[codes]
    estimator = recipe.estimator if recipe.estimator is not None else case.view.estimator
    if estimator is None:
        return FinalFit(None)
    if recipe.posthoc is not None:
        estimator = AdjustedClassifier(estimator, recipe.posthoc)
    reads_matrix = recipe.reads_features or case.reads_matrix
    X = case.features.take(rows).values if reads_matrix else case.subject.take(rows)
    fitted = clone(estimator, safe=False).fit(X, y)
    doubt = _doubt(case, winner, codes, np.asarray(fitted.predict(X)) == y)
    if reads_matrix and case.has_own_form:
        fitted = OnFeatures(estimator, like=case.features.take(np.arange(0))).holding(fitted)
    return FinalFit(fitted, doubt)


def _doubt(case: Case, winner: RemedyTrial, codes: NDArray[np.int64], is_right: NDArray[np.bool_]) -> str:
    """Hold the recall on the rows of the fit against that on the folds."""
    on_folds = {k: value for k, name in enumerate(case.names) if (value := winner.recall.get(name)) is not None}
    on_own = {k: float(is_right[codes == k].mean()) for k in on_folds if (codes == k).any()}
    if not on_own:
        return ""
    before, after = float(np.mean([on_folds[k] for k in on_own])), float(np.mean(list(on_own.values())))
    if after >= before - _FALL:
        return ""
    return (
        f"{winner.slug} reaches a balanced recall of {before:.2f} on the folds, but only {after:.2f} on its own rows "
        "where it is fitted on all of them: its training is not stable, so it is not named."
    )
