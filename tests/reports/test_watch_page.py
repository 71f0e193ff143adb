"""Pages, cells and figures of a watched training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_diagnosis_page import island_of, words_of
from test_hostile_names import PAYLOADS, anatomy, twin_of

from marginscope.reports import class_timeline_page, conflict_page, watch_page, watch_plot

torch = pytest.importorskip("torch")
LABELS = ["ant", "bee", "cow", "dog", "elk", "fox", "gnu"]


def watched(labels: list[str], *, n_steps: int = 12) -> Any:
    import marginscope.torch as mt

    K = len(labels)
    torch.manual_seed(0)
    X, y = torch.randn(30 * K, 4), torch.arange(30 * K) % K
    X[:, 0] += 3.0 * (y == 0)
    net = torch.nn.Linear(4, K)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    with mt.watch(net, classes=labels, X=X, y=y, every=3) as w:
        for _ in range(n_steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(X), y).backward()
            optimizer.step()
    for one in w.records:  # the clock has no place in a comparison of pages
        object.__setattr__(one, "seconds", float(one.step))
    return w


@pytest.fixture(scope="module")
def watch() -> Any:
    return watched(LABELS)


def test_the_page_says_what_the_watch_says(watch: Any, tmp_path: Path) -> None:
    watch.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    words = words_of(page)
    for line in str(watch).splitlines():
        assert line in words
    assert island_of(page) == json.loads(json.dumps(watch.to_dict()))
    assert page.count("<svg") == 4
    rows = watch_page._classes(watch)
    assert [row["recall"] for row in rows] == sorted(watch.column("recall")[-1].tolist())
    assert rows[-1]["label"] == "ant"


@pytest.mark.parametrize("name", ["class", "conflict"])
def test_parts_have_pages_too(name: str, watch: Any, tmp_path: Path) -> None:
    part = watch["fox"] if name == "class" else watch.conflict
    part.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert island_of(page) == json.loads(json.dumps(part.to_dict()))
    for line in str(part).splitlines():
        assert line in words_of(page)
    assert "<svg" in part._repr_html_()


def test_the_figure_draws_every_class_and_names_the_worst(watch: Any) -> None:
    figure = watch.plot()
    loss, recall, share = figure.axes
    leading = watch_plot.leading_classes(watch)
    assert len(leading) == watch_plot.MOST_NAMED
    assert 0 not in leading, "the one that is learned best stands back"
    for ax, name in ((loss, "loss"), (recall, "recall"), (share, "share")):
        drawn = [np.asarray(line.get_ydata()) for line in ax.get_lines() if len(line.get_ydata()) == len(watch.steps)]
        expected = watch.column(name)
        assert len(drawn) == len(LABELS)
        for k in range(len(LABELS)):
            assert any(np.array_equal(one, expected[:, k]) for one in drawn)
    np.testing.assert_allclose(recall.get_lines()[0].get_xdata(), np.log10(watch.steps + 1))
    assert loss.get_lines()[-1].get_ydata()[0] == watch.prior_entropy
    names = [text.get_text() for text in share.get_legend().get_texts()]
    assert names == ["other classes", *(LABELS[k] for k in leading)]


def test_a_class_is_drawn_with_its_rival(watch: Any) -> None:
    figure = watch["fox"].timeline()
    _, learning, gradient = figure.axes
    lines = {line.get_label(): line for line in learning.get_lines()}
    np.testing.assert_array_equal(lines["recall"].get_ydata(), watch["fox"].recall)
    assert any(watch["fox"].rivals[-1] in name for name in lines)
    assert len(gradient.get_lines()) == 3
    learned = watch["ant"].plot().axes[1]
    assert any(f"step {watch['ant'].learned_at()}" in text.get_text() for text in learned.texts)


def test_conflicts_are_cells_and_lines(watch: Any) -> None:
    cells, pairs = watch.conflict.plot().axes
    assert len(cells.patches) == 7 * 6
    one, other, _ = watch.conflict.worst()
    labels = [line.get_label() for line in pairs.get_lines()]
    assert {f"{one} and {other}", f"{other} and {one}"} & set(labels)


def test_given_axes_are_drawn_on(watch: Any) -> None:
    from matplotlib.figure import Figure

    for result in (watch, watch["fox"], watch.conflict):
        ax = Figure().subplots()
        assert result.plot(ax) is ax.get_figure()
        assert ax.get_title(loc="left")


def test_many_classes_and_no_looks_are_shown_too() -> None:
    import marginscope.torch as mt

    many = watched([f"class {k}" for k in range(24)], n_steps=3)
    assert "left out" in many.conflict.plot().axes[0].get_title(loc="left")
    assert len(many.plot().axes[0].get_lines()) == 25
    empty = mt.watch(torch.nn.Linear(2, 2))
    assert "seen nothing" in empty._repr_html_()


@pytest.mark.parametrize("payload", PAYLOADS[::12])
def test_labels_never_become_markup(payload: str) -> None:
    hostile, harmless = watched([payload, "b", "c"], n_steps=3), watched([twin_of(payload), "b", "c"], n_steps=3)
    assert anatomy(watch_page.fragment(hostile)) == anatomy(watch_page.fragment(harmless))
    assert anatomy(class_timeline_page.page(hostile[payload])) == anatomy(
        class_timeline_page.page(harmless[twin_of(payload)])
    )
    assert anatomy(conflict_page.page(hostile.conflict)) == anatomy(conflict_page.page(harmless.conflict))
