"""Untrusted text on a terminal, and what is written where."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from marginscope.cli.output import (
    make_visible,
    print_lines,
    screen_width,
    show_label,
    show_labels,
    write_error,
    write_json,
)

HOSTILE = "\x1b]0;owned\x07\x1b[31mred\u202egnp.exe\u2066\u0000\r\n\u200b\ufeff\x9b2J"


def test_sec006_control_characters_are_spelled_out() -> None:
    shown = make_visible(HOSTILE)
    assert shown.isprintable()
    assert "\\x1b]0;owned\\x07" in shown
    assert "\\u202egnp.exe" in shown


def test_dat028_scripts_and_emoji_stay_readable() -> None:
    for label in ("naïve", "狐狸", "مرحبا", "👩\u200d🔬", "Ωmega"):
        assert make_visible(label) == label


@given(st.text())
def test_nothing_that_is_shown_can_steer_a_terminal(text: str) -> None:
    categories = {unicodedata.category(one) for one in make_visible(text) if one not in "\u200c\u200d"}
    assert categories.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})


def test_dat029_a_label_of_a_million_characters_is_short_and_told_apart() -> None:
    one, other = show_label("x" * 1_000_000), show_label("x" * 1_000_001)
    assert cell_len(one) <= 24
    assert one != other
    assert one.startswith("xxxx")


@given(st.text(), st.integers(12, 40))
def test_a_label_never_takes_more_room_than_it_has(label: str, width: int) -> None:
    assert 1 <= cell_len(show_label(label, width)) <= width


def test_a_middling_label_keeps_its_ends_and_stays_told_apart() -> None:
    names = ["Flow Proportioning Valve Close", "Flow Proportioning Valve Open", "High"]
    assert show_labels(names, 18) == ["Flow Pro..ve Close", "Flow Pro..lve Open", "High"]
    alike = show_labels(["a" * 20 + "1" + "a" * 20, "a" * 20 + "2" + "a" * 20], 16)
    assert len(set(alike)) == 2
    longer = ["walking up the stairs of the house " + "x" * 60, "b" * 1_000_000, "b" * 1_000_001]
    shown = show_labels(longer, 18)
    assert shown[0] == "walking..xxxxxxxx"
    assert len(set(shown)) == 3


@given(st.lists(st.text(), unique=True, max_size=6), st.integers(12, 40))
def test_labels_of_a_column_keep_to_its_width(labels: list[str], width: int) -> None:
    assert all(1 <= cell_len(one) <= width for one in show_labels(labels, width))


@pytest.mark.parametrize("label", ["[bold]x[/bold]", ":smile:", "%s", "{0.__class__}", "$(rm)", "a\\b"])
def test_sec016_names_are_never_markup_or_formats(label: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_lines([Text(show_label(label))])
    assert capsys.readouterr().out == label + "\n"


@pytest.mark.parametrize(("columns", "width"), [("20", 40), ("80", 80), ("300", 110)])
def test_the_width_is_that_of_the_screen_within_limits(
    columns: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert screen_width() == width


class _Bytes(io.TextIOWrapper):
    """A standard output of a given encoding that keeps its bytes."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="backslashreplace", write_through=True)

    def data(self) -> bytes:
        raw: Any = self.buffer
        return bytes(raw.getvalue())


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "utf-16"])
def test_json_is_utf8_whatever_the_locale(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Bytes(encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    write_json(json.dumps({"label": "é狐\udcff"}, ensure_ascii=False))
    assert json.loads(stream.data().decode("utf-8")) == {"label": "é狐\udcff"}


def test_pro017_an_ascii_screen_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Bytes("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    print_lines([Text("recall ≥ 0.9 × é", style="bold")])
    assert stream.data() == b"recall >= 0.9 x \\xe9\n"


def test_no_color_switches_colours_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(_Bytes):
        def isatty(self) -> bool:
            return True

    shown = {}
    for name in ("colour", "plain"):
        stream = Terminal("utf-8")
        monkeypatch.setattr(sys, "stdout", stream)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.delenv("NO_COLOR", raising=False)
        if name == "plain":
            monkeypatch.setenv("NO_COLOR", "1")
        print_lines([Text("class", style="red")])
        shown[name] = stream.data()
    assert b"\x1b[31m" in shown["colour"]
    assert b"31" not in shown["plain"]


def test_an_error_is_one_visible_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_error("two\nlines and \x1b[2J")
    assert capsys.readouterr().err == "error: two lines and \\x1b[2J\n"
