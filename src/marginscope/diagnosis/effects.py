"""What an intervention does to every class, against the present model on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.intervals import Z95, balanced_interval, paired_interval
from marginscope.diagnosis.trials import Trial, merge_codes

__all__ = ["Effect", "called_rate", "compare", "recall_of", "with_placebo"]

Reals = NDArray[np.float64]
_LEAST_MISSING = 0.02
_LEAST_RIVAL_ROWS = 10


@dataclass(frozen=True)
class Effect:
    """Changes made by one recipe; arrays have one entry per class, NaN if unscored.

    Attributes
    ----------
    name : str
        Of the recipe.
    n_scored : ndarray
        Rows of each class that both trials score.
    lift, low, high : ndarray
        Change of recall with its paired 95 % interval.
    low_simultaneous, high_simultaneous : ndarray
        The interval at the level at which all intervals of the report hold together.
    balanced, balanced_error, balanced_interval : float, float, tuple
        Change of the mean recall, its standard error, and its 95 % interval.
    cost : ndarray
        Recall that the other classes lost to this class, summed.
    net_low : ndarray
        Lower end of the 95 % interval of lift minus cost.
    repair : ndarray
        Lift as a share of the recall that was missing.
    placebo, placebo_repair : ndarray or None
        Change of recall under permuted labels, and as a share of what was missing there.
    placebo_is_paid : bool
        Whether rivals pay in full for what the placebo gains, as where labels are permuted.
    """

    name: str
    n_scored: NDArray[np.int64]
    lift: Reals
    low: Reals
    high: Reals
    low_simultaneous: Reals
    high_simultaneous: Reals
    balanced: float
    balanced_error: float
    balanced_interval: tuple[float, float]
    cost: Reals
    net_low: Reals
    repair: Reals
    trial: Trial
    placebo: Reals | None = None
    placebo_repair: Reals | None = None
    placebo_is_paid: bool = True


def recall_of(trial: Trial, codes: NDArray[np.int64], n_classes: int) -> Reals:
    """Return out-of-sample recall per class, NaN where no row is scored."""
    correct = trial.correct(codes)
    scored = ~np.isnan(correct)
    total = np.bincount(codes[scored], minlength=n_classes)
    hits = np.bincount(codes[scored], weights=correct[scored], minlength=n_classes)
    with np.errstate(invalid="ignore"):
        recall: Reals = np.where(total > 0, hits / np.maximum(total, 1), np.nan)
    return recall


def with_placebo(effect: Effect, before: Reals, after: Reals) -> Effect:
    """Add what the recipe does to recall where the labels are permuted: called rates before and after."""
    lift = after - before
    return replace(effect, placebo=lift, placebo_repair=lift / np.maximum(1 - before, _LEAST_MISSING))


def called_rate(trial: Trial, n_classes: int) -> Reals:
    """Return the share of the scored rows that is given to every class.

    Under permuted labels this is the expected recall of the class, with far less
    noise than the recall on its own few rows.
    """
    flat = trial.predicted[trial.predicted >= 0]
    rate: Reals = np.bincount(flat, minlength=n_classes) / max(1, flat.size)
    return rate


def compare(
    base: Trial, other: Trial, codes: NDArray[np.int64], n_classes: int, *, z_simultaneous: float, merges: object = None
) -> Effect:
    """Compare two trials on the rows that both score, class by class."""
    target = merge_codes(codes, merges)  # type: ignore[arg-type]
    before, after = base.correct(codes), other.correct(target)
    both = ~(np.isnan(before) | np.isnan(after))
    difference = np.where(both, after - before, np.nan)
    fill = np.full(n_classes, np.nan)
    lift, low, high, variance = fill.copy(), fill.copy(), fill.copy(), fill.copy()
    low_all, high_all = fill.copy(), fill.copy()
    changes: list[Reals] = []
    for k in range(n_classes):
        d = difference[both & (codes == k)]
        if d.size == 0:
            continue
        lift[k] = d.mean()
        low[k], high[k] = paired_interval(d, Z95)
        low_all[k], high_all[k] = paired_interval(d, z_simultaneous)
        variance[k] = d.var() / d.size
        changes.append(d)
    cost, cost_variance = _rival_cost(base, other, codes, target, both, n_classes)
    scored = ~np.isnan(lift)
    interval = balanced_interval(changes) if changes else (-1.0, 1.0)
    return Effect(
        name=other.name,
        n_scored=np.bincount(codes[both], minlength=n_classes),
        lift=lift,
        low=low,
        high=high,
        low_simultaneous=low_all,
        high_simultaneous=high_all,
        balanced=float(lift[scored].mean()) if scored.any() else 0.0,
        balanced_error=float(np.sqrt(variance[scored].sum()) / max(1, scored.sum())),
        balanced_interval=interval,
        cost=cost,
        net_low=lift - cost - Z95 * np.sqrt(variance + cost_variance),
        repair=lift / np.maximum(1 - recall_of(base, codes, n_classes), _LEAST_MISSING),
        trial=other,
    )


def _rival_cost(
    base: Trial,
    other: Trial,
    codes: NDArray[np.int64],
    target: NDArray[np.int64],
    both: NDArray[np.bool_],
    n_classes: int,
) -> tuple[Reals, Reals]:
    """Recall lost by each rival to class k less what it wins back from k, summed over rivals."""
    sizes = np.bincount(codes[both], minlength=n_classes)
    was_right = base.predicted == codes
    is_right = other.predicted == target
    times = ((base.predicted >= 0) & (other.predicted >= 0)).sum(axis=0)
    cost, variance = np.zeros(n_classes), np.zeros(n_classes)
    for k in range(n_classes):
        taken = (other.predicted == k) & was_right & (target != k)
        returned = (base.predicted == k) & is_right & (codes != k)
        moved = (taken.sum(axis=0) - returned.sum(axis=0).astype(float)) / np.maximum(times, 1)
        rows = both & (moved != 0)
        for rival in np.unique(codes[rows]):
            d = moved[both & (codes == rival)]
            cost[k] += d.mean()
            # Who pays nothing, or has a handful of rows, must not blur what the payers pay.
            if d.mean() > 0 and sizes[rival] >= _LEAST_RIVAL_ROWS:
                variance[k] += d.var() / sizes[rival]
    return np.maximum(cost, 0.0), variance
