"""The command ``demo``: one screen, a report, and commands that work when pasted."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from marginscope.cli.demo import three_groups
from marginscope.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The demo, run once: what it prints, and its report."""
    import contextlib
    import io

    report = tmp_path_factory.mktemp("demo") / "report.html"
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        assert main(["demo", "-o", str(report), "--quiet"]) == 0
    return shown.getvalue(), report


def test_it_is_one_screen_and_shows_both(screen: tuple[str, Path]) -> None:
    shown, report = screen
    assert len(shown.splitlines()) <= 50
    assert "vehicle-float" in shown
    assert re.search(r"^owl .*unlearned  over-regularised$", shown, re.MULTILINE)
    assert shown.endswith(f"report: {report}\n")


def test_the_report_opens_and_holds_the_real_data(screen: tuple[str, Path]) -> None:
    text = screen[1].read_text(encoding="utf-8")
    assert text.lstrip().lower().startswith("<!doctype html>")
    assert "headlamp" in text


def test_the_three_commands_work(screen: tuple[str, Path], capsys: Capture) -> None:
    commands = re.findall(r"^(?:next|why|try): +marginscope (.+)$", screen[0], re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        words = shlex.split(command)
        fast = [] if words[0] == "explain" else ["--check", "few-rows", "--check", "imbalance", "--quiet"]
        assert main([*words, *fast]) == 0
        assert capsys.readouterr().out


@pytest.mark.slow
def test_json_holds_both_documents(tmp_path: Path, capsys: Capture) -> None:
    assert main(["demo", "-o", str(tmp_path / "r.html"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["real"]["data"]["rows"] == 214
    assert document["seeded"]["data"]["rows"] == 260
    assert {one["cause"] for one in document["seeded"]["classes"]} == {None, "over-regularised"}


def test_a_report_that_cannot_be_written_is_refused_first(tmp_path: Path, capsys: Capture) -> None:
    assert main(["demo", "-o", str(tmp_path / "no" / "r.html")]) == 5
    assert capsys.readouterr().out == ""


def test_the_groups_are_clean() -> None:
    X, y = three_groups()
    centres = {name: X[y == name].mean(axis=0) for name in set(y)}
    nearest = [min(centres, key=lambda name: ((row - centres[name]) ** 2).sum()) for row in X]
    assert sum(one != name for one, name in zip(nearest, y, strict=True)) <= 3
