"""Parameters without a finite value."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import marginscope as ms
from marginscope.diagnosis.checks.infinite_parameters import InfiniteParameters
from marginscope.exceptions import CheckNotApplicable

FREE = {
    "no penalty": LogisticRegression(C=np.inf, max_iter=2000),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(C=1e9, max_iter=2000)),
    "newton": LogisticRegression(C=1e8, solver="newton-cholesky"),
}


@pytest.fixture(scope="module")
def separable(blobs):
    return blobs([40, 30, 12], 12 * np.eye(3))


@pytest.fixture(scope="module")
def overlapping(blobs):
    return blobs([80, 60, 50], [[0, 0, 0], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("model", FREE.values(), ids=FREE)
def test_fires_with_a_certificate_that_verifies(model, separable, case_of, examine):
    found = examine(InfiniteParameters(), case_of(model, separable))
    assert found.status == "issue"
    assert set(found.classes) == {"ant", "bee", "cow"}
    assert found.certificate.status == "complete"
    verified = [one.value for one in found.evidence if "verified" in one.name]
    assert verified == [1.0]
    assert found.remedies == ("stronger-penalty",)


def test_the_certificate_verifies_on_the_standardised_rows_and_not_on_others(separable, case_of, examine):
    case = case_of(FREE["pipeline"], separable)
    found = examine(InfiniteParameters(), case)
    X = StandardScaler().fit_transform(separable.X)
    codes = np.unique(separable.y, return_inverse=True)[1]
    assert found.certificate.verify(X, codes)
    assert not found.certificate.verify(X, np.random.default_rng(0).permutation(codes))


def test_the_direction_really_separates(separable, case_of, examine):
    """Along the direction no margin falls, whatever scale the user's features have."""
    found = examine(InfiniteParameters(), case_of(FREE["no penalty"], separable))
    X = StandardScaler().fit_transform(separable.X)
    codes = np.unique(separable.y, return_inverse=True)[1]
    W, b = found.certificate.direction, found.certificate.intercept_direction
    scores = X @ np.asarray(W).T + (0 if b is None else np.asarray(b))
    own = scores[np.arange(codes.size), codes]
    scores[np.arange(codes.size), codes] = -np.inf
    assert (own - scores.max(axis=1)).min() > 0


def test_partly_separable_rows_are_found_too(blobs, case_of, examine):
    """Two classes overlap and one stands apart: some parameters are finite, some are not."""
    problem = blobs([60, 60, 30], [[0, 0, 0], [1, 0, 0], [0, 25, 0]])
    found = examine(InfiniteParameters(), case_of(FREE["no penalty"], problem))
    assert found.status == "issue"
    assert found.certificate.status == "quasi_complete"
    assert "quasi" in found.sentence
    assert "cow" in found.classes


@pytest.mark.parametrize("model", FREE.values(), ids=FREE)
def test_stays_silent_where_the_classes_overlap(model, overlapping, case_of, examine):
    found = examine(InfiniteParameters(), case_of(model, overlapping))
    assert found.status == "passed"
    assert found.certificate.status == "overlap"
    X = StandardScaler().fit_transform(overlapping.X)
    assert found.certificate.verify(X, np.unique(overlapping.y, return_inverse=True)[1])


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (LogisticRegression(), "penalty"),
        (LogisticRegression(C=1e3), "penalty"),
        (LinearSVC(), "not logistic"),
        (SVC(), "no linear coefficients"),
        (RandomForestClassifier(5), "no linear coefficients"),
    ],
    ids=["penalised", "weakly penalised", "linear svm", "svm", "forest"],
)
def test_has_nothing_to_say_about_models_whose_parameters_are_determined(model, why, separable, case_of, examine):
    with pytest.raises(CheckNotApplicable, match=why):
        examine(InfiniteParameters(), case_of(model, separable))


def test_has_nothing_to_say_about_predictions(separable, case_of, examine):
    case = case_of(ms.Predictions(separable.y_test), separable)
    with pytest.raises(CheckNotApplicable):
        examine(InfiniteParameters(), case)


def test_a_penalty_on_tiny_features_is_a_strong_one(separable, case_of, examine):
    """C counts on standardised features: 1e9 on features of size 1e-4 is 10."""
    small = replace(separable, X=separable.X * 1e-4, X_test=separable.X_test * 1e-4)
    with pytest.raises(CheckNotApplicable, match="penalty"):
        examine(InfiniteParameters(), case_of(LogisticRegression(C=1e9, max_iter=2000), small))


def test_it_is_a_finding_about_the_fit_and_no_cause(separable):
    found = separable.diagnose(FREE["no penalty"], checks=["infinite-parameters"])
    assert found.finding("infinite-parameters").status == "issue"
    assert all(one.cause is None for one in found.classes)
    assert all("infinite-parameters" in one.findings for one in found.classes)
    assert found.parameters.infinite.shape == found.parameters.values.shape
    assert set(np.unique(found.parameters.infinite)) <= {-1, 0, 1}
    assert found.parameters.values.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-8)


def test_features_that_cannot_be_held_dense_are_left_alone(separable, case_of, examine, monkeypatch):
    monkeypatch.setattr("marginscope.diagnosis.separation._MOST_CELLS", 10)
    with pytest.raises(CheckNotApplicable, match="82 x 3 features are too many"):
        examine(InfiniteParameters(), case_of(FREE["no penalty"], separable))
