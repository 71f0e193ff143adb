"""A template: the symmetric function of the relative margins that defines a loss.

    L_y(v) = psi(u),    u_k = v_y - v_k for the K - 1 other classes k

psi is symmetric, so the order of the margins does not matter. Near separation the
value and its derivatives vanish in double precision while their logarithms are
ordinary numbers, hence the logarithms are what a template gives first.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.losses.derivative import directional_difference, numerical_weights
from marginscope.losses.facts import LossFacts
from marginscope.losses.log_domain import log_of
from marginscope.losses.tail_form import TailForm

__all__ = ["LogTemplate", "Template"]

Floats = NDArray[np.float64]


class Template(ABC):
    """A template given by its value; everything else has a numerical fallback.

    All methods take margins of shape (..., n_classes - 1) with any leading shape.
    The weights are q = -grad psi(u).

    Attributes
    ----------
    name : str
    facts : LossFacts
        What is known; all unknown unless said.
    tail_form : TailForm or None
        psi in terms of z = exp(-u), or ``None`` for a black box.
    tail_form_from : float
        The form holds where all margins are at least this.
    lowest_margin : float
        Margins below it overflow.
    """

    name: ClassVar[str]
    lowest_margin: ClassVar[float] = -np.inf

    @property
    def facts(self) -> LossFacts:
        return LossFacts()

    @property
    def tail_form(self) -> TailForm | None:
        return None

    @property
    def tail_form_from(self) -> float:
        return -np.inf

    @abstractmethod
    def value(self, margins: Any, xp: Any = np) -> Any:
        """Return psi(u), of the leading shape.

        Written with functions that ``xp`` has under the same name in NumPy and in
        torch, so that torch can differentiate it.
        """

    def weights(self, margins: Floats) -> Floats:
        """Return q, of the shape of the margins; at a kink one that treats tied margins alike."""
        return numerical_weights(self.value, np.asarray(margins, dtype=float))

    def log_value(self, margins: Floats) -> Floats:
        """Return log psi(u), of the leading shape; minus infinity at zero."""
        return log_of(self.value(np.asarray(margins, dtype=float)))

    def log_weights(self, margins: Floats) -> Floats:
        """Return log |q|, of the shape of the margins; minus infinity at zero."""
        return log_of(np.abs(self.weights(margins)))

    def weight_signs(self, margins: Floats) -> Floats:
        """Return the sign of q; ones for a template that never rises."""
        return np.sign(self.weights(margins))

    def value_and_weights(self, margins: Floats) -> tuple[Floats, Floats]:
        """Return psi(u) and q for less than the cost of both."""
        return self.value(margins), self.weights(margins)

    def hessian_at(self, margins: Floats) -> Callable[[Floats], Floats]:
        """Return the map from vectors to Hessian products at u, for many vectors."""
        return partial(self.hessian_product, margins)

    def hessian_product(self, margins: Floats, vectors: Floats) -> Floats:
        """Return the Hessian of psi at u times a vector, of the shape of the margins.

        A template with kinks gives a generalised Hessian: that of the piece.
        """
        return directional_difference(self.weights, np.asarray(margins, dtype=float), vectors)


class LogTemplate(Template):
    """A template that gives log q; its q follow, all positive unless signs are given."""

    @abstractmethod
    def log_weights(self, margins: Floats) -> Floats: ...

    def weight_signs(self, margins: Floats) -> Floats:
        return np.ones(np.shape(margins))

    def weights(self, margins: Floats) -> Floats:
        return np.asarray(self.weight_signs(margins) * np.exp(self.log_weights(margins)))
