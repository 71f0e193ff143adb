"""Pairs of labels that look like two spellings of one name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

__all__ = ["SpellingPair", "spelling_pairs"]

# Words, and the signs that carry a meaning (A+ is not A-, >50K not <=50K).
_WORDS = re.compile(r"[^\W_]+|[<>=+#%*!$&]+|-(?=\s*$)")
_LEAST_PREFIX = 3
_LEAST_TYPO_LENGTH = 5
_LEAST_COMPOUND = 8


@dataclass(frozen=True)
class SpellingPair:
    """Indices of the rarer and the commoner label, and what differs."""

    rarer: int
    commoner: int
    difference: str


def spelling_pairs(
    labels: Sequence[str], counts: Sequence[int], *, typo_share: float = 0.2
) -> tuple[SpellingPair, ...]:
    """Find labels that differ only in case, space, encoding, number format, by an abbreviation or a slip.

    Parameters
    ----------
    labels : sequence of str
    counts : sequence of int
        Rows per label; a slip of one letter counts only where the rarer label has at
        most ``typo_share`` of the rows of the other.

    Returns
    -------
    tuple of SpellingPair
        Every label is the rarer one of at most one pair.
    """
    found: dict[int, SpellingPair] = {}
    order = sorted(range(len(labels)), key=lambda i: (counts[i], labels[i]))
    forms = [_canonical(label) for label in labels]
    for position, rare in enumerate(order):
        for common in reversed(order[position + 1 :]):
            difference = _difference(labels[rare], labels[common], forms[rare], forms[common])
            if not difference and counts[rare] <= typo_share * counts[common] and _is_slip(forms[rare], forms[common]):
                difference = "one letter"
            if difference:
                found[rare] = SpellingPair(rare, common, difference)
                break
    return tuple(found.values())


def _canonical(label: str) -> str:
    """Words in lower case, one blank between them, without marks and punctuation."""
    text = unicodedata.normalize("NFKC", _repair_encoding(label)).casefold()
    text = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(_WORDS.findall(text))


def _repair_encoding(label: str) -> str:
    """Undo UTF-8 that was read as a Western eight-bit code."""
    for codec in ("cp1252", "latin-1"):
        try:
            repaired = label.encode(codec).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if len(repaired) < len(label):
            return repaired
    return label


def _difference(one: str, other: str, form: str, other_form: str) -> str:
    if _is_number(one) and _is_number(other):
        # -1 and 1 differ in a mark only, but not as numbers.
        return "number format" if Decimal(one.strip()) == Decimal(other.strip()) else ""
    if form == other_form:
        if not form:
            return ""
        if one.strip() == other.strip():
            return "surrounding blanks"
        if one.casefold().strip() == other.casefold().strip():
            return "case"
        if _repair_encoding(one) == other or _repair_encoding(other) == one:
            return "encoding"
        return "blanks, marks or punctuation"
    if _abbreviates(form.split(), other_form.split()) or _abbreviates(other_form.split(), form.split()):
        return "an abbreviation"
    return ""


def _is_number(label: str) -> bool:
    try:
        return Decimal(label.strip()).is_finite()
    except InvalidOperation:
        return False


def _abbreviates(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether the words of ``short`` are words, beginnings or initials of ``long``, in order, and one is shorter."""
    if not any(len(word) >= _LEAST_PREFIX for word in long) or sum(map(len, short)) >= sum(map(len, long)):
        return False
    return _align(tuple(short), tuple(long))


def _align(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    if not short or not long:
        return not short and not long
    word = short[0]
    if (long[0] == word or _begins(word, long[0])) and _align(short[1:], long[1:]):
        return True
    if len(word) < _LEAST_PREFIX:
        return False
    return any(
        _is_acronym(word, long[:n]) and _align(short[1:], long[n:]) for n in range(2, min(len(word), len(long)) + 1)
    )


def _begins(word: str, longer: str) -> bool:
    """Whether ``word`` is cut from ``longer``; a number is never cut: class1 is not class10, nor type2 type2b."""
    rest = longer.removeprefix(word)
    return (
        len(word) >= _LEAST_PREFIX
        and longer.startswith(word)
        and not word[-1].isdigit()
        and not any(c.isdigit() for c in rest)
    )


def _is_acronym(word: str, parts: tuple[str, ...]) -> bool:
    """Whether ``word`` is the initials of ``parts``; a long part may give an inner letter (BPV, bipropellant valve)."""
    if not parts:
        return not word
    if not word or word[0] != parts[0][0]:
        return False
    inner = len(parts[0]) >= _LEAST_COMPOUND and len(word) > 1 and word[1] in parts[0][1:]
    return _is_acronym(word[1:], parts[1:]) or (inner and _is_acronym(word[2:], parts[1:]))


def _is_slip(one: str, other: str) -> bool:
    """Whether one letter was added, lost, changed or swapped in a long enough word without digits."""
    if one == other or any(c.isdigit() for c in one + other):
        return False
    words, others = one.split(), other.split()
    if len(words) != len(others):
        return False
    unlike = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    return len(unlike) == 1 and max(map(len, unlike[0])) >= _LEAST_TYPO_LENGTH and _one_edit(*unlike[0])


def _one_edit(a: str, b: str) -> bool:
    if len(a) == len(b):
        unlike = [i for i in range(len(a)) if a[i] != b[i]]
        if len(unlike) == 2:
            i, j = unlike
            return j == i + 1 and a[i] == b[j] and a[j] == b[i]
        return len(unlike) == 1
    short, long = sorted((a, b), key=len)
    return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
