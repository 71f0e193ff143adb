"""What is known about a loss, as data: a test with an oracle of its own asserts each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["STOPS_AT_MARGIN_ONE", "Constant", "Limit", "LossFacts", "PerClass", "Smoothness", "Tail"]

Tail: TypeAlias = Literal["exponential", "near_exponential", "light", "zero", "heavy", "negative"]
Limit: TypeAlias = Literal["hard_margin", "other", "none"]
Smoothness: TypeAlias = Callable[[int], float]

# why the hinges have no limit in direction
STOPS_AT_MARGIN_ONE = "gradients vanish once all margins are 1: descent stops at a point that depends on its start"


@dataclass(frozen=True)
class LossFacts:
    """What is known about a template; ``None`` is unknown.

    Attributes
    ----------
    convex, nonnegative : bool, optional
    strictly_decreasing : bool, optional
        Every partial derivative is negative at every margin.
    smoothness : int, optional
        Continuous derivatives, counted to 2: 0 has kinks, 1 has a gradient without
        jumps, 2 a Hessian without jumps.
    beta_psi : callable, optional
        Number of classes to the least Lipschitz constant of the gradient in the
        margins; infinity where there is none.
    beta_v : callable, optional
        The same in the scores: this one multiplies sigma_max(X)^2, and it is at
        most n_classes times ``beta_psi``.
    tail : str, optional
        How r_i = -d_i psi(u) exp(u_i) behaves as all margins grow: ``"exponential"``,
        c (1 - S) <= r_i <= c; ``"near_exponential"``, r_i tends to c > 0 outside
        these bounds; ``"light"``, positive and tends to 0; ``"zero"``, exactly 0 from
        some margin on; ``"heavy"``, tends to infinity; ``"negative"``, below 0.
    tail_constant : float, optional
        The c of the first two.
    calibrated : bool, optional
        Scores that minimise the conditional risk rank a most probable class first,
        for every number of classes.
    calibration : str
        Why, with its source.
    strictly_proper : bool, optional
        The softmax of those scores is the conditional distribution itself.
    limit : str, optional
        Where gradient descent on linear scores goes on separable data, in
        direction: ``"hard_margin"``, ``"other"`` or ``"none"`` (it stays bounded).
    limit_reason : str
        Why, with its source.
    """

    convex: bool | None = None
    strictly_decreasing: bool | None = None
    smoothness: int | None = None
    nonnegative: bool | None = None
    beta_psi: Smoothness | None = None
    beta_v: Smoothness | None = None
    tail: Tail | None = None
    tail_constant: float | None = None
    calibrated: bool | None = None
    calibration: str = ""
    strictly_proper: bool | None = None
    limit: Limit | None = None
    limit_reason: str = ""


@dataclass(frozen=True)
class Constant:
    """A smoothness that is one number for every number of classes but two."""

    value: float
    two_classes: float

    def __call__(self, n_classes: int) -> float:
        return self.two_classes if n_classes == 2 else self.value

    def __str__(self) -> str:
        if self.value == self.two_classes:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.two_classes:.4g} for K = 2)"


@dataclass(frozen=True)
class PerClass:
    """A smoothness that grows with the number of classes; with power 0 it does not."""

    value: float
    power: int = 1

    def __call__(self, n_classes: int) -> float:
        return float(self.value * n_classes**self.power)

    def __str__(self) -> str:
        if not self.power or self.value == float("inf"):
            return f"{self.value:.4g}"
        return "K" if self.value == 1.0 else f"{self.value:.4g} K"
