"""How a template says what it is in z = exp(-u), so that its tail can be proved.

With phi(z) = psi(-log z) the ratio r_i = -d_i psi(u) exp(u_i) is d phi / d z_i, and
z = 0 stands for all margins at infinity: the box [0, delta]^(K-1) is compact and
leaves no limit over. Functions are written with + - * / and integer powers, and with
``ops`` for the rest: ``ops.exp``, ``ops.log``, ``ops.log1p``, ``ops.sqrt``,
``ops.power(x, exponent)`` for real exponents. They are called with floats, with
intervals and with jets, so they must not branch on values; ``ops.positive_part`` is
there for kinks. A form need hold only where all margins are at least the template's
``tail_form_from``.

``profile`` is the function of one variable that decides the tail for every number of
classes, where there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["ZERO_FORM", "FunctionOfSum", "JointForm", "SumOfParts", "TailForm"]


@dataclass(frozen=True)
class SumOfParts:
    """phi(z) = sum_j part(z_j, ops): pairs of classes do not interact."""

    part: Callable[[Any, Any], Any]

    @property
    def profile(self) -> Callable[[Any, Any], Any]:
        return self.part

    @property
    def profile_of(self) -> str:
        return "z"

    def phi(self, z: Sequence[Any], ops: Any) -> Any:
        """Return phi(z)."""
        return _sum([self.part(one, ops) for one in z])


@dataclass(frozen=True)
class FunctionOfSum:
    """phi(z) = outer(sum_j inner(z_j, ops), ops); ``inner`` defaults to the identity."""

    outer: Callable[[Any, Any], Any]
    inner: Callable[[Any, Any], Any] | None = None

    @property
    def profile(self) -> Callable[[Any, Any], Any] | None:
        return self.outer if self.inner is None else None

    @property
    def profile_of(self) -> str:
        return "S"

    def phi(self, z: Sequence[Any], ops: Any) -> Any:
        """Return phi(z)."""
        inner = self.inner
        return self.outer(_sum(z if inner is None else [inner(one, ops) for one in z]), ops)


@dataclass(frozen=True)
class JointForm:
    """phi(z) = joint(z, ops) for a sequence z of K - 1 numbers, symmetric in them."""

    joint: Callable[[Sequence[Any], Any], Any]

    @property
    def profile(self) -> None:
        return None

    @property
    def profile_of(self) -> str:
        return "z"

    def phi(self, z: Sequence[Any], ops: Any) -> Any:
        """Return phi(z)."""
        return self.joint(z, ops)


TailForm: TypeAlias = SumOfParts | FunctionOfSum | JointForm


def _zero(z: Any, ops: Any) -> Any:
    return z * 0.0


# the template vanishes where the form holds
ZERO_FORM = SumOfParts(_zero)


def _sum(terms: Sequence[Any]) -> Any:
    total = terms[0]
    for one in terms[1:]:
        total = total + one
    return total
