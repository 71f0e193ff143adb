"""Set a model up for diagnosis: rows, splits, its own answers, the laboratory."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.model_view import ModelView
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.copied_rows import copies_of_rows
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.draws import drawn_rows, number_of_folds, put_back, width_of
from marginscope.diagnosis.effects import recall_of
from marginscope.diagnosis.fitted_notes import copies_note, fitted_notes, unlike_note
from marginscope.diagnosis.folds import Design, cross_validation, single_split
from marginscope.diagnosis.given_splits import given_splits
from marginscope.diagnosis.leaks import possible_leaks
from marginscope.diagnosis.plan import Plan, make_plan
from marginscope.diagnosis.subsample_error import ClassCounts, SubsampleError, subsample_error
from marginscope.diagnosis.trials import Subject, Trial, answers_on_scored_rows, run_trial, trial_of_predictions
from marginscope.exceptions import DataError
from marginscope.remedies.recipe import Situation
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.feature_rows import group_equal_rows

__all__ = ["Bench", "set_up"]

Answers = tuple[NDArray[np.int64], NDArray[np.float64] | None]


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

    @cached_property
    def row_groups(self) -> NDArray[np.int64]:
        """Number of the group of equal feature rows that every row belongs to."""
        return group_equal_rows(self.features)


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
    plan = make_plan(n_train, width_of(bench.features), len(bench.names), n_splits=number_of_folds(bench.cv))
    notes: list[str] = []
    design, copies = _design(bench, plan, rng)
    if bench.given is None and not bench.view.can_refit:
        bench.given = answers_on_scored_rows(bench.view, bench.view.fitted, bench.subject)
        notes.append(
            "The model cannot be fitted again: its answers are taken as they are"
            + ("." if n_rows > n_train else ", and may be on rows that it was trained on.")
        )
    # Answers that are given cost nothing: all of them are scored.
    most = n_rows if bench.given is not None else plan.base_rows
    base_rows, base_design = drawn_rows(design, bench.subject, most, plan, rng, copies)
    base = _base_trial(bench, base_rows, base_design)
    errors: list[SubsampleError] = []
    if base_rows.size < n_rows:
        recall = recall_of(base, bench.subject.codes[base_rows], len(bench.names))
        errors.append(_error(bench, "the recall", base_rows, design, base_design, recall))
        notes.append(
            f"Recall is measured with {base_rows.size:,} of {n_rows:,} rows, drawn class by class. "
            f"{errors[-1].sentence}"
        )
    recall_note = _recall_note(bench, design)
    notes.append(recall_note)
    rows, lab_design = drawn_rows(design, bench.subject, plan.lab_rows, plan, rng, copies)
    case = _laboratory(bench, base, base_rows, base_design, rows, lab_design, rng)
    case.recall_note = recall_note
    if rows.size < n_rows:
        more = case.scores.recall if bench.given is None else None
        errors.append(_error(bench, "interventions", rows, design, lab_design, case.lab_recall, more))
        notes.append(
            f"References, permutation tests and counterfactuals use a subsample of {rows.size:,} of {n_rows:,} rows, "
            f"in the shares of the data but with at least {plan.least_per_class} rows of every class that has them. "
            f"{errors[-1].sentence}"
        )
    case.notebook["subsample-errors"] = tuple(errors)
    is_judged = bench.given is not None or n_rows > n_train
    notes += [*getattr(bench.view, "notes", ()), *fitted_notes(bench.view, bench.subject, is_judged=is_judged)]
    if bench.given is None and bench.view.fitted is not None and n_rows > n_train:
        notes += unlike_note(bench.names, case.scores.recall, case.lab_recall)
    if case.has_features:
        notes += copies_note(bench.row_groups, bench.subject.codes, kept_together=copies is not None)
    notes += possible_leaks(bench.features, bench.subject.codes)
    return case, tuple(notes)


def _design(bench: Bench, plan: Plan, rng: np.random.Generator) -> tuple[Design, NDArray[np.int64] | None]:
    """Return the splits, and the groups of copied rows that they keep together."""
    subject, n_train = bench.subject, bench.subject.n_first
    n_test = subject.codes.size - n_train
    if not n_test and not isinstance(bench.cv, numbers.Integral):
        return given_splits(bench.cv, subject), None
    copies = copies_of_rows(bench.features, subject.codes, bench.row_groups)
    if n_test:
        _need_new_rows(copies, n_train)
        return single_split(n_train, n_test), None
    design = cross_validation(subject.codes, n_splits=plan.n_splits, n_repeats=plan.n_repeats, rng=rng, copies=copies)
    if not design.splits:
        raise DataError("a class with two rows or more is needed to score anything, but every class has one; add rows")
    return design, copies


def _recall_note(bench: Bench, design: Design) -> str:
    if not bench.features.shape[1]:
        return "Recall is that of the given answers; no features are known, so nothing was fitted."
    if bench.given is not None:
        return f"Recall is that of the given answers; references and remedies: {design.sentence}."
    return f"Recall is out of sample: {design.sentence}."


def _need_new_rows(copies: NDArray[np.int64] | None, n_train: int) -> None:
    """Refuse test rows that are all training rows: what learns rows by heart would prove anything."""
    if copies is not None and np.isin(copies[n_train:], copies[:n_train]).all():
        raise DataError(
            "test rows that were not trained on are needed, but every test row is an exact copy of a training row; "
            "leave the test rows out (recall is then measured by cross-validation), or give others"
        )


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
        if lab_base.error is not None:
            raise lab_base.error
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
        base = put_back(base, base_rows, subject.codes.size)
    return Case(
        view=bench.view,
        subject=subject,
        features=bench.features,
        row_groups=bench.row_groups,
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
    if trial.error is not None:
        raise trial.error
    return trial


def _given_trial(given: Answers, rows: NDArray[np.int64], n_classes: int) -> Trial:
    answers, proba = given
    return trial_of_predictions("given predictions", answers[rows], None if proba is None else proba[rows], n_classes)
