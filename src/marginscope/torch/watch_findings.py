"""From the looks of a watch to findings, in the names of the causes.

A watch sees one training and changes nothing, so most of what it says is a suspicion (a
tip); only what its numbers prove by themselves is an issue: scores that are not finite, a loss
that knows the shares alone, a score that nothing moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.claims import name_list
from marginscope.findings import Evidence, Finding, Status

__all__ = ["WatchRules"]

Floats = NDArray[np.float64]
_OTHERS = ("dead-units", "shared-interference", "imbalance")


class Watched(Protocol):
    """What the rules read."""

    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def steps(self) -> NDArray[np.int64]: ...
    @property
    def total_information(self) -> Floats: ...
    @property
    def prior_entropy(self) -> float: ...
    @property
    def shares(self) -> Floats: ...
    @property
    def units(self) -> dict[str, Floats]: ...
    @property
    def is_finite(self) -> NDArray[np.bool_]: ...
    def column(self, name: str) -> Floats: ...


@dataclass(frozen=True)
class WatchRules:
    """Thresholds of what a watch says.

    Attributes
    ----------
    good_recall : float
        A class below it is poor, one that stays at or above it is learned.
    plateau : float
        Share of the entropy of the class shares up to which a model knows the shares only.
    dead_reach, least_live : float
        Reach of a class, as a share of the median class, up to which its rows do not reach its
        score; share of live units in some layer below which the layer is dead on a class.
    falling, under_way : float
        Nats by which the loss of a class must have fallen over the last half of the steps to be
        still falling, and that of all for the whole training to be under way.
    told_apart, small : float
        Area under the curve against the rival from which only the threshold is wrong, for a
        class whose share is below ``small`` times an even one.
    opposed : float
        Cosine with the sum of the other classes' gradients at or below which they pull back.
    lively : float
        Length of a class's gradient, as a share of that at the first look, above which it still pulls.
    """

    good_recall: float = 0.5
    plateau: float = 0.05
    dead_reach: float = 1e-3
    least_live: float = 0.05
    falling: float = 0.1
    under_way: float = 0.2
    told_apart: float = 0.9
    small: float = 0.8
    opposed: float = -0.5
    lively: float = 0.3

    def judge(self, seen: Watched) -> tuple[Finding, ...]:
        """Return one finding for each thing that can be seen in a training."""
        if seen.steps.size < 2:
            reason = "one look shows no training; train inside the with block"
            return tuple(Finding(slug, Status.NOT_APPLICABLE, reason) for slug in ("not-converged", *_OTHERS))
        if not seen.is_finite.all():
            reason = "the loss or the parameters are not finite, which comes first"
            return (_broken(seen), *(Finding(slug, Status.NOT_APPLICABLE, reason) for slug in _OTHERS))
        return (
            self._not_converged(seen),
            self._dead_units(seen),
            self._shared_interference(seen),
            self._imbalance(seen),
        )

    def _poor(self, seen: Watched) -> NDArray[np.bool_]:
        return np.asarray(seen.column("recall")[-1] < self.good_recall)

    def _knows_shares_only(self, seen: Watched) -> bool:
        return bool(seen.total_information[-1] <= self.plateau * seen.prior_entropy)

    def _dead(self, seen: Watched) -> NDArray[np.bool_]:
        reach = seen.column("reach")[-1]
        typical = np.nanmedian(reach) if np.isfinite(reach).any() else np.nan
        # Where nothing reaches any score there is no typical class: all are dead.
        unreached = reach <= (self.dead_reach * typical if typical > 0 else 0.0)
        return np.asarray(unreached | (self._live(seen) < self.least_live))

    def _live(self, seen: Watched) -> Floats:
        """Share of live units in the deadest layer of every class, 1 where the units cannot be seen."""
        layers = list(seen.units.values())
        return np.min(np.nan_to_num(layers, nan=1.0), axis=0) if layers else np.ones(len(seen.classes))

    def _outvoted(self, seen: Watched) -> NDArray[np.bool_]:
        """Classes that are told from their rival and lose by their share alone, as it seems."""
        small = seen.shares < self.small / max(1, int(np.count_nonzero(seen.shares)))
        return np.asarray(self._poor(seen) & ~self._dead(seen) & small & (seen.column("area")[-1] >= self.told_apart))

    def _falling(self, seen: Watched) -> NDArray[np.bool_]:
        loss = seen.column("loss")
        return np.asarray(loss[self._middle(seen)] - loss[-1] > self.falling)

    def _middle(self, seen: Watched) -> int:
        """Return the look at half of the steps."""
        return min(int(np.searchsorted(seen.steps, seen.steps[-1] / 2)), seen.steps.size - 2)

    def _not_converged(self, seen: Watched) -> Finding:
        slug, last, H = "not-converged", float(seen.total_information[-1]), seen.prior_entropy
        row = Evidence("nats gained over the class shares", last if np.isfinite(last) else None, self.plateau * H)
        if self._knows_shares_only(seen):
            sentence = (
                f"After {seen.steps[-1]} steps the net knows the class shares only: its cross-entropy is "
                f"{H - last:.3g}, and their entropy {H:.3g}."
            )
            return Finding(slug, Status.ISSUE, sentence, seen.classes, (row,))
        going = self._poor(seen) & self._falling(seen) & ~self._dead(seen)
        if going.any():
            names = _names(seen, going)
            sentence = (
                f"The loss of {name_list(names)} still fell in the last half of the training: train longer before "
                "looking for another cause."
            )
            return Finding(slug, Status.TIP, sentence, names, (row, *self._evidence(seen, going, "loss")))
        return Finding(slug, Status.PASSED, "No class that is not learned was still getting better.", evidence=(row,))

    def _dead_units(self, seen: Watched) -> Finding:
        slug, reach = "dead-units", seen.column("reach")[-1]
        if not np.isfinite(reach).any():
            reason = "what reaches the scores cannot be differentiated: the rows are no real numbers, or were not given"
            return Finding(slug, Status.NOT_APPLICABLE, reason)
        dead = self._dead(seen)
        if not dead.any():
            return Finding(slug, Status.PASSED, "The score of every class depends on its rows.")
        names, typical, live = _names(seen, dead), float(np.nanmedian(reach)), self._live(seen)
        rows: list[Evidence] = []
        for k in np.flatnonzero(dead)[:12]:
            name = f"'{seen.classes[k]:.60}'"
            rows.append(Evidence(f"reach of {name}", _plain(reach[k]), self.dead_reach * typical))
            if seen.units:
                rows.append(Evidence(f"live units in the deadest layer on {name}", float(live[k]), self.least_live))
        sentence = (
            f"On their own rows the score of {name_list(names)} depends on (next to) nothing that the net reads: the "
            "units on the way are dead or saturated, so no loss can move more than its bias."
        )
        is_lost = bool((dead & self._poor(seen)).any())
        return Finding(
            slug, Status.ISSUE if is_lost else Status.TIP, sentence, names, tuple(rows), ("fresh-units", "step-size")
        )

    def _shared_interference(self, seen: Watched) -> Finding:
        slug = "shared-interference"
        if self._knows_shares_only(seen):
            return Finding(slug, Status.NOT_APPLICABLE, "nothing is learned yet that could stand in the way")
        if seen.total_information[-1] - seen.total_information[self._middle(seen)] > self.under_way:
            return Finding(slug, Status.NOT_APPLICABLE, "the training is still under way: all classes may come")
        norm, opposition = seen.column("gradient_norm"), seen.column("opposition")[-1]
        held = (
            self._poor(seen)
            & ~self._dead(seen)
            & ~self._falling(seen)
            & ~self._outvoted(seen)
            & (opposition <= self.opposed)
            & (norm[-1] >= self.lively * norm[0])
        )
        if not held.any():
            return Finding(slug, Status.PASSED, "No class is held down by the gradients of the others.")
        names = _names(seen, held)
        sentence = (
            f"{name_list(names)} still pull on the last layer and the other classes pull back: the classes may stand "
            "in each other's way on shared weights. diagnose() tells that from classes that nothing can tell apart, "
            "by training the class alone, and by more width."
            if len(names) > 1
            else f"{name_list(names)} still pulls on the last layer and the other classes pull back: it may lose its "
            "place on shared weights. diagnose() tells that from a class that nothing can tell apart, by training it "
            "alone, and by more width."
        )
        evidence = [one for name in ("opposition", "area", "gradient_norm") for one in self._evidence(seen, held, name)]
        return Finding(slug, Status.TIP, sentence, names, tuple(evidence), ("wider-network", "class-branches"))

    def _imbalance(self, seen: Watched) -> Finding:
        outvoted = self._outvoted(seen)
        if not outvoted.any():
            return Finding("imbalance", Status.PASSED, "No class is told apart from its rival and yet not called.")
        names = _names(seen, outvoted)
        sentence = (
            f"The scores tell {name_list(names)} from the rival, but the rival wins: moving the threshold by the class "
            "shares may be all that is missing."
        )
        return Finding(
            "imbalance",
            Status.TIP,
            sentence,
            names,
            self._evidence(seen, outvoted, "area"),
            ("logit-adjustment", "class-weights"),
        )

    def _evidence(self, seen: Watched, chosen: NDArray[np.bool_], name: str) -> tuple[Evidence, ...]:
        held_against = {"area": self.told_apart, "opposition": self.opposed}
        words = {
            "area": "area under the curve against the rival, '{}'",
            "opposition": "cosine with the other classes' gradients, '{}'",
            "gradient_norm": "length of the mean gradient, '{}'",
            "loss": "loss at the end, '{}'",
        }
        return tuple(
            Evidence(
                words[name].format(f"{seen.classes[k]:.60}"), _plain(seen.column(name)[-1, k]), held_against.get(name)
            )
            for k in np.flatnonzero(chosen)[:12]
        )


def _broken(seen: Watched) -> Finding:
    """Say from which step on the training is broken, or at which it was."""
    broken = np.flatnonzero(~seen.is_finite)
    sound = np.flatnonzero(seen.is_finite)
    stays = not seen.is_finite[-1]
    first = int(broken[0]) if not stays else int(sound[-1]) + 1 if sound.size else 0
    step = int(seen.steps[first])
    what = "Some parameters are" if np.isfinite(seen.total_information[first]) else "The loss is"
    when = f"from step {step} on" if stays else f"at step {step}"
    sentence = f"{what} not finite {when}: smaller steps are needed."
    return Finding(
        "not-converged", Status.ISSUE, sentence, seen.classes, (Evidence("first step seen not finite", step),)
    )


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _names(seen: Watched, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    order: Sequence[int] = np.flatnonzero(chosen).tolist()
    return tuple(seen.classes[k] for k in order)
