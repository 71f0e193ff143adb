"""Test error against the margin that was reached, over losses, optimizers, gaps and numbers of features.

    E[error of the hard margin on n - 1 rows] <= E[number of rows with a support pair among n] / n

The bound is that of leaving one row out: a row without a support pair changes nothing when it is
left out, so it is given its label. Margins that differ by the gap between the classes go with the
error; what a margin says among data of one gap, or among losses and optimizers on the same data,
is measured and not claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from marginscope.exceptions import UsageError
from marginscope.experiments.experiment import Claim, Columns
from marginscope.limits.descend import descend
from marginscope.solvers.hard_margin import solve_hard_margin

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from marginscope.certificates.margin import MarginSolution

__all__ = ["MarginAndGeneralisation"]

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

_HARD = "hard margin"
_ROUNDING = 1e-9
_MOST_DRAWS = 200
# rows drawn for each that is wanted: most are within a large gap
_DRAWN = 8
_BOUND = "leave-one-out: Vapnik 1995 for two classes, with pairs the same; the hard margin is unique"


@dataclass(frozen=True)
class Config:
    """Random linear labels of three classes; rows within a gap of a boundary are left out.

    Losses and optimizers are compared at the first gap.
    """

    n_samples: int = 60
    n_classes: int = 3
    n_features: tuple[int, ...] = (5, 20, 80)
    gaps: tuple[float, ...] = (0.0, 0.5, 1.0)
    losses: tuple[str, ...] = ("cross_entropy", "exponential", "focal")
    optimizers: tuple[str, ...] = ("gd", "normalized", "sign", "spectral", "adam")
    n_steps: int = 500
    n_seeds: int = 12
    n_test: int = 2000
    confidence: float = 0.95
    seed: int = 0


class MarginAndGeneralisation:
    """Normalised margin and error on new rows of every run, and of the hard margin."""

    name = "margin-and-generalisation"
    title = "what the margin reached says of the error on new rows"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {
        "n_features": (5, 20), "gaps": (0.0, 1.0), "losses": ("cross_entropy",), "optimizers": ("gd", "adam"),
        "n_steps": 200, "n_seeds": 6,
    }  # fmt: skip

    def run(self, config: Config) -> Columns:
        names = ("n_features", "gap", "seed", "method", "margin", "largest_margin", "error", "support_share",
                 "error_without_one", "separates")  # fmt: skip
        columns: Columns = {name: [] for name in names}
        for d in config.n_features:
            for gap in config.gaps:
                for seed in range(config.n_seeds):
                    X, y, test, labels = _data(config, d, gap, np.random.default_rng([config.seed, d, seed]))
                    best = solve_hard_margin(X, y)
                    share, without = _support_share(best), _error_without_one(X, y, test, labels)
                    size = float(np.linalg.norm(X, axis=1).max())
                    runs = _descended(config, X, y) if gap == config.gaps[0] else []
                    for method, W in [(_HARD, best.coef), *runs]:
                        margin = _margin(W, X, y)
                        values = (d, gap, seed, method, margin / size, best.margin / size, _error(W, test, labels),
                                  share, without, float(margin > 0.0))  # fmt: skip
                        for name, value in zip(names, values, strict=True):
                            columns[name].append(value)
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        hard, free = table["method"] == _HARD, table["gap"] == config.gaps[0]
        found = []
        for d in config.n_features:
            here = hard & free & (table["n_features"] == d)
            excess = table["error_without_one"][here] - table["support_share"][here]
            half = _half_width(excess, config.confidence)
            found.append(Claim(f"{d} features: the error of the hard margin is below the share of support rows, upper "
                               f"end of {config.confidence:.0%}", float(excess.mean()) + half, at_most=0.0,
                               source=_BOUND))  # fmt: skip
        over = table["margin"] / table["largest_margin"] - 1.0
        tables = [table | {"here": hard & (table["n_features"] == d)} for d in config.n_features]
        trends = [_trend(one, config) for one in tables]
        return [
            *found,
            Claim("no run is beyond the largest margin, relative", float(over.max()), at_most=_ROUNDING,
                  source="the bracket of the hard margin is proved"),
            *(
                Claim(f"{d} features: hard margins that are larger by a gap err less: rank correlation, upper end",
                      upper, at_most=0.0, source="margin bound of multiclass error, Koltchinskii & Panchenko 2002: "
                      "it falls with margin over length of the rows; interval of Fisher's z over the data sets")
                for d, (_, upper) in zip(config.n_features, trends, strict=True)
            ),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS

        n = len(config.n_features)
        figure, _ = axes_row(1, 330 * n, 640)
        figure.clear()
        axes = figure.subplots(2, n, squeeze=False)
        table = {name: np.array(values) for name, values in columns.items()}
        hard, free = table["method"] == _HARD, table["gap"] == config.gaps[0]
        for column, d in enumerate(config.n_features):
            top, bottom = axes[0, column], axes[1, column]
            here = table["n_features"] == d
            for place, gap in enumerate(config.gaps):
                shown = here & hard & (table["gap"] == gap)
                top.plot(table["margin"][shown], table["error"][shown], label=f"gap {gap:g}",
                         **{**series_style(place), "linestyle": "none"})  # fmt: skip
            mean, upper = _trend(table | {"here": here & hard}, config)
            top.set_title(f"{d} features, hard margins:\nrank correlation {mean:.2f}, at most {upper:.2f}",
                          loc="left", **plain_text(fontsize=9.5))  # fmt: skip
            for place, optimizer in enumerate(config.optimizers):
                shown = here & free & _uses(table["method"], optimizer) & (table["separates"] > 0.0)
                relative = table["margin"][shown] / table["largest_margin"][shown]
                style = {**series_style(place), "linestyle": "none", "markersize": 3.5, "alpha": 0.7}
                bottom.plot(relative, table["error"][shown] - _error_of_hard(table, shown), label=optimizer, **style)
            rank, low, high = _within(table, here & free & ~hard & (table["separates"] > 0.0), config)
            bottom.axhline(0.0, color=INKS["soft"], linewidth=0.8)
            title = f"{d} features, same data, all losses:\nrank correlation {rank:.2f} ({low:.2f} to {high:.2f})"
            bottom.set_title(title, loc="left", **plain_text(fontsize=9.5))
            top.set_xlabel("margin / length of the longest row")
            bottom.set_xlabel("margin / largest margin")
            for ax in (top, bottom):
                style_axes(ax, grid="both")
                ax.set_xlim(left=0.0)
        axes[0, 0].set_ylabel("error on new rows")
        axes[1, 0].set_ylabel("error on new rows, less that of\nthe hard margin on the same data")
        axes[0, 0].legend(fontsize=8, frameon=False, loc="upper right", labelcolor=INKS["ink"], handletextpad=0.2)
        figure.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8.5,
                      frameon=False, labelcolor=INKS["ink"], handletextpad=0.2)  # fmt: skip
        return figure


def _data(config: Config, d: int, gap: float, rng: np.random.Generator) -> tuple[Floats, Codes, Floats, Codes]:
    """Return training and new rows from one random linear map, none with a margin below the gap."""
    n, wanted = config.n_samples, config.n_samples + config.n_test
    for _ in range(_MOST_DRAWS):
        teacher = rng.standard_normal((d, config.n_classes)) / np.sqrt(d)
        rows = rng.standard_normal((_DRAWN * wanted, d))
        ordered = np.sort(rows @ teacher, axis=1)
        rows = rows[ordered[:, -1] - ordered[:, -2] >= gap][:wanted]
        y = (rows @ teacher).argmax(axis=1)
        if len(rows) == wanted and len(np.unique(y[:n])) == config.n_classes:
            return rows[:n], y[:n], rows[n:], y[n:]
    raise UsageError(
        f"rows of {config.n_classes} classes beyond the gap are needed, but {_MOST_DRAWS} draws with the gap {gap:g} "
        "have too few; use a smaller gap"
    )


def _descended(config: Config, X: Floats, y: Codes) -> list[tuple[str, Floats]]:
    """Return loss and optimizer, and W after the last step."""
    found = []
    for loss in config.losses:
        for optimizer in config.optimizers:
            path = descend(X, y, loss=loss, optimizer=optimizer, n_steps=config.n_steps, record=[config.n_steps])
            if path.status == "completed":
                found.append((f"{loss}, {optimizer}", path.coef[-1]))
    return found


def _margin(W: Floats, X: Floats, y: Codes) -> float:
    """Return min u_ik / ||W||_F."""
    scores = X @ W.T
    own = scores[np.arange(len(y)), y]
    scores[np.arange(len(y)), y] = -np.inf
    return float((own - scores.max(axis=1)).min() / np.linalg.norm(W))


def _error(W: Floats, test: Floats, labels: Codes) -> float:
    return float(((test @ W.T).argmax(axis=1) != labels).mean())


def _support_share(best: MarginSolution) -> float:
    return len(np.unique(best.support_pairs[:, 0])) / best.n_rows


def _error_without_one(X: Floats, y: Codes, test: Floats, labels: Codes) -> float:
    """Return the error of the hard margin on all rows but the last."""
    if len(np.unique(y[:-1])) < len(np.unique(y)):
        return 1.0
    return _error(solve_hard_margin(X[:-1], y[:-1]).coef, test, labels)


def _uses(methods: NDArray[Any], optimizer: str) -> NDArray[np.bool_]:
    return np.array([method.endswith(f", {optimizer}") for method in methods], dtype=bool)


def _error_of_hard(table: dict[str, NDArray[Any]], shown: NDArray[np.bool_]) -> Floats:
    """Return the error of the hard margin on the data of every run."""
    hard = table["method"] == _HARD
    keys = list(zip(table["n_features"], table["gap"], table["seed"], strict=True))
    errors = {keys[i]: table["error"][i] for i in np.flatnonzero(hard)}
    return np.array([errors[keys[i]] for i in np.flatnonzero(shown)])


def _half_width(values: Floats, confidence: float) -> float:
    """Return half the t interval of a mean."""
    t = scipy.stats.t.ppf(0.5 + 0.5 * confidence, len(values) - 1)
    return float(t * values.std(ddof=1) / np.sqrt(len(values)))


def _trend(table: dict[str, NDArray[Any]], config: Config) -> tuple[float, float]:
    """Return the rank correlation of margin and error over data sets, and the upper end of its interval."""
    rank = scipy.stats.spearmanr(table["margin"][table["here"]], table["error"][table["here"]]).statistic
    # variance of Fisher's z of a rank correlation (Bonett & Wright 2000)
    spread = np.sqrt((1.0 + 0.5 * rank**2) / (int(table["here"].sum()) - 3))
    return float(rank), float(np.tanh(np.arctanh(rank) + scipy.stats.norm.ppf(config.confidence) * spread))


def _within(table: dict[str, NDArray[Any]], here: NDArray[np.bool_], config: Config) -> tuple[float, float, float]:
    """Return the mean rank correlation over the runs on the same data, with its t interval over data sets."""
    ranks = []
    for seed in np.unique(table["seed"][here]):
        own = here & (table["seed"] == seed)
        if np.ptp(table["margin"][own]) > 0.0 and np.ptp(table["error"][own]) > 0.0:
            ranks.append(scipy.stats.spearmanr(table["margin"][own], table["error"][own]).statistic)
    if len(ranks) < 2:
        return np.nan, np.nan, np.nan
    mean, half = float(np.mean(ranks)), _half_width(np.array(ranks), config.confidence)
    return mean, mean - half, mean + half
