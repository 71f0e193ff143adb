"""How far the training of a model is lengthened, and which step sizes are tried."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from marginscope.adapters.knobs import TrainingKnob
from marginscope.adapters.step_limits import usual_value
from marginscope.remedies.recipe import CannotAct, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["lengthened", "other_step_sizes", "step_counts", "step_sizes"]

# Step sizes within this factor of each other are tried once.
_ALIKE = 1.5
_MOST = 100.0


def step_counts(situation: Situation) -> tuple[TrainingKnob, ...]:
    """Return the parameters that set how long the model trains; raise ``CannotAct`` without any."""
    return _knobs(situation, "steps", "the model has no number of training steps that is known here")


def step_sizes(situation: Situation) -> tuple[TrainingKnob, ...]:
    """Return the parameters that set its step size; raise ``CannotAct`` without any."""
    return _knobs(situation, "step_size", "the model has no step size that is known here")


def _knobs(situation: Situation, kind: str, otherwise: str) -> tuple[TrainingKnob, ...]:
    need_refit(situation)
    knobs = tuple(knob for knob in situation.view.training_knobs() if knob.kind == kind)
    if not knobs:
        raise CannotAct(otherwise)
    return knobs


def lengthened(situation: Situation, knobs: Iterable[TrainingKnob], factor: float) -> dict[str, Any]:
    """Return ``factor`` times the steps, or the default number where that is more, with the companions.

    The default is kept to within ``_MOST`` times the present number.
    """
    changed: dict[str, Any] = {}
    for knob in knobs:
        usual = _number(usual_value(situation.view.estimator, knob.path))
        longer = max(factor * knob.value, min(usual or 0.0, _MOST * knob.value))
        longer = max(knob.value, min(longer, knob.highest))
        changed[knob.path] = round(longer) if isinstance(knob.value, int) else longer
        changed.update(knob.companions)
    return changed


def other_step_sizes(situation: Situation, knob: TrainingKnob, factors: Iterable[float]) -> dict[str, Any]:
    """Return other values by what is done: the default first, then ``factors`` times the present one."""
    usual = usual_value(situation.view.estimator, knob.path)
    found: dict[str, Any] = {}
    if isinstance(usual, str):
        # A rule, such as the step size that theory allows.
        found["at its default"] = usual
    wanted = {} if (number := _number(usual)) is None else {"at its default": number}
    tried = [knob.value]
    for name, value in (wanted | {f"x{factor:g}": factor * knob.value for factor in factors}).items():
        # Twelve digits: 0.003 * 10 shall read 0.03 in a snippet.
        rounded = float(f"{min(value, knob.highest):.12g}")
        if all(max(rounded / other, other / rounded) > _ALIKE for other in tried):
            tried.append(rounded)
            found[name] = rounded
    return found


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return None
    return float(value)
