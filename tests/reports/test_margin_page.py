from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine
from test_diagnosis_page import island_of, words_of
from test_hostile_names import PAYLOADS, anatomy, twin_of

import marginscope as ms
from marginscope.reports import margin_page
from marginscope.reports.margin_plot import draw_margin, draw_support, support_rows


@pytest.fixture(scope="module")
def wine() -> ms.MarginSolution:
    data = load_wine()
    X = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    return ms.solve_hard_margin(X, data.target_names[data.target], fit_intercept=True)


def test_the_page_says_what_the_solution_says(wine: ms.MarginSolution, tmp_path: Path) -> None:
    wine.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    words = words_of(page)
    for line in str(wine).splitlines():
        assert line in words
    assert island_of(page) == json.loads(json.dumps(wine.to_dict()))


def test_support_rows_are_the_rows_with_multipliers_heaviest_first(wine: ms.MarginSolution) -> None:
    rows = support_rows(wine)
    assert sorted(one.row for one in rows) == sorted(set(wine.support_pairs[:, 0].tolist()))
    shares = [one.share for one in rows]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1.0)
    for one in rows:
        rivals = wine.support_pairs[wine.support_pairs[:, 0] == one.row, 1]
        assert one.rivals == tuple(wine.classes[k] for k in rivals)


def test_the_rows_of_a_class_carry_its_share_of_the_force() -> None:
    data = load_wine()
    X = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    solution = ms.solve_hard_margin(X, data.target, fit_intercept=True, class_margins=[1.0, 5.0, 0.5])
    found = np.zeros(3)
    for one in support_rows(solution):
        found[solution.own_codes[one.row]] += one.share
    assert found == pytest.approx(solution.per_class)


def test_the_table_of_pairs_is_dark_where_the_margin_is_held(wine: ms.MarginSolution) -> None:
    rows = margin_page._rows(wine, [str(label) for label in wine.classes])
    assert [row.cells[k] for k, row in enumerate(rows)] == [None, None, None]
    for a, row in enumerate(rows):
        for b, cell in enumerate(row.cells):
            if cell is not None:
                assert cell[0] == pytest.approx(wine.table.margins[a, b])
                assert (cell[1] == margin_page.LEVELS) == (cell[0] < 1.2)


def test_the_figure_has_pairs_on_the_left_and_rows_on_the_right(wine: ms.MarginSolution) -> None:
    left, right = wine.plot().axes
    assert len(left.patches) == 6
    dots = sum(len(line.get_xdata()) for line in right.lines)
    assert dots == len(support_rows(wine))
    assert [one.get_text() for one in right.get_yticklabels()] == [str(label) for label in wine.classes]


def test_given_axes_are_used(wine: ms.MarginSolution) -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert wine.plot(ax) is ax.figure
    assert len(ax.patches) == 6


def test_sec005_labels_stay_words() -> None:
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    bad = ms.solve_hard_margin(X, np.array(PAYLOADS[:3]), fit_intercept=True)
    harmless = ms.solve_hard_margin(X, np.array([twin_of(one) for one in PAYLOADS[:3]]), fit_intercept=True)
    assert anatomy(margin_page.page(bad)) == anatomy(margin_page.page(harmless))
    assert "<script" not in bad._repr_html_()


def test_many_classes_have_a_list_and_no_matrix() -> None:
    X = np.vstack([np.eye(30), np.eye(30)])
    solution = ms.solve_hard_margin(X, [f"class {k}" for k in range(30)] * 2)
    page = margin_page.page(solution)
    assert "855 more pairs" in words_of(page)
    assert "Times the margin: the smallest margin of the rows of a class over the rival, in units of" in words_of(page)
    assert "Smallest margin Support rows" not in words_of(page)
    assert margin_page._view(solution)["rows"] == []


def test_the_title_of_the_figure_is_not_that_of_its_section(wine: ms.MarginSolution) -> None:
    assert draw_support(wine).axes[0].get_title(loc="left") == ""
    assert draw_margin(wine).axes[1].get_title(loc="left") == "rows that hold the margin, by class"
