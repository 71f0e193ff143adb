"""Coefficients that the rows do not determine."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from statsmodels.stats.outliers_influence import variance_inflation_factor

from marginscope.diagnosis.checks.non_identifiable import NonIdentifiable
from marginscope.diagnosis.dependencies import dependencies_of
from marginscope.exceptions import CheckNotApplicable

CHECK = NonIdentifiable()
FREE = LogisticRegression(C=np.inf, max_iter=50)


@pytest.fixture(scope="module")
def overlapping(blobs):
    """Clouds that overlap, so that a fit without a penalty ends."""
    return blobs([80, 70, 60], [[0, 0, 0], [1, 0, 0], [0, 1, 0]], test=0.5)


def widened(problem, make):
    """Add columns that ``make`` derives from the present ones."""
    X, X_test = (np.column_stack([part, make(part)]) for part in (problem.X, problem.X_test))
    return replace(problem, X=X, X_test=X_test)


DEPENDENT = {
    "copy": lambda X: X[:, 0],
    "other unit": lambda X: 2.54 * X[:, 0] + 7.0,
    "total": lambda X: X.sum(axis=1),
}


@pytest.mark.parametrize("make", DEPENDENT.values(), ids=DEPENDENT)
def test_without_a_penalty_it_is_an_issue_that_names_the_columns(make, overlapping, case_of, examine):
    found = examine(CHECK, case_of(FREE, widened(overlapping, make)))
    assert found.status == "issue"
    assert found.classes == ()
    assert "'x0'" in found.sentence
    assert "'x3'" in found.sentence
    assert found.evidence[0].value == 3
    assert found.evidence[0].threshold == 4


@pytest.mark.parametrize(
    "model", [LogisticRegression(), RidgeClassifier(), LinearSVC()], ids=lambda m: type(m).__name__
)
def test_with_a_penalty_it_is_a_tip(model, overlapping, case_of, examine):
    found = examine(CHECK, case_of(model, widened(overlapping, DEPENDENT["copy"])))
    assert found.status == "tip"
    assert "'x0', 'x3' depend linearly on each other" in found.sentence


def test_a_constant_feature_is_an_issue_without_a_penalty_and_none_with_one(overlapping, case_of, examine):
    problem = widened(overlapping, lambda X: np.full(len(X), 3.0))
    assert examine(CHECK, case_of(FREE, problem)).status == "issue"
    found = examine(CHECK, case_of(LogisticRegression(), problem))
    assert found.status == "passed"
    assert "'x3' does not vary" in found.sentence


def test_without_an_intercept_a_constant_feature_is_the_intercept(overlapping, case_of, examine):
    problem = widened(overlapping, lambda X: np.full(len(X), 3.0))
    model = LogisticRegression(C=np.inf, fit_intercept=False, max_iter=50)
    assert examine(CHECK, case_of(model, problem)).evidence[0].value == 4


def encoded(model, **options):
    return make_pipeline(make_column_transformer((OneHotEncoder(**options), [3]), remainder=StandardScaler()), model)


def test_a_table_with_categories_and_a_penalty_does_not_alarm(overlapping, case_of, examine):
    problem = widened(overlapping, lambda X: np.digitize(X[:, 2], [-0.5, 0.5]))
    found = examine(CHECK, case_of(encoded(LogisticRegression()), problem))
    assert found.status == "passed"
    assert "indicators sum to one" in found.sentence
    free = examine(CHECK, case_of(encoded(FREE), problem))
    assert free.status == "issue"
    assert "sum to one" in free.sentence
    one_less = examine(CHECK, case_of(encoded(LogisticRegression(), drop="first"), problem))
    assert one_less.status == "passed"
    assert "sum to one" not in one_less.sentence


def test_categories_that_tell_each_other_do_not_alarm_but_a_copied_indicator_is_told(overlapping, case_of, examine):
    """A city lies in one country: the indicators of its cities sum to that of the country."""

    def city_and_country(X):
        city = np.digitize(X[:, 2], [-0.5, 0.5])
        on = np.stack([city == 0, city == 1, city <= 1], axis=1)
        return on.astype(float)

    found = examine(CHECK, case_of(LogisticRegression(), widened(overlapping, city_and_country)))
    assert found.status == "passed"
    assert "tell each other" in found.sentence
    copied = widened(overlapping, lambda X: np.stack([X[:, 0] > 0] * 2, axis=1).astype(float))
    assert examine(CHECK, case_of(LogisticRegression(), copied)).status == "tip"


def test_stays_silent_where_all_is_determined(healthy_case, examine):
    found = examine(CHECK, healthy_case)
    assert found.status == "passed"
    assert found.sentence == "The rows determine every coefficient."


def test_a_softmax_without_a_penalty_determines_differences(overlapping, case_of, examine):
    found = examine(CHECK, case_of(FREE, overlapping))
    assert found.status == "tip"
    assert "differences between classes" in found.sentence
    two = replace(
        overlapping,
        y=np.where(overlapping.y == "cow", "ant", overlapping.y),
        y_test=np.where(overlapping.y_test == "cow", "ant", overlapping.y_test),
    )
    assert examine(CHECK, case_of(FREE, two)).status == "passed"


def test_near_collinearity_is_measured_and_a_tip_without_a_penalty(overlapping, case_of, examine):
    rng = np.random.default_rng(0)
    problem = widened(overlapping, lambda X: X[:, 0] + 1e-3 * rng.standard_normal(len(X)))
    found = examine(CHECK, case_of(FREE, problem))
    assert found.status == "tip"
    assert "nearly a combination" in found.sentence
    assert examine(CHECK, case_of(LogisticRegression(), problem)).status == "passed"


@pytest.mark.parametrize(("model", "status"), [(FREE, "issue"), (LogisticRegression(), "tip")], ids=["free", "ridge"])
def test_more_features_than_rows(model, status, blobs, case_of, examine):
    problem = blobs([12, 12, 12], np.pad(4 * np.eye(3), ((0, 0), (0, 47))), test=1.0)
    found = examine(CHECK, case_of(model, problem))
    assert found.status == status
    assert "50 features on 36 rows" in found.sentence


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
def test_sparse_rows_are_as_good(kind, overlapping, case_of, examine):
    problem = widened(overlapping, DEPENDENT["total"])
    problem = replace(problem, X=kind(problem.X), X_test=kind(problem.X_test))
    found = examine(CHECK, case_of(LogisticRegression(), problem))
    assert found.status == "tip"
    assert found.evidence[0].value == 3


def test_not_applicable_to_trees(overlapping, case_of, examine):
    with pytest.raises(CheckNotApplicable, match="no linear coefficients"):
        examine(CHECK, case_of(RandomForestClassifier(5), overlapping))


def test_what_is_too_much_work_is_said_so(overlapping, case_of, examine):
    case = case_of(LogisticRegression(), overlapping)
    for limit in ({"most_columns": 2}, {"most_work": 10.0}):
        with pytest.raises(CheckNotApplicable, match="too many"):
            examine(replace(CHECK, **limit), case)


def test_the_tolerance_is_a_threshold(overlapping, case_of, examine):
    rng = np.random.default_rng(0)
    case = case_of(LogisticRegression(), widened(overlapping, lambda X: X[:, 0] + 1e-6 * rng.standard_normal(len(X))))
    assert examine(CHECK, case).status == "passed"
    assert examine(replace(CHECK, tolerance=1e-4), case).status == "tip"


@given(
    st.integers(2, 6).flatmap(
        lambda d: st.tuples(st.just(d), st.lists(st.integers(-3, 3), min_size=2 * d, max_size=2 * d))
    ),
    st.booleans(),
    st.integers(0, 2**20),
)
def test_the_rank_is_that_of_numpy(shape, has_intercept, seed):
    d, mix = shape
    rng = np.random.default_rng(seed)
    base = rng.integers(-5, 6, (60, d)).astype(float)
    X = np.column_stack([base, base @ np.reshape(mix, (d, 2)), np.full(60, 2.0)])
    X = X[:, rng.permutation(X.shape[1])] * 10.0 ** rng.integers(-6, 7, X.shape[1])
    found = dependencies_of(X, has_intercept=has_intercept, tolerance=1e-8)
    length = np.linalg.norm(X, axis=0)
    unit = X / np.where(length > 0, length, 1.0)
    full = np.column_stack([np.ones(60) / np.sqrt(60), unit]) if has_intercept else unit
    assert found.rank == np.linalg.matrix_rank(full, tol=1e-8) - has_intercept
    for group in found.groups:
        chosen = full[:, [0, *(np.array(group.columns) + 1)]] if has_intercept else full[:, list(group.columns)]
        assert np.linalg.svd(chosen, compute_uv=False)[-1] < 1e-7


def test_the_inflation_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 4)) @ rng.standard_normal((4, 4)) + 3.0
    found = dependencies_of(X, has_intercept=True, tolerance=1e-8)
    with_ones = np.column_stack([np.ones(200), X])
    expected = [variance_inflation_factor(with_ones, j) for j in range(1, 5)]
    assert np.allclose(found.inflation, expected, rtol=1e-6)


def test_blocks_of_rows_give_what_all_rows_give(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5))
    X = np.column_stack([X, X[:, 0] - X[:, 1]])
    whole = dependencies_of(X, has_intercept=True, tolerance=1e-8)
    monkeypatch.setattr("marginscope.diagnosis.dependencies._CHUNK_CELLS", 40)
    parts = dependencies_of(sp.csr_array(X), has_intercept=True, tolerance=1e-8)
    assert parts.rank == whole.rank == 5
    assert {one.columns for one in parts.groups} == {one.columns for one in whole.groups} == {(0, 1, 5)}


def test_a_column_of_seconds_since_1970_varies():
    rng = np.random.default_rng(0)
    X = np.column_stack([1.7e9 + rng.uniform(0, 20, 200), rng.standard_normal(200), np.full(200, 0.1)])
    found = dependencies_of(X, has_intercept=True, tolerance=1e-8)
    assert found.constants == (2,)
    assert found.rank == 2
