"""Pages, cells and pictures of class coefficients and of their tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from test_diagnosis_page import island_of, words_of

import marginscope as ms

WINE = load_wine(as_frame=True)
X = WINE.data[["ash", "hue", "magnesium"]]
y = np.array(["barolo", "grignolino", "barbera"])[WINE.target]


@pytest.fixture(scope="module")
def tests() -> Any:
    return ms.class_tests(X, y)


@pytest.fixture(scope="module")
def coefficients() -> Any:
    return ms.class_coefficients(LogisticRegression(max_iter=2000).fit(X, y))


def test_the_page_of_the_tests_says_what_they_say(tests: Any, tmp_path: Path) -> None:
    tests.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    words = words_of(page)
    for line in tests.summary():
        assert line in words
    assert island_of(page) == json.loads(json.dumps(tests.to_dict()))
    # heads of two tables, a row a class, a line for each coefficient and intercept
    assert page.count("<tr>") == 2 + 3 + 12


def test_a_separated_table_has_ratios_and_no_estimates(tmp_path: Path) -> None:
    iris = load_iris()
    found = ms.class_tests(iris.data, iris.target, on_separation="ratios")
    found.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "quasi-completely separable (certificate)" in words_of(page)
    assert page.count("<tr>") == 1 + 3
    (ax,) = found.plot().axes
    assert "likelihood ratio" in ax.get_xlabel()


def test_the_page_of_coefficients_has_a_column_a_class(coefficients: Any, tmp_path: Path) -> None:
    coefficients.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert coefficients.meaning in words_of(page)
    assert island_of(page) == json.loads(json.dumps(coefficients.to_dict()))
    assert page.count("<tr>") == 1 + 3 + 1


def test_the_page_of_a_family(tests: Any, tmp_path: Path) -> None:
    tests.pairs.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert tests.pairs.hypothesis in words_of(page)
    assert island_of(page) == json.loads(json.dumps(tests.pairs.to_dict()))
    assert page.count("<tr>") == 1 + 3


def test_cells_of_a_notebook_have_no_script(tests: Any, coefficients: Any) -> None:
    for one in (tests, tests.features, coefficients):
        cell = one._repr_html_()
        assert "<script" not in cell
        assert "<table" in cell


def test_a_panel_a_class_with_estimates_per_standard_deviation(tests: Any) -> None:
    panels = tests.plot().axes
    assert [panel.get_title(loc="left") for panel in panels] == ["barbera", "barolo", "grignolino"]
    spread = X.std(ddof=0).to_numpy()
    for k, panel in enumerate(panels):
        points = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(points, tests.coef[k] * spread)
        ends = np.array([one.get_segments()[0][:, 0] for one in panel.collections])
        np.testing.assert_allclose(ends, tests.intervals[k] * spread[:, None])
    assert [text.get_text() for text in panels[0].get_yticklabels()] == list(X.columns)


def test_the_row_of_the_reference_class_has_no_panel(tests: Any) -> None:
    panels = tests.in_gauge("barolo").plot().axes
    assert [panel.get_title(loc="left") for panel in panels] == ["barbera", "grignolino"]


def test_where_no_coefficient_is_determined_the_tests_are_drawn() -> None:
    twice = np.column_stack([X["ash"], 2.0 * X["ash"]])
    found = ms.class_tests(twice, y)
    assert found.not_determined == ("x0", "x1")
    (ax,) = found.plot().axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["barbera", "barolo", "grignolino"]
    assert "Not determined" in found._repr_html_()


def test_coefficients_of_a_model_are_drawn_as_they_are(coefficients: Any) -> None:
    for k, panel in enumerate(coefficients.plot().axes):
        points = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "o"]
        np.testing.assert_allclose(points, coefficients.coef[k])


def test_given_axes_are_used(tests: Any) -> None:
    ax = Figure().add_subplot()
    assert tests.plot(ax) is ax.figure
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["barbera", "barolo", "grignolino"]
    assert len(ax.collections) == 9


def test_the_picture_of_a_family_is_in_orders_of_magnitude(tests: Any) -> None:
    (ax,) = tests.features.plot().axes
    heights = [line.get_xdata()[0] for line in ax.lines if line.get_marker() in ("o", "s")]
    np.testing.assert_allclose(heights, [-np.log10(one.p_value) for one in tests.features.tests])


def test_names_from_the_data_are_escaped_and_start_no_formula(tmp_path: Path) -> None:
    table = X.rename(columns={"hue": "<b>$\\frac$</b>"})
    found = ms.class_tests(table, np.where(y == "barolo", "<script>alert(1)</script>", y))
    found.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<b>$" not in page
    assert "<script>alert" not in page
    found.plot(Figure().add_subplot())


def test_large_tables_of_coefficients_are_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = LogisticRegression().fit(rng.standard_normal((90, 70)), np.arange(90) % 15)
    rows = ms.class_coefficients(model)
    figure = rows.plot()
    assert len(figure.axes) == 6
    assert "45 more features and 9 more classes in .frame()" in figure.get_supxlabel()
    assert rows._repr_html_().count("<tr>") == 1 + 60 + 1
