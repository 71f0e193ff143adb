"""Where the command line writes, and what untrusted text looks like there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

from marginscope.exceptions import IOFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console
    from rich.text import Text

__all__ = [
    "make_visible",
    "open_console",
    "prepare_streams",
    "print_lines",
    "screen_width",
    "show_label",
    "show_labels",
    "write_error",
    "write_json",
]

_LONGEST_LABEL = 24

# What the package itself prints beyond ASCII, for terminals that cannot show it.
_ASCII = str.maketrans(
    {
        "≥": ">=",
        "≤": "<=",
        "×": "x",
        "±": "+/-",
        "→": "->",
        "…": "...",
        "–": "-",
        "—": "-",
        "−": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
        "•": "*",
    }
)


def prepare_streams() -> None:
    """Make the standard streams usable: closed ones swallow, unencodable characters are escaped."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def make_visible(text: str) -> str:
    """Return ``text`` with control, bidirectional and invisible characters spelled out.

    A label or path of someone else must not move the cursor, change the title or
    turn the reading direction of a terminal. Line ends and tabs are spelled out too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(one) for one in text)


def _spelled(character: str) -> str:
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character
    # Joiners hold emoji and several scripts together, and change nothing else.
    if character in "\u200c\u200d":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def show_label(label: str, width: int = _LONGEST_LABEL) -> str:
    """Return a label as it may appear on a terminal: visible, and short with a hash where it is long."""
    from rich.cells import cell_len, set_cell_size

    shown = _seen(label[: 4 * width])
    if len(label) <= 4 * width and cell_len(shown) <= width:
        return shown
    digest = hashlib.sha256(label.encode("utf-8", "backslashreplace")).hexdigest()[:6]
    return f"{set_cell_size(shown, width - 8).rstrip()}..{digest}"


def _seen(label: str) -> str:
    """Return a label that takes room: an empty one as quotes, one of combining marks spelled out."""
    from rich.cells import cell_len

    shown = make_visible(label)
    return shown if cell_len(shown) else ascii(label) if label else "''"


def show_labels(labels: Sequence[str], width: int) -> list[str]:
    """Return labels for a column; a long one keeps its ends, with a hash only where two would look alike."""
    shown = [_without_middle(label, width) for label in labels]
    return [show_label(label, width) if shown.count(one) > 1 else one for label, one in zip(labels, shown, strict=True)]


def _without_middle(label: str, width: int) -> str:
    from rich.cells import cell_len, set_cell_size

    if len(label) > 8 * width:
        label = label[: 4 * width] + label[-4 * width :]
    shown = _seen(label)
    if cell_len(shown) <= width:
        return shown
    tail = set_cell_size(shown[::-1], (width - 2) // 2)[::-1].lstrip()
    return f"{set_cell_size(shown, width - 2 - cell_len(tail)).rstrip()}..{tail}"


def screen_width() -> int:
    """Return the width to wrap at: the terminal's, 80 where there is none, never beyond 110."""
    return max(40, min(shutil.get_terminal_size((80, 24)).columns, 110))


def open_console(stream: TextIO | None = None) -> Console:
    """Return a rich console on ``stream`` (default standard output) that never interprets text as markup."""
    from rich.console import Console

    class QuietConsole(Console):
        def on_broken_pipe(self) -> None:
            # rich would exit with 1, which here means "a finding named by --fail-on".
            raise BrokenPipeError

    target = sys.stdout if stream is None else stream
    return QuietConsole(file=target, width=screen_width(), markup=False, emoji=False, highlight=False)


def print_lines(lines: Iterable[Text]) -> None:
    """Print lines that are already wrapped on standard output."""
    console = open_console()
    plain = _is_ascii(console.file)
    for line in lines:
        shown = _to_ascii(line) if plain else line
        shown.rstrip()
        console.print(shown, soft_wrap=True)


def _is_ascii(stream: Any) -> bool:
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        "≥×→–".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _to_ascii(line: Text) -> Text:
    from rich.text import Text

    return Text(line.plain.translate(_ASCII))


def write_json(document: str) -> None:
    """Write one JSON document to standard output, as UTF-8 whatever the locale."""
    text = document.rstrip("\n") + "\n"
    # A lone surrogate (from a file name) becomes \udcxx, which is JSON's own escape.
    data = text.encode("utf-8", "backslashreplace")
    buffer = getattr(sys.stdout, "buffer", None)
    try:
        if buffer is None:
            sys.stdout.write(data.decode())
        else:
            sys.stdout.flush()
            buffer.write(data)
            buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise IOFault(
            f"{len(data)} bytes had to be written to standard output, but the system refused "
            f"({error.strerror or error}); free space or redirect elsewhere"
        ) from error


def write_error(message: str, *, kind: str = "error") -> None:
    """Write one line to standard error; a closed standard error is no reason to fail."""
    sentence = make_visible(" ".join(str(message).split("\n")))
    if _is_ascii(sys.stderr):
        sentence = sentence.translate(_ASCII)
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{kind}: {sentence}\n")
        sys.stderr.flush()
