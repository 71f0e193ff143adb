"""A hundred rows against ten: over-sampling, under-sampling and class weights, from the first step to the limit.

    separable, linear scores:  weights and copies leave the limit, dropped rows may not
    overlap, linear scores:    the optimum itself moves, and with it the recall of the small class

Every remedy has the same step for the mean loss, so that the same number of steps is the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from marginscope.experiments.clouds import clouds
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.two_layer import TwoLayer, descend_network
from marginscope.geometry.intercept import with_ones
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward
from marginscope.solvers.separability import separability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Imbalance"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Rows = tuple[Floats, Codes, Floats]
# decades of the step, weights, scores on new rows
Record = tuple[float, Floats, Floats]

_REMEDIES = ("none", "class weights", "over-sampling", "under-sampling")
_PANELS = ("separable, linear", "overlap, linear", "separable, network", "overlap, network")
_MOST_DRAWS = 100
_FAR = 100  # decades of steps, by the flow
_EARLY = 10


@dataclass(frozen=True)
class Config:
    """100 rows against 10; 40 features where they are separable, 2 where they overlap."""

    counts: tuple[int, ...] = (100, 10)
    distance: float = 2.5
    wide: int = 40
    narrow: int = 2
    n_seeds: int = 12
    n_steps: int = 10_000
    n_networks: int = 6
    n_network_steps: int = 2000
    n_hidden: int = 16
    n_records: int = 16
    n_test: int = 2000
    confidence: float = 0.95
    seed: int = 0


class Imbalance:
    """Recall of the small class on new rows, step by step, with and without remedies."""

    name = "imbalance"
    title = "remedies for imbalance differ early, and in the end only where the classes overlap"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {
        "n_seeds": 4, "n_steps": 300, "n_networks": 2, "n_network_steps": 200, "n_records": 6,
    }  # fmt: skip

    def run(self, config: Config) -> Columns:
        names = ("panel", "remedy", "seed", "log10_step", "recall", "other_recall", "from_weights", "from_none")
        columns: Columns = {name: [] for name in names}
        for panel in _PANELS:
            separable, linear = panel.startswith("separable"), panel.endswith("linear")
            for seed in range(config.n_seeds if linear else config.n_networks):
                X, y, test, labels = _data(config, separable, np.random.default_rng([config.seed, separable, seed]))
                paths = {}
                for remedy in _REMEDIES:
                    rows = _remedied(remedy, X, y, np.random.default_rng([config.seed, 2, seed]))
                    if linear:
                        paths[remedy] = _linear_path(config, rows, X, test, separable)
                    else:
                        start = np.random.default_rng([config.seed, 3, seed])
                        paths[remedy] = _network_path(config, rows, X, test, start)
                for remedy, path in paths.items():
                    for (decade, theta, scores), weighted, plain in zip(
                        path, paths["class weights"], paths["none"], strict=True
                    ):
                        given = scores.argmax(axis=1)
                        recalls = [float((given[labels == k] == k).mean()) for k in (1, 0)]
                        values = (panel, remedy, seed, decade, *recalls, _apart(theta, weighted[1]),
                                  _apart(theta, plain[1]))  # fmt: skip
                        for name, value in zip(names, values, strict=True):
                            columns[name].append(value)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        separable, overlap, _, network = _PANELS
        early, last, far = np.log10(_EARLY), np.log10(config.n_steps), float(_FAR)
        gains = {
            (panel, decade): _gains(table, panel, decade)
            for panel, decade in ((separable, early), (separable, far), (overlap, last), (network, early))
        }
        level = f"{config.confidence:.0%} of the paired t interval"
        copies = table["from_weights"][(table["remedy"] == "over-sampling") & (table["log10_step"] < far)].max()
        weighted, fewer = (_mean(table, separable, remedy, "from_none", far) for remedy in _REMEDIES[1::2])
        return [
            Claim("copies of rows are weights: largest distance of the directions", float(copies), at_most=1e-9,
                  source="equal terms of the loss, to rounding"),
            Claim(f"separable, linear: weights lift the small class at step {_EARLY}, lower end",
                  _lower(gains[separable, early], config), at_least=0.0, source=level),
            Claim("separable, linear: at step 1e100 they do not: mean absolute difference of recall",
                  float(np.abs(gains[separable, far]).mean()), at_most=0.01,
                  source="the same hard margin (Ravi, Scott, Soudry & Wang 2024); the directions still differ by 0.01"),
            Claim("separable, linear: distance of the directions with and without weights at step 1e100", weighted,
                  at_most=0.02, source="log(weight ratio) / log t = 2.3 / 230, for hard margins of length about 1"),
            Claim("separable, linear: fewer rows are another hard margin: distance of the directions at step 1e100",
                  fewer, at_least=0.1, source="the limit is that of the rows kept; most support rows are not"),
            Claim("overlap, linear: weights lift the small class at the last step, lower end",
                  _lower(gains[overlap, last], config), at_least=0.0,
                  source=level + "; the optimum moves by the log of the weights (King & Zeng 2001, Elkan 2001)"),
            Claim(f"overlap, network: weights lift the small class at step {_EARLY}, lower end",
                  _lower(gains[network, early], config), at_least=0.0, source=level),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.numbers import as_power
        from marginscope.reports.palette import INKS

        figure, _ = axes_row(1, 900, 640)
        figure.clear()
        axes = figure.subplots(2, 2, sharey=True)
        table = {name: np.array(values) for name, values in columns.items()}
        for ax, panel in zip(axes.ravel(), _PANELS, strict=True):
            style_axes(ax, grid="both")
            n_runs = len(np.unique(table["seed"][table["panel"] == panel]))
            for place, remedy in enumerate(_REMEDIES):
                decades, mean, half = _intervals(table, panel, remedy, config.confidence)
                steps, style = decades < _FAR, series_style(place, every=2)
                ax.plot(decades[steps], mean[steps], label=remedy, **style)
                ax.fill_between(decades[steps], (mean - half)[steps], (mean + half)[steps], color=style["color"],
                                alpha=0.12, linewidth=0)  # fmt: skip
                # the far end, beside the true steps
                ax.errorbar(decades[~steps] * 0.0 + np.log10(config.n_steps) + 0.7 + 0.16 * place, mean[~steps],
                            half[~steps], color=style["color"], marker=style["marker"], markersize=4.5,
                            linestyle="none", elinewidth=1.0)  # fmt: skip
            last = config.n_steps if "linear" in panel else config.n_network_steps
            ticks = np.arange(int(np.log10(last)) + 1)
            labels = [as_power(int(tick)) for tick in ticks]
            if panel == _PANELS[0]:
                ax.set_xticks([*ticks, ticks[-1] + 0.95], [*labels, as_power(_FAR)])
                ax.axvline(ticks[-1] + 0.4, color=INKS["soft"], linewidth=0.8, linestyle=":")
            else:
                ax.set_xticks(ticks, labels)
            ax.set_ylim(-0.02, 1.02)
            ax.set_xlabel("step")
            ax.set_title(f"{panel}, {n_runs} data sets", loc="left", **plain_text(fontsize=9.5))
        for place, recall in enumerate(_best_recalls(config)):
            axes[0, 1].axhline(
                recall,
                color=INKS["ink"],
                linewidth=0.9,
                linestyle=(":", "--")[place],
                label=("best rule for the shares of the rows", "best rule for equal shares")[place],
            )
        for ax in axes[:, 0]:
            ax.set_ylabel(f"recall of the small class, new rows;\nmean with {config.confidence:.0%} interval")
        figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5,
                      frameon=False, labelcolor=INKS["ink"], handlelength=3.2)  # fmt: skip
        return figure


def _data(config: Config, separable: bool, rng: np.random.Generator) -> tuple[Floats, Codes, Floats, Codes]:
    """Draw rows that are separable or not, and new rows with as many of either class."""
    means = np.zeros((2, config.wide if separable else config.narrow))
    means[:, 0] = -0.5 * config.distance, 0.5 * config.distance
    for _ in range(_MOST_DRAWS):
        X, y = clouds(config.counts, means, 1.0, rng)
        status = separability(X, y, fit_intercept=True).status
        if status == ("complete" if separable else "overlap"):
            break
    return (X, y, *clouds((config.n_test, config.n_test), means, 1.0, rng))


def _remedied(remedy: str, X: Floats, y: Codes, rng: np.random.Generator) -> Rows:
    """Return rows, labels and row weights of mean 1."""
    counts = np.bincount(y)
    if remedy == "over-sampling":
        kept = np.repeat(np.arange(len(y)), (counts.max() // counts)[y])
    elif remedy == "under-sampling":
        large = rng.choice(np.flatnonzero(y == 0), counts.min(), replace=False)
        kept = np.sort(np.concatenate([large, np.flatnonzero(y == 1)]))
    else:
        kept = np.arange(len(y))
    weights = (len(y) / (2.0 * counts))[y] if remedy == "class weights" else np.ones(len(kept))
    return X[kept], y[kept], weights


def _linear_path(config: Config, rows: Rows, X: Floats, test: Floats, separable: bool) -> list[Record]:
    """Return records of true steps, and of the flow at the far end where the rows are separable."""
    Z, y, weights = rows
    # the mean loss has curvature of at most half the longest row squared: a step of half the largest safe one
    step = 2.0 / float((with_ones(X) ** 2).sum(axis=1).max()) / len(y)
    records = _records(config.n_steps, config.n_records)
    options: dict[str, Any] = {"step_size": step, "fit_intercept": True, "sample_weight": weights}
    path = descend(Z, y, n_steps=config.n_steps, record=records, **options)
    decades, W = list(np.log10(path.steps[1:])), list(path.runs[0].W[1:])
    if separable:
        flow = fast_forward(Z, y, n_steps=Decimal(10) ** _FAR, record=[Decimal(10) ** _FAR], **options)
        decades, W = [*decades, float(_FAR)], [*W, flow.runs[0].W[-1]]
    return [(float(x), one, with_ones(test) @ one.T) for x, one in zip(decades, W, strict=True)]


def _network_path(config: Config, rows: Rows, X: Floats, test: Floats, rng: np.random.Generator) -> list[Record]:
    Z, y, weights = rows
    network = TwoLayer()
    start = network.start(Z.shape[1] + 1, config.n_hidden, 2, 1.0, rng)
    path = descend_network(
        network, start, with_ones(Z), y, step_size=4.0 / float((with_ones(X) ** 2).sum(axis=1).max()),
        records=_records(config.n_network_steps, config.n_records), log_omega=np.log(weights),
    )  # fmt: skip
    return [
        (float(np.log10(step)), one.flat(), network.scores(one, with_ones(test)))
        for step, one in zip(path.steps, path.weights, strict=True)
    ]


def _records(n_steps: int, n_records: int) -> list[int]:
    return sorted({_EARLY, *(round(one) for one in np.geomspace(1, n_steps, n_records))})


def _apart(theta: Floats, other: Floats) -> float:
    return float(np.linalg.norm(theta / np.linalg.norm(theta) - other / np.linalg.norm(other)))


def _at(table: dict[str, NDArray[Any]], panel: str, remedy: str, decade: float) -> NDArray[np.bool_]:
    near = np.abs(table["log10_step"] - decade) < 1e-9
    return np.asarray((table["panel"] == panel) & (table["remedy"] == remedy) & near)


def _gains(table: dict[str, NDArray[Any]], panel: str, decade: float) -> Floats:
    """Return by how much weights raise the recall of the small class, data set by data set."""
    with_weights, without = (table["recall"][_at(table, panel, remedy, decade)] for remedy in ("class weights", "none"))
    return np.asarray(with_weights - without)


def _mean(table: dict[str, NDArray[Any]], panel: str, remedy: str, column: str, decade: float) -> float:
    return float(table[column][_at(table, panel, remedy, decade)].mean())


def _half_width(values: Floats, confidence: float) -> float:
    """Return half the t interval of a mean."""
    t = scipy.stats.t.ppf(0.5 + 0.5 * confidence, len(values) - 1)
    return float(t * values.std(ddof=1) / np.sqrt(len(values)))


def _lower(values: Floats, config: Config) -> float:
    return float(values.mean()) - _half_width(values, config.confidence)


def _intervals(
    table: dict[str, NDArray[Any]], panel: str, remedy: str, confidence: float
) -> tuple[Floats, Floats, Floats]:
    """Return decades of steps, mean recall, and half its interval."""
    decades = np.unique(table["log10_step"][(table["panel"] == panel) & (table["remedy"] == remedy)])
    groups = [table["recall"][_at(table, panel, remedy, decade)] for decade in decades]
    means = np.array([float(group.mean()) for group in groups])
    return np.asarray(decades), means, np.array([_half_width(group, confidence) for group in groups])


def _best_recalls(config: Config) -> tuple[float, float]:
    """Return the recall of the small class by the best rule for the shares of the rows, and for equal shares."""
    shift = float(np.log(max(config.counts) / min(config.counts)))
    at = 0.5 * config.distance - np.array([shift, 0.0]) / config.distance
    rows, equal = scipy.stats.norm.cdf(at).tolist()
    return rows, equal
