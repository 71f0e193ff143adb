from .adapters.predictions import Predictions
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
from .solvers.separability import separability

__all__ = [
    "DataError",
    "DataQualityWarning",
    "Diagnosis",
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
]

__version__: str
