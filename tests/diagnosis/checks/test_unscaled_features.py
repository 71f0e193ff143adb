"""Scaling alone recovers the class."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

import marginscope as ms
from marginscope.diagnosis.checks.unscaled_features import UnscaledFeatures
from marginscope.exceptions import CheckNotApplicable


def beside_noise(problem, scale, noise_scale=1.0):
    """The signal at one scale, three columns of noise at another."""
    rng = np.random.default_rng(0)

    def widen(X):
        return np.hstack([X * scale, noise_scale * rng.standard_normal((len(X), 3))])

    return replace(problem, X=widen(problem.X), X_test=widen(problem.X_test))


@pytest.fixture(scope="module")
def flat(blobs):
    return blobs([100, 70, 40], [[0, 0], [6, 0], [0, 6]])


@pytest.fixture(scope="module")
def tiny_signal(flat):
    return beside_noise(flat, 1e-6)


@pytest.mark.parametrize("model", [LogisticRegression(), RidgeClassifier(), SVC()], ids=["logistic", "ridge", "svm"])
def test_fires_for_signal_on_a_tiny_scale(model, tiny_signal, case_of, examine):
    found = examine(UnscaledFeatures(), case_of(model, tiny_signal))
    assert found.status == "issue"
    assert {"bee", "cow"} <= set(found.classes)
    assert found.remedies == ("scaling",)


def test_fires_for_neighbours_among_huge_noise(flat, case_of, examine):
    found = examine(UnscaledFeatures(), case_of(KNeighborsClassifier(9), beside_noise(flat, 1.0, 1e4)))
    assert found.status == "issue"
    assert "cow" in found.classes


def test_it_is_the_first_cause_and_beats_a_weaker_penalty(tiny_signal):
    found = tiny_signal.diagnose(LogisticRegression(C=1e-2))
    assert found["cow"].cause == "unscaled-features"
    assert found["bee"].cause == "unscaled-features"


def test_the_spread_of_the_features_is_said(tiny_signal, case_of, examine):
    found = examine(UnscaledFeatures(), case_of(LogisticRegression(), tiny_signal))
    said = {one.name: one.value for one in found.evidence}
    spread = np.vstack([tiny_signal.X, tiny_signal.X_test]).std(axis=0)
    assert said["largest standard deviation of a feature"] == pytest.approx(spread.max())
    assert said["smallest standard deviation of a feature"] == pytest.approx(spread.min())


def test_fires_for_a_column_that_passes_by_the_scaler(tiny_signal, case_of, examine):
    parts = make_column_transformer((StandardScaler(), slice(2, 20)), remainder="passthrough")
    found = examine(UnscaledFeatures(), case_of(make_pipeline(parts, LogisticRegression()), tiny_signal))
    assert found.status == "issue"
    assert {"bee", "cow"} <= set(found.classes)


def test_weights_of_texts_are_on_one_scale():
    rng = np.random.default_rng(0)
    y = np.repeat(["ant", "bee"], [60, 20])
    texts = [" ".join(rng.choice(["hill", "work", name], 4)) for name in y]
    diagnosis = ms.diagnose(make_pipeline(TfidfVectorizer(), LogisticRegression(C=0.01)), texts, y)
    assert diagnosis["bee"].verdict == "unlearned"
    found = diagnosis.finding("unscaled-features")
    assert found.status == "not_applicable"
    assert "tf-idf" in found.sentence


def test_stays_silent_for_features_of_one_scale(flat, case_of, examine):
    found = examine(UnscaledFeatures(), case_of(LogisticRegression(), beside_noise(flat, 1.0)))
    assert found.status == "passed"
    assert found.classes == ()


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "scales its features already"),
        (make_pipeline(MinMaxScaler(), SVC()), "scales its features already"),
        (RandomForestClassifier(5), "does not depend on the scale"),
        (LinearDiscriminantAnalysis(), "does not depend on the scale"),
    ],
    ids=["scaled", "min-max", "forest", "discriminant"],
)
def test_has_nothing_to_say_where_scale_plays_no_part(model, why, tiny_signal, case_of, examine):
    with pytest.raises(CheckNotApplicable, match=why):
        examine(UnscaledFeatures(), case_of(model, tiny_signal))


def test_given_predictions_cannot_be_scaled(given_case, examine):
    with pytest.raises(CheckNotApplicable):
        examine(UnscaledFeatures(), given_case)


def test_braces_in_a_column_name_are_only_a_name(tiny_signal, case_of, examine):
    pd = pytest.importorskip("pandas")
    names = ["{0}", "{names}", "b", "c", "d"]
    framed = replace(
        tiny_signal,
        X=pd.DataFrame(tiny_signal.X, columns=names),
        X_test=pd.DataFrame(tiny_signal.X_test, columns=names),
    )
    found = examine(UnscaledFeatures(), case_of(LogisticRegression(), framed))
    assert "{0}" in found.sentence
    assert "{names}" in found.sentence
    assert "'cow'" in found.sentence


def test_a_penalty_is_blamed_only_where_there_is_one(flat, tiny_signal, case_of, examine):
    linear = examine(UnscaledFeatures(), case_of(LogisticRegression(), tiny_signal)).sentence
    assert "; the penalty acts hardest on the features with the smallest spread (x" in linear
    assert {"x0", "x1"} <= set(linear.rpartition("(")[2].rstrip(").").split(", "))
    near = examine(UnscaledFeatures(), case_of(KNeighborsClassifier(9), beside_noise(flat, 1.0, 1e4))).sentence
    assert "penalty" not in near
    assert "the features with the largest spread outweigh the others (x" in near
    assert not {"x0", "x1"} & set(near.rpartition("(")[2].rstrip(").").split(", "))
