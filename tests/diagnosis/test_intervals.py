"""Intervals of recalls and of paired changes, against the literature's closed forms and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from marginscope.diagnosis.intervals import (
    Z95,
    balanced_interval,
    mean_interval,
    paired_interval,
    simultaneous_z,
    wilson_interval,
)


@st.composite
def tables(draw, most=60):
    """Numbers of rows that got better, got worse and stayed."""
    return tuple(draw(st.integers(0, most)) for _ in range(3))


def differences(better, worse, same):
    return np.repeat([1.0, -1.0, 0.0], [better, worse, same])


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.5))
def test_wilson_is_that_of_statsmodels(table, alpha):
    hits, n = table
    ours = wilson_interval(hits, n, norm.isf(alpha / 2))
    assert ours == pytest.approx(proportion_confint(hits, n, alpha=alpha, method="wilson"), abs=1e-12)


def test_wilson_default_level_is_95_percent():
    assert wilson_interval(3, 11) == pytest.approx(proportion_confint(3, 11, alpha=0.05, method="wilson"))


@pytest.mark.parametrize("n", [1, 2, 3, 12, 25, 100, 999])
def test_wilson_of_no_hit_and_of_nothing_but_hits_contains_its_recall(n):
    assert wilson_interval(0, n)[0] == 0.0
    assert wilson_interval(n, n)[1] == 1.0


def test_wilson_without_rows_knows_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 300), st.floats(0, 1))
def test_wilson_takes_fractions_and_stays_within_0_and_1(n, share):
    hits = share * n
    low, high = wilson_interval(hits, n)
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_wilson_rises_with_every_hit(table):
    hits, n = table
    fewer, more = wilson_interval(hits, n), wilson_interval(hits + 1, n)
    assert more[0] >= fewer[0]
    assert more[1] >= fewer[1]


@pytest.mark.parametrize(("n", "p"), [(5, 0.1), (12, 0.5), (30, 0.9), (200, 0.05)])
def test_wilson_covers_about_95_percent(n, p):
    rng = np.random.default_rng(n)
    hits = rng.binomial(n, p, 20_000)
    by_hits = np.array([wilson_interval(k, n) for k in range(n + 1)])
    covered = (by_hits[hits, 0] <= p) & (p <= by_hits[hits, 1])
    assert 0.91 < covered.mean() < 0.99


@given(tables(), st.floats(0.5, 4))
def test_paired_interval_is_bonett_and_price_on_the_two_by_two_table(table, z):
    better, worse, same = table
    n = better + worse + same
    p12, p21 = (better + 1) / (n + 2), (worse + 1) / (n + 2)
    spread = z * np.sqrt((p12 + p21 - (p12 - p21) ** 2) / (n + 2))
    expected = max(-1.0, p12 - p21 - spread), min(1.0, p12 - p21 + spread)
    assert paired_interval(differences(*table), z) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "better", "worse"), [(8, 0.3, 0.1), (20, 0.2, 0.05), (30, 0.5, 0.0), (60, 0.1, 0.1), (300, 0.04, 0.01)]
)
def test_paired_interval_covers_at_least_about_95_percent(n, better, worse):
    rng = np.random.default_rng([n, int(100 * better)])
    drawn = rng.multinomial(n, [better, worse, 1 - better - worse], 4000)
    tables_, times = np.unique(drawn, axis=0, return_counts=True)
    covered = 0
    for table, k in zip(tables_, times, strict=True):
        low, high = paired_interval(differences(*table))
        covered += k * (low <= better - worse <= high)
    assert covered / 4000 > 0.935


@given(tables())
def test_paired_interval_rises_with_every_row_that_gets_better(table):
    better, worse, same = table
    low, high = paired_interval(differences(better, worse, same + 1))
    low_up, high_up = paired_interval(differences(better + 1, worse, same))
    assert low_up >= low - 1e-12
    assert high_up >= high - 1e-12


@given(tables())
def test_paired_interval_turns_with_its_sign(table):
    low, high = paired_interval(differences(*table))
    assert paired_interval(-differences(*table)) == pytest.approx((-high, -low), abs=1e-12)


@given(st.lists(st.floats(-1, 1), max_size=40), st.floats(0.1, 2), st.floats(0.1, 2))
def test_paired_interval_widens_with_z_and_stays_within_bounds(values, z, more):
    narrow, wide = paired_interval(values, z), paired_interval(values, z + more)
    assert -1 <= wide[0] <= narrow[0] <= narrow[1] <= wide[1] <= 1


def test_paired_interval_does_not_see_the_order_of_rows():
    values = differences(7, 3, 11)
    shuffled = np.random.default_rng(0).permutation(values)
    assert paired_interval(values) == pytest.approx(paired_interval(shuffled))


def test_paired_interval_of_nothing_knows_nothing():
    assert paired_interval([]) == (-1.0, 1.0)


def test_one_lucky_row_is_no_proof():
    assert paired_interval([1.0])[0] < 0


@pytest.mark.parametrize("m", [1, 2, 6, 60, 1000])
def test_simultaneous_z_is_bonferroni(m):
    assert simultaneous_z(m) == pytest.approx(norm.isf(0.05 / (2 * m)))


def test_simultaneous_z_of_one_or_no_comparison_is_the_plain_one():
    assert simultaneous_z(1) == simultaneous_z(0) == pytest.approx(Z95) == pytest.approx(1.959964, abs=1e-6)


def test_simultaneous_z_covers_all_comparisons_together():
    draws = np.abs(np.random.default_rng(1).standard_normal((8000, 12))).max(axis=1)
    assert (draws <= simultaneous_z(12)).mean() == pytest.approx(0.95, abs=0.01)
    assert (draws <= Z95).mean() < 0.6


def test_simultaneous_z_widens_with_the_number_of_comparisons():
    values = [simultaneous_z(m) for m in range(1, 40)]
    assert np.all(np.diff(values) > 0)


def test_mean_interval_of_independent_means_covers_95_percent():
    rng = np.random.default_rng(3)
    truth, variances = np.array([0.1, -0.2, 0.4]), np.array([0.01, 0.04, 0.02])
    covered = 0
    for _ in range(4000):
        low, high = mean_interval(rng.normal(truth, np.sqrt(variances)), variances)
        covered += low <= truth.mean() <= high
    assert covered / 4000 == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("sizes", [(200, 200, 200), (200, 200, 3), (200, 200, 1), (2,) * 12, (100,) * 5 + (4,) * 5])
def test_balanced_recall_that_does_not_change_seldom_seems_to_rise(sizes):
    """Two models that are right on half of the rows by chance; without pseudo-rows one in four for (200, 200, 1)."""
    rng = np.random.default_rng(4)
    risen = 0
    for _ in range(2000):
        groups = [rng.integers(0, 2, n) - rng.integers(0, 2, n).astype(float) for n in sizes]
        risen += balanced_interval(groups)[0] > 0
    assert risen / 2000 < 0.045


def test_balanced_interval_of_one_class_is_the_paired_one():
    d = np.array([1.0, 0.0, 0.0, -1.0, 1.0, 0.5])
    assert balanced_interval([d]) == pytest.approx(paired_interval(d))
