from . import integrations, losses
from .adapters.keras_network import KerasNetwork
from .adapters.predictions import Predictions
from .certificates.bracket import Bracket
from .certificates.margin import MarginSolution
from .certificates.separability import SeparabilityCertificate
from .certificates.tail import TailCertificate
from .descent.trajectory import Trajectory
from .diagnosis.diagnose import diagnose
from .diagnosis.result import Diagnosis
from .estimators.class_threshold_classifier import ClassThresholdClassifier
from .estimators.cost_matrix_classifier import CostMatrixClassifier
from .estimators.gradient_descent_classifier import GradientDescentClassifier
from .estimators.hard_margin_classifier import HardMarginClassifier
from .estimators.margin_classifier import MarginClassifier
from .exceptions import (
    DataError,
    DataQualityWarning,
    MarginscopeError,
    MissingExtra,
    ModelError,
    NotSeparableError,
    NotSolvedError,
    SeparatedError,
    UntrustedModel,
)
from .experiments.result import ExperimentResult
from .experiments.running import run_experiment
from .inference.class_tests import class_tests
from .inference.coefficients import ClassCoefficients, class_coefficients
from .inference.result import ClassTests
from .integrations.class_assertion import assert_classes_learned
from .limits.descend import descend
from .limits.fast_forward import fast_forward
from .limits.forecast import forecast
from .limits.late_law import LateLaw
from .limits.mixed import MixedLimit, mixed_limit
from .losses.tail import certify_tail
from .remedies.ledger import RemedyLedger
from .solvers.hard_margin import solve_hard_margin
from .solvers.separability import separability
from .sweeps.result import SweepResult
from .sweeps.sweep import sweep

__all__ = [
    "Bracket",
    "ClassCoefficients",
    "ClassTests",
    "ClassThresholdClassifier",
    "CostMatrixClassifier",
    "DataError",
    "DataQualityWarning",
    "Diagnosis",
    "ExperimentResult",
    "GradientDescentClassifier",
    "HardMarginClassifier",
    "KerasNetwork",
    "LateLaw",
    "MarginClassifier",
    "MarginSolution",
    "MarginscopeError",
    "MissingExtra",
    "MixedLimit",
    "ModelError",
    "NotSeparableError",
    "NotSolvedError",
    "Predictions",
    "RemedyLedger",
    "SeparabilityCertificate",
    "SeparatedError",
    "SweepResult",
    "TailCertificate",
    "Trajectory",
    "UntrustedModel",
    "__version__",
    "assert_classes_learned",
    "certify_tail",
    "class_coefficients",
    "class_tests",
    "descend",
    "diagnose",
    "fast_forward",
    "forecast",
    "integrations",
    "losses",
    "mixed_limit",
    "run_experiment",
    "separability",
    "solve_hard_margin",
    "sweep",
]

__version__: str
