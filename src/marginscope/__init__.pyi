from . import losses
from .adapters.predictions import Predictions
from .certificates.bracket import Bracket
from .certificates.margin import MarginSolution
from .certificates.separability import SeparabilityCertificate
from .certificates.tail import TailCertificate
from .descent.trajectory import Trajectory
from .diagnosis.diagnose import diagnose
from .diagnosis.result import Diagnosis
from .exceptions import (
    DataError,
    DataQualityWarning,
    MarginscopeError,
    MissingExtra,
    ModelError,
    NotSeparableError,
    NotSolvedError,
    UntrustedModel,
)
from .limits.descend import descend
from .limits.mixed import MixedLimit, mixed_limit
from .losses.tail import certify_tail
from .remedies.ledger import RemedyLedger
from .solvers.hard_margin import solve_hard_margin
from .solvers.separability import separability

__all__ = [
    "Bracket",
    "DataError",
    "DataQualityWarning",
    "Diagnosis",
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
    "TailCertificate",
    "Trajectory",
    "UntrustedModel",
    "__version__",
    "certify_tail",
    "descend",
    "diagnose",
    "losses",
    "mixed_limit",
    "separability",
    "solve_hard_margin",
]

__version__: str
