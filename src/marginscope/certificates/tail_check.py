"""The check of a tail certificate: its proofs and its witness, evaluated again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from marginscope.certificates.intervals import NoEnclosure, enough_digits
from marginscope.certificates.tail_curves import curves, deviation
from marginscope.certificates.tail_proof import Cover, TailProof, holds
from marginscope.certificates.tail_witness import FloatWitness, TailWitness, constant_of, points_on

__all__ = [
    "LEAST_LEVEL",
    "broken_level",
    "certifies",
    "float_ratios",
    "forced_constant",
    "is_for_every_k",
    "proof_from",
    "witness_from",
]

# below this a contradiction of floats may be the approach to a tail, not its absence
LEAST_LEVEL = 12.0
# of a ratio, relative: beyond it the weight may be rounding alone
_LARGEST_ERROR = 0.5
_LATEST_START = 8.0


def certifies(certificate: Any, loss: Any) -> bool:
    """Return whether the numbers of a certificate prove its status for a template or a tail form."""
    try:
        return _certifies(certificate, loss)
    except (ArithmeticError, ValueError):
        # numbers of another file, outside of every formula: they prove nothing
        return False


def _certifies(certificate: Any, loss: Any) -> bool:
    form = loss if hasattr(loss, "phi") else getattr(loss, "tail_form", None)
    from_margin = float(getattr(loss, "tail_form_from", -math.inf))
    if certificate.status == "proved":
        return form is not None and _is_proved(certificate, form, from_margin)
    if certificate.status != "refuted":
        return False
    classes = [one.n_classes for one in certificate.witnesses]
    if certificate.proofs or (certificate.u_plus, certificate.u_minus) != (None, None):
        return False
    if not classes or len(set(classes)) < len(classes) or not set(classes) <= set(certificate.n_classes):
        return False
    if certificate.method == "floats":
        # where there is a form, it decides
        if form is not None or certificate.every_k or certificate.c is not None:
            return False
        return all(_is_measured(one, loss) for one in certificate.witnesses)
    if form is None or certificate.method != "curve":
        return False
    with enough_digits():
        if certificate.every_k != is_for_every_k(form) or certificate.c != forced_constant(certificate.witness):
            return False
        return all(_is_refuted(one, form, from_margin) for one in certificate.witnesses)


def _is_proved(certificate: Any, form: Any, from_margin: float) -> bool:
    proofs = certificate.proofs
    if not proofs or any(one.rule != certificate.method for one in proofs):
        return False
    own = [next((one for one in proofs if one.n_classes in (None, K)), None) for K in certificate.n_classes]
    if not own or None in own or certificate.every_k != any(one.n_classes is None for one in proofs):
        return False
    most = max(certificate.n_classes)
    last = own[certificate.n_classes.index(most)]
    assert last is not None
    stated = (certificate.c, certificate.u_plus, certificate.u_minus)
    if stated != (last.c[0], last.u_plus(most), last.u_minus(most)) or certificate.witnesses:
        return False
    return all(holds(one, form, from_margin) for one in proofs)


def _is_refuted(witness: Any, form: Any, from_margin: float) -> bool:
    if not isinstance(witness, TailWitness) or len(witness.curve.factors) != witness.n_classes - 1:
        return False
    if not all(a > 0 for a in witness.curve.factors) or not all(p >= 1 for p in witness.curve.powers):
        return False
    try:
        found = deviation(form.phi, witness.curve)
        if found is None or found != witness.deviation or not witness.points:
            return False
        return points_on(form.phi, witness.curve, found, from_margin) == witness.points
    except NoEnclosure:
        return False


def is_for_every_k(form: Any) -> bool:
    """Return whether a form of one variable is refuted in it, which settles every K.

    For phi = sum_j h(z_j) let the other z_j tend to 0; for h(S) choose any z with that S.
    """
    profile = form.profile
    return profile is not None and deviation(lambda z, ops: profile(z[0], ops), curves(1)[0]) is not None


def forced_constant(witness: Any) -> float | None:
    """Return the constant that a witness forces as a float, or ``None``."""
    c = witness.deviation.c if isinstance(witness, TailWitness) else None
    return None if c is None else float(constant_of(c).lower)


def float_ratios(loss: Any, n_classes: int, levels: Any) -> tuple[Any, Any, float]:
    """Return log |r_1|, the sign of q_1 and the rounding unit at the margin vectors (s, ..., s), in floats."""
    margins = np.repeat(np.asarray(levels, dtype=float)[:, None], n_classes - 1, axis=1)
    with np.errstate(all="ignore"):
        log_weights = np.asarray(loss.log_weights(margins))
        log_ratios = log_weights.astype(float)[:, 0] + margins[:, 0]
        signs = getattr(loss, "weight_signs", None)
        shown = np.ones(len(margins)) if signs is None else np.asarray(signs(margins), dtype=float)[:, 0]
    precision = float(np.finfo(log_weights.dtype if log_weights.dtype.kind == "f" else float).eps)
    return log_ratios, np.where(log_ratios == -np.inf, 0.0, shown), precision


def broken_level(n_classes: int, margins: Any, log_ratios: Any, signs: Any, precision: float) -> float:
    """Return the largest margin up to which, from a small one on, the bounds contradict each other.

    Thresholds below s allow at every t > s only ratios with r(t) (1 - S(s)) <= r(s) and
    r(s) (1 - S(t)) <= r(t), both positive. Minus infinity where no small margin does.
    Margins at which a weight may be rounding alone, and so may round to zero, say nothing.
    """
    level = -math.inf
    total = (n_classes - 1) * np.exp(-margins)
    relative = 8.0 * precision * (1.0 + np.abs(margins) + 1.0 / total)
    sharp = relative < _LARGEST_ERROR
    margins, total = margins[sharp], total[sharp]
    r = signs[sharp] * np.exp(np.clip(log_ratios[sharp], -700.0, 700.0))
    error = relative[sharp] * np.abs(r)
    for s in range(len(margins) - 1):
        later = slice(s + 1, None)
        slack = error[later] + error[s]
        falls = r[later] * (1.0 - total[s]) > r[s] + slack
        rises = r[s] * (1.0 - total[later]) > r[later] + slack
        if r[s] <= 0.0 or np.any(falls | rises | (r[later] <= 0.0)):
            level = float(margins[s])
        elif level > -math.inf or margins[s] >= _LATEST_START:
            break
    return level


def _is_measured(witness: Any, loss: Any) -> bool:
    if not isinstance(witness, FloatWitness) or not hasattr(loss, "log_weights"):
        return False
    margins = np.asarray(witness.margins)
    if not np.all(np.diff(margins) > 0) or not witness.level >= LEAST_LEVEL:
        return False
    log_ratios, signs, precision = float_ratios(loss, witness.n_classes, margins)
    same = np.allclose(log_ratios, witness.log_ratios, rtol=1e-12, atol=1e-12) and np.array_equal(signs, witness.signs)
    level = broken_level(witness.n_classes, margins, log_ratios, signs, precision)
    return same and (level, precision) == (witness.level, witness.precision)


def proof_from(document: dict[str, Any]) -> TailProof:
    """Return a proof that ``to_dict`` wrote."""
    covers = tuple(Cover(**{**one, "side": float(one["side"])}) for one in document["covers"])
    numbers = {name: float(document[name]) for name in ("side_plus", "side_minus", "from_margin")}
    return TailProof(**{**document, **numbers, "c": tuple(document["c"]), "covers": covers})


def witness_from(document: dict[str, Any]) -> TailWitness | FloatWitness:
    """Return a witness that ``to_dict`` wrote."""
    kinds: dict[str, Any] = {"floats": FloatWitness, "curve": TailWitness}
    witness: TailWitness | FloatWitness = kinds[document["basis"]].from_dict(document)
    return witness
