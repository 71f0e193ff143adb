"""What the weights of a loss tend to as all margins grow.

    sums of one function:      q_k -> b S^(rate - 1) exp(-u_k)
    sums over the rivals:      q_k -> b exp(-rate u_k)

An exponential tail with constant c is rate 1 and b = c. Focal loss has rate 1 + gamma: its
path differs, its limit does not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from marginscope.exceptions import UsageError
from marginscope.losses.pairwise import PairwiseTemplate
from marginscope.losses.sum_template import SumTemplate
from marginscope.losses.template import Template

__all__ = ["TailLaw", "tail_law"]

# log S, or minus the margin, at which the limits are read off
_FAR = np.array([-1000.0, -1500.0, -2000.0])
_STRAIGHT = 1e-9


class TailLaw(NamedTuple):
    """Rate, log b, and whether the rivals of a row share one sum."""

    rate: float
    log_factor: float
    is_joint: bool


def tail_law(template: Template) -> TailLaw:
    """Return the law of a template, read off its own logarithms.

    Raises
    ------
    UsageError
        If descent with this loss is not known to tend to the hard margin, or the law of its
        tail is not known.
    """
    facts = template.facts
    if facts.limit in ("other", "none") or facts.tail in ("zero", "negative", "heavy"):
        raise UsageError(
            f"a loss whose descent tends to the hard margin is needed, but that of {template.name} does not "
            f"({facts.limit_reason or facts.tail}); use for example cross_entropy"
        )
    if isinstance(template, SumTemplate):
        values = template.log_slope(_FAR)
    elif isinstance(template, PairwiseTemplate):
        values = template.log_weights(-_FAR)
    elif facts.tail_constant is not None:
        return TailLaw(1.0, math.log(facts.tail_constant), is_joint=False)
    else:
        raise UsageError(
            f"the constant of an exponential tail is needed, but the facts of {template.name} name none; give the "
            "template facts with tail_constant, which certify_tail can prove"
        )
    rates = np.diff(values) / np.diff(_FAR)
    if not (np.all(np.isfinite(rates)) and abs(rates[1] - rates[0]) <= _STRAIGHT and rates[0] > 0.0):
        raise UsageError(
            f"an exponential tail is needed, but the weights of {template.name} fall otherwise; use for example "
            "cross_entropy"
        )
    rate = float(rates[0])
    return TailLaw(rate, float(values[0] - rate * _FAR[0]), isinstance(template, SumTemplate))
