"""Rows into columns and back, pair features against the slow way, and steps beyond floats."""

from decimal import Decimal

import numpy as np
import pytest

from marginscope.exceptions import UsageError
from marginscope.experiments.log_log_axis import log_log_axis, spaced_steps, step_at
from marginscope.experiments.pair_features import pair_features
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.reports.figures import axes_row
from oracles.pair_features import pair_matrix


def test_rows_become_columns_of_plain_values_and_are_found_again():
    rows = [{"name": "a", "x": np.float64(1.0)}, {"name": "b", "x": 2.0}, {"name": "a", "x": 3.0}]
    columns = columns_of(rows)
    assert columns == {"name": ["a", "b", "a"], "x": [1.0, 2.0, 3.0]}
    assert type(columns["x"][0]) is float
    found = rows_where(columns, name="a")
    assert found["x"].tolist() == [1.0, 3.0]
    assert rows_where(columns, name="a", x=3.0)["name"].tolist() == ["a"]
    assert rows_where(columns, name="c")["x"].size == 0


def test_rows_with_other_names():
    with pytest.raises(UsageError, match="columns a are needed"):
        columns_of([{"a": 1}, {"b": 2}])


def test_pair_features_are_those_of_the_slow_way():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((9, 4)), rng.integers(0, 3, 9)
    np.testing.assert_array_equal(pair_features(X, y, 3), pair_matrix(X, y, 3)[1])


def test_steps_beyond_floats():
    assert step_at(1000.0) == Decimal("1e1000")
    steps = spaced_steps(4, 1000.0)
    assert steps[0] == 10
    assert steps[-1] == Decimal("1e1000")
    decades = [float(step.log10()) for step in steps]
    np.testing.assert_allclose(decades, [1.0, 10.0, 100.0, 1000.0], rtol=1e-12)


def test_the_axis_names_powers_of_ten():
    _, (ax,) = axes_row(1, 300, 200)
    log_log_axis(ax, 100.0)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["10", "$10^{10}$", "$10^{100}$"]
    assert ax.get_xlim() == (1.0, 100.0)
