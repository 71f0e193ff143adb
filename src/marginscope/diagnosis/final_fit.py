"""Fit the winning remedy on all training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from marginscope.adapters.prepared_model import OnFeatures
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.trials import merge_codes, relabel_codes
from marginscope.remedies.adjusted import AdjustedClassifier
from marginscope.remedies.ledger import RemedyTrial

__all__ = ["fit_winner"]


def fit_winner(case: Case, lab: Laboratory, winner: RemedyTrial) -> Any:
    """Return the winner, fitted; it predicts from X in the user's own form, ``None`` without a model to fit."""
    recipe = lab.recipe(winner.recipe)
    rows = np.arange(case.n_train)
    codes = relabel_codes(merge_codes(case.subject.codes, recipe.merges), recipe.relabelling)
    y = case.subject.labels[codes[rows]]
    estimator = recipe.estimator if recipe.estimator is not None else case.view.estimator
    if estimator is None:
        return None
    if recipe.posthoc is not None:
        estimator = AdjustedClassifier(estimator, recipe.posthoc)
    reads_matrix = recipe.reads_features or case.reads_matrix
    X = case.features.take(rows).values if reads_matrix else case.subject.take(rows)
    fitted = clone(estimator, safe=False).fit(X, y)
    if reads_matrix and case.has_own_form:
        return OnFeatures(estimator, like=case.features.take(np.arange(0))).holding(fitted)
    return fitted
