"""Batches and the bias: where steps on some of the rows lead, over several seeds.

Steps of SGD add up to those of descent, and it comes to the same direction. Methods that normalise every step forget
how large the gradient of a batch is: with single rows all count alike, however far they are from the boundary. The
sign of the gradient of one row is sign(x)(2 e_y - 1), whatever W is, so its path is known in advance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.special
from numpy.typing import NDArray

from marginscope.descent import get_optimizer
from marginscope.descent.optimizer import Optimizer
from marginscope.descent.steepest import SteepestDescent
from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.geometry.margins import relative_margins
from marginscope.limits.descend import descend
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Stochastic"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_LENGTHS = {"normalized": 0.5, "sign": 0.15}
_NORMS = {"sgd": "frobenius", "normalized": "frobenius", "sign": "max"}
_NACSON = "Nacson, Srebro & Soudry 2019, two classes: SGD with a constant step comes to the max margin"
_LI = "Li, Tang & Zou 2026: mini-batches without momentum can change the bias of normalised steepest descent"
_AVERAGED = "mean over the rows of their normalised gradients, written out"


@dataclass(frozen=True)
class Config:
    """Twenty-four rows in three clouds; batches of the last size are all rows."""

    n_classes: int = 3
    n_features: int = 6
    per_class: int = 8
    spread: float = 0.2
    batch_sizes: tuple[int, ...] = (1, 6, 24)
    momentum: float = 0.99
    n_runs: int = 5
    n_steps: int = 6000
    n_records: int = 30
    seed: int = 0


class Stochastic:
    """Margin ratio of three methods with batches, over seeds, and of the paths that averaging foretells."""

    name = "stochastic"
    title = "small batches keep the direction of SGD, but not that of normalised steps"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_runs": 2, "n_steps": 1000, "n_records": 12}

    def run(self, config: Config) -> Columns:
        X, y = _data(config)
        svm = {norm: solve_hard_margin(X, y, norm=norm) for norm in ("frobenius", "max")}
        best = {norm: one.margin for norm, one in svm.items()}
        schedule = np.unique(np.geomspace(1, config.n_steps, config.n_records).astype(int)).tolist()
        foretold = {name: _averaged(config, X, y, name, config.n_steps) for name in _LENGTHS}
        descent = _full_batch(config, X, y, _safe(X), schedule)
        rows: list[dict[str, Any]] = []
        for name, momentum, batch in _cases(config):
            method: Optimizer = get_optimizer(name)
            if momentum:
                method = SteepestDescent(name, _NORMS[name], config.momentum)
            # the same steps for all batches: those that are safe for single rows
            size: Any = (_LENGTHS[name], 0.5) if name in _LENGTHS else _safe(X)
            full = batch == len(y)
            path = descend(
                X, y, optimizer=method, step_size=size, batch_size=batch, n_steps=config.n_steps, record=schedule,
                n_runs=1 if full else config.n_runs, rng=config.seed, norms=(_NORMS[name],), n_jobs=1,
            )  # fmt: skip
            for run, one in enumerate(path.runs):
                for log_step, W in zip(one.log_steps, one.W, strict=True):
                    if log_step >= 0.0:
                        away = float(np.linalg.norm(W - descent[round(math.exp(log_step))]))
                        rows.append(
                            {
                                "method": name,
                                "momentum": momentum,
                                "batch": batch,
                                "run": run,
                                "log10_step": float(log_step) / math.log(10.0),
                                "margin_ratio": _margin(X, y, W, _NORMS[name]) / best[_NORMS[name]],
                                "to_foretold": math.nan,
                                "to_descent": away / svm["frobenius"].norm_value if name == "sgd" else math.nan,
                                "norm_ratio": float(np.linalg.norm(W)) / svm["frobenius"].norm_value,
                                "far_margin_ratio": math.nan,
                            }
                        )
                if name in foretold and batch == 1 and not momentum:
                    rows[-1]["to_foretold"] = _apart(one.W[-1], foretold[name])
                    far = _averaged(config, X, y, name, 10 * config.n_steps)
                    rows[-1]["far_margin_ratio"] = _margin(X, y, far, _NORMS[name]) / best[_NORMS[name]]
        return columns_of(rows)

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        sgd = rows_where(columns, method="sgd")
        late = sgd["log10_step"] > math.log10(config.n_steps) - 1.0
        found = [
            Claim("SGD stays at a bounded distance from descent: the largest of the last decade over that before it",
                  float(sgd["to_descent"][late].max() / sgd["to_descent"][~late].max()), at_most=1.0,
                  source=_NACSON + ", W = What log t + bounded; descent with the same steps written out"),
            Claim("all rows as one batch is descent, largest distance over the norm of the SVM",
                  float(sgd["to_descent"][sgd["batch"] == max(config.batch_sizes)].max()), at_most=1e-10,
                  source="descent with the same steps written out"),
            Claim("the margins of SGD after the last step, largest over least",
                  _ratio(_last(columns, config, "sgd")), at_most=1.01, source=_NACSON),
        ]  # fmt: skip
        for name in _LENGTHS:
            single = rows_where(columns, method=name, batch=1, momentum=False)
            ends = [_last_of(columns, config, name, batch).mean() for batch in config.batch_sizes]
            kept = _last_of(columns, config, name, 1, momentum=True)
            found += [
                Claim(f"{name} with all rows comes near the largest margin", float(ends[-1]), at_least=0.95,
                      source="Fan, Schmidt & Thrampoulidis 2025"),
                Claim(f"{name} on single rows goes where averaging foretells, largest distance of the directions",
                      float(np.nanmax(single["to_foretold"])), at_most=0.05, source=_AVERAGED),
                Claim(f"{name} on single rows stays below the largest margin after ten times as many steps",
                      float(np.nanmax(single["far_margin_ratio"])), at_most=0.9, source=_LI + "; " + _AVERAGED),
                Claim(f"{name}: the mean margin rises with the batch size, least step",
                      float(np.diff(ends).min()), at_least=0.0, source=_LI),
                Claim(f"{name} on single rows with momentum is above every run without, by",
                      float(kept.min() - _last_of(columns, config, name, 1).max()), at_least=0.0,
                      source="an average over several epochs is near the gradient of all rows; measured"),
            ]  # fmt: skip
        return found

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS
        from marginscope.reports.step_axes import step_axis

        figure, axes = axes_row(3, 1080, 370)
        titles = {"sgd": "SGD", "normalized": "normalised, steps 1/\u221at", "sign": "sign, steps 1/\u221at"}
        for ax, (name, title) in zip(axes, titles.items(), strict=True):
            style_axes(ax, grid="both")
            for place, (method, momentum, batch) in enumerate(one for one in _cases(config) if one[0] == name):
                table = rows_where(columns, method=method, momentum=momentum, batch=batch)
                x = np.unique(table["log10_step"])
                runs = table["margin_ratio"].reshape(-1, len(x))
                look = series_style(place, every=(place, max(len(x) // 7, 1)))
                rows = "all rows" if batch == max(config.batch_sizes) else f"batch {batch}"
                label = rows + (f", momentum {config.momentum:g}" if momentum else "")
                ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=look["color"], alpha=0.16, linewidth=0)
                ax.plot(x, np.median(runs, axis=0), label=label, **look)
            ax.axhline(1.0, color=INKS["ink"], linewidth=0.9)
            step_axis(ax, np.array([0.0, math.log10(config.n_steps)]))
            ax.set_ylim(-0.05, 1.05)
            ax.set_ylabel(f"margin / largest margin, {'Frobenius' if _NORMS[name] == 'frobenius' else 'max'} norm")
            ax.set_title(f"{title} (median, range of seeds)", loc="left", **plain_text(fontsize=9.5))
            ax.legend(fontsize=8, frameon=False, loc="lower right", labelcolor=INKS["ink"])
        return figure


def _data(config: Config) -> tuple[Floats, Codes]:
    rng = np.random.default_rng(config.seed)
    means = rng.standard_normal((config.n_classes, config.n_features))
    means /= np.linalg.norm(means, axis=1)[:, None]
    return clouds([config.per_class] * config.n_classes, means, config.spread, rng)


def _cases(config: Config) -> list[tuple[str, bool, int]]:
    """Return method, whether with momentum, and batch size of every line."""
    plain = [(name, False, batch) for name in _NORMS for batch in config.batch_sizes]
    return plain + [(name, True, 1) for name in _LENGTHS]


def _safe(X: Floats) -> float:
    """Return the step that is safe for every single row, N ||x||^2 beta being the largest curvature."""
    return float(1.0 / (0.5 * len(X) * (X**2).sum(axis=1).max()))


def _row_gradients(X: Floats, y: Codes, W: Floats) -> Floats:
    """Return minus the gradient of cross-entropy in the scores, row by row, divided by its largest entry."""
    scores = X @ W.T
    rivals = np.where(np.arange(len(W)) == y[:, None], -np.inf, scores)
    q = scipy.special.softmax(rivals, axis=1)
    q[np.arange(len(y)), y] = -1.0
    return -q


def _averaged(config: Config, X: Floats, y: Codes, name: str, n_steps: int) -> Floats:
    """Follow the mean over the rows of their normalised steps."""
    W = np.zeros((config.n_classes, config.n_features))
    lengths = _LENGTHS[name] * np.arange(1, n_steps + 1) ** -0.5
    if name == "sign":
        # no step depends on W
        signs = 2.0 * np.eye(config.n_classes)[y] - 1.0
        return np.asarray(lengths.sum() * signs.T @ np.sign(X) / len(X))
    unit = X / np.linalg.norm(X, axis=1)[:, None]
    for length in lengths:
        G = _row_gradients(X, y, W)
        W = W + length / len(X) * (G / np.linalg.norm(G, axis=1)[:, None]).T @ unit
    return W


def _full_batch(config: Config, X: Floats, y: Codes, step_size: float, schedule: Sequence[int]) -> dict[int, Floats]:
    """Take the steps of descent on cross-entropy, written out; return W after each step of the schedule."""
    W, target = np.zeros((config.n_classes, config.n_features)), np.eye(config.n_classes)[y]
    found = {}
    for step in range(1, config.n_steps + 1):
        W = W + step_size * (target - scipy.special.softmax(X @ W.T, axis=1)).T @ X
        if step in schedule:
            found[step] = W
    return found


def _margin(X: Floats, y: Codes, W: Floats, norm: str) -> float:
    size = np.linalg.norm(W) if norm == "frobenius" else np.abs(W).max()
    return float(relative_margins(X, y, W).min() / size)


def _apart(W: Floats, other: Floats) -> float:
    """Return the distance of the directions, of coefficients less what all classes share."""
    one, two = W - W.mean(axis=0), other - other.mean(axis=0)
    return float(np.linalg.norm(one / np.linalg.norm(one) - two / np.linalg.norm(two)))


def _last_of(columns: Columns, config: Config, name: str, batch: int, *, momentum: bool = False) -> Floats:
    """Return the margin ratio of every run after the last step."""
    table = rows_where(columns, method=name, batch=batch, momentum=momentum)
    return np.asarray(table["margin_ratio"][np.isclose(table["log10_step"], math.log10(config.n_steps))])


def _last(columns: Columns, config: Config, name: str) -> Floats:
    return np.concatenate([_last_of(columns, config, name, batch) for batch in config.batch_sizes])


def _ratio(values: Floats) -> float:
    return float(values.max() / values.min())
