"""Set a model up for diagnosis: rows, splits, its own answers, the laboratory."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.model_view import ModelView
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.copied_rows import MANY, copies_of_rows, number_of_copies, same_row_and_label
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.effects import recall_of
from marginscope.diagnosis.folds import Design, cross_validation, single_split, stratified_subsample
from marginscope.diagnosis.given_splits import given_splits
from marginscope.diagnosis.leaks import possible_leaks
from marginscope.diagnosis.plan import Plan, make_plan
from marginscope.diagnosis.subsample_error import ClassCounts, SubsampleError, subsample_error
from marginscope.diagnosis.trials import Subject, Trial, answers_on_scored_rows, run_trial, trial_of_predictions
from marginscope.exceptions import DataError, ModelError, UsageError
from marginscope.remedies.recipe import Situation
from marginscope.tables.feature_matrix import FeatureMatrix

__all__ = ["Bench", "set_up"]

Answers = tuple[NDArray[np.int64], NDArray[np.float64] | None]

_FOLDS = 5
# Sparse rows are projected on as many directions for learners that need dense ones.
_LEAST_WIDTH = 50
# Difference of recall between a given model and its refit that is worth a note.
_UNLIKE = 0.2
# Rows that a given model is asked twice about.
_ASKED_TWICE = 50


@dataclass
class Bench:
    """What ``set_up`` needs to know.

    ``has_own_form`` says that the user has X in another form than the feature matrix;
    ``given`` are the answers that came instead of a model: codes and probabilities of
    the scored rows.
    """

    view: ModelView
    subject: Subject
    prepared: Subject
    features: FeatureMatrix
    names: tuple[str, ...]
    cv: Any
    seed: int
    budget: float | None
    progress: Callable[[str], None]
    has_own_form: bool = False
    given: Answers | None = None


def set_up(bench: Bench) -> tuple[Case, tuple[str, ...]]:
    """Measure the model out of sample and prepare its counterfactuals.

    Returns
    -------
    (Case, notes)
        The notes say which rows were used how.

    Raises
    ------
    ModelError
        If the model cannot be fitted or fails to answer.
    """
    rng = np.random.default_rng(bench.seed)
    n_train, n_rows = bench.subject.n_first, bench.subject.codes.size
    n_splits = _number_of_folds(bench.cv)
    plan = make_plan(n_train, _width(bench.features), len(bench.names), n_splits=n_splits)
    notes: list[str] = []
    copies = None
    if n_rows > n_train:
        _need_new_rows(bench)
        design = single_split(n_train, n_rows - n_train)
    elif isinstance(bench.cv, numbers.Integral):
        copies = copies_of_rows(bench.features, bench.subject.codes)
        design = cross_validation(
            bench.subject.codes, n_splits=n_splits, n_repeats=plan.n_repeats, rng=rng, copies=copies
        )
        if not design.splits:
            raise DataError(
                "a class with two rows or more is needed to score anything, but every class has one; add rows"
            )
    else:
        design = given_splits(bench.cv, bench.subject)
    if bench.given is None and not bench.view.can_refit:
        bench.given = answers_on_scored_rows(bench.view, bench.view.fitted, bench.subject)
        notes.append(
            "The model cannot be fitted again: its answers are taken as they are"
            + ("." if n_rows > n_train else ", and may be on rows that it was trained on.")
        )
    # Answers that are given cost nothing: all of them are scored.
    most = n_rows if bench.given is not None else plan.base_rows
    base_rows, base_design = _thin(design, bench.subject, most, plan, rng, copies)
    base = _base_trial(bench, base_rows, base_design)
    errors: list[SubsampleError] = []
    if base_rows.size < n_rows:
        recall = recall_of(base, bench.subject.codes[base_rows], len(bench.names))
        errors.append(_error(bench, "the recall", base_rows, design, base_design, recall))
        notes.append(
            f"Recall is measured with {base_rows.size} of {n_rows} rows, drawn class by class. {errors[-1].sentence}"
        )
    recall_note = f"Recall is out of sample: {design.sentence}."
    if bench.given is not None:
        recall_note = f"Recall is that of the given answers; references and remedies: {design.sentence}."
    if not bench.features.shape[1]:
        recall_note = "Recall is that of the given answers; no features are known, so nothing was fitted."
    notes.append(recall_note)
    rows, lab_design = _thin(design, bench.subject, plan.lab_rows, plan, rng, copies)
    case = _laboratory(bench, base, base_rows, base_design, rows, lab_design, rng)
    case.recall_note = recall_note
    if rows.size < n_rows:
        more = case.scores.recall if bench.given is None else None
        errors.append(_error(bench, "interventions", rows, design, lab_design, case.lab_recall, more))
        notes.append(
            f"References, permutation tests and counterfactuals use a subsample of {rows.size} of {n_rows} rows, "
            f"in the shares of the data but with at least {plan.least_per_class} rows of every class that has them. "
            f"{errors[-1].sentence}"
        )
    case.notebook["subsample-errors"] = tuple(errors)
    notes += [
        *getattr(bench.view, "notes", ()),
        *_throws_dice(bench),
        *_refitted(bench),
        *_unlike_its_refit(bench, case),
        *_copies(case, kept_together=copies is not None),
        *possible_leaks(bench.features, bench.subject.codes),
    ]
    return case, tuple(notes)


def _need_new_rows(bench: Bench) -> None:
    """Refuse test rows that are all training rows: what learns rows by heart would prove anything."""
    copies = copies_of_rows(bench.features, bench.subject.codes)
    n_train = bench.subject.n_first
    if copies is not None and np.isin(copies[n_train:], copies[:n_train]).all():
        raise DataError(
            "test rows that were not trained on are needed, but every test row is an exact copy of a training row; "
            "leave the test rows out (recall is then measured by cross-validation), or give others"
        )


def _throws_dice(bench: Bench) -> list[str]:
    """Say so where the fitted model that was given answers twice in two ways; a few rows are asked once more."""
    if bench.view.fitted is None or not hasattr(bench.view, "is_repeatable"):
        return []
    rows = np.arange(min(_ASKED_TWICE, bench.subject.n_first))
    try:
        is_repeatable = bench.view.is_repeatable(bench.view.fitted, bench.subject.take(rows))
    except ModelError:
        # It may answer for the rows that were to be judged, and for no others.
        return []
    if is_repeatable:
        return []
    return ["Two calls of the given model on the same rows differ: its recall is one draw of several."]


def _width(features: FeatureMatrix) -> int:
    """Return how many features a row has, on average where they are sparse."""
    if not features.is_sparse:
        return features.shape[1]
    return min(features.shape[1], max(_LEAST_WIDTH, round(int(features.values.nnz) / features.shape[0])))


def _error(
    bench: Bench,
    what: str,
    rows: NDArray[np.int64],
    design: Design,
    thinned: Design,
    recall: NDArray[np.float64],
    more: NDArray[np.float64] | None = None,
) -> SubsampleError:
    """Return the error of a recall that was measured on some rows of the design."""
    codes, n_train, K = bench.subject.codes, bench.subject.n_first, len(bench.names)
    counts = ClassCounts(
        drawn=np.bincount(codes[rows[rows < n_train]], minlength=K),
        whole=np.bincount(codes[:n_train], minlength=K),
        drawn_scored=np.bincount(codes[rows][thinned.scored], minlength=K),
        whole_scored=np.bincount(codes[design.scored], minlength=K),
    )
    return subsample_error(what, bench.names, counts, recall, more)


def _refitted(bench: Bench) -> list[str]:
    if bench.given is not None or bench.view.fitted is None or len(bench.subject.parts) > 1:
        return []
    return ["The fitted model that was given is fitted anew on every fold: recall is not that of its own coefficients."]


def _copies(case: Case, *, kept_together: bool) -> list[str]:
    """Say so where many rows are exact copies: a flexible learner may have seen the row that it is scored on."""
    if not case.has_features:
        return []
    groups = same_row_and_label(case.row_groups, case.subject.codes)
    copies, n_rows = number_of_copies(groups), groups.size
    if copies <= MANY * n_rows:
        return []
    text = f"{copies} of {n_rows} rows are exact copies of another row"
    if kept_together:
        return [
            f"{text}: copies stay on one side of every split, and one of each is scored. "
            "Rows that are copied to balance classes belong into the training part of a split only."
        ]
    return [f"{text}; copies that fall on both sides of a split flatter flexible learners."]


def _unlike_its_refit(bench: Bench, case: Case) -> list[str]:
    """Say so where the given fitted model and a refit of it are not the same model."""
    if bench.given is not None or bench.view.fitted is None or len(bench.subject.parts) == 1:
        return []
    gap = np.abs(case.scores.recall - case.lab_recall)
    unlike = [case.names[k] for k in np.flatnonzero(gap > _UNLIKE)]
    if not unlike:
        return []
    return [
        f"The fitted model that was given and a refit of it differ on {', '.join(map(repr, unlike[:5]))}: "
        "it was trained otherwise; interventions are compared with the refit."
    ]


def _number_of_folds(cv: Any) -> int:
    if not isinstance(cv, numbers.Integral):
        return _FOLDS
    folds = int(cv)
    if folds < 2:
        raise UsageError(f"cv must be 2 folds or more, but got {cv!r}; use cv=5 for five folds")
    return folds


def _laboratory(
    bench: Bench,
    base: Trial,
    base_rows: NDArray[np.int64],
    base_design: Design,
    rows: NDArray[np.int64],
    lab_design: Design,
    rng: np.random.Generator,
) -> Case:
    subject = bench.subject
    whole = rows.size == base_rows.size
    raw = subject if rows.size == subject.codes.size else subject.subset(rows)
    prepared = bench.prepared if rows.size == subject.codes.size else bench.prepared.subset(rows)
    if bench.given is not None:
        lab_base = _given_trial(bench.given, rows, len(bench.names))
    elif whole and (bench.view.fitted is None or len(subject.parts) == 1):
        lab_base = base
    else:
        bench.progress("the model on the subsample")
        lab_base = run_trial("base", bench.view, raw, lab_design)
        if lab_base.failure:
            raise ModelError(lab_base.failure)
    merges: dict[int, int] = {}
    counts = np.bincount(subject.codes[: subject.n_first], minlength=len(bench.names))
    relabelling: dict[int, int] = {}
    tested = np.bincount(subject.codes[subject.n_first :], minlength=len(bench.names))
    situation = Situation(
        view=bench.view,
        features=bench.features,
        labels=subject.labels,
        counts=counts,
        seed=bench.seed,
        merges=merges,
        relabelling=relabelling,
        test_counts=tested if tested.any() else None,
    )
    lab = Laboratory(
        situation=situation,
        rows=rows,
        raw=raw,
        prepared=prepared,
        design=lab_design,
        base=lab_base,
        rng=np.random.default_rng(rng.integers(2**63)),
        deadline=None if bench.budget is None else time.monotonic() + bench.budget,
        progress=bench.progress,
    )
    if base_rows.size < subject.codes.size:
        base = _spread(base, base_rows, subject.codes.size)
    return Case(
        view=bench.view,
        subject=subject,
        features=bench.features,
        names=bench.names,
        n_train=subject.n_first,
        design=base_design,
        base=base,
        lab=lab,
        seed=bench.seed,
        merges=merges,
        relabelling=relabelling,
        has_own_form=bench.has_own_form,
        reads_matrix=bench.subject is bench.prepared,
    )


def _base_trial(bench: Bench, rows: NDArray[np.int64], design: Design) -> Trial:
    if bench.given is not None:
        return _given_trial(bench.given, rows, len(bench.names))
    bench.progress("the model")
    subject = bench.subject if rows.size == bench.subject.codes.size else bench.subject.subset(rows)
    if bench.view.fitted is not None and len(subject.parts) > 1:
        answers = answers_on_scored_rows(bench.view, bench.view.fitted, subject)
        return trial_of_predictions("fitted model", *answers, len(bench.names))
    trial = run_trial("base", bench.view, subject, design)
    if trial.failure:
        raise ModelError(trial.failure)
    return trial


def _given_trial(given: Answers, rows: NDArray[np.int64], n_classes: int) -> Trial:
    answers, proba = given
    return trial_of_predictions("given predictions", answers[rows], None if proba is None else proba[rows], n_classes)


def _spread(trial: Trial, rows: NDArray[np.int64], n_rows: int) -> Trial:
    """Put answers for some rows back among all rows, the others unscored."""
    predicted = np.full((trial.predicted.shape[0], n_rows), -1, dtype=trial.predicted.dtype)
    predicted[:, rows] = trial.predicted
    proba = None
    if trial.proba is not None:
        proba = np.zeros((trial.proba.shape[0], n_rows, trial.proba.shape[2]), dtype=trial.proba.dtype)
        proba[:, rows] = trial.proba
    return replace(trial, predicted=predicted, proba=proba)


def _thin(
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
