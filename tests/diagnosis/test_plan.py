"""How much is computed depends on the size of the data alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.diagnosis.plan import make_plan

sizes = st.tuples(st.integers(1, 10**7), st.integers(1, 10**5), st.integers(2, 10**4))


@given(sizes, st.integers(2, 20))
def test_no_more_rows_than_there_are_and_folds_as_asked_for(size, n_splits):
    plan = make_plan(*size, n_splits=n_splits)
    assert 1 <= plan.lab_rows <= plan.base_rows <= size[0]
    assert plan.n_splits == n_splits
    assert 1 <= plan.n_repeats <= 3


@pytest.mark.parametrize("size", [(150, 4, 3), (600, 10, 3), (1500, 20, 10)])
def test_small_data_are_used_whole(size):
    plan = make_plan(*size, n_splits=5)
    assert plan.lab_rows == plan.base_rows == size[0]


@given(sizes)
def test_wider_data_get_no_more_rows_and_no_more_repeats(size):
    rows, features, classes = size
    plan, wider = make_plan(*size, n_splits=5), make_plan(rows, 2 * features, classes, n_splits=5)
    assert wider.lab_rows <= plan.lab_rows
    assert wider.base_rows <= plan.base_rows
    assert make_plan(*size, n_splits=5) == plan
