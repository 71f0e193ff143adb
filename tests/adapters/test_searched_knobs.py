"""A search counts as its model: what it varies is known by its grid, and moves with it."""

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from marginscope.adapters import as_model_view
from marginscope.adapters.search_settings import settings

C = "estimator__C"


def grid_after(search, **changed):
    model = as_model_view(search, seed=0).with_params(**changed)
    return getattr(model, "param_grid", None) or model.param_distributions


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(LogisticRegression(), {"C": [1e-5, 1e-4], "tol": [1e-3]}),
        HalvingGridSearchCV(LogisticRegression(), {"C": np.array([1e-5, 1e-4]), "tol": [1e-3]}),
        RandomizedSearchCV(LogisticRegression(), {"C": (np.float64(1e-4), 1e-5), "tol": [1e-3]}),
    ],
    ids=["grid", "halving", "random"],
)
def test_a_penalty_is_that_of_the_weakest_end_and_all_values_move_by_one_factor(search):
    (knob,) = as_model_view(search, seed=0).penalty_knobs()
    assert (knob.path, knob.value) == (C, 1e-4)
    after = grid_after(search, **{C: knob.weaker(100)})
    assert sorted(after["C"]) == [1e-3, 1e-2]
    assert after["tol"] == [1e-3]
    assert sorted(grid_after(search, **{C: knob.stronger(10)})["C"]) == [1e-6, 1e-5]


def test_no_value_leaves_the_range_of_its_parameter():
    leaves = GridSearchCV(DecisionTreeClassifier(), {"min_samples_leaf": [50, 200]})
    assert grid_after(leaves, estimator__min_samples_leaf=1)["min_samples_leaf"] == [1, 4]
    assert grid_after(GridSearchCV(SVC(), {"C": [1, 1e3]}), estimator__C=1e4)["C"] == [10.0, 1e4]
    shares = GridSearchCV(RandomForestClassifier(), {"min_samples_leaf": [0.01, 0.3]})
    assert grid_after(shares, estimator__min_samples_leaf=0.1)["min_samples_leaf"] == [0.1, 0.5]


def test_a_penalty_that_the_search_may_leave_out_is_absent():
    search = GridSearchCV(RidgeClassifier(), {"alpha": [0, 1.0, 100.0]})
    (knob,) = as_model_view(search, seed=0).penalty_knobs()
    assert knob.is_absent
    assert grid_after(search, estimator__alpha=knob.weaker(10))["alpha"] == [0, 1.0, 100.0]
    assert grid_after(search, estimator__alpha=knob.stronger(10))["alpha"] == [1.0]


def test_grids_that_leave_the_parameter_out_move_by_the_models_own_value():
    search = GridSearchCV(SVC(C=0.5), [{"gamma": [1]}, {"C": [0.1, 0.2], "kernel": ["linear"]}])
    (knob,) = as_model_view(search, seed=0).penalty_knobs()
    assert knob.value == 0.5
    model = as_model_view(search, seed=0).with_params(**{knob.path: knob.weaker(10)})
    assert model.param_grid == [{"gamma": [1]}, {"C": [1.0, 2.0], "kernel": ["linear"]}]
    assert model.estimator.C == 5.0


def test_a_search_inside_a_pipeline_and_a_pipeline_inside_a_search():
    inside = make_pipeline(StandardScaler(), GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}))
    model = as_model_view(inside, seed=0).with_params(gridsearchcv__estimator__C=10.0)
    assert model[-1].param_grid == {"C": [1.0, 10.0]}
    around = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1]})
    (knob,) = as_model_view(around, seed=0).penalty_knobs()
    assert grid_after(around, **{knob.path: knob.weaker(10)}) == {"logisticregression__C": [1.0]}
    twice = GridSearchCV(GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}), {"refit": [True]})
    (knob,) = as_model_view(twice, seed=0).penalty_knobs()
    model = as_model_view(twice, seed=0).with_params(**{knob.path: 10.0})
    assert model.estimator.param_grid == {"C": [1.0, 10.0]}


