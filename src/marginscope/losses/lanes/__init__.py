"""Machine code for many samples at a time: vectors of lanes, exp and log1p on them, the templates."""

from __future__ import annotations

from marginscope.losses.cross_entropy import CrossEntropy
from marginscope.losses.exponential import Exponential
from marginscope.losses.pair_logistic import PairLogistic
from marginscope.losses.template import Template

__all__ = ["has_machine_code"]

_WRITTEN = (CrossEntropy, Exponential, PairLogistic)


def has_machine_code(template: Template) -> bool:
    """Say whether ``templates.weigh`` knows this template; a subclass may change anything, so it does not count."""
    return type(template) in _WRITTEN
