"""What remedies say they change, held against hard-margin programmes solved by cvxpy."""

import cvxpy as cp
import numpy as np
import pytest
from sklearn.base import clone

from marginscope import MarginClassifier
from marginscope.remedies import REMEDIES, remedy
from marginscope.remedies.changes import ALL, LIMIT, OPTIMUM, PATH, as_words

COUNTS = np.array([20, 12, 5])
# Distances to a limit fall like 1 / log C: these two are log-spaced by a factor of three.
NEAR, FAR = 1e5, 1e15
KEEP = (
    "class-weights",
    "class-balanced-weights",
    "over-sampling",
    "smote",
    "logit-adjusted-loss",
    "ldam",
    "focal-loss",
)
MOVE = ("class-margins", "cdt", "vs-loss", "label-smoothing")


@pytest.fixture(scope="module")
def rows():
    """Separable rows of 20, 12 and 5 in four dimensions."""
    rng = np.random.default_rng(5)
    centres = np.array([[3.0, 0, 0, 1], [0, 3.0, 0, 1], [0, 0, 2.5, 1]])
    X = np.repeat(centres, COUNTS, axis=0) + 0.6 * rng.standard_normal((COUNTS.sum(), 4))
    return X, np.repeat([0, 1, 2], COUNTS)


def hard_margin(X, y, *, scales=(1, 1, 1), margins=(1, 1, 1)):
    """min ||W|| with <D_y w_y - D_k w_k, x_i> >= m_y, as a unit vector."""
    W = cp.Variable((3, X.shape[1]))
    constraints = [
        X[i] @ (scales[y[i]] * W[y[i]] - scales[k] * W[k]) >= margins[y[i]]
        for i in range(len(y))
        for k in range(3)
        if k != y[i]
    ]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(W)), constraints)
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == "optimal", "the rows must be separable"
    return W.value / np.linalg.norm(W.value)


def direction(slug, situation_of, rows, C):
    X, y = rows
    model = MarginClassifier(C=C, fit_intercept=False, tol=1e-9 / C)
    if slug is not None:
        (recipe,) = remedy(slug).recipes(situation_of(model, X=X, y=y))
        model = recipe.estimator
    fitted = clone(model).fit(X, y)
    W = getattr(fitted, "coef_", None)
    W = fitted[-1].coef_ if W is None else W
    return W / np.linalg.norm(W)


@pytest.fixture(scope="module")
def svm(rows):
    return hard_margin(*rows)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("slug", [None, *KEEP])
def test_the_direction_of_the_hard_margin_stays(slug, situation_of, rows, svm):
    near, far = (np.linalg.norm(direction(slug, situation_of, rows, C) - svm) for C in (NEAR, FAR))
    assert far < 0.5 * near
    assert far < 0.08
    if slug is not None:
        assert LIMIT not in remedy(slug).changes
        assert {PATH, OPTIMUM} <= remedy(slug).changes
        plain = direction(None, situation_of, rows, NEAR)
        assert np.linalg.norm(direction(slug, situation_of, rows, NEAR) - plain) > 0.002, "the path must move"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("slug", MOVE)
def test_the_limit_is_another_one(slug, situation_of, rows, svm):
    found = direction(slug, situation_of, rows, FAR)
    assert np.linalg.norm(found - svm) > 0.1
    assert LIMIT in remedy(slug).changes


def own_limit(slug, rows):
    """The programme of theory: scales D_k = (n_k / n_max)^0.3, margins m_y = (n_max / n_y)^0.25."""
    if slug == "class-margins":
        return hard_margin(*rows, margins=(COUNTS.max() / COUNTS) ** 0.25)
    return hard_margin(*rows, scales=(COUNTS / COUNTS.max()) ** 0.3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("slug", ["class-margins", "cdt", "vs-loss"])
def test_class_margins_and_scales_end_at_the_programme_of_their_numbers(slug, situation_of, rows):
    goal = own_limit(slug, rows)
    near, far = (np.linalg.norm(direction(slug, situation_of, rows, C) - goal) for C in (NEAR, FAR))
    assert far < 0.5 * near
    assert far < 0.05


def test_dropping_rows_may_drop_support_vectors(rows, svm):
    X, y = rows
    rng = np.random.default_rng(0)
    moved = []
    for _ in range(6):
        kept = np.concatenate([rng.choice(np.flatnonzero(y == k), COUNTS.min(), replace=False) for k in range(3)])
        moved.append(np.linalg.norm(hard_margin(X[kept], y[kept]) - svm))
    assert max(moved) > 0.05
    assert LIMIT in remedy("under-sampling").changes


def test_every_remedy_that_turns_weights_rows_or_the_loss_is_held_against_a_programme():
    turned = {one.slug for one in REMEDIES if one.family in ("weights", "rows", "loss")}
    # Cross-entropy replaces a loss that has no gradient, whatever the classes are; cosines have no norm to grow.
    assert turned == {*KEEP, *MOVE, "under-sampling", "cross-entropy", "cosine-ldam"}


def test_words_come_in_their_order():
    assert as_words(ALL) == "path, penalised optimum, limit"
    assert as_words(frozenset({LIMIT, PATH})) == "path, limit"
