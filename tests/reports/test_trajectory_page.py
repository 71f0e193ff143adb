from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from test_diagnosis_page import island_of, words_of
from test_hostile_names import PAYLOADS, anatomy, twin_of

import marginscope as ms
from marginscope.reports import trajectory_page
from marginscope.reports.numbers import as_power


@pytest.fixture(scope="module")
def path() -> ms.Trajectory:
    data = load_iris()
    return ms.descend(data.data[::3], data.target_names[data.target[::3]], n_steps=500, fit_intercept=True)


def named(path: ms.Trajectory, labels: list[str]) -> ms.Trajectory:
    X = path.objective.X
    return ms.descend(X, np.array(labels)[path.objective.y], n_steps=20)


def test_the_page_says_what_the_trajectory_says(path: ms.Trajectory, tmp_path: Path) -> None:
    path.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    words = words_of(page)
    for line in str(path).splitlines():
        assert line in words
    assert island_of(page) == json.loads(json.dumps(path.to_dict()))
    assert page.count("<svg") == 3


def test_the_table_ends_with_the_last_record(path: ms.Trajectory) -> None:
    records = trajectory_page._records(path)
    assert len(records) <= trajectory_page.MOST_RECORDS
    assert records[-1]["step"] == 500
    assert records[-1]["log10_loss"] == pytest.approx(math.log10(path.loss[-1]))
    assert records[-1]["bracket_upper"] == path.bracket.upper[-1]


def test_the_figure_draws_the_bracket_and_every_class(path: ms.Trajectory) -> None:
    figure = path.plot()
    margin, norm, shares = figure.axes
    lines = {line.get_label(): line for line in margin.get_lines()}
    shown = np.isfinite(path.log_steps)
    np.testing.assert_array_equal(lines["margin of W"].get_ydata(), path.margin[shown])
    assert lines["largest margin, solved"].get_ydata()[0] == path.limit.margin
    assert [line.get_label() for line in shares.get_lines()] == path.classes.tolist()
    np.testing.assert_array_equal(norm.get_lines()[0].get_ydata(), path.norm_ratio[shown])


def test_given_axes_get_the_margin_alone(path: ms.Trajectory) -> None:
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    assert path.plot(ax) is ax.get_figure()
    assert "margin" in ax.get_title(loc="left")


def test_runs_and_data_without_a_margin_are_drawn_too() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 2)), rng.integers(0, 12, 40)
    one = ms.descend(X, y, n_steps=50)
    assert "left out" in one.plot().axes[2].get_title(loc="left")
    several = ms.descend(X, y, n_steps=50, n_runs=3, step_size=[0.01, 0.02, 0.5])
    assert len(several.plot().axes[0].get_lines()) == 3
    assert "<table" in several._repr_html_()


@pytest.mark.parametrize("payload", PAYLOADS[::7])
def test_labels_never_become_markup(path: ms.Trajectory, payload: str) -> None:
    hostile = named(path, [payload, "b", "c"])
    harmless = named(path, [twin_of(payload), "b", "c"])
    assert anatomy(trajectory_page.page(hostile)) == anatomy(trajectory_page.page(harmless))


def test_powers_of_ten_beyond_floats() -> None:
    assert as_power(1000.0) == "10\u00b9\u2070\u2070\u2070"
    assert as_power(-400.0 + math.log10(3.0)) == "3.0 \u00d7 10\u207b\u2074\u2070\u2070"
    assert as_power(2.0) == "100"
    assert as_power(-math.inf) == "0"
    assert as_power(None) == "\u2013"
    assert as_power(5.9999999999) == "10\u2076"
