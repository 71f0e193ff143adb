"""Going back from the class shares of the training to those of the rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from marginscope.diagnosis.folds import Design, Split
from marginscope.diagnosis.prior_correction import correct_prior, prior_corrected
from marginscope.diagnosis.trials import Trial
from marginscope.remedies import REMEDIES, remedy
from marginscope.remedies.shares import TrainsUnderOtherShares, prior_snippet

SLUGS = [one.slug for one in REMEDIES if isinstance(one, TrainsUnderOtherShares)]


def shares(n):
    return st.lists(st.floats(0.02, 1.0), min_size=n, max_size=n).map(lambda one: np.array(one) / sum(one))


def bayes(likelihood, prior):
    """Posterior of every class at every point of a discrete feature, one product at a time."""
    rows = []
    for x in range(likelihood.shape[1]):
        joint = [prior[k] * likelihood[k, x] for k in range(len(prior))]
        rows.append([one / sum(joint) for one in joint])
    return np.array(rows)


@given(st.lists(shares(4), min_size=3, max_size=3), shares(3), shares(3))
def test_the_correction_is_bayes_rule_under_the_other_shares(likelihood, pi, trained):
    likelihood = np.array(likelihood)
    corrected = correct_prior(bayes(likelihood, trained), pi, trained)
    assert corrected == pytest.approx(bayes(likelihood, pi))


def test_equal_shares_change_nothing():
    proba = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    pi = np.array([0.2, 0.3, 0.5])
    assert correct_prior(proba, pi, pi) == pytest.approx(proba)


def test_a_class_without_training_rows_keeps_nothing_and_certainty_of_it_is_left():
    pi, trained = np.array([0.6, 0.4, 0.0]), np.array([0.5, 0.5, 0.0])
    corrected = correct_prior(np.array([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0]]), pi, trained)
    assert corrected[0] == pytest.approx([0.12 / 0.24, 0.12 / 0.24, 0.0])
    assert corrected[1] == pytest.approx([0.0, 0.0, 1.0])


@pytest.mark.parametrize("slug", SLUGS)
def test_shares_trained_under_are_shares(slug):
    for counts in ([400, 200, 25], [5, 0, 90], [7, 3, 3]):
        trained = remedy(slug).trained_shares(np.array(counts))
        assert trained.sum() == pytest.approx(1.0)
        assert np.array_equal(trained > 0, np.array(counts) > 0)


def test_the_shares_of_each_remedy_by_hand():
    counts = np.array([400, 200, 4])
    third = pytest.approx([1 / 3, 1 / 3, 1 / 3])
    for slug in ("class-weights", "over-sampling", "under-sampling", "logit-adjustment", "logit-adjusted-loss"):
        assert remedy(slug).trained_shares(counts) == third
    # Four rows are too few to interpolate.
    assert remedy("smote").trained_shares(counts) == pytest.approx([400 / 804, 400 / 804, 4 / 804])
    effective = [(1 - 0.99**n) / 0.01 for n in (400, 200, 4)]
    mass = [n / e for n, e in zip((400, 200, 4), effective, strict=True)]
    assert remedy("class-balanced-weights").trained_shares(counts) == pytest.approx(np.array(mass) / sum(mass))


def draw(rng, counts):
    centres = np.array([[0.0, 0], [1.5, 0], [0, 1.5]])
    return np.repeat(centres, counts, axis=0) + rng.standard_normal((sum(counts), 2)), np.repeat([0, 1, 2], counts)


def test_weighted_probabilities_come_back_to_those_of_the_plain_fit():
    """On a right model (normal classes of one spread) both fits estimate the same posterior."""
    counts = [6000, 3000, 1000]
    X, y = draw(np.random.default_rng(0), counts)
    plain = LogisticRegression(C=np.inf).fit(X, y).predict_proba(X)
    weighted = LogisticRegression(C=np.inf).fit(X, y, sample_weight=compute_sample_weight("balanced", y))
    back = correct_prior(weighted.predict_proba(X), np.array(counts) / 10000, np.full(3, 1 / 3))
    assert np.abs(weighted.predict_proba(X) - plain).mean() > 0.05
    assert np.abs(back - plain).mean() < 0.01


def test_every_split_is_corrected_by_its_own_training_rows():
    codes = np.array([0, 0, 0, 1, 0, 1])
    splits = (Split(np.array([0, 1, 2, 3]), np.array([4, 5])), Split(np.array([3, 4, 5]), np.array([0, 1, 2])))
    predicted = np.array([[0, 0, 0, -1, 0, 0]], dtype=np.int16)
    proba = np.full((1, 6, 2), 0.5, dtype=np.float32)
    proba[0, 3] = 0.0
    trial = Trial("x", predicted, proba, np.full(2, np.nan), 0.0)
    back = prior_corrected(trial, Design(splits, 6, 1, ""), codes, remedy("class-weights")).proba[0]
    assert back[[4, 5]] == pytest.approx(np.array([[0.75, 0.25]] * 2))
    assert back[[0, 1, 2]] == pytest.approx(np.array([[1 / 3, 2 / 3]] * 3))
    assert back[3].tolist() == [0.0, 0.0]
    assert proba[0, 0].tolist() == [0.5, 0.5], "the trial itself stays"


def test_the_code_to_paste_corrects_as_the_ledger_does():
    counts = [600, 300, 100]
    X, y = draw(np.random.default_rng(1), counts)
    model = LogisticRegression(class_weight="balanced").fit(X, y)

    class Situation:
        pass

    situation = Situation()
    situation.counts = np.array(counts)
    scope = {"model": model, "X_new": X}
    exec(prior_snippet(situation, np.full(3, 1 / 3)), scope)
    expected = correct_prior(model.predict_proba(X), np.array(counts) / 1000, np.full(3, 1 / 3))
    assert scope["proba"] == pytest.approx(expected, abs=2e-3)
