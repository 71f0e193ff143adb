"""Other losses in the place of a linear fit: what is kept, what is minimised, and who is refused."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from marginscope import GradientDescentClassifier, MarginClassifier
from marginscope.adapters.knobs import NetworkKnobs
from marginscope.remedies import remedy
from marginscope.remedies.linear_slot import linear_recipe
from marginscope.remedies.own_margins import OwnMarginClassifier
from marginscope.remedies.recipe import CannotAct
from marginscope.remedies.weighted import LabelWeights

COUNTS = np.array([200, 100, 20])


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(C=0.3, tol=1e-8, max_iter=1000),
        LogisticRegression(C=0.3, fit_intercept=False, tol=1e-8, max_iter=1000),
        LogisticRegression(C=2.0, class_weight="balanced", tol=1e-8, max_iter=1000),
        LogisticRegression(C=2.0, class_weight={"ant": 0.5, "cow": 3.0}, tol=1e-8, max_iter=1000),
        make_pipeline(StandardScaler(), LogisticRegression(C=5.0, tol=1e-8, max_iter=1000)),
    ],
    ids=["C", "no intercept", "balanced", "weights", "pipeline"],
)
def test_with_its_own_loss_the_fit_stays_what_it_was(model, situation_of, uneven):
    X, y, X_test, _ = uneven
    recipe = linear_recipe("x", situation_of(model))
    fitted = clone(recipe.estimator).fit(X, y)
    assert fitted.predict_proba(X_test) == pytest.approx(model.fit(X, y).predict_proba(X_test), abs=2e-4)
    assert "MarginClassifier" in recipe.expression


def test_an_absent_penalty_stays_absent(situation_of):
    for C in (np.inf, 1e9):
        recipe = linear_recipe("x", situation_of(LogisticRegression(C=C)))
        assert recipe.estimator.C == C
    assert "C=float('inf')" in linear_recipe("x", situation_of(LogisticRegression(C=np.inf))).expression


def test_a_linear_svm_gets_the_joint_form_of_its_loss(situation_of):
    recipe = linear_recipe("x", situation_of(LinearSVC(C=0.7)), class_margins={"cow": 2.0})
    assert isinstance(recipe.estimator, MarginClassifier)
    assert (recipe.estimator.loss, recipe.estimator.C) == ("squared_weston_watkins", 0.7)


def test_our_own_classifiers_are_changed_in_place(situation_of):
    margin = linear_recipe("x", situation_of(MarginClassifier(C=3.0, loss="pair_logistic")), class_scales={"cow": 0.5})
    assert (margin.estimator.C, margin.estimator.loss) == (3.0, "pair_logistic")
    assert margin.estimator.class_scales == {"cow": 0.5}
    descent = linear_recipe("x", situation_of(GradientDescentClassifier(n_steps=77)), loss="focal")
    assert (descent.estimator.n_steps, descent.estimator.loss) == (77, "focal")
    with pytest.raises(CannotAct, match="logit adjustment"):
        linear_recipe("x", situation_of(GradientDescentClassifier()), logit_adjustment=1.0)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (LogisticRegression(solver="liblinear"), "against the rest"),
        (LogisticRegression(l1_ratio=1.0, solver="saga"), "L1"),
        (LinearSVC(penalty="l1", dual=False), "L1"),
        (LogisticRegressionCV(), "cross-validation"),
        (SGDClassifier(loss="log_loss"), "against the rest"),
        (RidgeClassifier(), "against the rest"),
        (OneVsRestClassifier(LogisticRegression()), "against the rest"),
        (GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}), "GridSearchCV"),
        (RandomForestClassifier(), "RandomForestClassifier"),
        (GaussianNB(), "GaussianNB"),
    ],
    ids=lambda one: type(one).__name__ if not isinstance(one, str) else "",
)
def test_who_has_no_loss_to_exchange_is_told_why(model, why, situation_of):
    with pytest.raises(CannotAct, match=why):
        remedy("cdt").recipes(situation_of(model))


def test_margins_off_the_true_score_by_a_solver_that_knows_nothing_of_ours():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2)) + np.repeat([[0, 0], [2, 0], [0, 2]], [30, 20, 10], axis=0)
    y = np.repeat([0, 1, 2], [30, 20, 10])
    shifts = np.array([0.2, 0.7, 1.5])

    def objective(flat):
        W, b = flat[:6].reshape(3, 2), flat[6:]
        total = 0.5 * np.sum(W**2)
        for x, k in zip(X, y, strict=True):
            v = W @ x + b
            v[k] -= shifts[k]
            total += 2.0 * (np.log(np.exp(v - v.max()).sum()) + v.max() - v[k])
        return total

    found = minimize(objective, np.zeros(9), method="BFGS", options={"gtol": 1e-5})
    model = OwnMarginClassifier(C=2.0, own_shifts=dict(enumerate(shifts))).fit(X, y)
    assert model.coef_ == pytest.approx(found.x[:6].reshape(3, 2), abs=1e-3)
    assert model.intercept_ - model.intercept_.mean() == pytest.approx(found.x[6:] - found.x[6:].mean(), abs=1e-3)
    assert not hasattr(model, "predict_proba")


def test_the_numbers_of_each_loss_by_hand(situation_of):
    situation = situation_of(LogisticRegression())

    def made(slug):
        return remedy(slug).recipes(situation)[0].estimator

    # Rows: ant 200, bee 100, cow 20.
    assert made("cdt").class_scales == pytest.approx({"ant": 1.0, "bee": 0.5**0.3, "cow": 0.1**0.3}, abs=1e-3)
    vs = made("vs-loss")
    assert vs.class_scales == made("cdt").class_scales
    assert vs.logit_adjustment == 1.0
    margins = made("class-margins")
    assert margins.class_margins == pytest.approx({"ant": 1.0, "bee": 2**0.25, "cow": 10**0.25}, abs=1e-3)
    weights = np.array([1.0, 2**0.5, 10**0.5])
    expected = weights * 320 / (weights @ COUNTS)
    assert list(margins.class_weight.values()) == pytest.approx(expected, abs=1e-3)
    ldam = made("ldam").own_shifts
    assert ldam == pytest.approx({"ant": 3 * 0.1**0.25, "bee": 3 * 0.2**0.25, "cow": 3.0}, abs=1e-3)
    assert made("logit-adjusted-loss").logit_adjustment == 1.0
    assert made("focal-loss").loss == "focal"
    assert made("label-smoothing").loss == "label_smoothing"


def test_weights_in_use_stay_under_class_margins(situation_of):
    recipe = remedy("class-margins").recipes(situation_of(LogisticRegression(class_weight="balanced")))[0]
    assert recipe.estimator.class_weight == "balanced"


def test_weights_by_the_effective_number_keep_the_total(situation_of, uneven):
    (recipe,) = remedy("class-balanced-weights").recipes(situation_of(LogisticRegression()))
    weights = recipe.estimator.class_weight
    effective = np.array([(1 - 0.99**n) / 0.01 for n in COUNTS])
    given = np.array(list(weights.values()))
    assert given @ COUNTS == pytest.approx(320, rel=1e-3)
    assert given * effective / (given * effective)[0] == pytest.approx(np.ones(3), rel=2e-3)
    (other,) = remedy("class-balanced-weights").recipes(situation_of(GaussianNB()))
    assert isinstance(other.estimator, LabelWeights)
    X, y, X_test, _ = uneven
    per_row = np.array([weights[label] for label in y])
    expected = GaussianNB().fit(X, y, sample_weight=per_row).predict_proba(X_test)
    assert clone(other.estimator).fit(X, y).predict_proba(X_test) == pytest.approx(expected)


def test_a_network_of_another_library_has_losses_without_counts_only(situation_of):
    class KerasLike(GaussianNB):
        def __init__(self, loss="mse"):
            super().__init__()
            self.loss = loss

    situation = situation_of(KerasLike())
    knobs = NetworkKnobs(loss="loss", loss_value="mse")
    view = situation.view
    view.network_knobs = lambda: knobs
    (recipe,) = remedy("focal-loss").recipes(situation)
    assert recipe.estimator.loss == "focal"
    with pytest.raises(CannotAct, match="KerasLike has no loss that is made from class counts"):
        remedy("vs-loss").recipes(situation)
    view.network_knobs = lambda: NetworkKnobs(loss="loss", loss_value="focal")
    with pytest.raises(CannotAct, match="already"):
        remedy("focal-loss").recipes(situation)
    view.network_knobs = lambda: NetworkKnobs(width="hidden_layer_sizes", width_value=(5,))
    with pytest.raises(CannotAct, match="fixed"):
        remedy("focal-loss").recipes(situation)
