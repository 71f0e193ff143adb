"""Weights that cannot move the limit."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from marginscope.diagnosis.checks.weights_vanish import WeightsVanish
from marginscope.exceptions import CheckNotApplicable

FREE = {
    "no penalty": LogisticRegression(C=np.inf, class_weight="balanced", max_iter=2000),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression(C=1e9, class_weight="balanced", max_iter=2000)),
    "dict": LogisticRegression(C=np.inf, class_weight={"ant": 1.0, "bee": 1.0, "cow": 8.0}, max_iter=2000),
}


@pytest.fixture(scope="module")
def separable(blobs):
    return blobs([40, 30, 12], 12 * np.eye(3))


@pytest.fixture(scope="module")
def fired(separable, case_of, examine):
    return examine(WeightsVanish(), case_of(FREE["no penalty"], separable))


@pytest.mark.parametrize("model", FREE.values(), ids=FREE)
def test_fires_with_a_certificate_that_verifies(model, separable, case_of, examine):
    found = examine(WeightsVanish(), case_of(model, separable))
    assert found.status == "issue"
    assert found.certificate.verify(
        StandardScaler().fit_transform(separable.X), np.unique(separable.y, return_inverse=True)[1]
    )
    assert "not where" in found.sentence


def test_says_the_step_at_which_the_effect_fades(fired):
    (fades,) = [one for one in fired.evidence if one.name.startswith("log10 of the step")]
    assert np.isfinite(fades.value)
    assert fades.value > 0
    (panel,) = fired.panels.values()
    angles = np.array(panel.series[0].y)
    assert np.all(np.diff(angles) <= 1e-12)
    assert angles[-1] < 0.05 < angles[0]


def test_a_smaller_angle_is_reached_later(separable, case_of, examine):
    case = case_of(FREE["no penalty"], separable)

    def step(angle):
        found = examine(WeightsVanish(angle=angle), case)
        return next(one.value for one in found.evidence if one.name.startswith("log10"))

    assert step(0.2) < step(0.05) < step(0.01)


def test_larger_weights_fade_later(separable, case_of, examine):
    def step(weight):
        model = LogisticRegression(C=np.inf, class_weight={"cow": weight}, max_iter=2000)
        found = examine(WeightsVanish(), case_of(model, separable))
        return next(one.value for one in found.evidence if one.name.startswith("log10"))

    assert step(2.0) < step(50.0)


def test_stays_silent_where_the_classes_overlap(blobs, case_of, examine):
    problem = blobs([80, 60, 20], [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    found = examine(WeightsVanish(), case_of(FREE["no penalty"], problem))
    assert found.status == "passed"
    assert found.certificate.status == "overlap"


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (LogisticRegression(C=np.inf, max_iter=2000), "weights"),
        (LogisticRegression(class_weight="balanced"), "penalty"),
        (SVC(class_weight="balanced"), "no linear coefficients"),
    ],
    ids=["no weights", "penalised", "svm"],
)
def test_has_nothing_to_say_elsewhere(model, why, separable, case_of, examine):
    with pytest.raises(CheckNotApplicable, match=why):
        examine(WeightsVanish(), case_of(model, separable))


def test_it_is_a_finding_about_the_fit_and_no_cause(separable):
    found = separable.diagnose(FREE["no penalty"], checks=["weights-vanish"])
    assert found.finding("weights-vanish").status == "issue"
    assert all(one.cause is None for one in found.classes)
