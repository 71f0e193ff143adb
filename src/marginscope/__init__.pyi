from .adapters.predictions import Predictions
from .certificates.bracket import Bracket
from .certificates.margin import MarginSolution
from .certificates.separability import SeparabilityCertificate
from .diagnosis.diagnose import diagnose
from .diagnosis.result import Diagnosis
from .exceptions import (
    DataError,
    DataQualityWarning,
    MarginscopeError,
    MissingExtra,
    ModelError,
    NotSeparableError,
    UntrustedModel,
)
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
    "ModelError",
    "NotSeparableError",
    "Predictions",
    "RemedyLedger",
    "SeparabilityCertificate",
    "UntrustedModel",
    "__version__",
    "diagnose",
    "separability",
    "solve_hard_margin",
]

__version__: str
