"""All templates on the same rows: which reach the hard-margin SVM, how fast their norm grows, and which stop.

The late path is W(t) = What log t / r + rho, with r = 1 for exponential tails and 1 + gamma for focal loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray

from marginscope import losses
from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.log_log_axis import log_log_axis, spaced_steps, step_at
from marginscope.experiments.pair_features import pair_features
from marginscope.experiments.polynomial_limit import polynomial_limit
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["LossLimits"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def _with_tail(*tails: str) -> tuple[str, ...]:
    return tuple(one.name for one in losses.TEMPLATES if one.facts.tail in tails)


_PROVED = _with_tail("exponential")
_UNPROVED = _with_tail("light", "near_exponential", "heavy")
_FINITE = _with_tail("negative")
_STOPPING = _with_tail("zero")
_LAST, _HALF = 1000.0, 500.0
# the coefficients themselves grow like t^(1/3), beyond floats at step 1e1000
_LAST_POLYNOMIAL, _HALF_POLYNOMIAL = 100.0, 50.0
_SLOWEST = 1000.0
_RAVI = "Ravi, Scott, Soudry & Wang 2024: W = What log t + rho with rho bounded"
_MEASURED = (
    "leading term of the tail is a power of exp(-u), as in Ravi, Scott, Soudry & Wang 2024; measured, not proved"
)
_JI = "Ji, Dudik, Schapire & Telgarsky 2020; the minimiser by Newton's method"


@dataclass(frozen=True)
class Config:
    """Twenty rows of six features in three classes; the support pairs do not span all directions."""

    n_samples: int = 20
    n_features: int = 6
    n_classes: int = 3
    n_steps: int = 30_000
    n_records: int = 60
    seed: int = 30


class LossLimits:
    """Direction error and norm ratio of every template, from two starts for those that stop."""

    name = "losses"
    title = "which losses reach the hard-margin SVM, and at what pace"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_steps": 2500, "n_records": 12}

    def run(self, config: Config) -> Columns:
        X, y = linear_classes(config.n_samples, config.n_features, config.n_classes, np.random.default_rng(config.seed))
        rows = []
        for name in (*_PROVED, *_UNPROVED):
            last = _LAST_POLYNOMIAL if name == "polynomial" else _LAST
            steps = [*spaced_steps(config.n_records, last), step_at(last / 2.0)]
            path = fast_forward(X, y, loss=name, n_steps=step_at(last), record=steps)
            rows += _records(name, 0, path, path.runs[0], _limit_of(name, X, y, path.limit.coef))
        starts = np.zeros((2, config.n_classes, config.n_features))
        starts[1] = np.random.default_rng([config.seed, 1]).standard_normal(starts.shape[1:])
        # what all classes share changes no margin and would stay in the norm
        starts[1] -= starts[1].mean(axis=0)
        for name in (*_FINITE, *_STOPPING):
            # hinges have no safe constant step
            size: Any = (0.1, 0.5) if losses.get(name).facts.smoothness == 0 else "theory"
            path = descend(
                X, y, loss=name, n_steps=config.n_steps, n_runs=2, init=starts, step_size=size,
                record=sorted({*np.geomspace(1, config.n_steps, 50).astype(int).tolist(), config.n_steps // 10}),
            )  # fmt: skip
            limit = _limit_of(name, X, y, path.limit.coef)
            for run, one in enumerate(path.runs):
                rows += _records(name, run, path, one, limit)
        return columns_of(rows)

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        found = []
        for name in (*_PROVED, *_with_tail("light", "near_exponential")):
            source = _RAVI if name in _PROVED else _MEASURED
            rate = losses.get("focal").gamma + 1.0 if name == "focal" else 1.0  # type: ignore[attr-defined]
            (half, ratio_half, error_half), (last, ratio, error) = (_at(columns, name, x) for x in (_HALF, _LAST))
            found += [
                Claim(f"the direction error of {name} falls like 1 / log t from 1e500 to 1e1000",
                      error * last / (error_half * half), at_least=0.98, at_most=1.02,
                      source=source + "; the error is C / (log t - h), h of order 10"),
                Claim(f"the norm ratio of {name} grows like log t / {rate:g}",
                      (ratio - ratio_half) / ((last - half) * math.log(10.0)) * rate, at_least=0.999, at_most=1.001,
                      source=source),
            ]  # fmt: skip
        for name in _FINITE:
            far = max(rows_where(columns, template=name, run=run)["own_error"][-1] for run in (0, 1))
            found.append(Claim(f"{name} comes to the minimiser of its risk", float(far), at_most=1e-6,
                               source="minimised by BFGS, or by least squares, in the span of the rows"))  # fmt: skip
        return [*found, *_polynomial_claims(columns), *_stopping_claims(config, columns)]

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.reports.figures import axes_row, plain_text

        figure, _ = axes_row(1, 1000, 560)
        figure.clear()
        axes = figure.subplots(2, 3)
        groups = (
            ("exponential tail, proved", _PROVED, (1e-4, 1.0), (0.1, 1e4)),
            ("other tails", _UNPROVED, (1e-4, 1.0), (0.1, 1e4)),
            ("finite minimiser or vanishing gradient, two starts", (*_FINITE, *_STOPPING), (0.02, 2.0), (0.1, 10.0)),
        )
        for column, (title, names, errors, ratios) in enumerate(groups):
            top, bottom = axes[:, column]
            for place, name in enumerate(names):
                _draw(top, columns, name, place, "direction_error")
                _draw(bottom, columns, name, place, "norm_ratio")
            for ax, ends in ((top, errors), (bottom, ratios)):
                _set_axes(ax, ends, config.n_steps if column == 2 else None)
            top.set_title(title, loc="left", **plain_text(fontsize=9.5))
            bottom.legend(fontsize=7.5, frameon=False, loc="upper left", ncols=1 + (len(names) > 4))
        axes[0, 0].set_ylabel("direction error to the SVM")
        axes[1, 0].set_ylabel("norm of W / norm of the SVM")
        return figure


def _polynomial_claims(columns: Columns) -> list[Claim]:
    half, last = (_at(columns, "polynomial", x) for x in (_HALF_POLYNOMIAL, _LAST_POLYNOMIAL))
    a = losses.get("polynomial").a  # type: ignore[attr-defined]
    at_end = rows_where(columns, template="polynomial")
    return [
        Claim("polynomial stays away from the hard margin", last[2], at_least=0.02, source=_JI),
        Claim("polynomial comes to argmin sum u^-a on the sphere", float(at_end["own_error"][-1]), at_most=1e-6,
              source=_JI + "; flow to 1e-8, limit to 1e-10"),
        Claim("the norm of polynomial grows like t^(1 / (a + 2))",
              (math.log(last[1]) - math.log(half[1])) / ((last[0] - half[0]) * math.log(10.0)) * (a + 2.0),
              at_least=0.999, at_most=1.001, source=_JI),
    ]  # fmt: skip


def _stopping_claims(config: Config, columns: Columns) -> list[Claim]:
    found = []
    for name in _STOPPING:
        runs = [rows_where(columns, template=name, run=run) for run in (0, 1)]
        risk, errors, grown = [], [], []
        for table in runs:
            x, ratio = table["log10_step"], table["norm_ratio"]
            risk.append(table["log10_loss"][-1])
            errors.append(table["direction_error"][-1])
            # the last decade of steps
            grown.append(abs(ratio[-1] - np.interp(x[-1] - 1.0, x, ratio)) / math.log(10.0))
        found += [
            Claim(f"{name} comes to risk zero", float(np.max(risk)), at_most=-3.0,
                  source="log10 of the summed risk; linear scores separate the rows with any margin"),
            Claim(f"the norm ratio of {name} stops: its growth per unit of log t at the end", float(np.max(grown)),
                  at_most=_SLOWEST / config.n_steps,
                  source="no gradient from a finite margin m on; at worst m - u falls like C / t; log t would give 1"),
            Claim(f"{name} ends away from the hard margin: error of the better of two starts",
                  float(np.min(errors)), at_least=0.01, source="no gradient once all margins are one"),
        ]  # fmt: skip
    return found


def _records(name: str, run: int, path: Any, one: Any, own: Floats | None) -> list[dict[str, Any]]:
    by_run = path.n_runs > 1
    rows = []
    for place, (log_step, W) in enumerate(zip(one.log_steps, one.W, strict=True)):
        if log_step < 0.0:
            continue
        at = (run, place) if by_run else place
        rows.append(
            {
                "template": name,
                "run": run,
                "log10_step": float(log_step) / math.log(10.0),
                "direction_error": float(path.direction_error[at]),
                "norm_ratio": float(path.norm_ratio[at]),
                "own_error": math.nan if own is None else _apart(name, W, own),
                "log10_loss": max(float(path.log_loss[at]) / math.log(10.0), -400.0),
            }
        )
    return rows


def _limit_of(name: str, X: Floats, y: Codes, svm: Floats) -> Floats | None:
    """Return where a loss goes if not to the hard margin, by a computation of its own."""
    n_classes = int(y.max()) + 1
    pairs = pair_features(X, y, n_classes)
    if name == "polynomial":
        a = losses.get(name).a  # type: ignore[attr-defined]
        return polynomial_limit(pairs, a, svm.ravel()).reshape(svm.shape)
    if name == "squared_margin":
        return np.asarray(np.linalg.lstsq(pairs, np.ones(len(pairs)), rcond=None)[0]).reshape(svm.shape)
    if name != "label_smoothing":
        return None
    eps = losses.get(name).eps  # type: ignore[attr-defined]
    target = (1.0 - eps) * np.eye(n_classes)[y] + eps / n_classes

    def risk(w: Floats) -> tuple[float, Floats]:
        scores = X @ w.reshape(svm.shape).T
        p = scipy.special.softmax(scores, axis=1)
        return -float((target * scipy.special.log_softmax(scores, axis=1)).sum()), ((p - target).T @ X).ravel()

    found = scipy.optimize.minimize(risk, np.zeros(svm.size), jac=True, method="BFGS", options={"gtol": 1e-10})
    return np.asarray(found.x).reshape(svm.shape)


def _apart(name: str, W: Floats, own: Floats) -> float:
    """Return the distance of W to its own limit, of directions for a loss without minimiser, else relative."""
    W = W - W.mean(axis=0)
    if name == "polynomial":
        W = W / np.linalg.norm(W)
    own = own - own.mean(axis=0)
    return float(np.linalg.norm(W - own) / np.linalg.norm(own))


def _at(columns: Columns, name: str, log10_step: float) -> tuple[float, float, float]:
    """Return log10 of the step, norm ratio and direction error of the record nearest to a step."""
    table = rows_where(columns, template=name)
    place = int(np.argmin(np.abs(table["log10_step"] - log10_step)))
    return tuple(float(table[key][place]) for key in ("log10_step", "norm_ratio", "direction_error"))  # type: ignore[return-value]


def _draw(ax: Axes, columns: Columns, name: str, place: int, what: str) -> None:
    """Draw a template; the second start is a faint line without markers."""
    from marginscope.experiments.series_style import series_style

    for run in (0, 1):
        table = rows_where(columns, template=name, run=run)
        n = len(table["run"])
        look = series_style(place, every=(place % max(n // 8, 1), max(n // 6, 1)))
        if run == 1:
            look |= {"marker": "", "alpha": 0.45, "linewidth": 0.9}
        ax.plot(table["log10_step"], table[what], label=name if run == 0 else None, **look)


def _set_axes(ax: Axes, ends: tuple[float, float], n_steps: int | None) -> None:
    """Set the axes: of steps up to ``n_steps``, or of all steps in log log t."""
    from marginscope.reports.figures import style_axes
    from marginscope.reports.step_axes import step_axis

    style_axes(ax, grid="both")
    ax.set_yscale("log")
    ax.set_ylim(*ends)
    if n_steps is None:
        log_log_axis(ax, _LAST)
    else:
        step_axis(ax, np.array([0.0, math.log10(n_steps)]))
