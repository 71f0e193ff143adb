from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from test_diagnosis_page import island_of, words_of
from test_hostile_names import PAYLOADS, anatomy, twin_of

import marginscope as ms
from marginscope.reports import separability_page


@pytest.fixture(scope="module")
def quasi_complete() -> ms.certificates.separability.SeparabilityCertificate:
    data = load_iris()
    return ms.separability(data.data, data.target_names[data.target])


def test_the_page_says_what_the_certificate_says(quasi_complete: object, tmp_path: Path) -> None:
    quasi_complete.save_html(tmp_path / "page.html")  # type: ignore[attr-defined]
    page = (tmp_path / "page.html").read_text("utf-8")
    words = words_of(page)
    for line in str(quasi_complete).splitlines():
        assert line.removesuffix(": see .infinite.") in words
    assert island_of(page) == json.loads(json.dumps(quasi_complete.to_dict()))  # type: ignore[attr-defined]


def test_the_table_holds_the_shares(quasi_complete: object) -> None:
    rows = separability_page._rows(quasi_complete, [0, 1, 2])  # type: ignore[arg-type]
    assert rows[0].cells[0] is None
    assert [cell[0] for cell in rows[0].cells[1:] if cell] == [1.0, 1.0]
    assert rows[0].share == 1.0
    assert 0 <= rows[1].share < 1


def test_the_figure_has_a_bar_for_each_class(quasi_complete: object) -> None:
    ax = quasi_complete.plot().axes[0]  # type: ignore[attr-defined]
    assert ax.get_yticklabels()[0].get_text() == "setosa"
    assert round(ax.patches[0].get_width(), 3) == 1.0


def test_sec005_labels_stay_words() -> None:
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    bad = ms.separability(X, np.array(PAYLOADS[:3]))
    harmless = ms.separability(X, np.array([twin_of(payload) for payload in PAYLOADS[:3]]))
    assert anatomy(separability_page.page(bad)) == anatomy(separability_page.page(harmless))
    assert "<script" not in bad._repr_html_()
