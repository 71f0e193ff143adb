"""Every error a user can cause or meet, each with its exit code.

A message has three parts: what was needed, what came, what to do. Data errors
are ``ValueError`` too, so that code written for scikit-learn catches them.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CertificateError",
    "CheckNotApplicable",
    "CheckpointError",
    "ConfigMismatch",
    "DataError",
    "DataQualityWarning",
    "EngineLost",
    "EngineMismatch",
    "IOFault",
    "LabelTypeError",
    "MarginscopeError",
    "MissingExtra",
    "ModelError",
    "NotSeparableError",
    "NotSolvedError",
    "RunLocked",
    "RunWarning",
    "SecurityError",
    "SeparatedError",
    "SizeError",
    "UntrustedModel",
    "UsageError",
]


class MarginscopeError(Exception):
    """Base of all errors of the package; ``exit_code`` is the command line's."""

    exit_code = 70


class UsageError(MarginscopeError, ValueError):
    """A command, option or argument that cannot be meant."""

    exit_code = 2


class ConfigMismatch(UsageError):
    """A run was to be resumed with another configuration; ``keys`` are those that differ."""

    def __init__(self, message: str, keys: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.keys = keys


class MissingExtra(MarginscopeError, ImportError):
    """An optional dependency is not installed."""

    exit_code = 2

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed; "
            f"install it with: pip install 'marginscope[{extra}]'"
        )


class DataError(MarginscopeError, ValueError):
    """Data that cannot be used as they are."""

    exit_code = 3


class LabelTypeError(DataError, TypeError):
    """Labels or features of a type that is not supported."""


class SizeError(DataError):
    """Data larger than a stated limit."""


class CheckpointError(DataError):
    """A saved state that is damaged, or of a format that is not known here."""


class ModelError(MarginscopeError, ValueError):
    """A model that fails, or answers in a shape or scale that is not its contract."""

    exit_code = 3


class CertificateError(MarginscopeError, ValueError):
    """A certificate that does not prove its claim."""

    exit_code = 4


class NotSeparableError(MarginscopeError, ValueError):
    """A margin was asked for on data that have none; ``certificate`` proves it."""

    exit_code = 4

    def __init__(self, message: str, certificate: Any = None) -> None:
        super().__init__(message)
        self.certificate = certificate


class SeparatedError(MarginscopeError, ValueError):
    """Finite estimates were asked for on separable data.

    ``certificate`` proves that there are none; ``infinite`` lists the parameters
    without a finite value as (label, feature, sign).
    """

    exit_code = 4

    def __init__(self, message: str, certificate: Any = None, infinite: tuple[tuple[Any, str, int], ...] = ()) -> None:
        super().__init__(message)
        self.certificate = certificate
        self.infinite = infinite


class NotSolvedError(MarginscopeError, ArithmeticError):
    """A solver ended at a limit or in rounding; ``solution`` holds what it has."""

    exit_code = 4

    def __init__(self, message: str, solution: Any = None) -> None:
        super().__init__(message)
        self.solution = solution


class IOFault(MarginscopeError, OSError):
    """The file system refused: permission, space, or a path that is no file."""

    exit_code = 5


class EngineLost(MarginscopeError, ConnectionError):
    """The processes that did the work are gone; what they finished is kept."""

    exit_code = 5


class EngineMismatch(MarginscopeError, RuntimeError):
    """Workers whose versions or processors would give other bits."""

    exit_code = 5


class RunLocked(MarginscopeError, BlockingIOError):
    """Another process works in the run directory."""

    exit_code = 7


class SecurityError(MarginscopeError):
    """Refused because it could do harm."""

    exit_code = 6


class UntrustedModel(SecurityError):
    """A model file that would run code, or holds types nobody vouched for."""


class CheckNotApplicable(MarginscopeError):
    """Raised inside a check that has nothing to say about this model or data."""


class DataQualityWarning(UserWarning):
    """The data can be used, but something about them weakens the result."""


class RunWarning(UserWarning):
    """A run goes on, but not from where or on what it should."""
