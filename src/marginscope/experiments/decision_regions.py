"""Ten points in the plane: the regions of descent after some steps over those of the hard-margin SVM."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.limits.descend import descend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DecisionRegions"]

Floats = NDArray[np.float64]

_N_ANGLES = 7200


@dataclass(frozen=True)
class Config:
    """Ten points, three classes, pairwise logistic loss, no intercept."""

    loss: str = "pair_logistic"
    n_samples: int = 10
    n_classes: int = 3
    steps: tuple[int, ...] = (100, 1000, 100_000)
    seed: int = 10


class DecisionRegions:
    """Which class each point of the plane is given."""

    name = "decision-regions"
    title = "decision regions of descent become those of the hard-margin SVM"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"steps": (100, 1000, 10_000)}

    def run(self, config: Config) -> Columns:
        X, y = linear_classes(config.n_samples, 2, config.n_classes, np.random.default_rng(config.seed))
        path = descend(X, y, loss=config.loss, n_steps=max(config.steps), record=list(config.steps))
        columns: Columns = {
            name: [] for name in ("kind", "step", "label", "x1", "x2", "direction_error", "off_law", "transient")
        }

        def add(kind: str, step: float, rows: Floats, labels: Sequence[int], *errors: float) -> None:
            for label, row in zip(labels, rows, strict=True):
                values = (kind, step, int(label), float(row[0]), float(row[1]), *errors)
                for name, value in zip(columns, values, strict=True):
                    columns[name].append(value)

        add("point", 0.0, X, y.tolist(), 0.0, 0.0, 0.0)
        for step in config.steps:
            at = int(np.flatnonzero(path.steps == step)[0])
            W, error = path.coef[at], float(path.direction_error[at])
            off = float(np.linalg.norm(W - path.law.coef(float(step))) / np.linalg.norm(W))
            transient = (step / path.law.onset) ** -path.law.transient_exponent
            add("descent", step, W, range(config.n_classes), error, off, transient)
        add("hard margin", math.inf, path.limit.coef, range(config.n_classes), 0.0, 0.0, 0.0)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        best = _coef(columns, "hard margin", math.inf)
        disagreement = [_disagreement(_coef(columns, "descent", step), best) for step in config.steps]
        errors = [_error(columns, step, "direction_error") for step in config.steps]
        off, transient = (_error(columns, config.steps[-1], name) for name in ("off_law", "transient"))
        return [
            Claim("every point is in its region after the last step", _training_share(columns, config), at_least=1.0),
            Claim("the direction error falls from each panel to the next", float(np.max(np.diff(errors))), at_most=0.0,
                  source="Ravi, Scott, Soudry & Wang 2024: W / ||W|| tends to the hard-margin SVM"),
            Claim("the share of the plane that is decided otherwise falls", disagreement[-1] - disagreement[0],
                  at_most=0.0),
            Claim("after the last step W is What log t + rho", off, at_most=10.0 * transient,
                  source="rho(t) tends to its limit like (t / onset)^-lambda; within ten times that"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from matplotlib.colors import ListedColormap

        from marginscope.reports.figures import axes_row, plain_text
        from marginscope.reports.palette import INKS, SERIES

        figure, _ = axes_row(1, 290 * len(config.steps), 600)
        figure.clear()
        axes = figure.subplots(2, len(config.steps), squeeze=False)
        colours = [INKS[name] for name in SERIES[: config.n_classes]]
        points = [i for i, kind in enumerate(columns["kind"]) if kind == "point"]
        X = np.array([[columns["x1"][i], columns["x2"][i]] for i in points])
        labels = np.array([columns["label"][i] for i in points])
        reach = 1.15 * float(np.abs(X).max())
        ticks = np.linspace(-reach, reach, 400)
        plane = np.stack(np.meshgrid(ticks, ticks), axis=-1)
        panels = [("descent", float(step), f"{config.loss}, {step:,} steps") for step in config.steps]
        panels += [("hard margin", math.inf, "hard-margin SVM")] * len(config.steps)
        for ax, (kind, step, title) in zip(axes.ravel(), panels, strict=True):
            regions = (plane @ _coef(columns, kind, step).T).argmax(axis=-1)
            ax.pcolormesh(ticks, ticks, regions, cmap=ListedColormap(colours), alpha=0.28, vmin=-0.5,
                          vmax=config.n_classes - 0.5, rasterized=True)  # fmt: skip
            for k in range(config.n_classes):
                ax.plot(*X[labels == k].T, "os^Dv"[k % 5], color=colours[k], markeredgecolor=INKS["ink"], markersize=6)
            ax.set_aspect("equal")
            for spine in ax.spines.values():
                spine.set_color(INKS["line"])
            ax.set_xticks([])
            ax.set_yticks([])
            ax.set_title(title, loc="left", **plain_text(fontsize=9.5))
        return figure


def _coef(columns: Columns, kind: str, step: float) -> Floats:
    rows = [i for i, one in enumerate(columns["kind"]) if one == kind and columns["step"][i] == step]
    return np.array([[columns["x1"][i], columns["x2"][i]] for i in rows])


def _error(columns: Columns, step: float, name: str) -> float:
    return next(
        float(columns[name][i])
        for i, kind in enumerate(columns["kind"])
        if kind == "descent" and columns["step"][i] == step
    )


def _disagreement(W: Floats, best: Floats) -> float:
    """Return the share of the directions of the plane that two classifiers decide differently."""
    angles = np.linspace(0.0, 2.0 * np.pi, _N_ANGLES, endpoint=False)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    return float(np.mean((circle @ W.T).argmax(axis=1) != (circle @ best.T).argmax(axis=1)))


def _training_share(columns: Columns, config: Config) -> float:
    points = [i for i, kind in enumerate(columns["kind"]) if kind == "point"]
    X = np.array([[columns["x1"][i], columns["x2"][i]] for i in points])
    given = (X @ _coef(columns, "descent", config.steps[-1]).T).argmax(axis=1)
    return float(np.mean(given == [columns["label"][i] for i in points]))
