"""A search whose grid holds the cause is diagnosed as its model would be."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV

STIFF = {
    "grid": GridSearchCV(LogisticRegression(), {"C": [1e-5, 1e-4]}, cv=3),
    "halving": HalvingGridSearchCV(LogisticRegression(), {"C": [1e-5, 1e-4]}, cv=3, random_state=0),
    "random": RandomizedSearchCV(LogisticRegression(), {"C": [1e-5, 1e-4]}, n_iter=2, cv=3, random_state=0),
    "with weights": GridSearchCV(LogisticRegression(), {"C": [1e-5], "class_weight": [None, "balanced"]}, cv=3),
}


@pytest.mark.parametrize("kind", STIFF)
def test_a_penalty_in_the_grid_is_the_first_cause(kind, penalised):
    found = penalised.diagnose(STIFF[kind])
    lost = [one.label for one in found.classes if one.verdict != "healthy"]
    assert lost
    assert {found[name].cause for name in lost} == {"over-regularised"}
    assert "estimator__C" in found.finding("over-regularised").sentence


def test_the_snippet_of_the_remedy_runs_and_brings_the_class_back(penalised):
    search = STIFF["grid"]
    ledger = penalised.diagnose(search).remedy()
    snippet = ledger["weaker-penalty"].snippet
    assert "model.set_params(param_grid={**model.param_grid, 'C': [" in snippet
    scope = {"model": clone(search), "X": penalised.X, "y": penalised.y}
    exec(snippet, scope)
    before = recall_score(
        penalised.y_test, clone(search).fit(penalised.X, penalised.y).predict(penalised.X_test), average=None
    )
    after = recall_score(penalised.y_test, scope["model"].predict(penalised.X_test), average=None)
    assert before.min() < 0.2
    assert after.min() > 0.8


def test_a_healthy_search_stays_healthy(penalised):
    for grid in ({"C": [1e-5, 1.0]}, {"C": [0.1, 10.0], "class_weight": [None, "balanced"]}):
        found = penalised.diagnose(GridSearchCV(LogisticRegression(), grid, cv=3))
        assert {one.verdict for one in found.classes} == {"healthy"}
        assert found.finding("over-regularised").status == "passed"


def test_a_penalty_that_is_drawn_is_not_changed_and_said_so(penalised):
    search = RandomizedSearchCV(LogisticRegression(), {"C": loguniform(1e-5, 1e-4)}, n_iter=2, cv=3, random_state=0)
    found = penalised.diagnose(search)
    assert found.finding("over-regularised").status == "not_applicable"
    assert any("draws C from a distribution, which is not changed" in note for note in found.notes)
    assert not np.isin("over-regularised", [one.cause for one in found.classes])
