from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.reports.text import as_label, as_prose, hide_home, quote_for_shell, shorten, show_hidden


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("cat", "cat"),
        ("Füchse 狐 🦊", "Füchse 狐 🦊"),
        ("a\nb\tc", "a␊b␉c"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\x7f", "a␡"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"),
        ("cat ", "cat␣"),
        (" cat", "␣cat"),
        ("a  b", "a␣␣b"),
        ("a b", "a b"),
        ("a\u00a0b", "a⟨U+00A0⟩b"),
        ("cat\u200d", "cat⟨U+200D⟩"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("\ud800", "⟨U+D800⟩"),
        ("\u0085\u2028", "⟨U+0085⟩⟨U+2028⟩"),
    ],
)
def test_dat028_hidden_characters_are_shown(raw: str, shown: str) -> None:
    assert show_hidden(raw) == shown


@given(st.text(st.characters(), max_size=40))
def test_dat028_nothing_shown_can_reorder_or_hide(text: str) -> None:
    shown = show_hidden(text)
    allowed = set("\u200c\u200d")
    assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in allowed for one in shown)
    shown.encode("utf-8")
    assert shown == shown.strip()


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_labels_stay_different(one: str, other: str) -> None:
    taken = set("␣␡⟨⟩") | {chr(code) for code in range(0x2400, 0x2420)}
    if one != other and not taken & set(one + other):
        assert show_hidden(one) != show_hidden(other)


def test_dat029_long_labels_are_cut_with_a_hash() -> None:
    one, other = "x" * 1_000_000, "x" * 999_999 + "y"
    assert len(as_label(one)) == 80
    assert as_label(one) != as_label(other)
    assert as_label(one)[:60] == as_label(other)[:60] == "x" * 60
    assert shorten("short", 80) == "short"


def test_the_empty_label_has_a_name() -> None:
    assert as_label("") == "⟨empty⟩"
    assert as_label(0) == "0"


def test_sec014_the_home_directory_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", classmethod(lambda cls: cls("/home/ada")))
    assert hide_home("/home/ada/data/a.csv") == "~/data/a.csv"
    assert as_prose("cannot open '/home/ada/x.csv'") == "cannot open '~/x.csv'"
    assert hide_home("/home/adam/x") == "/home/adam/x"
    assert hide_home("/mnt/home/ada/x") == "/mnt/home/ada/x"
    monkeypatch.setattr(Path, "home", classmethod(lambda cls: cls("/")))
    assert hide_home("/data/a.csv") == "/data/a.csv"


def test_a_label_is_one_word_of_the_shell() -> None:
    assert quote_for_shell("a; rm -rf ~") == "'a; rm -rf ~'"
