"""Remedies: one file each; being in ``REMEDIES`` is being tried, tested and listed."""

from __future__ import annotations

from marginscope.remedies.class_weights import ClassWeights
from marginscope.remedies.logit_adjustment import LogitAdjustment
from marginscope.remedies.merge_labels import MergeLabels
from marginscope.remedies.over_sampling import OverSampling
from marginscope.remedies.recipe import Remedy
from marginscope.remedies.relabel import Relabel
from marginscope.remedies.richer_model import RicherModel
from marginscope.remedies.scaling import Scaling
from marginscope.remedies.smote import Smote
from marginscope.remedies.stronger_penalty import StrongerPenalty
from marginscope.remedies.under_sampling import UnderSampling
from marginscope.remedies.weaker_penalty import WeakerPenalty

__all__ = ["REMEDIES", "remedy"]

REMEDIES: tuple[Remedy, ...] = (
    MergeLabels(),
    Relabel(),
    Scaling(),
    WeakerPenalty(),
    StrongerPenalty(),
    ClassWeights(),
    LogitAdjustment(),
    OverSampling(),
    UnderSampling(),
    Smote(),
    RicherModel(),
)


def remedy(slug: str) -> Remedy:
    """Look a remedy up by its slug."""
    for one in REMEDIES:
        if one.slug == slug:
            return one
    raise KeyError(slug)
