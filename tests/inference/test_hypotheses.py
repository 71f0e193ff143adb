"""p values and Holm's correction against SciPy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2
from statsmodels.stats.multitest import multipletests

from marginscope.inference.hypotheses import HypothesisTest, TestFamily, chi_square_tail, holm, p_text


def rejected(p_values, level):
    """Reject step by step, the smallest p value first, as Holm wrote it."""
    found, m = set(), len(p_values)
    for k, i in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        if p_values[i] > level / (m - k):
            break
        found.add(i)
    return found


@given(st.lists(st.integers(0, 64).map(lambda n: n / 64), min_size=1, max_size=8), st.integers(0, 63))
def test_what_is_below_a_level_is_what_holm_rejects_at_it(p_values, n):
    # between the values that a corrected p value can have, so that rounding decides nothing
    level = (n + 0.37) / 64
    assert {i for i, p in enumerate(holm(p_values)) if p <= level} == rejected(p_values, level)


def test_holm_is_that_of_statsmodels():
    p_values = [0.01, 0.04, 0.03, 0.005, 0.9, 0.03]
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1], rtol=1e-12)


def test_what_has_no_p_value_is_not_counted():
    assert holm([0.04, None, 0.01]) == (0.04, None, 0.02)
    assert holm([]) == ()


@pytest.mark.parametrize(("statistic", "df"), [(0.0, 1), (3.84, 1), (25.0, 4), (2000.0, 20)])
def test_tails_are_chi_square(statistic, df):
    assert chi_square_tail(statistic, df) == pytest.approx(chi2.sf(statistic, df), rel=1e-10)
    assert chi_square_tail(None, df) is None
    assert chi_square_tail(statistic, 0) is None


def test_the_text_of_a_family():
    family = TestFamily(
        "Pairs of classes",
        "Each test assumes something.",
        (
            HypothesisTest("a - b", 2, 5.0, 1e6),
            HypothesisTest("a - c", 0, None, None),
            HypothesisTest("b - c", 2, None, 7.0),
        ),
        "A note.",
    )
    lines = str(family).splitlines()
    assert lines[0] == "Pairs of classes"
    assert lines[3].split() == ["a", "-", "b", "2", "1.0e+06", "<1e-300", "<1e-300", "5.00", "0.0821"]
    assert lines[4].split() == ["a", "-", "c", "0", "-", "-", "-", "-", "-"]
    assert lines[-1] == "A note."
    assert len(family) == 3
    assert family["b - c"].wald_p_value is None
    assert list(family.frame()["p_holm"])[2] == pytest.approx(chi2.sf(7.0, 2))


def test_p_values_in_words():
    assert [p_text(p) for p in (0.5, 0.00012, 3e-7, 0.0, None, np.nan)] == [
        "0.5000",
        "0.0001",
        "3e-07",
        "<1e-300",
        "-",
        "-",
    ]
