"""Which parameter of which class sets how long it trains, and with what steps."""

from __future__ import annotations

from typing import Any

from marginscope.adapters.knobs import TrainingKnob

__all__ = ["training_knobs"]


def training_knobs(estimator: Any) -> tuple[TrainingKnob, ...]:
    """Return the training parameters of the predicting components."""
    return ()
