"""Numbers and sentences of a trajectory, against what they have to say."""

from __future__ import annotations

import math

import pytest

from marginscope.descent.trajectory_text import power_text
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (8.087e-5, "8.087e-5"),
        (1e-4, "0.0001"),
        (0.0521, "0.0521"),
        (99_990.0, "9.999e+04"),
        (1e-9, "1e-9"),
        (2e30, "2e30"),
    ],
)
def test_small_and_large_numbers_have_one_style(value: float, text: str) -> None:
    assert power_text(math.log(value)) == text.replace("e+0", "e")


def test_one_feature_is_not_plural() -> None:
    assert "2 rows, 1 feature, 2 classes" in str(descend([[1.0], [-1.0]], [0, 1], n_steps=3))
    assert "2 rows, 2 features, 2 classes" in str(descend([[1.0, 0.0], [-1.0, 0.0]], [0, 1], n_steps=3))


def test_a_path_that_never_moves_says_how_right_it_is() -> None:
    path = fast_forward([[0.0], [1.0], [0.0], [1.0]], [0, 0, 1, 1], n_steps=1e50)
    assert "then the flow through all later ones; W is right to rounding" in str(path)
    assert "all scores are equal" in str(path)
