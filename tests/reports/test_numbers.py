from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope._display import signed
from marginscope.reports import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (0.0, "0"),
        (3.0, "3"),
        (-3.0, "−3"),
        (12345.0, "12,345"),
        (0.5, "0.5"),
        (0.98, "0.98"),
        (0.00213, "0.00213"),
        (1234.56, "1,235"),
        (1e-5, "10⁻⁵"),
        (2.13e-7, "2.1 × 10⁻⁷"),
        (1e100, "10¹⁰⁰"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert numbers.as_number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_a_number_keeps_three_figures(value: float) -> None:
    text = numbers.as_number(value).replace("−", "-").replace(",", "")
    if "×" not in text and text[:2] != "10":
        assert float(text) == pytest.approx(value, rel=6e-3)


def test_num015_what_does_not_exist_is_a_dash() -> None:
    formats = (numbers.as_rate, numbers.as_change, numbers.as_share, numbers.as_seconds, numbers.as_count)
    assert [one(None) for one in formats] == ["–"] * 5
    assert numbers.as_interval(None) == numbers.as_change_interval(None) == "–"
    assert numbers.as_rate(math.nan) == numbers.as_change(math.nan) == "–"


def test_rates_and_changes() -> None:
    assert numbers.as_rate(0.123) == "0.12"
    assert numbers.as_interval((0.1, 0.234)) == "0.10 to 0.23"
    assert numbers.as_change(0.123) == "+0.12"
    assert numbers.as_change(-0.5) == "−0.50"
    assert numbers.as_change(-0.001) == numbers.as_change(0.001) == "0.00"
    assert numbers.as_change_interval((-0.02, 0.4)) == "−0.02 to +0.40"


def test_shares_are_finer_where_small() -> None:
    shown = [numbers.as_share(value) for value in (0.0, 1e-6, 0.0031, 0.03, 0.357, 1.0)]
    assert [one.replace("\u202f", " ") for one in shown] == ["0 %", "< 0.01 %", "0.31 %", "3.0 %", "36 %", "100 %"]


def test_seconds() -> None:
    shown = [numbers.as_seconds(value) for value in (0.0123, 1.84, 42.3, 600.0)]
    assert [one.replace("\u202f", " ") for one in shown] == ["12 ms", "1.8 s", "42 s", "10 min"]


def test_a_table_has_one_number_of_places() -> None:
    assert [numbers.as_aligned(value, 4.65) for value in (4.65, -0.0340, -0.001, 2.0)] == [
        "4.65",
        "−0.03",
        "0.00",
        "2.00",
    ]
    assert numbers.as_aligned(0.0123, 0.0456) == "0.0123"
    assert numbers.as_aligned(1e-9, 1e-8) == "10⁻⁹"


def test_recalls_have_two_places_wherever_they_stand() -> None:
    assert numbers.as_measure(0.5688, "lift of 'a' by class-weights") == "0.57"
    assert numbers.as_measure(0.5688, "recall that rivals of 'a' lose") == "0.57"
    assert numbers.as_measure(0.00688, "permutation p-value of 'a'") == "0.00688"
    assert numbers.as_measure(None, "recall") == "–"


def test_no_zero_has_a_sign() -> None:
    assert signed(-0.001) == signed(0.001) == numbers.as_change(-0.001) == "0.00"
    assert signed(-0.01) == "-0.01"
    assert numbers.as_rate(-0.001) == "0.00"


def test_counts_are_those_of_the_command_line() -> None:
    assert numbers.as_count(1234567) == f"{1234567:,}"
