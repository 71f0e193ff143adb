"""The checks, cheap ones first; being in ``CHECKS`` is being run, tested and documented."""

from __future__ import annotations

from marginscope.diagnosis.case import Check
from marginscope.diagnosis.checks.class_absent import ClassAbsent
from marginscope.diagnosis.checks.conflicting_labels import ConflictingLabels
from marginscope.diagnosis.checks.dead_units import DeadUnits
from marginscope.diagnosis.checks.few_rows import FewRows
from marginscope.diagnosis.checks.flat_loss import FlatLoss
from marginscope.diagnosis.checks.imbalance import Imbalance
from marginscope.diagnosis.checks.infinite_parameters import InfiniteParameters
from marginscope.diagnosis.checks.knob_ignored import KnobIgnored
from marginscope.diagnosis.checks.label_map import LabelMap
from marginscope.diagnosis.checks.low_capacity import LowCapacity
from marginscope.diagnosis.checks.mislabelled import Mislabelled
from marginscope.diagnosis.checks.no_signal import NoSignal
from marginscope.diagnosis.checks.non_identifiable import NonIdentifiable
from marginscope.diagnosis.checks.not_converged import NotConverged
from marginscope.diagnosis.checks.one_vs_rest_masking import OneVsRestMasking
from marginscope.diagnosis.checks.over_regularised import OverRegularised
from marginscope.diagnosis.checks.overfit import Overfit
from marginscope.diagnosis.checks.rival_overlap import RivalOverlap
from marginscope.diagnosis.checks.share_drift import ShareDrift
from marginscope.diagnosis.checks.shared_interference import SharedInterference
from marginscope.diagnosis.checks.unscaled_features import UnscaledFeatures
from marginscope.diagnosis.checks.weights_vanish import WeightsVanish

__all__ = ["CHECKS"]

# In the order in which they run: what is free first, refits later, low-capacity after what
# sets or trains the present model otherwise, and the two that read what all the others tried
# (few-rows, rival-overlap) last.
CHECKS: tuple[Check, ...] = (
    ClassAbsent(),
    ConflictingLabels(),
    LabelMap(),
    Mislabelled(),
    ShareDrift(),
    KnobIgnored(),
    InfiniteParameters(),
    WeightsVanish(),
    NonIdentifiable(),
    UnscaledFeatures(),
    OverRegularised(),
    OneVsRestMasking(),
    Imbalance(),
    DeadUnits(),
    FlatLoss(),
    NotConverged(),
    LowCapacity(),
    Overfit(),
    SharedInterference(),
    NoSignal(),
    RivalOverlap(),
    FewRows(),
)
