"""Which rows are drawn for the recall and for interventions, and in which splits."""

from __future__ import annotations

import numbers
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.folds import Design, cross_validation, single_split, stratified_subsample
from marginscope.diagnosis.plan import Plan
from marginscope.diagnosis.trials import Subject, Trial
from marginscope.exceptions import UsageError
from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["drawn_rows", "number_of_folds", "put_back", "width_of"]

_FOLDS = 5
# Sparse rows are projected on as many directions for learners that need dense ones.
_LEAST_WIDTH = 50


def put_back(trial: Trial, rows: NDArray[np.int64], n_rows: int) -> Trial:
    """Put answers for some rows back among all rows, the others unscored."""
    predicted = np.full((trial.predicted.shape[0], n_rows), -1, dtype=trial.predicted.dtype)
    predicted[:, rows] = trial.predicted
    proba = None
    if trial.proba is not None:
        proba = np.zeros((trial.proba.shape[0], n_rows, trial.proba.shape[2]), dtype=trial.proba.dtype)
        proba[:, rows] = trial.proba
    return replace(trial, predicted=predicted, proba=proba)


def drawn_rows(
    design: Design,
    subject: Subject,
    most: int,
    plan: Plan,
    rng: np.random.Generator,
    copies: NDArray[np.int64] | None,
) -> tuple[NDArray[np.int64], Design]:
    """Draw at most about ``most`` training (and as many test) rows, with splits among them."""
    n_train, n_rows = subject.n_first, subject.codes.size
    rows = stratified_subsample(subject.codes[:n_train], most, least=plan.least_per_class, rng=rng)
    if n_rows > n_train:
        test = stratified_subsample(subject.codes[n_train:], max(most, 6000), least=plan.least_per_class, rng=rng)
        both = np.concatenate([rows, n_train + test])
        return (both, design) if both.size == n_rows else (both, single_split(rows.size, test.size))
    if rows.size == n_rows or not design.can_be_redrawn:
        return np.arange(n_rows), design
    return rows, cross_validation(
        subject.codes[rows],
        n_splits=plan.n_splits,
        n_repeats=plan.n_repeats,
        rng=rng,
        copies=None if copies is None else copies[rows],
    )


def width_of(features: FeatureMatrix) -> int:
    """Return how many features a row has, on average where they are sparse."""
    if not features.is_sparse:
        return features.shape[1]
    return min(features.shape[1], max(_LEAST_WIDTH, round(int(features.values.nnz) / features.shape[0])))


def number_of_folds(cv: Any) -> int:
    """Return ``cv`` where it is a number; a splitter has its own, and refits on a subsample take five.

    Raises
    ------
    UsageError
        If it is below 2.
    """
    if not isinstance(cv, numbers.Integral):
        return _FOLDS
    folds = int(cv)
    if folds < 2:
        raise UsageError(f"cv must be 2 folds or more, but got {cv!r}; use cv=5 for five folds")
    return folds
