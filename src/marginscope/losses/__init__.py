"""Losses: one template a file; being in ``TEMPLATES`` is being tested and listed."""

from __future__ import annotations

from typing import Any

from marginscope._validation import look_up, with_parameters
from marginscope.losses.crammer_singer import CrammerSinger
from marginscope.losses.cross_entropy import CrossEntropy
from marginscope.losses.entmax import Entmax
from marginscope.losses.exponential import Exponential
from marginscope.losses.focal import Focal
from marginscope.losses.gamma_phi import GammaPhi
from marginscope.losses.label_smoothing import LabelSmoothing
from marginscope.losses.mae import MAE
from marginscope.losses.pair_logistic import PairLogistic
from marginscope.losses.polynomial import Polynomial
from marginscope.losses.smooth_weston_watkins import SmoothWestonWatkins
from marginscope.losses.sparsemax import Sparsemax
from marginscope.losses.squared_margin import SquaredMargin
from marginscope.losses.squared_weston_watkins import SquaredWestonWatkins
from marginscope.losses.template import LogTemplate, Template
from marginscope.losses.weston_watkins import WestonWatkins

__all__ = ["TEMPLATES", "LogTemplate", "Template", "get", "names"]

TEMPLATES: tuple[Template, ...] = (
    CrossEntropy(),
    Exponential(),
    PairLogistic(),
    GammaPhi(),
    CrammerSinger(),
    WestonWatkins(),
    SquaredWestonWatkins(),
    SmoothWestonWatkins(),
    Sparsemax(),
    Entmax(),
    Focal(),
    LabelSmoothing(),
    Polynomial(),
    MAE(),
    SquaredMargin(),
)


def names() -> list[str]:
    """Return the names of all templates."""
    return [template.name for template in TEMPLATES]


def get(loss: str | Template, **parameters: Any) -> Template:
    """Return a template by name, or pass one of your own through.

    Parameters
    ----------
    loss : str or Template
    **parameters
        Fields of the template, such as ``gamma`` for ``"focal"``.

    Raises
    ------
    UsageError
        If there is no such name or parameter, or a value is out of range.

    Examples
    --------
    >>> get("focal", gamma=1.0)
    Focal(gamma=1.0)
    """
    template = loss if isinstance(loss, Template) else look_up("loss", loss, {one.name: one for one in TEMPLATES})
    return with_parameters("loss", template, parameters)
