"""Sums that rounding explains are divided out with a note; others are refused."""

import numpy as np
import pytest

import marginscope as ms
from marginscope.adapters.rounded_probabilities import rounding_of_sums, without_rounding
from marginscope.exceptions import ModelError


def shares(K, n=200, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(K), size=n)


@pytest.mark.parametrize("decimals", [2, 3, 4])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_probabilities_with_few_decimals_are_read(decimals, kind):
    exact = shares(6)
    rounded = np.round(exact, decimals).astype(kind)
    assert np.abs(rounded.sum(axis=1, dtype=float) - 1).max() > 1e-6
    given = ms.Predictions(proba=rounded, labels=list("abcdef"))
    np.testing.assert_allclose(given.proba.sum(axis=1), 1.0, atol=1e-6)
    assert np.abs(given.proba - exact).max() < 4 * 10.0**-decimals
    assert "rows sum to 1 within" in given.notes[0]


@pytest.mark.parametrize("K", [3, 40, 1000])
def test_a_softmax_of_single_precision_is_read_after_it_became_double(K):
    scores = np.random.default_rng(0).normal(size=(50, K)).astype(np.float32) * 5
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float64)
    assert ms.Predictions(proba=proba).proba.shape == (50, K)
    half = proba.astype(np.float16).astype(np.float64)
    if K < 100:
        assert ms.Predictions(proba=half).notes


def test_the_rule_is_half_a_unit_of_the_last_decimal_a_class():
    assert rounding_of_sums(np.array([[0.33, 0.33, 0.33]])) == pytest.approx(0.015, rel=1e-3)
    assert rounding_of_sums(np.array([[0.3333, 0.3333, 0.3333]])) == pytest.approx(0.00015, rel=1e-2)
    assert rounding_of_sums(np.full((1, 100), 0.01)) == 0.05
    assert rounding_of_sums(np.array([[1 / 3, 1 / 3, 1 / 3]])) < 1e-15


@pytest.mark.parametrize(
    "proba",
    [
        # one in a hundred is missing: two decimals of two classes cannot do that
        [[0.49, 0.49]],
        [[0.5, 0.3, 0.1], [0.2, 0.2, 0.6]],
        # four decimals, off by more than three halves of the last
        [[0.3333, 0.3333, 0.3331]],
        # all digits are there
        shares(3) * 1.00001,
        shares(3) - 1e-5,
    ],
    ids=str,
)
def test_what_rounding_does_not_explain_is_refused(proba):
    with pytest.raises(ModelError, match="sum to 1"):
        ms.Predictions(proba=proba)


def test_sums_that_are_right_are_left_alone():
    exact = shares(4)
    same, note = without_rounding(exact, 1e-6)
    assert same is exact
    assert note == ""
    assert ms.Predictions(proba=np.array([[0.25, 0.75]])).notes == ()
    assert ms.Predictions(proba=[[1, 0], [0, 1]]).notes == ()


def test_the_note_is_among_those_of_the_diagnosis():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    X = rng.normal(size=(120, 2)) + 3 * y[:, None]
    proba = np.full((120, 3), 0.167)
    proba[np.arange(120), y] = 0.667
    found = ms.diagnose(ms.Predictions(proba=proba), X, y, checks=["few-rows"])
    assert any("were divided by their sums" in note for note in found.notes)
