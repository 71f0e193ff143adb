"""How a label, name or sentence is shown: every character visible, none able to disturb its neighbours.

This is about reading only. Markup is escaped elsewhere, by the one environment
of ``environment.py``.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import unicodedata
from pathlib import Path

__all__ = ["as_label", "as_prose", "hide_home", "quote_for_shell", "shorten", "show_hidden"]

LABEL_LENGTH = 80
PROSE_LENGTH = 800
JOINERS = "\u200c\u200d"

# Everything but the plain characters that cannot need a look: most labels take the fast path.
_SUSPICIOUS = re.compile(r"[^ -~¡-¬®-\u02ff]|^ | $|  ")


def show_hidden(text: str) -> str:
    """Return ``text`` with control, bidi and odd space characters made visible.

    C0 controls become their pictures (a line feed is shown as U+240A), others
    their code point in angle brackets; spaces at the ends and runs of spaces
    become open boxes, since a page would swallow them.
    """
    if not _SUSPICIOUS.search(text):
        return text
    last = len(text) - 1
    shown = []
    for at, character in enumerate(text):
        if character == " ":
            is_lost = at in (0, last) or text[at - 1] == " " or text[at + 1] == " "
            shown.append("\u2423" if is_lost else " ")
        elif character in JOINERS and 0 < at < last and not text[at - 1].isascii() and not text[at + 1].isascii():
            shown.append(character)  # part of an emoji or of a script that joins letters
        else:
            shown.append(_visible(character))
    return "".join(shown)


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Cn"):
        return f"\u27e8U+{code:04X}\u27e9"
    return character


def shorten(text: str, length: int) -> str:
    """Cut ``text`` to ``length`` characters; a hash of the whole tells cut texts apart."""
    return text if len(text) <= length else _cut(text, text, length)


def _cut(shown: str, whole: str, length: int) -> str:
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{shown[: length - 11]}\u2026 #{digest}"


def as_label(label: object, length: int = LABEL_LENGTH) -> str:
    """Return a class, feature or file name as it is shown."""
    return _show_short(str(label), length) if str(label) else "\u27e8empty\u27e9"


def as_prose(text: object, length: int = PROSE_LENGTH) -> str:
    """Return a sentence as it is shown, without the user's home directory."""
    return _show_short(hide_home(str(text).strip()), length)


def _show_short(text: str, length: int) -> str:
    """Cut before and after: what is hidden takes more room once it is shown."""
    shown = show_hidden(text[: length + 1])
    return shown if len(text) <= length and len(shown) <= length else _cut(shown, text, length)


def hide_home(text: str) -> str:
    """Replace the home directory, at the start of a path, by ``~``."""
    home = str(Path.home()).rstrip("/\\")
    if len(home) < 2 or home not in text:
        return text
    return re.sub(rf"(?<![\w./\\-]){re.escape(home)}(?=[/\\]|$|\s|['\"),:;])", "~", text)


def quote_for_shell(label: str) -> str:
    """Return a label as one word of a POSIX command line."""
    return shlex.quote(label)
