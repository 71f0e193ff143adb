"""Groups of equal rows, against a comparison of every pair; medians against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer

from marginscope.tables import FeatureMatrix, feature_rows
from marginscope.tables.feature_rows import group_equal_rows
from marginscope.tables.median_fill import MedianFill

NAN = float("nan")
CELLS = st.sampled_from([0.0, -0.0, 1.0, -1.0, NAN, -NAN, 0.5])


def features(values: np.ndarray) -> FeatureMatrix:
    d = values.shape[1]
    return FeatureMatrix(values, tuple(f"x{j}" for j in range(d)), (False,) * d)


def by_pairs(values: np.ndarray) -> list[int]:
    """The number of the first equal row, with the groups in order of appearance."""
    seen: list[np.ndarray] = []
    groups = []
    for row in values:
        same = [k for k, one in enumerate(seen) if np.array_equal(one, row, equal_nan=True)]
        groups.append(same[0] if same else len(seen))
        if not same:
            seen.append(row)
    return groups


@pytest.fixture(params=[0, 10**9], ids=["digests", "dictionary"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_rows, "_FEW_ROWS", request.param)


@pytest.mark.usefixtures("either_way")
def test_rows_are_grouped_as_by_comparing_pairs() -> None:
    @given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=25))
    def check(rows: list[tuple[float, ...]]) -> None:
        values = np.array(rows)
        assert group_equal_rows(features(values)).tolist() == by_pairs(values)

    check()


def test_blocks_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 3, (500, 4)).astype(float)
    monkeypatch.setattr(feature_rows, "_FEW_ROWS", 0)
    monkeypatch.setattr(feature_rows, "_ROWS_A_BLOCK", 7)
    assert group_equal_rows(features(values)).tolist() == by_pairs(values)


def test_rows_that_share_a_digest_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all digests equal the grouping still holds, whatever the numbers of the groups."""
    values = np.random.default_rng(1).integers(0, 2, (60, 3)).astype(float)
    monkeypatch.setattr(feature_rows, "_FEW_ROWS", 0)
    monkeypatch.setattr(feature_rows, "_digests", lambda values: np.zeros(len(values), dtype=np.uint64))
    groups = group_equal_rows(features(values))
    expected = np.array(by_pairs(values))
    assert np.array_equal(groups[:, None] == groups, expected[:, None] == expected)


@given(st.lists(st.tuples(CELLS, st.floats(-1e6, 1e6), CELLS), min_size=1, max_size=30), st.integers(0, 2**32 - 1))
def test_medians_are_those_of_scikit_learn(rows: list[tuple[float, ...]], seed: int) -> None:
    values = np.array(rows)
    other = np.random.default_rng(seed).permuted(values, axis=0)
    peer = SimpleImputer(strategy="median", keep_empty_features=True).fit(values)
    ours = MedianFill().fit(values)
    np.testing.assert_array_equal(ours.statistics_, peer.statistics_)
    np.testing.assert_array_equal(ours.transform(other), peer.transform(other))


def test_a_matrix_without_holes_is_not_copied() -> None:
    values = np.ones((5, 2))
    assert MedianFill().fit(values).transform(values) is values
