"""Whether a fit used up its steps, whether it had fewer than usual, and whether its loss still fell."""

import warnings

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from marginscope.adapters import as_model_view
from marginscope.adapters.step_limits import ended_at_limit, is_cut_short, late_fall, usual_value

rng = np.random.default_rng(0)
X = rng.standard_normal((90, 4)) + 3 * np.repeat(np.eye(3, 4), 30, axis=0)
y = np.repeat([0, 1, 2], 30)


@pytest.mark.parametrize("max_iter", [1, 2, 5, 500])
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: make_pipeline(StandardScaler(), m), OneVsRestClassifier])
def test_the_limit_is_where_the_solver_warns(max_iter, wrap):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model = wrap(LogisticRegression(max_iter=max_iter)).fit(X, y)
    assert ended_at_limit(model) == any(issubclass(one.category, ConvergenceWarning) for one in seen)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_models_that_do_not_tell_have_no_answer():
    assert ended_at_limit(GaussianNB().fit(X, y)) is None
    assert ended_at_limit(HistGradientBoostingClassifier(max_iter=3).fit(X, y)) is None
    # without a tolerance all steps are taken, and with a loose one nothing is known
    assert ended_at_limit(SGDClassifier(max_iter=5, tol=None).fit(X, y)) in (True, None)
    assert ended_at_limit(LogisticRegression(tol=10.0).fit(X, y)) is None


@pytest.mark.parametrize(
    ("model", "short"),
    [
        (LogisticRegression(max_iter=3), True),
        (LogisticRegression(max_iter=60), False),
        (MLPClassifier(learning_rate_init=1e-6), True),
        (MLPClassifier(learning_rate_init=2e-3), False),
        (make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=2)), True),
        (make_pipeline(StandardScaler(), HistGradientBoostingClassifier()), False),
        (GaussianNB(), False),
    ],
)
def test_a_training_is_short_against_the_default_of_its_class(model, short):
    view = as_model_view(model, seed=0)
    assert is_cut_short(view.estimator, view.training_knobs()) == short


def test_the_usual_value_is_the_default_of_the_owner():
    model = make_pipeline(StandardScaler(), MLPClassifier(max_iter=7))
    assert usual_value(model, "mlpclassifier__max_iter") == 200


class Curve:
    def __init__(self, losses):
        self.loss_curve_ = losses


def test_the_late_fall_of_a_straight_line_is_one_fifth_and_of_a_settled_one_nothing():
    # means over the last two fifths of a line differ by a fifth of it, the first value by half a window more
    line = np.linspace(1.0, 0.0, 50)
    whole = line[0] - line[-10:].mean()
    assert late_fall(Curve(line)) == pytest.approx((line[-20:-10].mean() - line[-10:].mean()) / whole)
    assert late_fall(Curve(line)) == pytest.approx(0.2, abs=0.03)
    assert late_fall(Curve(np.exp(-np.arange(50.0)))) == pytest.approx(0.0, abs=1e-6)
    assert late_fall(Curve([3.0, 2.0])) is None
    assert late_fall(GaussianNB().fit(X, y)) is None
