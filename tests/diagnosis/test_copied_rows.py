"""Exact copies of rows: never on both sides of a split where no chance made them, and scored once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict

import marginscope as ms
from marginscope.diagnosis.copied_rows import copies_of_rows
from marginscope.diagnosis.folds import cross_validation
from marginscope.exceptions import DataError
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.feature_rows import group_equal_rows


def oversampled(seed=0):
    """Two overlapping classes and a rare one without any signal, copied till the shares are even before any split."""
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.normal(size=(300, 6)), rng.normal(size=(300, 6)) + 3.0, rng.normal(size=(30, 6)) + 1.5])
    y = np.repeat(["a", "b", "rare"], [300, 300, 30])
    extra = rng.choice(np.flatnonzero(y == "rare"), 270)
    rows = np.concatenate([np.arange(630), extra])
    return X[rows], y[rows]


@given(st.integers(2, 5), st.integers(1, 3), st.integers(0, 99))
def test_copies_never_train_while_one_of_them_is_scored(n_splits, n_repeats, seed):
    rng = np.random.default_rng(seed)
    codes, copies = rng.integers(0, 3, 80), rng.integers(0, 30, 80)
    rng_of_folds = np.random.default_rng(seed)
    design = cross_validation(codes, n_splits=n_splits, n_repeats=n_repeats, rng=rng_of_folds, copies=copies)
    pairs = list(zip(codes.tolist(), copies.tolist(), strict=True))
    times = dict.fromkeys(set(pairs), 0)
    for split in design.splits:
        scored = [pairs[row] for row in split.test]
        assert not set(scored) & {pairs[row] for row in split.train}
        for pair in scored:
            times[pair] += 1
    alone = {code for code in range(3) if sum(c == code for c, _ in times) == 1}
    assert all(n == (0 if code in alone else n_repeats) for (code, _), n in times.items())


def test_without_copies_the_folds_are_those_of_before():
    codes = np.random.default_rng(0).integers(0, 4, 90)
    plain = cross_validation(codes, n_splits=5, n_repeats=2, rng=np.random.default_rng(1))
    own = cross_validation(codes, n_splits=5, n_repeats=2, rng=np.random.default_rng(1), copies=np.arange(90))
    for a, b in zip(plain.splits, own.splits, strict=True):
        assert np.array_equal(a.test, b.test)
        assert np.array_equal(a.train, b.train)


def test_a_forest_is_not_flattered_by_copies_made_before_the_split():
    X, y = oversampled()
    found = ms.diagnose(RandomForestClassifier(50, random_state=0), X, y, rng=0)
    kept = [note for note in found.notes if "copies stay on one side of every split" in note]
    assert kept
    assert kept[0].startswith("270 of 900 rows are exact copies")
    # 30 rows of the rare class are scored, not 300, and out of sample a forest knows few of them.
    assert found["rare"].recall < 0.6
    low, high = found["rare"].recall_interval
    assert high - low > 0.2
    naive = cross_val_predict(RandomForestClassifier(50, random_state=0), X, y, cv=5)
    assert np.mean(naive[y == "rare"] == "rare") > 0.95


@pytest.mark.parametrize(
    ("features", "is_grouped"),
    [
        (np.repeat(np.random.default_rng(0).normal(size=(50, 3)), 2, axis=0), True),
        (np.random.default_rng(0).normal(size=(100, 3)), False),
        (np.random.default_rng(0).integers(0, 3, size=(100, 3)).astype(float), False),
        (sparse.csr_array(np.repeat(np.random.default_rng(0).normal(size=(50, 3)), 2, axis=0)), False),
    ],
    ids=["copied", "distinct", "categories", "sparse"],
)
def test_only_rows_that_no_chance_makes_equal_are_kept_together(features, is_grouped):
    matrix = FeatureMatrix(features, ("a", "b", "c"), (False,) * 3)
    assert (copies_of_rows(matrix, np.zeros(100, dtype=np.int64), group_equal_rows(matrix)) is not None) == is_grouped


def test_a_twin_with_another_label_is_no_copy():
    features = FeatureMatrix(
        np.repeat(np.random.default_rng(0).normal(size=(50, 3)), 2, axis=0), ("a", "b", "c"), (False,) * 3
    )
    assert copies_of_rows(features, np.tile([0, 1], 50), group_equal_rows(features)) is None


def test_test_rows_that_are_the_training_rows_are_refused():
    X, y = oversampled()
    with pytest.raises(DataError, match="every test row is an exact copy of a training row; leave the test rows out"):
        ms.diagnose(RandomForestClassifier(5, random_state=0), X, y, X_test=X[::2], y_test=y[::2])
