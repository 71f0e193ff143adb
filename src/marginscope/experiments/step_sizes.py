"""Step sizes from far below 2 / L to far beyond: where the risk first rises, where it comes back, where it diverges.

On separable data the curvature of cross-entropy falls with the risk, so steps beyond 2 / L come back and lead to the
same direction. That of a quadratic template does not fall: beyond 2 / lambda_max descent diverges.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.experiments.log_log_axis import log_log_axis, spaced_steps, step_at
from marginscope.experiments.pair_features import pair_features
from marginscope.experiments.rows import columns_of, rows_where
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["StepSizes"]

Floats = NDArray[np.float64]

_LOSSES = ("cross_entropy", "pair_logistic", "squared_margin")
_LEMMA = "descent lemma: the risk falls for steps below 2 / L"
_WU = "Wu, Bartlett, Telgarsky & Yu 2024, two classes: large steps leave the unstable phase and have the lower risk"
_LAST = 1000.0
# of the risk, by which a step may seem to rise
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Config:
    """Steps in units of 2 / L, L the bound of the curvature; of a quadratic the largest eigenvalue."""

    n_samples: int = 30
    n_features: int = 4
    n_classes: int = 3
    n_sizes: int = 17
    smallest: float = 0.01
    largest: float = 1000.0
    followed: tuple[float, ...] = (0.5, 5.0, 30.0, 200.0)
    n_steps: int = 2000
    n_records: int = 50
    seed: int = 0


class StepSizes:
    """Risk of every step for every step size, and the direction error of some up to step 1e1000."""

    name = "step-size"
    title = "large steps come back on separable data, but not on a quadratic"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_sizes": 9, "n_steps": 600, "n_records": 12}

    def run(self, config: Config) -> Columns:
        X, y = linear_classes(config.n_samples, config.n_features, config.n_classes, np.random.default_rng(config.seed))
        sizes = np.geomspace(config.smallest, config.largest, config.n_sizes).tolist()
        rows = []
        for loss in _LOSSES:
            # both sides of the limit of a quadratic
            factors = sorted({*sizes, *config.followed, *((0.98, 1.02) if loss == "squared_margin" else ())})
            limit = _limit(loss, X, y, config.n_classes)
            path = descend(X, y, loss=loss, n_steps=config.n_steps, n_runs=len(factors), record=1, n_jobs=1,
                           step_size=[factor * limit for factor in factors])  # fmt: skip
            shown = set(np.unique(np.geomspace(1, config.n_steps + 1, config.n_records).astype(int) - 1).tolist())
            for factor, run in zip(factors, path.runs, strict=True):
                risks = np.array([path.objective.log_value(W) for W in run.W])
                rises = np.flatnonzero(np.diff(risks) > _ROUNDING) + 1
                right = float(np.mean((X @ run.W[-1].T).argmax(axis=1) == y))
                for step, risk in enumerate(risks.tolist()):
                    if step in shown or step == len(risks) - 1:
                        rows.append(
                            _row("steps", loss, factor, math.log10(max(step, 0.1)), risk - risks[0])
                            | {
                                "peak": float(risks.max() - risks[0]),
                                "first_rise": int(rises[0]) if len(rises) else -1,
                                "last_rise": int(rises[-1]) if len(rises) else -1,
                                "training_share": right,
                                "status": run.status,
                            }
                        )
        return columns_of(rows + self._far(config, X, y))

    def _far(self, config: Config, X: Floats, y: NDArray[np.intp]) -> list[dict[str, Any]]:
        rows = []
        limit = _limit("cross_entropy", X, y, config.n_classes)
        for factor in config.followed:
            path = fast_forward(
                X, y, step_size=factor * limit, n_steps=step_at(_LAST), exact_steps=config.n_steps,
                record=[*spaced_steps(config.n_records, _LAST), step_at(_LAST / 2.0)],
            )  # fmt: skip
            for log_step, risk, error in zip(path.log_steps, path.log_loss, path.direction_error, strict=True):
                if log_step >= 0.0:
                    row = _row("flow", "cross_entropy", factor, float(log_step) / math.log(10.0), float(risk))
                    rows.append(row | {"direction_error": float(error), "status": path.status})
        return rows

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        last = {loss: _last_rows(columns, loss) for loss in _LOSSES}
        found = []
        for loss in ("cross_entropy", "pair_logistic"):
            table = last[loss]
            safe = table["factor"] < 1.0
            found += [
                Claim(f"{loss}: the risk never rises below 2 / L", float(table["first_rise"][safe].max()), at_most=-1.0,
                      source=_LEMMA + "; -1 is no step"),
                Claim(f"{loss}: beyond 2 / L the risk does rise for the largest step",
                      float(table["first_rise"][-1]), at_least=1.0, source="the first curvature is of the order of L"),
                Claim(f"{loss}: no step size diverges, the log risk ends below the first by",
                      float(table["log_risk"].max()), at_most=0.0, source=_WU),
                Claim(f"{loss}: every row is classified right with each step beyond 2 / L",
                      float(table["training_share"][~safe].min()), at_least=1.0, source=_WU),
                Claim(f"{loss}: the risk no longer rises in the second half of the steps",
                      float(table["last_rise"].max()), at_most=config.n_steps / 2.0, source=_WU),
                Claim(f"{loss}: the largest step ends with a lower log risk than every step below 2 / L, by",
                      float(table["log_risk"][safe].min() - table["log_risk"][-1]), at_least=0.0, source=_WU),
            ]  # fmt: skip
        table = last["squared_margin"]
        diverged = np.array(table["status"] == "diverged") | (table["log_risk"] > 0.0)
        far = [_halved(columns, factor) for factor in config.followed]
        return [
            *found,
            Claim("squared_margin: the largest step that converges, over 2 / lambda_max",
                  float(table["factor"][~diverged].max()), at_least=0.98, at_most=1.0,
                  source="eigenvalues of 2 sum x~ x~'; steps of 0.98 and 1.02 are among those tried"),
            Claim("squared_margin: the smallest step that diverges, over 2 / lambda_max",
                  float(table["factor"][diverged].min()), at_least=1.0, at_most=1.02,
                  source="eigenvalues of 2 sum x~ x~'"),
            Claim("cross_entropy: direction error at 1e1000 over that at 1e500, farthest from 1/2",
                  max(abs(one - 0.5) for one in far), at_most=0.02,
                  source="late-time law W = What log(eta t) + rho for every eta whose risk comes back"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.experiments.series_style import series_style
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS
        from marginscope.reports.step_axes import step_axis

        figure, (left, middle, right) = axes_row(3, 1080, 370)
        for ax in (left, middle, right):
            style_axes(ax, grid="both")
        for place, factor in enumerate(config.followed):
            table = rows_where(columns, kind="steps", template="cross_entropy", factor=factor)
            shown = table["log10_step"] >= 0.0
            n = max(int(shown.sum()) // 7, 1)
            left.plot(table["log10_step"][shown], table["log_risk"][shown] / math.log(10.0),
                      label=f"{factor:g} \u00d7 2/L", **series_style(place, every=n))  # fmt: skip
            table = rows_where(columns, kind="flow", factor=factor)
            n = max(len(table["factor"]) // 7, 1)
            right.plot(table["log10_step"], table["direction_error"], **series_style(place, every=(place % n, n)))
        step_axis(left, np.array([0.0, math.log10(config.n_steps)]))
        left.set_ylabel("log10 of risk / first risk")
        left.set_title("cross_entropy, risk", loc="left", **plain_text(fontsize=9.5))
        left.legend(fontsize=8, frameon=False, loc="lower left", labelcolor=INKS["ink"])
        _draw_sizes(middle, config, columns)
        log_log_axis(right, _LAST)
        right.set_yscale("log")
        right.set_ylabel("direction error to the SVM")
        right.set_title("cross_entropy, direction", loc="left", **plain_text(fontsize=9.5))
        return figure


def _limit(loss: str, X: Floats, y: NDArray[np.intp], n_classes: int) -> float:
    """Return 2 / L; for the quadratic template L is the largest eigenvalue of its Hessian."""
    if loss == "squared_margin":
        pairs = pair_features(X, y, n_classes)
        return float(2.0 / np.linalg.eigvalsh(2.0 * pairs.T @ pairs)[-1])
    # beta_v sigma_max(X)^2
    smoothness = 0.5 if loss == "cross_entropy" else n_classes / 4.0
    return float(2.0 / (smoothness * np.linalg.norm(X, 2) ** 2))


def _row(kind: str, loss: str, factor: float, log10_step: float, log_risk: float) -> dict[str, Any]:
    return {
        "kind": kind,
        "template": loss,
        "factor": factor,
        "log10_step": log10_step,
        "log_risk": log_risk,
        "direction_error": math.nan,
        "peak": math.nan,
        "first_rise": -1,
        "last_rise": -1,
        "training_share": math.nan,
        "status": "",
    }


def _last_rows(columns: Columns, loss: str) -> dict[str, NDArray[Any]]:
    """Return the last record of every step size, rising."""
    table = rows_where(columns, kind="steps", template=loss)
    last = np.append(table["factor"][1:] != table["factor"][:-1], True)
    return {name: values[last] for name, values in table.items()}


def _halved(columns: Columns, factor: float) -> float:
    """Return the direction error at the last step over that at its square root."""
    table = rows_where(columns, kind="flow", factor=factor)
    at = [int(np.argmin(np.abs(table["log10_step"] - one))) for one in (_LAST / 2.0, _LAST)]
    return float(table["direction_error"][at[1]] / table["direction_error"][at[0]])


def _draw_sizes(ax: Axes, config: Config, columns: Columns) -> None:
    """Draw the risk after the last step against the step size; where it diverged, at the upper edge."""
    from marginscope.experiments.series_style import series_style
    from marginscope.reports.figures import plain_text
    from marginscope.reports.palette import INKS

    top = 6.0
    for place, loss in enumerate(_LOSSES):
        table = _last_rows(columns, loss)
        value = table["log_risk"] / math.log(10.0)
        ax.plot(table["factor"], np.minimum(value, top), label=loss, **series_style(place))
        rising = table["factor"][table["first_rise"] > 0]
        if len(rising):
            ax.axvline(rising[0], color=series_style(place)["color"], linewidth=0.8, linestyle=":")
    ax.axvline(1.0, color=INKS["ink"], linewidth=0.9)
    ax.set_xscale("log")
    ax.set_ylim(top=top + 0.8)
    ax.set_xlabel("step size / (2/L); dotted: the risk first rises")
    ax.set_ylabel("log10 of last risk / first risk")
    ax.set_title(f"after {config.n_steps:,} steps (top: diverged)", loc="left", **plain_text(fontsize=9.5))
    ax.legend(fontsize=8, frameon=False, loc="lower left", labelcolor=INKS["ink"])
