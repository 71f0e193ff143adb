"""Whether a loss has the multiclass exponential tail: a proof, a refutation, or neither."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from marginscope.certificates.tail import TailCertificate
from marginscope.exceptions import UsageError
from marginscope.losses import get

__all__ = ["certify_tail"]

_FLOAT_LEVELS = np.arange(4.0, 31.0)
_TOLERANCE = 1e-5
_SEED = 20240


def certify_tail(loss: Any, *, n_classes: int | Sequence[int] = (2, 3, 4)) -> TailCertificate:
    """Prove or refute that a loss has the multiclass exponential tail.

    c (1 - S) <= -d_i psi(u) exp(u_i) <= c    for all large margins, S = sum_j exp(-u_j)

    With z = exp(-u) the middle is the derivative of phi(z) = psi(-log z), and all large
    margins are a box at z = 0, so interval arithmetic can decide. A template without
    ``tail_form`` is only measured in floats, which can never prove a tail.

    Parameters
    ----------
    loss : str, Template or TailForm
        A name of ``losses.names()``, a template, any object with ``tail_form``, or the
        form itself; without a form, an object with ``log_weights``.
    n_classes : sequence of int
        Numbers of classes, two or more. "proved" is for all of them, "refuted" for one
        at least, named by the witness.

    Returns
    -------
    TailCertificate
        Its ``verify()`` proves the answer again without the search.

    Raises
    ------
    UsageError
        If the loss is unknown, the form is no formula, or it is not that of the template.
    MissingExtra
        If python-flint is not installed.

    References
    ----------
    Ravi, Scott, Soudry and Wang (2024), arXiv 2411.01350.

    Examples
    --------
    >>> certify_tail("cross_entropy").status
    'proved'
    >>> certify_tail("focal").witness.deviation.kind
    'vanishes'
    """
    template = get(loss) if isinstance(loss, str) else loss
    classes = _checked_classes(n_classes)
    form = template if hasattr(template, "phi") else getattr(template, "tail_form", None)
    if form is None and not hasattr(template, "log_weights"):
        raise UsageError(
            f"a name, a template or a tail form is needed, but got {loss!r}; "
            "give an object with tail_form or log_weights"
        )
    facts = getattr(template, "facts", None)
    known = {
        "loss": getattr(template, "name", type(template).__name__),
        "n_classes": classes,
        "limit": getattr(facts, "limit", None),
        "limit_reason": getattr(facts, "limit_reason", ""),
        "_template": template,
    }
    if form is None:
        return _measured(template, known)
    try:
        return _decided(template, form, known)
    except TypeError as error:
        raise UsageError(
            f"a tail form made of + - * / and ops is needed, but evaluating it failed ({error}); "
            "write it without branches and without functions of other packages"
        ) from error


def _checked_classes(n_classes: int | Sequence[int]) -> tuple[int, ...]:
    given: Any = (n_classes,) if isinstance(n_classes, numbers.Integral) else n_classes
    try:
        found = tuple(sorted({int(one) for one in given}))
        is_valid = bool(found) and found[0] >= 2 and all(int(one) == one for one in given)
    except (TypeError, ValueError):
        is_valid, found = False, ()
    if not is_valid:
        raise UsageError(f"numbers of classes of 2 or more are needed, but got {n_classes!r}; pass some such as (2, 3)")
    return found


def _decided(template: Any, form: Any, known: dict[str, Any]) -> TailCertificate:
    from marginscope.certificates.intervals import enough_digits

    with enough_digits():
        from_margin = float(getattr(template, "tail_form_from", -math.inf))
        _check_form(template, form, known["n_classes"], from_margin)
        refuted = _refuted(form, known, from_margin)
        if refuted is not None:
            return refuted
        proved = _proved(form, known, from_margin)
        if proved is not None:
            return proved
    return TailCertificate(
        "not_refuted",
        reason="The search found neither boxes on which both bounds can be proved nor a curve on which one fails.",
        **known,
    )


def _refuted(form: Any, known: dict[str, Any], from_margin: float) -> TailCertificate | None:
    from marginscope.certificates.tail_check import forced_constant, is_for_every_k

    every_k, witnesses = is_for_every_k(form), []
    for K in known["n_classes"]:
        witness = _witness(form, K, from_margin)
        if witness is not None:
            witnesses.append(witness)
            if every_k:
                break
    if not witnesses:
        return None
    c = forced_constant(witnesses[0])
    return TailCertificate("refuted", every_k=every_k, method="curve", c=c, witnesses=tuple(witnesses), **known)


def _witness(form: Any, K: int, from_margin: float) -> Any:
    from marginscope.certificates.intervals import NoEnclosure
    from marginscope.certificates.tail_curves import curves, deviation
    from marginscope.certificates.tail_witness import TailWitness, points_on

    for curve in curves(K - 1):
        found = deviation(form.phi, curve)
        if found is None:
            continue
        try:
            points = points_on(form.phi, curve, found, from_margin)
        except NoEnclosure:
            continue
        if points:
            return TailWitness(K, curve, found, points)
    return None


def _proved(form: Any, known: dict[str, Any], from_margin: float) -> TailCertificate | None:
    from marginscope.losses.tail_search import find_proof

    proofs: list[Any] = []
    if form.profile is not None:
        proofs = [find_proof("profile", form, None, from_margin)]
    elif getattr(form, "inner", None) is not None:
        proofs = [find_proof("composition", form, None, from_margin)]
    if None in proofs or not proofs:
        proofs = []
        for K in known["n_classes"]:
            proofs.append(find_proof("boxes", form, K, from_margin))
            if proofs[-1] is None:
                return None
    most, last = max(known["n_classes"]), proofs[-1]
    return TailCertificate(
        "proved",
        every_k=last.n_classes is None,
        method=last.rule,
        c=last.c[0],
        u_plus=last.u_plus(most),
        u_minus=last.u_minus(most),
        proofs=tuple(proofs),
        **known,
    )


def _check_form(template: Any, form: Any, classes: tuple[int, ...], from_margin: float) -> None:
    """Raise where a form is not symmetric, or not that of the template's weights."""
    from marginscope.certificates.intervals import Interval, IntervalFunctions, NoEnclosure

    rng = np.random.default_rng(_SEED)
    for K in [K for K in classes if K <= 4] or classes[:1]:
        margins = np.round(max(from_margin, 0.0) + rng.uniform(0.25, 6.0, size=(4, K - 1)), 6)
        for row in margins:
            z = [IntervalFunctions.exp(Interval.of(-one)) for one in row]
            try:
                slopes = _equal_slopes(form, z)
            except NoEnclosure:
                continue
            if any(one.lower > slopes[0].upper or one.upper < slopes[0].lower for one in slopes):
                _refuse_form(template, row, "is not symmetric in z")
            if hasattr(template, "log_weights") and not _agrees(template, row, float(slopes[0].lower)):
                _refuse_form(template, row, f"gives r_1 = {float(slopes[0].lower):.9g}, not that of its weights")


