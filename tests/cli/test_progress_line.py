"""Progress on standard error."""

from __future__ import annotations

import io
import sys

import pytest

from marginscope.cli.progress import ProgressLine


class Terminal(io.StringIO):
    """A standard error that says it is a terminal, or is gone."""

    is_gone = False

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.is_gone:
            raise OSError("gone")
        return super().write(text)


def _terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    # Not a fixture: pytest puts its own standard error back between set-up and test.
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    return stream


def _work(line: ProgressLine) -> None:
    with line:
        for done in range(4):
            line(done, 4, f"step {done} of \x1b[2J[red]")


def test_a_terminal_sees_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    _work(ProgressLine(delay=0.0))
    shown = terminal.getvalue()
    assert "/4" in shown
    assert "\\x1b[2J[red]" in shown


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    _work(ProgressLine(delay=60.0))
    assert terminal.getvalue() == ""


def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    _work(ProgressLine(quiet=True, delay=0.0))
    assert terminal.getvalue() == ""


def test_a_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    _work(ProgressLine(delay=0.0))
    assert stream.getvalue() == ""


def test_a_pipe_sees_plain_lines_of_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    _work(ProgressLine(delay=0.0, pause=0.0))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[2] == "working: 2 of 4, 0 s, step 2 of \\x1b[2J[red]"
    _work(ProgressLine(quiet=True, delay=0.0, pause=0.0))
    assert len(stream.getvalue().splitlines()) == 4


def test_a_terminal_that_goes_away_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _terminal(monkeypatch)
    terminal.is_gone = True
    _work(ProgressLine(delay=0.0))
