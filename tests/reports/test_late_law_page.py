from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from test_diagnosis_page import island_of, words_of

from marginscope.limits.forecast import forecast
from marginscope.limits.late_law import LateLaw


@pytest.fixture(scope="module")
def law() -> LateLaw:
    rng = np.random.default_rng(1)
    X, W = rng.standard_normal((12, 2)), rng.standard_normal((2, 3))
    return forecast(X, (X @ W).argmax(axis=1))


def test_the_page_says_what_the_forecast_says(law: LateLaw, tmp_path: Path) -> None:
    law.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    words = words_of(page)
    for line in str(law).splitlines():
        assert line in words
    assert island_of(page) == json.loads(json.dumps(law.to_dict()))
    assert page.count("<tr>") == 1 + len(law.frame()["log10_step"])


def test_the_cell_of_a_notebook_has_no_script(law: LateLaw) -> None:
    cell = law._repr_html_()
    assert "<script" not in cell
    assert "<svg" in cell


def test_the_figure_has_the_norm_on_the_left_and_the_approach_on_the_right(law: LateLaw) -> None:
    left, right = law.plot().axes
    x, y = left.lines[0].get_data()
    assert y == pytest.approx(law.norm_ratio(log_steps=x * np.log(10.0)))
    assert [one.get_label() for one in right.lines] == ["direction error", "margin gap", "left out: transients"]
    x, y = right.lines[0].get_data()
    assert y[-1] == pytest.approx(law.direction_error(log_steps=x[-1] * np.log(10.0)))


def test_given_axes_are_used(law: LateLaw) -> None:
    ax = Figure().add_subplot()
    assert law.plot(ax) is ax.figure
    assert len(ax.lines) == 3
