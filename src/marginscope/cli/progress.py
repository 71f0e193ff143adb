"""Progress on standard error: a moving line on a terminal, else a plain line every ten seconds of long work."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import Any

from marginscope.cli.output import make_visible, open_console, write_error

__all__ = ["ProgressLine"]


class ProgressLine:
    """Show ``done of total`` and the time so far; call it, and use it as a context.

    No time left is shown: the steps are of very unequal size, and an estimate that
    counts them would be wrong by a multiple.
    """

    def __init__(self, *, quiet: bool = False, delay: float = 1.0, pause: float = 10.0) -> None:
        self._is_shown = not quiet
        self._is_terminal = bool(getattr(sys.stderr, "isatty", lambda: False)())
        self._delay, self._pause = delay, pause
        self._start = self._said = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError, ValueError):
                self._bar.stop()

    def __call__(self, done: int, total: int, what: str) -> None:
        if not self._is_shown or time.monotonic() - self._start < self._delay:
            return
        if not self._is_terminal:
            self._say_plainly(done, total, what)
            return
        try:
            if self._bar is None:
                self._open(total)
            self._bar.update(self._task, completed=done, total=total, what=make_visible(what))
        except (OSError, ValueError):
            # A terminal that went away is no reason to stop computing.
            self._is_shown = False

    def _say_plainly(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if now - self._said >= self._pause:
            self._said = now
            write_error(f"{done} of {total}, {now - self._start:.0f} s, {what}", kind="working")

    def _open(self, total: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}", markup=False),
            console=open_console(sys.stderr),
            transient=True,
        )
        self._task = self._bar.add_task("", total=total, what="")
        self._bar.start()