def _equal_slopes(form: Any, z: list[Any]) -> list[Any]:
    """Return d_1 phi with the other coordinates turned and two of them exchanged, and d_2 phi with z_1, z_2 exchanged.

    A turn and an exchange make every order out of each other; all of them would be (K - 2)!.
    """
    from marginscope.certificates.intervals import IntervalFunctions
    from marginscope.certificates.jets import JetFunctions
    from marginscope.certificates.tail_boxes import slope_at

    rest = z[1:]
    orders = [rest, [*rest[1:], *rest[:1]], [*rest[1:2], *rest[:1], *rest[2:]]]
    slopes = [slope_at(form.phi, (z[0], *order)) for order in orders]
    if len(z) > 1:
        ops = JetFunctions(IntervalFunctions(), len(z), twice=False)
        exchanged = [ops.variable(one, k) for k, one in enumerate([z[1], z[0], *z[2:]])]
        slopes.append(ops.jet(form.phi(exchanged, ops)).gradient[1])
    return slopes


def _agrees(template: Any, row: Any, ratio: float) -> bool:
    with np.errstate(all="ignore"):
        log_weight = float(np.asarray(template.log_weights(row[None, :]))[0, 0])
        signs = getattr(template, "weight_signs", None)
        sign = 1.0 if signs is None else float(np.asarray(signs(row[None, :]))[0, 0])
    own = 0.0 if log_weight == -np.inf else sign * math.exp(log_weight + row[0])
    return abs(own - ratio) <= _TOLERANCE * max(abs(own), abs(ratio))


def _refuse_form(template: Any, row: Any, fault: str) -> None:
    raise UsageError(
        f"a tail form that is psi(-log z) is needed, but that of {getattr(template, 'name', template)!r} {fault} "
        f"at u = {tuple(map(float, row))}; correct the form, or tail_form_from where it begins to hold"
    )


def _measured(template: Any, known: dict[str, Any]) -> TailCertificate:
    """Return what floats can say: a lasting contradiction, or nothing."""
    from marginscope.certificates.tail_check import LEAST_LEVEL, broken_level, float_ratios
    from marginscope.certificates.tail_witness import FloatWitness

    witnesses = []
    for K in known["n_classes"]:
        log_ratios, signs, precision = float_ratios(template, K, _FLOAT_LEVELS)
        level = broken_level(K, _FLOAT_LEVELS, log_ratios, signs, precision)
        if level >= LEAST_LEVEL:
            levels, ratios, shown = (tuple(map(float, one)) for one in (_FLOAT_LEVELS, log_ratios, signs))
            witnesses.append(FloatWitness(K, level, levels, ratios, shown, precision))
    if witnesses:
        return TailCertificate("refuted", method="floats", witnesses=tuple(witnesses), **known)
    return TailCertificate(
        "not_refuted",
        reason="The template has no tail_form, and its floats contradict no tail; floats cannot prove one.",
        **known,
    )
