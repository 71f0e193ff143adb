"""The templates that the suites run on: every default, and others along each parameter."""

from __future__ import annotations

import dataclasses

import numpy as np

from marginscope import losses

VARIANTS = (
    losses.get("focal", gamma=0.5),
    losses.get("focal", gamma=5.0),
    losses.get("entmax", alpha=1.2),
    losses.get("entmax", alpha=2.0),
    losses.get("label_smoothing", eps=0.6),
    losses.get("polynomial", a=2.5),
    losses.get("smooth_weston_watkins", h=0.3),
)
CASES = (*losses.TEMPLATES, *VARIANTS)


def label(template: losses.Template) -> str:
    """Return a name that tells variants apart."""
    return "-".join([template.name, *(f"{one:g}" for one in parameters(template).values())])


def parameters(template: losses.Template) -> dict[str, float]:
    """Return the numbers that a template was made with."""
    fields = [one.name for one in dataclasses.fields(template)]
    return {name: getattr(template, name) for name in fields if isinstance(getattr(template, name), float)}


def margins(seed: int, *shape: int, scale: float = 1.5) -> np.ndarray:
    """Return random margins around 0.5, so that both sides of every kink occur."""
    return 0.5 + scale * np.random.default_rng(seed).normal(size=shape)
