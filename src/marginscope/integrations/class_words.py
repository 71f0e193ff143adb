"""One class of a diagnosis in the words of a message."""

from __future__ import annotations

from marginscope.findings import ClassDiagnosis

__all__ = ["class_words"]


def class_words(one: ClassDiagnosis) -> str:
    """Return label, verdict, recall with interval, rival, and the first cause with its reason."""
    text = f"'{one.label:.60}' is {one.verdict}"
    if one.recall is not None and one.recall_interval is not None:
        low, high = one.recall_interval
        text += f", recall {one.recall:.2f} [{low:.2f}, {high:.2f}]"
    text += f" ({one.rows} {'row' if one.rows == 1 else 'rows'}, {one.share:.1%})"
    if one.rival is not None:
        text += f", mostly taken for '{one.rival:.60}'"
    if one.cause is not None:
        return f"{text}; cause {one.cause}: {one.reason.rstrip('.')}"
    return f"{text}; {one.reason.rstrip('.')}" if one.reason else text
