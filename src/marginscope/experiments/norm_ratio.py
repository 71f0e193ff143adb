"""Ten trials: how the norm grows beside that of the hard margin, to 1e5 by steps and to 1e100 by the flow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from marginscope.experiments.data import linear_classes
from marginscope.experiments.experiment import Claim, Columns
from marginscope.limits.descend import descend
from marginscope.limits.fast_forward import fast_forward

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["NormRatio"]

_LAW = "late-time law <W, What> / ||What||^2 = log(eta c t) - H, derived from dW/dlog t = eta t sum q x~"


@dataclass(frozen=True)
class Config:
    """Ten trials of 100 rows, 10 features and 3 classes with the pairwise logistic loss."""

    loss: str = "pair_logistic"
    n_trials: int = 10
    n_samples: int = 100
    n_features: int = 10
    n_classes: int = 3
    n_steps: int = 100_000
    n_flow: float = 1e100
    seed: int = 0


class NormRatio:
    """||W(t)||_F / ||What||_F against the steps, on logarithmic axes."""

    name = "norm-ratio"
    title = "the norm grows like log t times that of the hard-margin SVM"
    config = Config
    smoke: ClassVar[dict[str, Any]] = {"n_trials": 2, "n_steps": 3000}

    def run(self, config: Config) -> Columns:
        columns: Columns = {
            name: [] for name in ("trial", "how", "log10_step", "norm_ratio", "direction_error", "onset")
        }
        for trial in range(config.n_trials):
            X, y = linear_classes(
                config.n_samples, config.n_features, config.n_classes, np.random.default_rng([config.seed, trial])
            )
            steps = descend(X, y, loss=config.loss, n_steps=config.n_steps)
            flow = fast_forward(X, y, loss=config.loss, n_steps=config.n_flow, record=_flow_steps(config))
            law = flow.law
            late = flow.log_steps[flow.log_steps > 0]
            parts = (
                ("steps", steps.log_steps, steps.norm_ratio, steps.direction_error),
                ("flow", flow.log_steps, flow.norm_ratio, flow.direction_error),
                ("law", late, law.norm_ratio(log_steps=late), law.direction_error(log_steps=late)),
            )
            for how, log_steps, ratio, error in parts:
                shown = np.isfinite(log_steps) & (log_steps >= 0.0)
                n = int(shown.sum())
                columns["trial"] += [trial] * n
                columns["how"] += [how] * n
                columns["log10_step"] += (log_steps[shown] / math.log(10.0)).tolist()
                columns["norm_ratio"] += np.asarray(ratio)[shown].tolist()
                columns["direction_error"] += np.asarray(error)[shown].tolist()
                columns["onset"] += [float(law.onset)] * n
        return columns

    def claims(self, config: Config, columns: Columns) -> Sequence[Claim]:
        table = {name: np.array(values) for name, values in columns.items()}
        last, far = math.log10(config.n_steps), math.log10(config.n_flow)
        apart, beside_law, slopes, turned = [], [], [], []
        for trial in range(config.n_trials):
            ratio = {how: _curve(table, trial, how) for how in ("steps", "flow", "law")}
            at_last = {how: np.interp(last, *ratio[how]) for how in ("steps", "flow")}
            apart.append(abs(at_last["flow"] / at_last["steps"] - 1.0))
            beside_law.append(abs(ratio["flow"][1][-1] / ratio["law"][1][-1] - 1.0))
            x, r = ratio["flow"]
            late = x >= 0.6 * far
            slopes.append(np.polyfit(x[late] * math.log(10.0), r[late], 1)[0])
            errors = table["direction_error"][(table["trial"] == trial) & (table["how"] == "flow")]
            turned.append(errors[-1] * far * math.log(10.0))
        first = float(np.min([_curve(table, trial, "steps")[1][-1] for trial in range(config.n_trials)]))
        return [
            Claim("the flow is where the steps are at the last of them", float(np.max(apart)), at_most=1e-7,
                  source="both follow the same iterates; 1e-9 for W itself, the rest is interpolation in log t"),
            Claim("the ratio is that of the law at the end of the flow", float(np.max(beside_law)), at_most=0.02,
                  source=_LAW + "; the norm ratio adds O(1 / log t)"),
            Claim("its slope against log t is 1", float(np.max(np.abs(np.array(slopes) - 1.0))), at_most=0.05,
                  source=_LAW),
            Claim("the ratio does not stop at 1", first, at_least=1.0, source="it grows like log t"),
            Claim("the direction error times log t stays bounded", float(np.max(turned)), at_most=20.0,
                  source="Ravi, Scott, Soudry & Wang 2024: rho(t) is bounded"),
        ]  # fmt: skip

    def figure(self, config: Config, columns: Columns) -> Figure:
        from marginscope.reports.figures import axes_row, plain_text, style_axes
        from marginscope.reports.palette import INKS
        from marginscope.reports.step_axes import deep_step_axis, step_axis

        figure, (left, right) = axes_row(2, 900, 340)
        table = {name: np.array(values) for name, values in columns.items()}
        for ax, title, end in (
            (left, "true steps", math.log10(config.n_steps)),
            (right, "to the end of the flow", None),
        ):
            style_axes(ax, grid="both")
            for trial in range(config.n_trials):
                x, ratio = _curve(table, trial, "steps" if end else "flow")
                ax.plot(x, ratio, color=INKS["accent"], linewidth=1.0, alpha=0.8,
                        label="descent, one line a trial" if trial == 0 else None)  # fmt: skip
                x, ratio = _curve(table, trial, "law")
                shown = (ratio > 0.3) & (x <= (end or np.inf))
                ax.plot(x[shown], ratio[shown], color=INKS["weak"], linewidth=0.9, linestyle=":",
                        label="late-time law" if trial == 0 else None)  # fmt: skip
            ax.set_yscale("log")
            mark = step_axis if end else deep_step_axis
            mark(ax, np.array([0.0, end or math.log10(config.n_flow)]))
            ax.set_ylabel("norm of W / norm of the hard margin")
            ax.set_title(f"{config.loss}, {title}", loc="left", **plain_text(fontsize=9.5))
            ax.legend(fontsize=8, frameon=False, loc="lower right", labelcolor=INKS["ink"])
        return figure


def _flow_steps(config: Config) -> list[float]:
    """Return the last true step, and steps evenly spaced in log t up to the end of the flow."""
    first, last = math.log10(config.n_steps), math.log10(config.n_flow)
    return [float(config.n_steps), *(10.0 ** np.linspace(first, last, 60)[1:-1]).tolist(), config.n_flow]


def _curve(table: dict[str, np.ndarray], trial: int, how: str) -> tuple[np.ndarray, np.ndarray]:
    here = (table["trial"] == trial) & (table["how"] == how)
    return table["log10_step"][here], table["norm_ratio"][here]
