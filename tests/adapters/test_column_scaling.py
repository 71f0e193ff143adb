"""Coefficients per unit of the table give the same scores on the table."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from marginscope.adapters.column_scaling import has_scaling, undo_scaling
from marginscope.exceptions import ModelError

X, y = load_iris(return_X_y=True)
X = X * [1.0, 10.0, 0.1, 100.0] + [0.0, 5.0, -3.0, 1000.0]
CHAINS = [
    [StandardScaler()],
    [StandardScaler(with_mean=False)],
    [StandardScaler(with_std=False)],
    [RobustScaler()],
    [RobustScaler(with_centering=False)],
    [RobustScaler(with_scaling=False)],
    [MinMaxScaler((-1, 3))],
    [MaxAbsScaler()],
    [MinMaxScaler(), StandardScaler(), FunctionTransformer()],
    [StandardScaler(), SelectKBest(k=2), RobustScaler()],
    [SimpleImputer(), StandardScaler()],
    [StandardScaler(), SimpleImputer()],
    [ColumnTransformer([("s", StandardScaler(), [0, 2]), ("m", make_pipeline(SimpleImputer(), MinMaxScaler()), [3])],
                       remainder="passthrough")],
    [],
]  # fmt: skip


def table_columns(steps, rows):
    """Return the table's columns in the order in which the model sees them."""
    for step in steps:
        if hasattr(step, "get_support"):
            return rows[:, step.get_support()]
    return rows[:, [0, 2, 3, 1]] if steps and isinstance(steps[0], ColumnTransformer) else rows


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("steps", CHAINS, ids=lambda steps: "-".join(type(one).__name__ for one in steps))
def test_scores_on_the_table_are_those_of_the_pipeline(steps):
    model = make_pipeline(*steps, LogisticRegression(max_iter=2000)).fit(X, y)
    fitted = [step for _, step in model.steps[:-1]]
    coef, intercept = undo_scaling(fitted, model[-1].coef_, model[-1].intercept_)
    np.testing.assert_allclose(
        table_columns(fitted, X) @ coef.T + intercept, model.decision_function(X), rtol=1e-9, atol=1e-9
    )


def test_columns_that_a_step_makes_are_the_units():
    made = make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression()).fit(X, y)
    coef, intercept = undo_scaling([made[0], made[1]], made[-1].coef_, made[-1].intercept_)
    np.testing.assert_allclose(made[0].transform(X) @ coef.T + intercept, made.decision_function(X), rtol=1e-7)


def test_one_hot_columns_beside_scaled_ones_stay_as_they_are():
    table = pd.DataFrame({"length": X[:, 0], "colour": np.array(["red", "green"])[(X[:, 1] > 35).astype(int)]})
    prepare = ColumnTransformer([("n", StandardScaler(), ["length"]), ("c", OneHotEncoder(), ["colour"])])
    model = make_pipeline(prepare, LogisticRegression()).fit(table, y)
    coef, intercept = undo_scaling([model[0]], model[-1].coef_, model[-1].intercept_)
    np.testing.assert_array_equal(coef[:, 1:], model[-1].coef_[:, 1:])
    columns = np.column_stack([X[:, 0], table["colour"] == "green", table["colour"] == "red"])
    np.testing.assert_allclose(columns @ coef.T + intercept, model.decision_function(table), rtol=1e-9)


@pytest.mark.parametrize(
    "steps",
    [
        [StandardScaler(), PCA(2)],
        [StandardScaler(), PolynomialFeatures()],
        [MinMaxScaler(clip=True)],
        [ColumnTransformer([("p", make_pipeline(StandardScaler(), PCA(1)), [0, 1])], remainder="passthrough")],
    ],
)
def test_scaling_before_columns_are_mixed_cannot_be_undone(steps):
    model = make_pipeline(*steps, LogisticRegression(max_iter=2000)).fit(X, y)
    with pytest.raises(ModelError, match="only shift, scale or choose columns are needed"):
        undo_scaling([step for _, step in model.steps[:-1]], model[-1].coef_, model[-1].intercept_)


def test_scaling_is_found_inside():
    assert has_scaling(make_pipeline(PCA(), StandardScaler()))
    assert not has_scaling(make_pipeline(PCA(), SimpleImputer()))
    inner = ColumnTransformer([("s", make_pipeline(SimpleImputer(), RobustScaler()), [0])]).fit(X)
    assert has_scaling(make_pipeline(inner, PCA()))
