"""A tail certificate is proved again, and nothing that was changed in it passes."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("flint")

from marginscope import losses
from marginscope.certificates.intervals import Interval, enough_digits
from marginscope.certificates.tail import TailCertificate
from marginscope.certificates.tail_boxes import BoxClaim, covers, halves, slope_at_zero
from marginscope.exceptions import UsageError
from marginscope.losses.tail import certify_tail
from marginscope.losses.tail_form import FunctionOfSum, JointForm, SumOfParts


def _total(z: Any) -> Any:
    return sum(z[1:], z[0])


BENT = JointForm(lambda z, ops: _total(z) - 0.5 * _total(z) ** 2 + _total([o**3 for o in z]))
LOSSES: dict[str, Any] = {
    **{name: losses.get(name) for name in ("cross_entropy", "pair_logistic", "focal", "mae", "polynomial")},
    "label_smoothing": losses.get("label_smoothing"),
    "weston_watkins": losses.get("weston_watkins"),
    "bent": BENT,
    "cubic": SumOfParts(lambda z, ops: z - z**3 + 0.75 * z**4),
    "composition": FunctionOfSum(lambda s, ops: s - 0.25 * s * s, lambda z, ops: z - 0.2 * z * z),
    "joint pair logistic": JointForm(lambda z, ops: _total([ops.log1p(one) for one in z])),
    "uneven": JointForm(lambda z, ops: _total(z) + _total([o * o for o in z]) / _total(z)),
}


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    return {name: certify_tail(loss, n_classes=(3, 4)).to_dict() for name, loss in LOSSES.items()}


@pytest.mark.parametrize("name", LOSSES)
def test_json_and_back(name: str, documents: dict[str, dict[str, Any]]) -> None:
    document = documents[name]
    text = json.dumps(document, allow_nan=False)
    again = TailCertificate.from_dict(json.loads(text))
    assert again.to_dict() == document
    assert again == certify_tail(LOSSES[name], n_classes=(3, 4))
    assert again.verify(LOSSES[name])
    with pytest.raises(UsageError, match="pass it"):
        again.verify()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf of a document."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*path, key))
    else:
        yield path


# words for readers: derived, or copied from the template
NOT_CLAIMS = {"loss", "limit", "limit_reason", "reason", "sentence", "is_proof", "coordinate", "broken_bound", "schema"}


def changed(value: Any, key: Any) -> list[Any]:
    """Return values that differ from a leaf, near to it and far from it."""
    if isinstance(value, bool):
        return [not value]
    if value is None:
        return [3, "1"] if key != "n_classes" else [3, 4]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        near = [math.nextafter(value, math.inf), math.nextafter(value, -math.inf)]
        return [*near, value * 1.001, value * 0.999, value - 0.1, value + 0.1, -value - 1.0, "inf", "-inf"]
    if value in ("inf", "-inf"):
        return [5.0, -5.0, "-inf" if value == "inf" else "inf"]
    others = {"refuted", "proved", "not_refuted", "profile", "boxes", "composition", "curve", "floats"}
    if key in ("status", "method", "rule"):
        return sorted(others - {value})
    if key == "letters":
        # cells left out, left over, unknown, or called unsorted though they are not
        wrong = [value[:i] + other + value[i + 1 :] for i, one in enumerate(value[:40]) for other in "ox" if one != "o"]
        return [*wrong, value + "h", value[:-1], "", "s" + value]
    if key == "bound" and value in ("upper", "lower", "positive"):
        return sorted({"upper", "lower", "positive"} - {value})
    return [value + "1", "2", value[1:] or "3"]


@pytest.mark.parametrize("name", LOSSES)
def test_every_corruption_is_rejected(name: str, documents: dict[str, dict[str, Any]]) -> None:
    """Each number of each document is changed, near and far; together several thousand changes."""
    document, n_rejected = documents[name], 0
    for path in places(document):
        if path[-1] in NOT_CLAIMS or path[0] == "n_classes":
            continue
        leaf: Any = document
        for key in path:
            leaf = leaf[key]
        for other in changed(leaf, path[-1]):
            if other == leaf:
                continue
            broken = copy.deepcopy(document)
            place: Any = broken
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = other
            assert not _verifies(broken, LOSSES[name]), (path, leaf, other)
            n_rejected += 1
    assert n_rejected >= 60


def _verifies(document: dict[str, Any], loss: Any) -> bool:
    try:
        return TailCertificate.from_dict(document).verify(loss)
    except UsageError:
        return False


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ("uneven",)])
def test_a_certificate_proves_nothing_about_another_loss(name: str, documents: dict[str, dict[str, Any]]) -> None:
    others = [FunctionOfSum(lambda s, ops: 1.25 * s), SumOfParts(lambda z, ops: 3 * ops.log1p(z) + z * z)]
    assert not any(_verifies(documents[name], other) for other in others)


def test_a_form_that_begins_later_needs_a_smaller_box() -> None:
    """The proof of a form that holds everywhere is none where it only holds from a margin on."""

    class Late(losses.Template):
        name = "late"
        tail_form_from = 2.0

        @property
        def tail_form(self) -> Any:
            return SumOfParts(lambda z, ops: ops.log1p(z))

        def value(self, margins: Any, xp: Any = None) -> Any:
            import numpy as np

            return np.log1p(np.exp(-margins)).sum(axis=-1)

    certificate = certify_tail(Late())
    assert certificate.status == "proved"
    assert 2.0 <= certificate.u_plus < 2.01
    assert certificate.verify()
    assert not certify_tail("pair_logistic").verify(Late())


SLOPES = {
    "bent": (BENT.phi, 2, lambda z: 1 - sum(z) + 3 * z[0] ** 2),
    "cubic": (lambda z, ops: z[0] - z[0] ** 3 + 0.75 * z[0] ** 4, 1, lambda z: 1 - 3 * z[0] ** 2 + 3 * z[0] ** 3),
    "mixed": (
        lambda z, ops: _total(z) - z[0] * z[1] * (1 + z[0] + z[1]),
        2,
        lambda z: 1 - z[1] * (1 + 2 * z[0] + z[1]),
    ),
}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("bound", ["upper", "lower", "positive"])
def test_a_letter_never_covers_a_cell_on_which_the_bound_is_broken(name: str, bound: str) -> None:
    """Whole boxes are covered by the letters that hold; the bound is then tried at exact points of them."""
    from fractions import Fraction
    from itertools import product

    phi, m, slope = SLOPES[name]
    n_covered = 0
    with enough_digits():
        claim = BoxClaim(phi, m, slope_at_zero(phi, m), bound)
        for side in (0.125, 0.25, 0.5, 1.0, 1.5, 2.0):
            letters = _cover(claim, side)
            if letters is None:
                continue
            assert covers(claim, side, letters)
            n_covered += 1
            for steps in product(range(13), repeat=m):
                z = [Fraction(side) * k / 12 for k in steps]
                limit = {"upper": 1, "lower": 1 - sum(z), "positive": 0}[bound]
                assert slope(z) <= limit if bound == "upper" else slope(z) >= limit
    assert n_covered >= (1 if (name, bound) != ("mixed", "lower") else 0)


def _cover(claim: BoxClaim, side: float, most: int = 200) -> str | None:
    letters, waiting = "", [(Interval.of(0, side),) * claim.n_variables]
    while waiting and len(letters) < most:
        cell = waiting.pop()
        letters += claim.letter(cell) or "s"
        if letters[-1] == "s":
            waiting += reversed(halves(cell))
    return None if waiting else letters


def test_text_and_frame() -> None:
    certificate = certify_tail(BENT, n_classes=(2, 3))
    assert str(certificate).startswith("JointForm: exponential tail proved for K = 2, 3, with c = 1.")
    frame = certificate.frame()
    assert list(frame["n_classes"]) == [2, 3]
    assert list(frame["status"]) == ["proved", "proved"]
    refuted = certify_tail(LOSSES["uneven"])
    assert str(refuted).startswith("JointForm: no exponential tail, refuted for K = 3, 4.")
    assert list(refuted.frame()["status"]) == ["not_refuted", "refuted", "refuted"]


def test_what_is_no_document_is_refused() -> None:
    for document in ({}, {"schema": "marginscope.tail/2"}, {"schema": "marginscope.tail/1"}):
        with pytest.raises(UsageError, match=r"marginscope.tail/1"):
            TailCertificate.from_dict(document)
