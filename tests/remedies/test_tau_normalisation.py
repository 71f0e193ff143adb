"""Class vectors of like length, by hand."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from marginscope.exceptions import ModelError
from marginscope.remedies import remedy
from marginscope.remedies.recipe import CannotAct
from marginscope.remedies.rescaled_rows import TauNormalised


class Known(LogisticRegression):
    """Coefficients that do not depend on the rows."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.coef_ = np.array([[3.0, 4.0], [0.0, 2.0], [-1.0, 0.0]])
        self.intercept_ = np.array([100.0, 0.0, -50.0])
        return self


# Class means (0, 0), (4, 0) and (2, 6): their mean is (2, 2), however many rows a class has.
X = np.array([[-1.0, 0.0], [1.0, 0.0], [4.0, 0.0], [2.0, 6.0], [2.0, 6.0], [2.0, 6.0]])
y = np.array(["a", "a", "b", "c", "c", "c"])


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0])
def test_scores_are_those_computed_by_hand(tau):
    model = TauNormalised(Known(), tau).fit(X, y)
    assert model.middle_ == pytest.approx([2.0, 2.0])
    # At (3, 4) less the middle (1, 2): 3 + 8 = 11, 4 and -1; lengths 5, 2 and 1.
    expected = [11 / 5**tau, 4 / 2**tau, -1.0]
    assert model.decision_function([[3.0, 4.0]])[0] == pytest.approx(expected)
    assert model.predict([[3.0, 4.0], [-10.0, 2.0]]).tolist() == ["a", "c"]


def test_an_intercept_that_holds_the_shares_plays_no_part():
    low = Known()
    other = TauNormalised(low, 1.0).fit(X, y)
    other.estimator_.intercept_ = np.zeros(3)
    assert np.array_equal(other.decision_function(X), TauNormalised(Known(), 1.0).fit(X, y).decision_function(X))


def test_where_the_origin_lies_plays_no_part(uneven):
    rows, labels, new, _ = uneven
    plain = TauNormalised(make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8))).fit(rows, labels)
    moved = TauNormalised(make_pipeline(StandardScaler(), LogisticRegression(tol=1e-8))).fit(rows + 100, labels)
    assert np.array_equal(plain.predict(new), moved.predict(new + 100))


def test_a_class_vector_of_length_zero_is_no_fault(uneven):
    rows, labels, new, _ = uneven
    model = TauNormalised(LogisticRegression(), 1.0).fit(rows, labels)
    model.estimator_.coef_[1] = 0.0
    assert np.isfinite(model.decision_function(new)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_last_layer_of_a_network_is_rescaled(uneven):
    rows, labels, new, _ = uneven
    network = MLPClassifier((5,), max_iter=60, random_state=0)
    model = TauNormalised(network, 1.0).fit(rows, labels)
    inside = clone(network).fit(rows, labels)

    def hidden(X):
        return np.maximum(X @ inside.coefs_[0] + inside.intercepts_[0], 0.0)

    middle = np.mean([hidden(rows[labels == k]).mean(axis=0) for k in inside.classes_], axis=0)
    W = inside.coefs_[1] / np.linalg.norm(inside.coefs_[1], axis=0)
    assert model.decision_function(new) == pytest.approx((hidden(new) - middle) @ W, abs=1e-6)


def test_probabilities_stay_those_of_the_model(uneven):
    rows, labels, new, _ = uneven
    model = TauNormalised(LogisticRegression(), 1.0).fit(rows, labels)
    assert np.array_equal(model.predict_proba(new), LogisticRegression().fit(rows, labels).predict_proba(new))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(new), model.predict(new))


def test_models_without_class_vectors_are_refused(uneven, situation_of):
    rows, labels, _, _ = uneven
    with pytest.raises(ModelError, match="linear"):
        TauNormalised(GaussianNB(), 1.0).fit(rows, labels)
    with pytest.raises(CannotAct, match="class vectors"):
        remedy("tau-normalisation").recipes(situation_of(GaussianNB()))
    two = labels != "bee"
    with pytest.raises(CannotAct, match="two classes"):
        remedy("tau-normalisation").recipes(situation_of(LogisticRegression(), X=rows[two], y=labels[two]))
