"""What a run of descent went through, with a certified bracket at every record."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, make_frame
from marginscope.certificates.bracket import Bracket
from marginscope.certificates.margin import MarginSolution
from marginscope.descent.class_view import ClassView, class_view
from marginscope.descent.measure import Measures, dual_weights, measure
from marginscope.descent.step_size import StepSize
from marginscope.descent.trajectory_proof import proves
from marginscope.descent.trajectory_run import Run
from marginscope.descent.trajectory_text import description
from marginscope.exceptions import UsageError
from marginscope.geometry.norms import get_norm
from marginscope.objectives import LinearObjective

__all__ = ["Trajectory"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory(Displayed):
    """The path of an optimizer on a loss: R(W) = sum_i omega_i psi(u_i) from its start.

    Arrays have one entry per record; with several runs all have a leading axis of runs.

    Attributes
    ----------
    runs : tuple of Run
    objective : LinearObjective
    classes : ndarray
        Labels in sorted order; class codes index it.
    loss_name, optimizer_name, norm : str
        ``norm`` is that of ``margin`` and ``bracket``.
    norms : tuple of str
        All norms that are measured.
    find_limit : callable
        Norm to the MarginSolution that the path may tend to, solved when it is asked for.
    find_law : callable or None
        Step size to the LateLaw of the path, where theory has one.
    """

    _report = "trajectory_page"

    runs: tuple[Run, ...]
    objective: LinearObjective
    classes: NDArray[Any]
    loss_name: str
    optimizer_name: str
    norm: str
    norms: tuple[str, ...]
    find_limit: Callable[[str], MarginSolution]
    find_law: Callable[[StepSize], Any] | None = None

    @property
    def n_runs(self) -> int:
        """Number of runs."""
        return len(self.runs)

    @property
    def log_steps(self) -> Floats:
        """(n_records,) natural logarithms of the recorded steps, minus infinity for step 0."""
        return max((run.log_steps for run in self.runs), key=len)

    @property
    def steps(self) -> Floats:
        """(n_records,) recorded steps; infinity beyond the range of floats."""
        with np.errstate(over="ignore"):
            steps = np.exp(self.log_steps)
        return np.where(steps < 2.0**52, np.round(steps), steps)

    @cached_property
    def coef(self) -> Floats:
        """(n_records, n_classes, n_features) coefficients; NaN after a run diverged."""
        return self._by_run(lambda run: run.W[..., : self.objective.X.shape[1]])

    @cached_property
    def intercept(self) -> Floats | None:
        """(n_records, n_classes) intercepts, or None."""
        return self._by_run(lambda run: run.W[..., -1]) if self.objective.fit_intercept else None

    @property
    def status(self) -> Any:
        """How the run ended, or a list for several runs."""
        found = [run.status for run in self.runs]
        return found if self.n_runs > 1 else found[0]

    @property
    def step_size(self) -> Any:
        """The step size of the run, or a list for several runs."""
        found = [run.step_size for run in self.runs]
        return found if self.n_runs > 1 else found[0]

    @property
    def error(self) -> Any:
        """(n_records,) estimates of the relative error of W, or None for true steps."""
        return None if self.runs[0].error is None else self._by_run(lambda run: np.asarray(run.error))

    @cached_property
    def measures(self) -> tuple[tuple[Measures, ...], ...]:
        """Run by run, what was measured at each record."""
        return tuple(tuple(measure(self.objective, W, self.norms) for W in run.W) for run in self.runs)

    @property
    def log_loss(self) -> Floats:
        """Logarithm of the summed loss, also where the loss underflows."""
        return self._measured(lambda one: one.log_loss)

    @property
    def loss(self) -> Floats:
        """Summed loss."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_loss))

    @property
    def log_gradient_norm(self) -> Floats:
        """Logarithm of the Frobenius norm of the gradient."""
        return self._measured(lambda one: one.log_gradient_norm)

    @property
    def margin(self) -> Floats:
        """Normalised margin min u_ik / m_y / ||W|| in the norm of the trajectory, from below."""
        return self.margins(self.norm)

    def margins(self, norm: str) -> Floats:
        """Return the normalised margin in a norm that was measured."""
        self._check_norm(norm)
        return self._measured(lambda one: one.lower[norm])

    @property
    def bracket(self) -> Any:
        """Lower and upper ends of the largest normalised margin, certified at every record."""
        return self.brackets(self.norm)

    def brackets(self, norm: str) -> Any:
        """Return both ends of the largest margin in a norm: the margin now, and the best bound so far."""
        self._check_norm(norm)
        upper = np.fmin.accumulate(self._measured(lambda one: one.upper[norm]), axis=-1)
        return Bracket(self.margins(norm), upper)  # type: ignore[arg-type]

    @property
    def norm_value(self) -> Floats:
        """Norm of W."""
        return self._measured(lambda one: one.norms[self.norm])

    @cached_property
    def limit(self) -> MarginSolution:
        """The max-margin solution in the norm of the trajectory; its status says if there is none."""
        return self.find_limit(self.norm)

    @cached_property
    def law(self) -> Any:
        """The late-time law of the first run, or None where theory has none."""
        return None if self.find_law is None else self.find_law(self.runs[0].step_size)

    @property
    def norm_ratio(self) -> Floats:
        """||W|| / ||What||, What the max-margin solution; NaN if the data are not separable."""
        size = self.limit.norm_value
        return self.norm_value / size if size > 0.0 else np.full_like(self.norm_value, np.nan)

    @property
    def margin_gap_ratio(self) -> Floats:
        """1 - margin / largest margin; NaN if the data are not separable."""
        best = self.limit.margin
        return 1.0 - self.margin / best if best > 0.0 else np.full_like(self.margin, np.nan)

    @cached_property
    def direction_error(self) -> Floats:
        """|| W / ||W|| - What / ||What|| || in the norm of the trajectory; NaN if the data are not separable.

        What all classes share is taken off first where it changes no margin. In norms other than
        Frobenius the max-margin solution need not be unique: compare margins there.
        """
        norm, best = get_norm(self.norm), self._without_gauge(self.limit.full_coef)
        size = norm.value(best)

        def errors(run: Run) -> Floats:
            found = np.full(len(run.W), np.nan)
            for r, W in enumerate(run.W):
                plain = self._without_gauge(W)
                length = norm.value(plain)
                if length > 0.0 and size > 0.0:
                    found[r] = norm.value(plain / length - best / size)
            return found

        return self._by_run(errors)

    @cached_property
    def per_class(self) -> ClassView:
        """Loss, gradient norm and share of every class, and the cosines between their gradients."""
        views = [[class_view(self.objective, W) for W in run.W] for run in self.runs]
        fields = []
        for part in range(len(ClassView._fields)):
            by_run = [np.array([view[part] for view in run]) for run in views]
            fields.append(_padded(by_run))
        return ClassView(*fields)

    def dual_weights(self, record: int = -1, run: int = 0) -> Any:
        """Return the pair weights of the loss at a record, CSR (n_rows, n_classes), summing to one."""
        weights = dual_weights(self.objective, self.runs[run].W[record])
        total = float(weights.values.sum())
        matrix: Any = weights.times(1.0 / total if total > 0.0 else 0.0).matrix(
            len(self.objective.y), self.objective.n_classes
        )
        return matrix

    def verify(self, X: Any, y: Any) -> bool:
        """Prove the bracket of every run again from its coefficients and dual weights, with no solver.

        Parameters
        ----------
        X : (n_rows, n_features) array or sparse matrix
        y : (n_rows,) labels

        Returns
        -------
        bool
            Whether the lower end of the last record and the best upper end hold for these data.
        """
        return proves(self, X, y)

    def frame(self) -> Any:
        """Return one line per run and record."""
        columns: dict[str, list[Any]] = {"run": [], "step": [], "log10_step": []}
        for r, run in enumerate(self.runs):
            n = len(run.W)
            columns["run"] += [r] * n
            columns["step"] += self.steps[:n].tolist()
            columns["log10_step"] += (run.log_steps / math.log(10.0)).tolist()
        named = {
            "loss": self.loss,
            "log_loss": self.log_loss,
            "norm": self.norm_value,
            "margin": self.margin,
            "bracket_lower": self.bracket.lower,
            "bracket_upper": self.bracket.upper,
            "norm_ratio": self.norm_ratio,
            "margin_gap_ratio": self.margin_gap_ratio,
            "direction_error": self.direction_error,
            "log_gradient_norm": self.log_gradient_norm,
        }
        for name, values in named.items():
            columns[name] = self._flat(values)
        return make_frame(columns)

    def animate(self, path: str | Path, *, run: int = 0) -> None:
        """Write decision regions in the plane, record by record, as GIF or HTML by the suffix.

        Raises
        ------
        UsageError
            If there are not two features, more than five classes, or the suffix is another.
        IOFault
            If the file cannot be written.
        """
        self._renderer().animation(self, path, run)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; what does not exist is None."""
        rows = {name: list(values) for name, values in dict(self.frame()).items()}
        return {
            "schema": "marginscope.trajectory/1",
            "loss": self.loss_name,
            "optimizer": self.optimizer_name,
            "norm": self.norm,
            "classes": [str(label) for label in self.classes],
            "status": [run.status for run in self.runs],
            "step_size": [{"scale": run.step_size.scale, "decay": run.step_size.decay} for run in self.runs],
            "limit": {"status": self.limit.status, "margin": _plain(self.limit.margin)},
            "records": {name: [_plain(value) for value in values] for name, values in rows.items()},
            "coef": [run.W[-1].tolist() if len(run.W) else None for run in self.runs],
        }

    def __str__(self) -> str:
        return description(self)

    def _without_gauge(self, W: Floats) -> Floats:
        if self.norm not in ("frobenius", "spectral", "nuclear") or self.objective.adjustment.scales is not None:
            return W
        return np.asarray(W - W.mean(axis=0))

    def _check_norm(self, norm: str) -> None:
        if norm not in self.norms:
            raise UsageError(
                f"a norm that was measured is needed ({', '.join(self.norms)}), but got {norm!r}; "
                "name it in norms= of descend"
            )

    def _measured(self, take: Callable[[Measures], float]) -> Floats:
        return _padded([np.array([take(one) for one in run]) for run in self.measures])

    def _by_run(self, take: Callable[[Run], Floats]) -> Floats:
        return _padded([take(run) for run in self.runs])

    def _flat(self, values: Floats) -> list[Any]:
        by_run = values if self.n_runs > 1 else values[None]
        return [value for r, run in enumerate(self.runs) for value in by_run[r][: len(run.W)].tolist()]


def _padded(by_run: list[Floats]) -> Floats:
    """Stack runs, those that ended early filled up with NaN; one run has no axis of runs."""
    if len(by_run) == 1:
        return by_run[0]
    longest = max(by_run, key=len)
    out = np.full((len(by_run), *longest.shape), np.nan)
    for r, values in enumerate(by_run):
        out[r, : len(values)] = values
    return out


def _plain(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None
