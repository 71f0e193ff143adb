"""Fits on every split, and what they answer out of sample."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from marginscope.adapters.sklearn_model import SklearnModel
from marginscope.diagnosis.folds import cross_validation, single_split
from marginscope.diagnosis.trials import Subject, run_trial


class FailsOnSmall(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        if len(y) < 50:
            raise RuntimeError("fewer than 50 rows")
        return super().fit(X, y)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [30, 20, 10])
    return rng.standard_normal((60, 3)) + codes[:, None], codes


def subject_of(X, codes, n_first=None):
    return Subject((X,), codes, np.array(["ant", "bee", "cow"]), len(codes) if n_first is None else n_first)


def run(model, X, codes, n_repeats=1, **options):
    design = cross_validation(codes, n_splits=3, n_repeats=n_repeats, rng=np.random.default_rng(0))
    return run_trial("x", SklearnModel(model, seed=0), subject_of(X, codes), design, **options), design


def test_answers_are_those_of_sklearn_on_the_same_folds(rows):
    X, codes = rows
    trial, design = run(LogisticRegression(), X, codes)
    folds = [(split.train, split.test) for split in design.splits]
    assert np.array_equal(trial.predicted[0], cross_val_predict(LogisticRegression(), X, codes, cv=folds))
    expected = cross_val_predict(LogisticRegression(), X, codes, cv=folds, method="predict_proba")
    assert trial.proba[0] == pytest.approx(expected, abs=1e-6)
    assert trial.mean_proba().sum(axis=1) == pytest.approx(np.ones(60), abs=1e-5)


def test_training_recall_is_measured_on_training_rows(rows):
    X, codes = rows
    trial, design = run(LogisticRegression(), X, codes)
    hits, total = np.zeros(3), np.zeros(3)
    for split in design.splits:
        guess = LogisticRegression().fit(X[split.train], codes[split.train]).predict(X[split.train])
        hits += np.bincount(codes[split.train][guess == codes[split.train]], minlength=3)
        total += np.bincount(codes[split.train], minlength=3)
    assert trial.train_recall == pytest.approx(hits / total)


def test_repeats_are_kept_apart_and_averaged_per_row(rows):
    X, codes = rows
    trial, _ = run(LogisticRegression(), X, codes, n_repeats=3)
    assert trial.predicted.shape == (3, 60)
    assert set(np.unique(trial.correct(codes) * 3).round(9)) <= {0.0, 1.0, 2.0, 3.0}
    assert trial.called(0) + trial.called(1) + trial.called(2) == pytest.approx(np.ones(60))


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csc_array, pd.DataFrame, lambda X: X.tolist()])
def test_rows_are_taken_in_the_users_own_type(rows, form):
    X, codes = rows
    trial, _ = run(LogisticRegression(), form(X), codes)
    assert np.array_equal(trial.predicted, run(LogisticRegression(), X, codes)[0].predicted)


def test_a_model_that_fails_gives_a_trial_that_says_so(rows):
    X, codes = rows
    trial, _ = run(FailsOnSmall(), X, codes)
    assert "fewer than 50 rows" in trial.failure
    assert (trial.predicted == -1).all()
    assert np.isnan(trial.train_recall).all()
    assert np.isnan(trial.correct(codes)).all()


def test_merged_labels_are_what_the_model_is_trained_on(rows):
    X, codes = rows
    trial, _ = run(LogisticRegression(), X, codes, merges={2: 1})
    assert set(np.unique(trial.predicted)) <= {0, 1}


def test_a_model_without_probabilities_gives_none(rows):
    from sklearn.svm import LinearSVC

    trial, _ = run(LinearSVC(), *rows)
    assert trial.proba is None
    assert trial.mean_proba() is None


def test_test_rows_are_scored_by_a_model_of_the_training_rows(rows):
    X, codes = rows
    order = np.random.default_rng(1).permutation(60)
    X, codes = X[order], codes[order]
    subject = Subject((X[:40], X[40:]), codes, np.array(["ant", "bee", "cow"]), 40)
    trial = run_trial("x", SklearnModel(LogisticRegression(), seed=0), subject, single_split(40, 20))
    expected = LogisticRegression().fit(X[:40], codes[:40]).predict(X[40:])
    assert np.array_equal(trial.predicted[0, 40:], expected)
    assert (trial.predicted[0, :40] == -1).all()


def test_a_subset_of_rows_is_a_subject_of_its_own(rows):
    X, codes = rows
    subject = Subject((X[:40], X[40:]), codes, np.array(["ant", "bee", "cow"]), 40)
    part = subject.subset(np.array([1, 5, 39, 41, 59]))
    assert part.n_first == 3
    assert np.array_equal(part.take(np.array([0, 2])), X[[1, 39]])
    assert np.array_equal(part.take(np.array([3, 4])), X[[41, 59]])
    assert np.array_equal(part.codes, codes[[1, 5, 39, 41, 59]])


def test_the_number_of_threads_does_not_change_the_answers(rows, monkeypatch):
    X, codes = rows
    answers = []
    for n in (1, 4):
        monkeypatch.setattr("os.cpu_count", lambda n=n: n)
        answers.append(run(DummyClassifier(strategy="stratified", random_state=1), X, codes, n_repeats=2)[0].predicted)
    assert np.array_equal(*answers)
