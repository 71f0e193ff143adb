"""The law of the late path of gradient descent on separable data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, make_frame
from marginscope.certificates.margin import MarginSolution
from marginscope.descent.trajectory import Trajectory
from marginscope.exceptions import UsageError
from marginscope.limits.late_law_text import description, warning_of
from marginscope.limits.log_steps import log_of_steps
from marginscope.limits.support_law import SupportLaw
from marginscope.limits.tail_law import TailLaw

__all__ = ["LateLaw"]

Floats = NDArray[np.float64]

# decades of the table
_SHOWN = (3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30, 50, 100, 1000)
_DEGENERATE = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class LateLaw(Displayed):
    """What gradient descent does after very many steps, without taking any.

        W(t) = What log(eta t) / r + rho + O(t^-lambda)

    r is 1 for a loss with an exponential tail and 1 + gamma for focal loss. rho is known in the
    span of the support pairs; its part orthogonal to them depends on the first steps and is
    constant. It is left out unless ``with_history`` took it from a path. All methods take a
    number of steps t, as number, string or Decimal ("1e1000"), or a sequence of them, or natural
    logarithms as ``log_steps``.

    Attributes
    ----------
    solution : MarginSolution
        What, with the proof of its margin.
    support : SupportLaw
        rho and the transients.
    tail : TailLaw
        Rate r and factor of the loss's tail.
    loss_name : str
    step_size : float
        eta, for the sum of the losses.
    dimension : int
        Of the space in which W moves: (n_classes - 1) times the rank of the features.
    entropy : float
        H, so that <W, What> / ||What||^2 = (log(eta c t) - H) / r; with unit weights and r = 1
        it is sum alpha log alpha / sum alpha.
    history : (n_classes, n_columns) array or None
        The part of rho orthogonal to the support pairs.
    """

    _report = "late_law_page"

    solution: MarginSolution
    support: SupportLaw
    tail: TailLaw
    loss_name: str
    step_size: float
    dimension: int
    entropy: float
    history: Floats | None = None

    @property
    def slope(self) -> float:
        """Growth of ||W|| / ||What|| per unit of log t."""
        return 1.0 / self.tail.rate

    @property
    def log_onset(self) -> float:
        """Natural logarithm of the onset."""
        return self.entropy - self.tail.log_factor - math.log(self.step_size)

    @property
    def onset(self) -> float:
        """Step exp(H) / (eta c), before which nothing grows like log t; infinity beyond floats."""
        return math.exp(self.log_onset) if self.log_onset < 709.0 else math.inf

    @property
    def transient_exponent(self) -> float:
        """lambda: deviations from the law fall like (t / onset)^-lambda; at most 1."""
        nearest = self.nearest_excess / (self.tail.rate if self.tail.is_joint else 1.0)
        return max(0.0, min(float(self.support.eigenvalues[0]), nearest))

    @property
    def nearest_excess(self) -> float:
        """Margin of the nearest pair that is no support pair, less 1; infinity if there is none."""
        return self.solution.nearest_margin - 1.0

    @property
    def log_settled(self) -> float:
        """Natural logarithm of the step from which (t / onset)^-lambda is below 0.01."""
        exponent = self.transient_exponent
        return self.log_onset + math.log(100.0) / exponent if exponent > 0.0 else math.inf

    @property
    def n_support(self) -> int:
        """Number of support pairs."""
        return len(self.support.multipliers)

    @property
    def is_complete(self) -> bool:
        """Whether no part of rho is missing: the support pairs span all of W, or a path gave the rest."""
        return self.history is not None or self.support.n_independent == self.dimension

    @property
    def is_degenerate(self) -> bool:
        """Whether a pair has margin 1 but no multiplier: then W has a part of order log log t too."""
        return self.nearest_excess < _DEGENERATE

    @property
    def warning(self) -> str | None:
        """What makes the law late or uncertain, or None."""
        return warning_of(self)

    def with_history(self, path: Trajectory) -> LateLaw:
        """Return the law with the missing part of rho taken from the last record of a path.

        Parameters
        ----------
        path : Trajectory
            Of gradient descent on the same data with this loss and step size, such as
            ``fast_forward(X, y, n_steps=1e12)``; the part is constant up to t^-lambda.
        """
        run, solution = path.runs[0], self.solution
        same = path.objective.shape == solution.full_coef.shape and np.array_equal(path.classes, solution.classes)
        if not same or path.loss_name != self.loss_name or run.step_size.scale != self.step_size or run.step_size.decay:
            raise UsageError(
                f"a path of {self.loss_name} on these data with the step size {self.step_size:g} is needed, but got "
                f"one of {path.loss_name} with {run.step_size.scale:g}; make it with the arguments of forecast"
            )
        return replace(self, history=self.support.outside(run.W[-1]))

    def coef(self, t: Any = None, *, log_steps: Any = None) -> Floats:
        """Return What log(eta t) / r + rho, (n_classes, n_features), with a leading axis for many t."""
        return self._coefficients(t, log_steps)[..., : self.solution.n_features]

    def intercept(self, t: Any = None, *, log_steps: Any = None) -> Floats | None:
        """Return the intercepts, (n_classes,), with a leading axis for many t, or None."""
        return self._coefficients(t, log_steps)[..., -1] if self.solution.fit_intercept else None

    def norm_ratio(self, t: Any = None, *, log_steps: Any = None) -> Any:
        """Return ||W|| / ||What||."""
        size = self.solution.norm_value
        return self._at(t, log_steps, lambda s: self._norms(s)[2] / size)

    def log_loss(self, t: Any = None, *, log_steps: Any = None) -> Any:
        """Return the logarithm of the summed loss, ||What||^2 / (r^2 eta t)."""
        return self._at(
            t, log_steps, lambda s: 2.0 * (math.log(self.solution.norm_value) - math.log(self.tail.rate)) - s
        )

    def loss(self, t: Any = None, *, log_steps: Any = None) -> Any:
        """Return the summed loss; zero below the range of floats."""
        found = np.exp(self.log_loss(t, log_steps=log_steps))
        return found if np.ndim(found) else float(found)

    def direction_error(self, t: Any = None, *, log_steps: Any = None) -> Any:
        """Return || W / ||W|| - What / ||What|| ||, near ||rho_perp|| r / (||What|| log t).

        Where a part of rho is missing the true error is larger.
        """

        def chord(s: Floats) -> Floats:
            along, across, _ = self._norms(s)
            return 2.0 * np.sin(0.5 * np.arctan2(across, along))

        return self._at(t, log_steps, chord)

    def margin_gap(self, t: Any = None, *, log_steps: Any = None) -> Any:
        """Return the largest normalised margin less that of W, by the support pairs; NaN before the onset."""
        size = self.solution.norm_value
        behind = self.support.along / size - size * self.support.lowest_margin

        def gap(s: Floats) -> Floats:
            along, across, norm = self._norms(s)
            late = along > 0.0
            # ||W|| less its part along What, without cancellation
            excess = across**2 / np.where(late, norm + along, 1.0)
            return np.where(late, np.maximum(0.0, excess + behind) / (size * np.where(late, norm, 1.0)), np.nan)

        return self._at(t, log_steps, gap)

    def transient(self, t: Any = None, *, log_steps: Any = None) -> Any:
        """Return (t / onset)^-lambda, the size of what the law leaves out; 1 before the onset."""
        origin = self.log_onset + math.log(self.step_size)
        return self._at(t, log_steps, lambda s: np.exp(-self.transient_exponent * np.maximum(0.0, s - origin)))

    def frame(self) -> Any:
        """Return one line per decade from the onset on."""
        decades = [one for one in _SHOWN if one * math.log(10.0) > self.log_onset]
        logs = np.array(decades) * math.log(10.0)
        return make_frame(
            {
                "log10_step": decades,
                "norm_ratio": self.norm_ratio(log_steps=logs).tolist(),
                "log10_loss": (self.log_loss(log_steps=logs) / math.log(10.0)).tolist(),
                "direction_error": self.direction_error(log_steps=logs).tolist(),
                "margin_gap": self.margin_gap(log_steps=logs).tolist(),
                "transient": self.transient(log_steps=logs).tolist(),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what does not exist is None."""
        rows = {name: list(values) for name, values in dict(self.frame()).items()}
        finite = {name: [one if math.isfinite(one) else None for one in values] for name, values in rows.items()}
        return {
            "schema": "marginscope.forecast/1",
            "loss": self.loss_name,
            "step_size": self.step_size,
            "margin": self.solution.margin,
            "slope": self.slope,
            "entropy": self.entropy,
            "log10_onset": self.log_onset / math.log(10.0),
            "transient_exponent": self.transient_exponent,
            "nearest_excess": self.nearest_excess if math.isfinite(self.nearest_excess) else None,
            "log10_settled": self.log_settled / math.log(10.0) if math.isfinite(self.log_settled) else None,
            "support_pairs": self.n_support,
            "independent_pairs": self.support.n_independent,
            "dimension": self.dimension,
            "warning": self.warning,
            "decades": finite,
        }

    def __str__(self) -> str:
        return description(self)

    def _coefficients(self, t: Any, log_steps: Any) -> Floats:
        s = np.asarray(self._log_times(t, log_steps))
        offset = self.support.offset if self.history is None else self.support.offset + self.history
        return np.asarray(s[..., None, None] / self.tail.rate * self.solution.full_coef + offset)

    def _norms(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the parts of W along What and orthogonal to it, and ||W||."""
        size = self.solution.norm_value
        along = size * s / self.tail.rate + self.support.along / size
        squared = self.support.squared + (0.0 if self.history is None else float((self.history**2).sum()))
        across = math.sqrt(max(0.0, squared - (self.support.along / size) ** 2))
        return along, np.full_like(along, across), np.hypot(along, across)

    def _at(self, t: Any, log_steps: Any, law: Callable[[Floats], Any]) -> Any:
        """Return a function of s = log(eta t): a float for one t, an array for many."""
        s = np.asarray(self._log_times(t, log_steps), dtype=float)
        found = np.asarray(law(s), dtype=float)
        return found if s.ndim else float(found)

    def _log_times(self, t: Any, log_steps: Any) -> Any:
        if (t is None) == (log_steps is None):
            raise UsageError("either t or log_steps is needed, but got both or none; pass for example t=1e100")
        if log_steps is None:
            many = isinstance(t, list | tuple | np.ndarray) and np.ndim(t) == 1
            log_steps = np.array([log_of_steps("t", one) for one in t]) if many else log_of_steps("t", t)
        return np.asarray(log_steps, dtype=float) + math.log(self.step_size)
