"""The JSON document inside a page: data that no parser can take for markup."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from marginscope.reports.text import hide_home

__all__ = ["MOST_CHARACTERS", "as_island"]

MOST_CHARACTERS = 900_000

# < > & could end the script element or start a comment; U+2028/9 end a line of script;
# lone surrogates have no UTF-8 form.
_UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def as_island(document: Mapping[str, Any]) -> Markup | None:
    """Return the document as text for a script element, ``None`` where it is too long for a page."""
    text = json.dumps(_clean(document), allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=str)
    if len(text) > MOST_CHARACTERS:
        return None
    return Markup(_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


def _clean(value: Any) -> Any:
    """Return ``value`` with null for what is no number, and no home directory in any text."""
    if isinstance(value, Mapping):
        return {str(name): _clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return hide_home(value)
    return value
