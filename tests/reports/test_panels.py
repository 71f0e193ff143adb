from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import cache

import matplotlib
import pytest
from made_up_results import LABELS, counts_panel, forest_panel, histogram_panel, null_panel, path_panel
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from marginscope.findings import Panel, Series
from marginscope.reports.palette import INKS
from marginscope.reports.panels import draw_panel, has_numbers, inline_panel

MAKERS: dict[str, Callable[[str], Panel]] = {
    "path": path_panel,
    "forest": forest_panel,
    "null": null_panel,
    "histogram": lambda label: histogram_panel(label, "owl"),
    "counts": lambda label: counts_panel((label, *LABELS[1:])),
}


@cache
def svg_of(kind: str, label: str) -> str:
    return inline_panel(MAKERS[kind](label))


KINDS = pytest.mark.parametrize("kind", list(MAKERS))


@KINDS
def test_every_kind_is_well_formed_and_small(kind: str) -> None:
    svg = svg_of(kind, "lynx")
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert "lynx" in root.attrib["aria-label"]
    assert len(svg) < 20_000
    assert len(list(root.iter("path"))) > 3


@KINDS
def test_a_picture_has_no_inline_style_no_link_and_no_fixed_colour(kind: str) -> None:
    root = ElementTree.fromstring(svg_of(kind, "lynx"))
    for element in root.iter():
        assert element.tag in {"svg", "g", "path", "use", "text", "defs", "clipPath", "rect"}
        assert "style" not in element.attrib
        assert element.attrib.get("href", "#").startswith("#")
        for name in ("fill", "stroke"):
            assert element.attrib.get(name, "none") == "none" or element.attrib[name].startswith("var(--ms-")


@KINDS
def test_a_picture_depends_on_its_numbers_only(kind: str) -> None:
    assert inline_panel(MAKERS[kind]("lynx")) == svg_of(kind, "lynx")


def test_identifiers_of_two_pictures_differ() -> None:
    names = [set(re.findall(r' id="([^"]+)"', svg_of(kind, "lynx"))) for kind in MAKERS]
    assert sum(map(len, names)) == len(set().union(*names)) > 0


@KINDS
def test_every_reference_has_its_target(kind: str) -> None:
    svg = svg_of(kind, "lynx")
    targets = re.findall(r' id="([^"]+)"', svg)
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)) != set()
    assert {one or other for one, other in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)} == set(targets)


@KINDS
@pytest.mark.parametrize(
    "label", ["$x^2$", "$\\frac", "日本語", "🦊", "\u202eabc", "a\nb", "مرحبا", "</svg>", "{0.__class__}%s"]
)
def test_sec006_sec016_a_label_is_only_words(kind: str, label: str) -> None:
    svg = inline_panel(MAKERS[kind](label))
    root, twin = ElementTree.fromstring(svg), ElementTree.fromstring(svg_of(kind, "x" * len(label)))
    assert [one.tag for one in root.iter() if one.tag == "text"] == [
        one.tag for one in twin.iter() if one.tag == "text"
    ]
    if kind in ("path", "forest", "counts"):
        words = " ".join(one.text or "" for one in root.iter("text")) + root.attrib["aria-label"]
        assert label.replace("\n", "␊").replace("\u202e", "⟨U+202E⟩") in words


def test_values_that_do_not_exist_are_left_out() -> None:
    gaps = Panel("forest", "", "", "", (Series("a", ("x", "y"), (None, 0.5), (None, 0.4), (None, math.nan)),))
    assert has_numbers(gaps)
    assert "nan" not in inline_panel(gaps).lower()
    assert not has_numbers(Panel("path", "", "", "", (Series("a", (1.0,), (None,)),)))
    assert not has_numbers(Panel("null", "", "", "", (Series("a", ()),)))
    assert not has_numbers(Panel("counts", "", "", "", ()))


@pytest.mark.parametrize("sample", [(0.5,), (0.5, 0.5), (0.0, 1e-300), (-1e12, 1e12)])
def test_odd_samples_have_bins(sample: tuple[float, ...]) -> None:
    assert "<path" in inline_panel(Panel("histogram", "", "x", "", (Series("a", sample),), (("m", math.inf),)))


@pytest.mark.parametrize("x", [(1.0, 10.0), (0.0, 10.0), (-1.0, 10.0), (0.0, 0.0)])
def test_a_logarithmic_axis_copes_with_zero(x: tuple[float, ...]) -> None:
    panel = Panel("path", "", "C", "recall", (Series("a", x, (0.1, 0.9)),), (("now", 0.0),), log_x=True)
    assert "<path" in inline_panel(panel)


def test_many_names_are_cut_and_said_so() -> None:
    names = tuple(f"class {k}" for k in range(100))
    svg = inline_panel(Panel("counts", "", "rows", "", (Series("rows", names, tuple(map(float, range(100)))),)))
    assert "first 24 of 100" in svg
    assert "class 23<" in svg
    assert "class 24<" not in svg


def test_drawing_changes_no_setting_and_opens_no_window() -> None:
    before = dict(matplotlib.rcParams)
    figure = draw_panel(path_panel("lynx"))
    assert isinstance(figure.canvas, FigureCanvasAgg)
    inline_panel(path_panel("lynx"))
    assert dict(matplotlib.rcParams) == before


def test_a_panel_can_be_drawn_on_given_axes() -> None:
    figure = Figure()
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    assert draw_panel(forest_panel("lynx"), ax) is figure
    assert [one.get_text() for one in ax.get_yticklabels()] == ["logit adjustment", "class weights", "over-sampling"]


def test_colours_are_told_apart() -> None:
    assert len(set(INKS.values())) == len(INKS)