def test_training_knobs_and_sizes_move_too():
    grid = {"max_iter": [2, 10], "learning_rate": [0.001, 0.01], "max_leaf_nodes": [3, 31, None]}
    search = GridSearchCV(HistGradientBoostingClassifier(), grid)
    knobs = {knob.path: knob.value for knob in as_model_view(search, seed=0).training_knobs()}
    assert knobs == {"estimator__max_iter": 10, "estimator__learning_rate": 0.01}
    after = grid_after(search, estimator__max_iter=100, estimator__learning_rate=0.1, estimator__max_leaf_nodes=8)
    assert after == {"max_iter": [20, 100], "learning_rate": [0.01, 0.1], "max_leaf_nodes": [3, 8]}
    neighbours = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 20]})
    assert grid_after(neighbours, estimator__n_neighbors=9)["n_neighbors"] == [9, 20]
    layers = GridSearchCV(MLPClassifier(), {"hidden_layer_sizes": [4, (8, 4)]})
    knobs = as_model_view(layers, seed=0).network_knobs()
    assert (knobs.width, knobs.width_value) == ("estimator__hidden_layer_sizes", (8, 4))
    assert grid_after(layers, **{knobs.width: (32, 16)})["hidden_layer_sizes"] == [(32, 16)]


def test_class_weights_count_where_every_value_of_the_grid_has_some():
    some = GridSearchCV(LogisticRegression(), {"class_weight": [None, "balanced"]})
    assert as_model_view(some, seed=0).class_weight_params() == {}
    always = GridSearchCV(LogisticRegression(class_weight="balanced"), {"class_weight": [{"a": 2}, "balanced"]})
    assert as_model_view(always, seed=0).class_weight_params() == {"estimator__class_weight": {"a": 2}}
    never = GridSearchCV(LogisticRegression(class_weight="balanced"), {"class_weight": [None]})
    assert as_model_view(never, seed=0).class_weight_params() == {}
    assert grid_after(always, estimator__class_weight=None)["class_weight"] == [None]


def test_what_is_drawn_or_raised_or_exchanged_is_no_knob_and_named():
    drawn = as_model_view(RandomizedSearchCV(LogisticRegression(), {"C": loguniform(1e-5, 1e-4)}), seed=0)
    assert drawn.penalty_knobs() == ()
    assert drawn.notes[0].startswith("The search draws C from a distribution, which is not changed")
    raised = HalvingGridSearchCV(
        HistGradientBoostingClassifier(), {"learning_rate": [0.1]}, resource="max_iter", max_resources=30
    )
    view = as_model_view(raised, seed=0)
    assert [knob.path for knob in view.training_knobs()] == ["estimator__learning_rate"]
    assert "max_iter as its resource" in view.notes[0]
    exchanged = GridSearchCV(make_pipeline(LogisticRegression()), {"logisticregression": [SVC(), GaussianNB()]})
    assert as_model_view(exchanged, seed=0).penalty_knobs() == ()
    assert as_model_view(LogisticRegression(), seed=0).notes == ()


def test_the_code_of_a_setting_makes_its_value_and_the_model_that_is_fitted():
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.repeat(["a", "b"], 20)
    one = GridSearchCV(LogisticRegression(), {"C": np.logspace(-5, -4, 2), "fit_intercept": [True, False]}, cv=2)
    for model in (
        one,
        GridSearchCV(LogisticRegression(), [{"C": [1e-5, 1e-4]}, {"fit_intercept": [True]}], cv=2),
        make_pipeline(StandardScaler(), one),
    ):
        view = as_model_view(model, seed=0)
        (knob,) = view.penalty_knobs()
        changed = {knob.path: knob.weaker(100), knob.path.replace("__C", "__tol"): 1e-6}
        code = ", ".join(f"{one.name}={one.code}" for one in settings(view.estimator, changed))
        assert "param_grid=" in code
        scope = {"model": view.with_params()}
        exec(f"model.set_params({code})", scope)
        chosen = scope["model"].fit(X, y)
        search = chosen if hasattr(chosen, "best_params_") else chosen[-1]
        measured = view.with_params(**changed).fit(X, y)
        assert str(measured.get_params()) == str(chosen.get_params())
        assert min(search.cv_results_["param_C"].compressed()) >= 1e-3
        assert search.best_estimator_.tol == 1e-6
