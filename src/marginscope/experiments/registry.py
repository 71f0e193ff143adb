"""All experiments: a line here is all that a new file needs."""

from __future__ import annotations

from marginscope.experiments.binary_and_multiclass import BinaryAndMulticlass
from marginscope.experiments.class_margins import ClassMargins
from marginscope.experiments.correlated_features import CorrelatedFeatures
from marginscope.experiments.decision_regions import DecisionRegions
from marginscope.experiments.experiment import Experiment
from marginscope.experiments.flat_activation import FlatActivation
from marginscope.experiments.imbalance import Imbalance
from marginscope.experiments.loss_limits import LossLimits
from marginscope.experiments.margin_and_generalisation import MarginAndGeneralisation
from marginscope.experiments.mixed_data import MixedData
from marginscope.experiments.norm_ratio import NormRatio
from marginscope.experiments.one_vs_rest import OneVsRest
from marginscope.experiments.optimizer_geometry import OptimizerGeometry
from marginscope.experiments.rates import Rates
from marginscope.experiments.ridge_path import RidgePath
from marginscope.experiments.shared_hidden_layer import SharedHiddenLayer
from marginscope.experiments.step_sizes import StepSizes
from marginscope.experiments.stochastic import Stochastic
from marginscope.experiments.tail_bounds import TailBounds
from marginscope.experiments.weights_vanish import WeightsVanish

__all__ = ["EXPERIMENTS"]

EXPERIMENTS: tuple[Experiment, ...] = (
    TailBounds(),
    DecisionRegions(),
    NormRatio(),
    WeightsVanish(),
    ClassMargins(),
    MixedData(),
    LossLimits(),
    OptimizerGeometry(),
    SharedHiddenLayer(),
    Rates(),
    StepSizes(),
    CorrelatedFeatures(),
    FlatActivation(),
    BinaryAndMulticlass(),
    OneVsRest(),
    RidgePath(),
    Stochastic(),
    Imbalance(),
    MarginAndGeneralisation(),
)
