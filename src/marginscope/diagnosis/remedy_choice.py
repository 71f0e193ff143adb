"""Which of the remedies that were tried is named best."""

from __future__ import annotations

import math
from collections.abc import Sequence

from marginscope.diagnosis.intervals import Z95, simultaneous_z
from marginscope.remedies import remedy
from marginscope.remedies.ledger import RemedyTrial

__all__ = ["balanced_gain", "choose", "gain", "level", "on_balance"]

# Share of the largest gain that counts as none.
_EQUAL = 0.1
# Balanced recall that the remedy named best may lie below another one that helps as many targets.
_NEAR = 0.02


def gain(trial: RemedyTrial, targets: tuple[str, ...]) -> float:
    """Compute the mean lift of the targets that it helps, over all targets, plus the change of balanced recall."""
    lifts = [one.value for name in trial.helps if (one := trial.change.get(name)) is not None]
    return sum(lifts) / len(targets) + balanced_gain(trial)


def level(trials: Sequence[RemedyTrial], targets: tuple[str, ...]) -> list[RemedyTrial]:
    """Return the remedies that may be named: those within a tenth of the largest gain.

    A remedy is out whatever its gain if another one helps every target that it helps, and has
    a balanced recall that is higher by more than 0.02.
    """
    helpful = [one for one in trials if one.helps and not _is_beaten(one, trials)]
    best = max((gain(one, targets) for one in helpful), default=0.0)
    return [one for one in helpful if gain(one, targets) >= best - _EQUAL * abs(best)]


def choose(trials: Sequence[RemedyTrial], targets: tuple[str, ...], causes: frozenset[str]) -> RemedyTrial | None:
    """Return the remedy that gains most; between equals one that acts on a first cause, then the lower log-loss.

    So a repaired model goes before another kind of model. The log-loss is that after the
    correction for class shares, where there is one; without probabilities it counts as infinite.
    """
    equals = level(trials, targets)
    if not equals:
        return None

    def rank(trial: RemedyTrial) -> tuple[bool, float]:
        acts = bool(remedy(trial.slug).acts_on & causes)
        log_loss = trial.log_loss if trial.log_loss_corrected is None else trial.log_loss_corrected
        return not acts, math.inf if log_loss is None else round(log_loss, 2)

    return min(equals, key=rank)


def on_balance(trials: Sequence[RemedyTrial], n_recipes: int = 0) -> RemedyTrial | None:
    """Return the remedy that raises balanced recall most, if it does where the intervals of all hold together.

    A few rows in each of several classes may prove nothing for any one of them and something for all.
    ``n_recipes`` counts what the trials are the best of, where that is more than they are.
    """
    tried = [(one, one.balanced) for one in trials if one.balanced is not None]
    wider = simultaneous_z(max(len(tried), n_recipes)) / Z95
    sure = [one for one, change in tried if change.value > (change.value - change.interval[0]) * wider]
    return max(sure, key=balanced_gain, default=None)


def balanced_gain(trial: RemedyTrial) -> float:
    """Return the change of balanced recall, 0 where it is not known."""
    return 0.0 if trial.balanced is None else trial.balanced.value


def _is_beaten(trial: RemedyTrial, others: Sequence[RemedyTrial]) -> bool:
    enough = balanced_gain(trial) + _NEAR
    return any(set(one.helps) >= set(trial.helps) and balanced_gain(one) > enough for one in others)
