"""scikit-learn's own checks over every public estimator, none of them expected to fail."""

from __future__ import annotations

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import parametrize_with_checks

import marginscope as ms

QUICK_STEPS = 1_000

ESTIMATORS = [
    ms.MarginClassifier(),
    ms.HardMarginClassifier(),
    ms.GradientDescentClassifier(n_steps=QUICK_STEPS),
    ms.CostMatrixClassifier(),
    ms.ClassThresholdClassifier(),
]


def test_every_public_estimator_is_checked() -> None:
    public = {
        name
        for name in ms.__all__
        if isinstance(getattr(ms, name), type) and issubclass(getattr(ms, name), BaseEstimator)
    }
    # KerasNetwork is checked with Keras, in tests/adapters
    assert {type(one).__name__ for one in ESTIMATORS} == public - {"KerasNetwork"}


# random labels are not separable, and some sizes look like identifiers: said so once each, as it should be
@pytest.mark.filterwarnings("ignore::marginscope.DataQualityWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_the_checks_of_scikit_learn(estimator, check) -> None:
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::marginscope.DataQualityWarning")
@parametrize_with_checks([ms.GradientDescentClassifier()])
def test_the_checks_on_the_default_number_of_steps(estimator, check) -> None:
    check(estimator)
