"""From features as read to finite numbers."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from marginscope.tables import FeatureMatrix, features_from, read_table
from marginscope.tables.preparation import describe_preparation, preparation

NAN = float("nan")


@pytest.fixture
def features():
    values = np.array([[1.0, 0, 5, 7], [NAN, 1, 5, 7], [3, NAN, 5, 7], [9, 1, 5, NAN]])
    return FeatureMatrix(values, ("a", "protocol", "flat", "b"), (False, True, False, False), {1: ("tcp", "udp")})


def test_imputation_one_hot_and_names(features):
    step = preparation(features, scale=False)
    found = step.fit_transform(features.values)
    assert list(step.get_feature_names_out()) == [
        "a",
        "flat",
        "b",
        "protocol=tcp",
        "protocol=udp",
        "protocol=(missing)",
    ]
    assert found.tolist() == [
        [1, 5, 7, 1, 0, 0],
        [3, 5, 7, 0, 1, 0],
        [3, 5, 7, 0, 0, 1],
        [9, 5, 7, 0, 1, 0],
    ]


def test_unknown_levels_are_no_level(features):
    step = preparation(features, scale=False).fit(features.values)
    row = np.array([[1.0, -1, 5, 7]])
    assert step.transform(row)[0, 3:].tolist() == [0, 0, 0]


def test_a_fold_without_a_level_keeps_the_columns(features):
    step = preparation(features, scale=True).fit(features.values[:2])
    assert step.transform(features.values).shape == (4, 6)
    assert np.isfinite(step.transform(features.values)).all()


def test_dat011_constant_columns_are_divided_by_one(features):
    found = preparation(features, scale=True).fit_transform(features.values)
    assert np.isfinite(found).all()
    assert found[:, 1].tolist() == [0, 0, 0, 0]
    assert np.allclose(found[:, 0].std(), 1)
    assert set(found[:, 3:].ravel()) == {0, 1}


def test_a_column_without_values_becomes_constant():
    features = FeatureMatrix(np.array([[NAN, 1.0], [NAN, 2.0]]), ("a", "b"), (False, False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = preparation(features, scale=True).fit_transform(features.values)
    assert found[:, 0].tolist() == [0, 0]


def test_it_clones_and_pickles_and_fits_in_a_pipeline(features):
    step = preparation(features, scale=True)
    fitted = clone(step).fit(features.values)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.transform(features.values), fitted.transform(features.values))
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=60), rng.integers(0, 3, 60)])
    values[::7, 0] = NAN
    mixed = FeatureMatrix(values, ("x", "c"), (False, True), {1: ("u", "v", "w")})
    y = values[:, 1].astype(int)
    model = make_pipeline(preparation(mixed, scale=True), LogisticRegression())
    assert (cross_val_predict(model, mixed.values, y, cv=3) == y).all()
    assert list(clone(model).fit(values, y)[:-1].get_feature_names_out()) == ["x", "c=u", "c=v", "c=w"]


def test_sparse_features_stay_sparse():
    X = sp.random_array((30, 8), density=0.3, rng=np.random.default_rng(0), format="csr")
    features = features_from(X)
    step = preparation(features, scale=True)
    found = step.fit_transform(features.values)
    assert sp.issparse(found)
    assert found.nnz == X.nnz
    assert np.allclose(found.toarray().std(axis=0), 1)
    assert list(step.get_feature_names_out()) == list(features.names)
    assert "sparse" in describe_preparation(features)[0]


def test_text_features_are_left_on_their_scale(write):
    data = read_table(write("t,y\ngood wine,u\nbad wine,v\nbad beer,v\n"), "y", text=["t"])
    found = preparation(data.features, scale=True).fit_transform(data.features.values)
    assert np.array_equal(found.toarray(), data.features.values.toarray())


def test_very_many_levels_are_sparse():
    n = 5000
    values = np.column_stack([np.arange(n) % 2500, np.arange(n)]).astype(float)
    levels = {0: tuple(f"l{at}" for at in range(2500))}
    features = FeatureMatrix(values, ("c", "x"), (True, False), levels)
    step = preparation(features, scale=True)
    found = step.fit_transform(values)
    assert sp.issparse(found)
    assert found.shape == (n, 2501) == (n, len(step.get_feature_names_out()))


def test_the_description_says_what_is_done(features):
    said = " | ".join(describe_preparation(features))
    assert "'protocol' (2 levels) was one-hot encoded" in said
    assert "2 missing cells got the median of their column: 'a' (1) and 'b' (1)" in said
    assert "missing cells of 'protocol' (1) form a level of their own" in said
    assert "'flat' has one value only" in said
    assert "'b'" not in said.split("|")[-1]
    assert describe_preparation(features_from(np.random.default_rng(0).normal(size=(5, 2)))) == ()
