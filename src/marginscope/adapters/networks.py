"""Networks among the models: their knobs and their inside."""

from __future__ import annotations

from typing import Any

from marginscope.adapters.knobs import NetworkKnobs
from marginscope.adapters.network_part import NetworkPart

__all__ = ["network_knobs", "network_part"]


def network_knobs(estimator: Any) -> NetworkKnobs | None:
    """Return where a network's own parameters stand; ``None`` without a network."""
    return None


def network_part(fitted: Any, X: Any, y: Any) -> NetworkPart | None:
    """Return the inside of a fitted network on rows with labels y; ``None`` without a network."""
    return None
