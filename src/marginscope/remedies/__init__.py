"""Remedies: one file each; being in ``REMEDIES`` is being tried, tested and listed."""

from __future__ import annotations

from marginscope.remedies.cdt import Cdt
from marginscope.remedies.class_balanced_weights import ClassBalancedWeights
from marginscope.remedies.class_branches import ClassBranches
from marginscope.remedies.class_margins import ClassMargins
from marginscope.remedies.class_thresholds import ClassThresholds
from marginscope.remedies.class_weights import ClassWeights
from marginscope.remedies.cosine_ldam import CosineLdam
from marginscope.remedies.cross_entropy import CrossEntropy
from marginscope.remedies.early_stopping import EarlyStopping
from marginscope.remedies.focal_loss import FocalLoss
from marginscope.remedies.fresh_units import FreshUnits
from marginscope.remedies.head_retraining import HeadRetraining
from marginscope.remedies.joint_fit import JointFit
from marginscope.remedies.label_smoothing import LabelSmoothing
from marginscope.remedies.ldam import Ldam
from marginscope.remedies.logit_adjusted_loss import LogitAdjustedLoss
from marginscope.remedies.logit_adjustment import LogitAdjustment
from marginscope.remedies.longer_training import LongerTraining
from marginscope.remedies.merge_labels import MergeLabels
from marginscope.remedies.over_sampling import OverSampling
from marginscope.remedies.prior_correction import PriorCorrection
from marginscope.remedies.recipe import Remedy
from marginscope.remedies.relabel import Relabel
from marginscope.remedies.richer_model import RicherModel
from marginscope.remedies.scaling import Scaling
from marginscope.remedies.smaller_model import SmallerModel
from marginscope.remedies.smote import Smote
from marginscope.remedies.step_size import StepSize
from marginscope.remedies.stronger_penalty import StrongerPenalty
from marginscope.remedies.tau_normalisation import TauNormalisation
from marginscope.remedies.under_sampling import UnderSampling
from marginscope.remedies.vs_loss import VsLoss
from marginscope.remedies.weaker_penalty import WeakerPenalty
from marginscope.remedies.wider_network import WiderNetwork

__all__ = ["REMEDIES", "remedy"]

REMEDIES: tuple[Remedy, ...] = (
    MergeLabels(),
    Relabel(),
    Scaling(),
    WeakerPenalty(),
    StrongerPenalty(),
    ClassWeights(),
    ClassBalancedWeights(),
    LogitAdjustment(),
    PriorCorrection(),
    ClassThresholds(),
    TauNormalisation(),
    OverSampling(),
    UnderSampling(),
    Smote(),
    LogitAdjustedLoss(),
    ClassMargins(),
    Cdt(),
    VsLoss(),
    Ldam(),
    CosineLdam(),
    FocalLoss(),
    LabelSmoothing(),
    HeadRetraining(),
    EarlyStopping(),
    StepSize(),
    LongerTraining(),
    CrossEntropy(),
    FreshUnits(),
    WiderNetwork(),
    ClassBranches(),
    SmallerModel(),
    JointFit(),
    RicherModel(),
)


def remedy(slug: str) -> Remedy:
    """Look a remedy up by its slug."""
    for one in REMEDIES:
        if one.slug == slug:
            return one
    raise KeyError(slug)
