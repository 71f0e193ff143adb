"""Equal rows with different labels."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from marginscope.diagnosis.checks.conflicting_labels import ConflictingLabels


@pytest.fixture(scope="module")
def copies(healthy):
    """Rows of the third class are copies of rows of the second, which is larger."""
    rng = np.random.default_rng(0)

    def draw(n):
        X = rng.integers(0, 3, (n, 4)).astype(float)
        y = np.where(X[:, 0] == 0, "ant", "bee")
        taken = rng.choice(np.flatnonzero(y == "bee"), n // 5, replace=False)
        order = rng.permutation(n + n // 5)
        return np.vstack([X, X[taken]])[order], np.append(y, np.repeat("cow", n // 5))[order]

    return replace(healthy, X=(one := draw(300))[0], y=one[1], X_test=(two := draw(300))[0], y_test=two[1])


def brute_force(X, codes, n_classes):
    """Share of a class that is right when each distinct row gets its commonest label; equally common ones in turn."""
    total = np.bincount(codes, minlength=n_classes)
    groups = {}
    for row, code in zip(map(tuple, X), codes, strict=True):
        groups.setdefault(row, []).append(code)
    right = np.zeros(n_classes)
    for members in groups.values():
        counts = np.bincount(members, minlength=n_classes)
        commonest = [k for k in range(n_classes) if counts[k] == counts.max()]
        for k in commonest:
            right[k] += counts[k] / len(commonest)
    return right / total


@pytest.mark.parametrize("model", [LogisticRegression(), DecisionTreeClassifier(min_samples_leaf=3, random_state=0)])
def test_fires_for_the_smaller_of_two_equal_classes(model, copies, case_of, examine):
    found = examine(ConflictingLabels(), case_of(model, copies))
    assert found.status == "issue"
    assert found.classes == ("cow",)
    assert "equal a row with another label" in found.sentence
    assert found.reasons["cow"]


def test_it_is_the_first_cause_of_the_class(copies):
    one = copies.diagnose(LogisticRegression())["cow"]
    assert (one.verdict, one.cause) == ("unlearned", "conflicting-labels")


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_is_that_of_brute_force(seed, healthy, case_of, examine):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (90, 2 + seed % 2)).astype(float)
    y = rng.choice(["ant", "bee", "cow", "dog"], 90, p=[0.4, 0.3, 0.2, 0.1])
    case = case_of(DecisionTreeClassifier(random_state=0), replace(healthy, X=X, y=y, X_test=None, y_test=None), cv=2)
    found = examine(ConflictingLabels(least_bound=2.0, least_share=-1.0, least_rows=0), case)
    expected = brute_force(X, case.subject.codes, 4)
    said = {one.name.split("'")[1]: one.value for one in found.evidence if one.name.startswith("recall that")}
    assert said == pytest.approx(dict(zip(["ant", "bee", "cow", "dog"], expected, strict=True)))


def test_example_rows_really_conflict(copies, case_of, examine):
    case = case_of(LogisticRegression(), copies)
    found = examine(ConflictingLabels(), case)
    X = np.vstack([copies.X, copies.X_test])
    y = np.append(copies.y, copies.y_test)
    assert found.rows
    for row in found.rows:
        same = np.all(X[row] == X, axis=1)
        assert (y[same] != y[row]).any()


def test_stays_silent_without_equal_rows(healthy_case, examine):
    found = examine(ConflictingLabels(), healthy_case)
    assert found.status == "passed"
    assert found.evidence[0].value == 0.0


def test_dat013_equal_rows_with_the_same_label_are_no_conflict(healthy, case_of, examine):
    doubled = replace(healthy, X=np.vstack([healthy.X] * 2), y=np.tile(healthy.y, 2))
    found = examine(ConflictingLabels(), case_of(LogisticRegression(), doubled))
    assert found.status == "passed"
    assert found.evidence[0].value == 0.0


def test_dat014_a_few_conflicts_are_counted_but_bound_nothing(healthy, case_of, examine):
    X = np.vstack([healthy.X, healthy.X[:2]])
    y = np.append(healthy.y, ["bee" if one == "ant" else "ant" for one in healthy.y[:2]])
    found = examine(ConflictingLabels(), case_of(LogisticRegression(), replace(healthy, X=X, y=y)))
    assert found.status == "passed"
    assert found.evidence[0].value == 4.0
    assert "4 rows" in found.sentence


@pytest.mark.parametrize("form", [sp.csr_matrix, np.asfortranarray])
def test_the_form_of_the_rows_does_not_matter(form, copies, case_of, examine):
    plain = examine(ConflictingLabels(), case_of(LogisticRegression(), copies))
    other = replace(copies, X=form(copies.X), X_test=form(copies.X_test))
    assert examine(ConflictingLabels(), case_of(LogisticRegression(), other)).to_dict() == plain.to_dict()


@pytest.mark.parametrize("threshold", [{"least_bound": 0.0}, {"least_share": 1.1}, {"least_rows": 10_000}])
def test_thresholds_decide(threshold, copies, case_of, examine):
    assert examine(ConflictingLabels(**threshold), case_of(LogisticRegression(), copies)).status == "passed"


def test_twins_of_two_labels_are_a_conflict_and_no_wrong_labels(blobs):
    """Every 'cow' has an exact twin called 'ant': each gets half, and to rename the twins would prove nothing."""
    problem = blobs([200, 200, 100], [[0, 0, 0], [5, 0, 0], [0, 5, 0]], test=0.0)
    twins = problem.X[problem.y == "cow"]
    both = replace(problem, X=np.vstack([problem.X, twins]), y=np.append(problem.y, ["ant"] * len(twins)))
    found = both.diagnose(LogisticRegression())
    assert found["cow"].cause == "conflicting-labels"
    assert found.finding("mislabelled").status == "passed"
    assert "its part of them leaves 50% right" in found["cow"].reason
