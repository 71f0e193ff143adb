"""Whether a fit ended because its steps were used up, and whether it had fewer than usual."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from marginscope.adapters.components import components, default_of, is_named, own_params, parent_and_name, unwrap
from marginscope.adapters.knobs import TrainingKnob

__all__ = ["ended_at_limit", "is_cut_short", "late_fall", "usual_value"]

# Their rounds are always used up unless they stop early, so that the number says nothing.
_ALWAYS_AT_LIMIT = ("BaseHistGradientBoosting", "BaseGradientBoosting", "GradientDescentClassifier")
_OF_SEVERAL = ("OneVsRestClassifier", "OneVsOneClassifier")
# A tolerance so many times looser than the default ends a fit before it has converged.
_LOOSE = 10.0
# Fewer than this share of the default number of steps is a short training.
_SHORT = 0.25
# A step size so many times smaller or larger than the default is not the usual one.
_UNUSUAL = 20.0


def ended_at_limit(fitted: Any) -> bool | None:
    """Return whether the innermost model stopped at its largest number of steps.

    Parameters
    ----------
    fitted : object
        A fitted estimator; pipelines, searches and models per class are opened.

    Returns
    -------
    bool or None
        ``True`` where some part took all steps that it was allowed, ``False`` where all ended
        by their own rule before; ``None`` where the model does not tell, always takes all,
        or has a rule so loose that it says nothing.
    """
    model = unwrap(fitted)[1]
    several = getattr(model, "estimators_", None) if is_named(model, *_OF_SEVERAL) else None
    known = [answer for part in several or [model] if (answer := _one(part)) is not None]
    return any(known) if known else None


def _one(model: Any) -> bool | None:
    params = own_params(model)
    limit, taken = params.get("max_iter"), getattr(model, "n_iter_", None)
    if is_named(model, *_ALWAYS_AT_LIMIT) or taken is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, numbers.Real) or limit <= 0:
        return None
    is_at_limit = bool(np.max(taken) >= limit)
    return is_at_limit if is_at_limit or _has_strict_rule(model, params) else None


def _has_strict_rule(model: Any, params: dict[str, Any]) -> bool:
    tolerance, usual = params.get("tol"), default_of(model, "tol")
    return not isinstance(tolerance, numbers.Real) or not isinstance(usual, numbers.Real) or tolerance <= _LOOSE * usual


def late_fall(fitted: Any) -> float | None:
    """Return how much of the fall of the training loss came in the last fifth of the passes.

    A training that goes on as it began has 0.2, one that has settled about 0. ``None``
    where the model keeps no losses, or fewer than 10 of them.
    """
    model = unwrap(fitted)[1]
    losses = getattr(model, "loss_curve_", None)
    if losses is None and isinstance(getattr(model, "history_", None), Mapping):
        losses = model.history_.get("loss")
    if losses is None or len(losses) < 10:
        return None
    curve = np.asarray(losses, dtype=float)
    fifth = len(curve) // 5
    # Means over windows, because the loss of single passes jumps.
    first, before, last = curve[0], curve[-2 * fifth : -fifth].mean(), curve[-fifth:].mean()
    whole = first - last
    return float((before - last) / whole) if whole > 0 else None


def usual_value(estimator: Any, path: str) -> Any:
    """Return the default that the owning class has for a parameter, by deep name."""
    known = components(estimator)
    owner, name = parent_and_name(path, known)
    return default_of(known[owner], name)


def is_cut_short(estimator: Any, knobs: Iterable[TrainingKnob]) -> bool:
    """Return whether the training has far fewer steps than its class's default, or a step size far from it."""
    for knob in knobs:
        usual = usual_value(estimator, knob.path)
        if isinstance(usual, bool) or not isinstance(usual, numbers.Real) or usual <= 0:
            continue
        ratio = knob.value / float(usual)
        if ratio < _SHORT if knob.kind == "steps" else max(ratio, 1.0 / ratio) > _UNUSUAL:
            return True
    return False
