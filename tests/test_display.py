"""What results have in common: a short representation, and a refusal of what are no axes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope._display import display_order
from marginscope.exceptions import UsageError

X, y = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="module")
def diagnosis():
    return ms.diagnose(LogisticRegression(C=1e-6).fit(X, y), X, NAMES, checks=["few-rows"])


def test_results_are_shown_in_one_short_line(diagnosis):
    binary = y < 2
    results = [
        diagnosis,
        diagnosis["virginica"],
        diagnosis.finding("few-rows"),
        diagnosis.remedy("virginica", budget=0.0),
        ms.separability(X, NAMES),
        ms.solve_hard_margin(X[binary], NAMES[binary], fit_intercept=True),
        ms.mixed_limit(X[binary], NAMES[binary], fit_intercept=True),
    ]
    for one in results:
        shown = repr(one)
        assert shown.startswith(f"<{type(one).__name__}"), shown
        assert shown.endswith(">")
        assert len(shown) <= 200
        assert "\n" not in shown


def test_the_line_tells_the_outcome(diagnosis):
    unlearned = sum(one.verdict == "unlearned" for one in diagnosis.classes)
    assert f"{unlearned} unlearned" in repr(diagnosis)
    one = diagnosis["virginica"]
    assert repr(one) == f"<ClassDiagnosis 'virginica': {one.verdict}, recall {one.recall:.2f}>"
    assert repr(ms.separability(X, NAMES)).startswith("<SeparabilityCertificate: Quasi-complete separation")
    pytest.importorskip("flint")
    assert repr(ms.certify_tail("cross_entropy")).startswith("<TailCertificate: ")


def test_notes_on_how_the_numbers_were_got_are_shown(diagnosis):
    note = "The fitted model that was given is fitted anew on every fold"
    assert note in str(diagnosis)
    assert note in diagnosis._repr_html_()


@pytest.mark.parametrize("ax", ["1", 1])
def test_what_are_no_axes_is_refused(ax, diagnosis):
    with pytest.raises(UsageError, match="matplotlib axes are needed"):
        diagnosis.plot(ax)


def test_a_place_that_cannot_be_written_names_no_option(diagnosis, tmp_path):
    with pytest.raises(OSError, match="choose another place") as caught:
        diagnosis.save_html(tmp_path / "none" / "x.html")
    assert "-o" not in str(caught.value).split("refused")[1]


def test_labels_in_frames_are_plain():
    for result in (ms.separability(X, y), ms.solve_hard_margin(X[y < 2], y[y < 2], fit_intercept=True)):
        for column in ("class", "rival"):
            assert {type(one) for one in list(result.frame()[column])} <= {int, np.int64}
    binary = ms.solve_hard_margin(X[y < 2], y[y < 2], fit_intercept=True)
    assert {type(one.own) for one in binary.pairs} == {int}


def test_the_share_of_the_force_can_be_read_with_numbers_as_names():
    text = str(ms.solve_hard_margin(X[y < 2], y[y < 2], fit_intercept=True))
    assert re.search(r"Share of the force: 0: \d+\.\d%, 1: \d+\.\d%\.", text)


def test_the_order_of_the_arguments_has_its_own_sentence():
    with pytest.raises(UsageError, match=r"the model comes first, .* call diagnose\(model, X, y\)"):
        ms.diagnose(X, y, LogisticRegression())


def test_a_page_gives_no_advice_for_python():
    from marginscope.reports.separability_page import page

    certificate = ms.separability(X, y)
    assert "see .infinite" in str(certificate)
    assert "see .infinite" not in page(certificate)


def test_numbers_are_shown_by_value_and_words_as_they_are():
    labels = ["1", "10", "2", "-3"]
    assert [labels[k] for k in display_order(labels)] == ["-3", "1", "2", "10"]
    for words in (["1", "10", "2", "a"], ["1", "nan", "0"], ["1", "inf", "0"]):
        assert display_order(words) == list(range(len(words)))


def test_pages_show_numbers_by_value_and_documents_keep_the_order_of_codes():
    from marginscope.reports import margin_page, separability_page
    from marginscope.reports.confusion_table import confusion_table

    rng = np.random.default_rng(0)
    names = np.repeat(["1", "2", "10"], 20)
    rows = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 20, axis=0) + rng.standard_normal((60, 2))
    certificate = ms.separability(rows, names)
    assert certificate.to_dict()["classes"] == ["1", "10", "2"]
    view = separability_page._view(certificate)
    assert view["labels"] == [row.label for row in view["rows"]] == ["1", "2", "10"]
    assert [row.cells[k] for k, row in enumerate(view["rows"])] == [None, None, None]
    solution = ms.solve_hard_margin(rows, names, fit_intercept=True)
    view = margin_page._view(solution)
    assert view["labels"] == [row.label for row in view["rows"]] == ["1", "2", "10"]
    by_names = {(one.own, one.rival): one.smallest_margin for one in solution.pairs}
    assert view["rows"][0].cells[1][0] == by_names["1", "2"]
    assert view["rows"][2].cells[0][0] == by_names["10", "1"]
    found = ms.diagnose(LogisticRegression(), rows, names, checks=["few-rows"])
    table = confusion_table(found)
    assert found.labels == ("1", "10", "2")
    assert table.labels == ("1", "2", "10")
    assert table.cells[1][2][0] == found.confusion[2, 1]
