"""Rows of images and sequences, in front of which samplers and scalers of tables cannot stand."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from marginscope.remedies import remedy
from marginscope.remedies.recipe import CannotAct
from marginscope.tables.features import features_from

RNG = np.random.default_rng(0)
Y = np.repeat(["ant", "bee", "cow"], [60, 40, 12])
IMAGES = RNG.standard_normal((112, 2, 3, 3)) + np.arange(3).repeat([60, 40, 12])[:, None, None, None]


class OfImages(ClassifierMixin, BaseEstimator):
    """Reads rows of four axes and nothing else."""

    def fit(self, X, y):
        assert np.ndim(X) == 4
        self.classes_ = np.unique(y)
        self.inner_ = LogisticRegression().fit(np.reshape(X, (len(X), -1)), y)
        return self

    def predict(self, X):
        return self.inner_.predict(np.reshape(X, (len(X), -1)))


def flat(X):
    return np.reshape(X, (len(X), -1))


@pytest.mark.parametrize("slug", ["over-sampling", "under-sampling", "smote", "scaling"])
def test_what_reads_tables_only_says_so_before_it_is_tried(slug, situation_of):
    situation = situation_of(OfImages(), X=IMAGES, y=Y)
    with pytest.raises(CannotAct, match="several axes"):
        remedy(slug).recipes(situation)


@pytest.mark.parametrize("slug", ["over-sampling", "under-sampling", "smote"])
def test_behind_a_step_that_makes_a_table_samplers_act(slug, situation_of):
    situation = situation_of(make_pipeline(FunctionTransformer(flat), LogisticRegression()), X=IMAGES, y=Y)
    (recipe,) = remedy(slug).recipes(situation)
    assert np.mean(recipe.estimator.fit(IMAGES, Y).predict(IMAGES) == Y) > 0.9


def test_features_know_whether_rows_had_axes_of_their_own():
    assert features_from(IMAGES).is_flattened
    assert features_from(IMAGES).take([0, 1]).is_flattened
    assert not features_from(flat(IMAGES)).is_flattened
