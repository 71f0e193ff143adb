"""Smaller models of the same kind are smaller."""

import numpy as np
import pytest
from scipy.stats import randint
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from marginscope.adapters.capacity import CAPACITIES, LEVELS, smaller

MODELS = {
    "tree": DecisionTreeClassifier(random_state=0),
    "forest": RandomForestClassifier(5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=10, min_samples_leaf=2, random_state=0),
    "older boosting": GradientBoostingClassifier(n_estimators=5, max_depth=8, random_state=0),
    "neighbours": KNeighborsClassifier(1),
    "kernel": SVC(gamma=50.0),
    "perceptron": MLPClassifier((40, 20), max_iter=400, random_state=0),
    "pipeline": make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)),
}
rng = np.random.default_rng(0)
X, y = rng.standard_normal((200, 3)), rng.integers(0, 3, 200)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_smaller_model_learns_less_noise_by_heart(model):
    """Labels are noise, so what the training score is above chance is what the model can hold."""
    from sklearn.base import clone

    held = [clone(model).fit(X, y).score(X, y)]
    held += [clone(model).set_params(**smaller(model, level)).fit(X, y).score(X, y) for level in range(LEVELS)]
    assert held[0] > held[1] > held[-1] - 1e-9


def test_a_model_that_is_small_already_is_left_alone():
    assert smaller(DecisionTreeClassifier(max_depth=2), 0) == {}
    assert smaller(KNeighborsClassifier(50), 1) == {}
    assert smaller(SVC(), 0) == {}
    assert smaller(LogisticRegression(), 0) == {}


def test_of_what_a_search_sets_the_largest_model_counts():
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [3, 9]})
    assert smaller(search, 0) == {"estimator__max_depth": 5}
    assert smaller(GridSearchCV(DecisionTreeClassifier(), {"max_depth": [3, 5]}), 0) == {}
    assert smaller(GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 50]}), 0) == {"estimator__n_neighbors": 9}
    assert smaller(GridSearchCV(SVC(), {"gamma": [0.1, "scale"]}), 0) == {}
    assert smaller(RandomizedSearchCV(DecisionTreeClassifier(), {"max_depth": randint(3, 9)}), 0) == {}


def test_every_kind_has_a_value_for_every_level():
    for one in CAPACITIES:
        assert len(one.values or one.factors) == LEVELS
