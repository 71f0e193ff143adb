"""Class weights and their kin fade from the direction of descent; scales and margins of classes do not.

    W(t) = What log(eta t) + rho,    <x~_ik, rho - rho_plain> = log omega_y + i_k - i_y + c_y

On separable data a weight multiplies the force of a pair by a constant: it moves rho and not What.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.clouds import separable_clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.geometry.margins import relative_margins
from marginscope.limits.fast_forward import fast_forward
from marginscope.limits.forecast import forecast
from marginscope.losses.adjust import (
    Adjustment,
    balanced_weights,
    class_margins,
    ldam_margins,
    logit_adjustment,
    vs_loss,
)
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["WeightsVanish"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_FADING = ("none", "class weights", "oversampling", "interpolation", "logit adjustment", "LDAM margins")
_LASTING = ("VS-loss", "class margins")
# margins of the SVM that count as 1
_ACTIVE = 1e-6
_FIRST, _MIDDLE, _LAST = 1.0, 100.0, 1000.0  # decades of the step
_BOUNDED = "Ravi, Scott, Soudry & Wang 2024: W = What log t + rho with rho bounded"
_FADE = _BOUNDED + "; the error is C / (log t - H), so a tenfold log t divides it by (1000 - h) / (100 - h), |h| < 10"


@dataclass(frozen=True)
class Config:
    """Three classes of 60, 20 and 6 rows with four features and an intercept."""

    loss: str = "cross_entropy"
    counts: tuple[int, ...] = (60, 20, 6)
    n_features: int = 4
    distance: float = 3.0
    spread: float = 0.6
    gamma: float = 0.3
    n_records: int = 60
    seed: int = 5


class WeightsVanish:
    """Distance of the direction of descent to the hard-margin SVM and to the limit of each remedy."""

    name = "weights-vanish"
    title = "class weights fade from the direction of descent, scales and margins of classes do not"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_records": 12}

    def run(self, config: Config) -> Columns:
        rng = np.random.default_rng(config.seed)
        X, y = separable_clouds(config.counts, config.n_features, config.distance, config.spread, rng)
        counts = np.array(config.counts)
        remedies = _remedies(X, y, counts, config.gamma, rng)
        # one step size for all, so that as many steps are as much time
        eta = min(_step_size(config.loss, *one) for one in remedies.values())
        svm = solve_hard_margin(X, y, fit_intercept=True).full_coef
        steps = [Decimal(10) ** Decimal(decade) for decade in _decades(config)]
        columns: Columns = {
            name: [] for name in ("remedy", "log10_step", "to_svm", "to_own_limit", "shift_error", "flow_error")
        }
        plain: Floats | None = None
        for name, (rows, labels, adjustment) in remedies.items():
            path = fast_forward(
                rows, labels, loss=config.loss, step_size=eta, fit_intercept=True, adjustment=adjustment,
                n_steps=steps[-1], record=steps,
            )  # fmt: skip
            plain = path.runs[0].W[-1] if plain is None else plain
            shift = _shift_error(X, y, svm, path.runs[0].W[-1] - plain, _predicted_shift(name, counts, adjustment))
            own = path.limit.full_coef
            shown = path.log_steps >= math.log(10.0) - 1e-9
            for log_step, W, error in zip(path.log_steps[shown], path.runs[0].W[shown], path.error[shown], strict=True):
                columns["remedy"].append(name)
                columns["log10_step"].append(float(log_step) / math.log(10.0))
                columns["to_svm"].append(_apart(W, svm))
                columns["to_own_limit"].append(_apart(W, own))
                columns["shift_error"].append(shift)
                columns["flow_error"].append(float(error))
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        found = [
            Claim(f"{name}: the distance to the SVM falls tenfold from step 1e100 to 1e1000",
                  _fall(columns, name, "to_svm"), at_least=9.0, at_most=11.0, source=_FADE)
            for name in _FADING
        ]  # fmt: skip
        for name in _LASTING:
            found.append(Claim(f"{name}: the distance to its own limit falls tenfold from step 1e100 to 1e1000",
                               _fall(columns, name, "to_own_limit"), at_least=9.0, at_most=11.0,
                               source=_FADE + "; own limit: Kini, Paraskevas, Oymak & Thrampoulidis 2021"))  # fmt: skip
            stays = _at(columns, name, "to_svm", _LAST) / _at(columns, name, "to_svm", _MIDDLE)
            found.append(Claim(f"{name}: the distance to the SVM stays from step 1e100 to 1e1000", stays, at_least=0.9,
                               at_most=1.1, source="Kini et al. 2021: another limit, min ||W|| with other constraints; "
                               "the rest is the error of the direction at 1e100"))  # fmt: skip
        shifts = [_at(columns, name, "shift_error", _LAST) for name in _FADING if name != "interpolation"]
        found.append(Claim("what a remedy adds to the margins of the support pairs is log omega + i_k - i_y + c_y",
                           float(np.max(shifts)), at_most=3e-6,
                           source="<x~, rho> = log(eta c omega / alpha), from dW/dlog t = eta t sum omega q x~, the "
                           "same alpha; an error of 1e-9 in W times the margin log t = 2300"))  # fmt: skip
        found.append(Claim("the flow estimates its relative error below", float(np.max(columns["flow_error"])),
                           at_most=1e-6, source="distance to a second integration"))  # fmt: skip
        return found

    def figure(self, config: Config, columns: Columns) -> Figure:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.numbers import as_power
        from marginscope.reports.palette import INKS

        figure, axes = axes_row(2, 900, 400)
        every = max(1, config.n_records // 8)
        for ax, column, title in zip(
            axes, ("to_svm", "to_own_limit"),
            ("distance to the hard-margin SVM", "distance to the limit of the remedy itself"), strict=True,
        ):  # fmt: skip
            style_axes(ax, grid="both")
            for place, name in enumerate([*_FADING, *_LASTING]):
                x, distance = _curve(columns, name, column)
                ax.plot(x, distance, label=name, **series_style(place, every=(place * every // 8, every)))
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: as_power(round(value))))
            ax.xaxis.set_minor_formatter(NullFormatter())
            ax.set_xlabel("step (its logarithm on a logarithmic axis)")
            ax.set_title(title, loc="left", **plain_text(fontsize=9.5))
        axes[0].set_ylabel(r"$\|\,W/\|W\| - \hat{W}/\|\hat{W}\|\,\|_F$")
        axes[0].sharey(axes[1])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8.5,
                      frameon=False, labelcolor=INKS["ink"], handlelength=3.2)  # fmt: skip
        return figure


def _remedies(
    X: Floats, y: Codes, counts: Codes, gamma: float, rng: np.random.Generator
) -> dict[str, tuple[Floats, Codes, Adjustment]]:
    """Return rows, labels and adjustment of every remedy."""
    copies = np.repeat(np.arange(len(y)), (counts.max() // counts)[y])
    filled, labels = _interpolated(X, y, counts, rng)
    return {
        "none": (X, y, Adjustment()),
        "class weights": (X, y, balanced_weights(counts)),
        "oversampling": (X[copies], y[copies], Adjustment()),
        "interpolation": (filled, labels, Adjustment()),
        "logit adjustment": (X, y, logit_adjustment(counts)),
        "LDAM margins": (X, y, ldam_margins(counts)),
        "VS-loss": (X, y, vs_loss(counts, gamma)),
        "class margins": (X, y, class_margins((counts.max() / counts) ** gamma)),
    }


def _interpolated(X: Floats, y: Codes, counts: Codes, rng: np.random.Generator) -> tuple[Floats, Codes]:
    """Fill every class up to the largest with rows between two of its own (Chawla et al. 2002)."""
    rows, labels = [X], [y]
    for k, n in enumerate(counts):
        own, missing = X[y == k], int(counts.max() - n)
        first, second = rng.integers(n, size=(2, missing))
        share = rng.random((missing, 1))
        rows.append(share * own[first] + (1.0 - share) * own[second])
        labels.append(np.full(missing, k))
    return np.concatenate(rows), np.concatenate(labels)


def _step_size(loss: str, X: Floats, y: Codes, adjustment: Adjustment) -> float:
    return forecast(X, y, loss=loss, fit_intercept=True, adjustment=adjustment).step_size


def _predicted_shift(name: str, counts: Codes, adjustment: Adjustment) -> Floats:
    """Return what theory adds to <x~_ik, rho>, by true class and rival."""
    K = len(counts)
    shift = np.zeros((K, K))
    if name == "oversampling":
        shift += np.log(counts.max() // counts)[:, None]
    if adjustment.class_weights is not None:
        shift += np.log(adjustment.class_weights)[:, None]
    if adjustment.shifts is not None:
        shift += adjustment.shifts[None, :] - adjustment.shifts[:, None]
    if adjustment.own_shifts is not None:
        shift += adjustment.own_shifts[:, None]
    return shift


def _shift_error(X: Floats, y: Codes, svm: Floats, moved: Floats, predicted: Floats) -> float:
    """Return the largest difference between both on the support pairs."""
    rows, rivals = np.nonzero(np.abs(relative_margins(X, y, svm[:, :-1], svm[:, -1]) - 1.0) < _ACTIVE)
    added = relative_margins(X, y, moved[:, :-1], moved[:, -1])[rows, rivals]
    return float(np.abs(added - predicted[y[rows], rivals]).max())


def _apart(W: Floats, other: Floats) -> float:
    return float(np.linalg.norm(W / np.linalg.norm(W) - other / np.linalg.norm(other)))


def _decades(config: Config) -> Floats:
    """Return decades of steps, evenly spaced in their logarithm, with the two that claims compare."""
    return np.unique([*np.geomspace(_FIRST, _LAST, config.n_records)[:-1], _MIDDLE, _LAST])


def _curve(columns: Columns, name: str, column: str) -> tuple[Floats, Floats]:
    here = np.array(columns["remedy"]) == name
    return np.array(columns["log10_step"])[here], np.array(columns[column])[here]


def _at(columns: Columns, name: str, column: str, decade: float) -> float:
    x, values = _curve(columns, name, column)
    return float(values[np.argmin(np.abs(x - decade))])


def _fall(columns: Columns, name: str, column: str) -> float:
    return _at(columns, name, column, _MIDDLE) / _at(columns, name, column, _LAST)
