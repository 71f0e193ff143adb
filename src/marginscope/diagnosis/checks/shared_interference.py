"""Check ``shared-interference``: learned alone, lost beside the classes that share its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.diagnosis.deeper_causes import kept_proofs, proofs_of, yielding
from marginscope.diagnosis.signal import auc
from marginscope.diagnosis.trials import run_trial
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Counterfactual, Evidence, Finding, Status
from marginscope.geometry.class_gradients import class_gradients_from_products, mean_gradient_products

__all__ = ["SharedInterference"]

# Checks that ran before, and what they did to as many units.
_SAME_UNITS = {
    "unscaled-features": "with features on one scale",
    "dead-units": "where they are live",
    "not-converged": "trained longer or with another step size",
}


@dataclass(frozen=True)
class SharedInterference:
    """The same network learns the class alone, and more width or a branch a class brings it back.

    Alone means the class against all others as one, with nothing else changed: it is learned
    where the area under the curve against the rest, and against its rival, is ``least_area``
    or more. An area knows no threshold, so the share of the class plays no part. What moving
    the class shares brings back, ``shares_do`` of it or more, is no interference; class weights
    count for a class below ``small`` times an even share, since they train anew and may find
    another place for any class. Nor is what the same units learn, up to ``equal`` recall, if they
    are live, trained longer or with another step size, or given features on one scale. At most
    ``most_classes`` are trained alone: the poor ones, or without any those that a richer model
    provably lifts, worst first; and then those others that more width provably lifts.
    """

    slug: str = "shared-interference"
    title: str = "lost to classes that share its weights"
    cost: str = "refit"
    least_area: float = 0.8
    shares_do: float = 0.7
    small: float = 0.5
    equal: float = 0.05
    most_classes: int = 6

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        if case.view.network_knobs() is None:
            raise CheckNotApplicable("the model is no network that can be trained again")
        if case.n_classes < 3:
            raise CheckNotApplicable("with two classes a class alone is the same network")
        held_down = case.poor or _lifted(case, "richer-model")
        if not held_down:
            raise CheckNotApplicable("no class has a recall below one half, or is lifted by a richer model")
        areas: dict[int, tuple[float, float]] = {}
        self._train_alone(case, sorted(held_down, key=lambda k: float(case.scores.recall[k])), areas)
        if not areas:
            raise CheckNotApplicable("no class could be trained alone and scored")
        if not self._learned(areas):
            text = "No class that the network loses is learned by it alone."
            return Finding(self.slug, Status.PASSED, text, evidence=self._evidence(case, areas))
        # Once width is tried for a lost class, what it does to the passable ones is known too.
        lifted = _lifted(case, "wider-network")
        self._train_alone(case, [k for k in lifted if k not in held_down], areas)
        return settled(
            case,
            self.slug,
            self._claims(case, self._learned(areas)),
            remedies=("wider-network", "class-branches"),
            issue="The same network learns {names} alone, but not beside the other classes: they take the hidden units "
            "that it needs, and more units bring it back.",
            passed="What the network learns alone and loses beside others is not brought back by more units, or not by "
            "them only.",
            extra=self._evidence(case, areas),
        )

    def _learned(self, areas: dict[int, tuple[float, float]]) -> tuple[int, ...]:
        return tuple(k for k, pair in areas.items() if min(pair) >= self.least_area)

    def _train_alone(self, case: Case, codes: list[int], areas: dict[int, tuple[float, float]]) -> None:
        """Add the areas of classes in a network that serves them alone: against the rest, and the rival."""
        for k in codes[: self.most_classes - len(areas)]:
            case.lab.check_time(f"'{case.names[k]:.40}' alone")
            others = [code for code in range(case.n_classes) if code != k]
            # The name of the rest decides which output is whose, so another name is another start.
            for rest in dict.fromkeys((others[0], others[-1])):
                pair = _areas_alone(case, k, rest)
                if pair is not None:
                    areas[k] = max(pair, areas.get(k, pair), key=min)
                if k in areas and min(areas[k]) >= self.least_area:
                    break

    def _evidence(self, case: Case, areas: dict[int, tuple[float, float]]) -> tuple[Evidence, ...]:
        opposition = _opposition(case)
        rows = []
        for k, (rest, rival) in areas.items():
            name, other = f"'{case.names[k]:.60}'", f"'{case.names[int(case.scores.rival[k])]:.40}'"
            rows += [
                Evidence(f"area under the curve of {name} alone, against the rest", rest, self.least_area),
                Evidence(f"area under the curve of {name} alone, against {other}", rival, self.least_area),
            ]
            if opposition is not None and np.isfinite(opposition[k]):
                rows.append(
                    Evidence(f"cosine of the gradient of {name} with that of the other classes", float(opposition[k]))
                )
        return tuple(rows)

    def _claims(self, case: Case, learned: tuple[int, ...]) -> dict[str, Counterfactual]:
        """Claims of the classes that are learned alone: by width, and by branches where width is no proof."""
        names = {case.names[k] for k in learned}
        claims = {name: one for name, one in claims_of(case, "wider-network").items() if name in names}
        if not all(one.is_proof for one in claims.values()):
            try:
                case.lab.effects("class-branches")
            except NotTried:
                pass
            else:
                both = claims_of(case, "wider-network", "class-branches")
                claims = {name: one for name, one in both.items() if name in names}
        if not claims:
            raise CheckNotApplicable("no class that is learned alone is scored beside the others")
        claims = {name: self._beyond_shares(case, one) for name, one in claims.items()}
        for slug, how in _SAME_UNITS.items():
            claims = yielding(claims, kept_proofs(case, slug), f"{how}, the same units learn it", self.equal)
        return claims

    def _beyond_shares(self, case: Case, claim: Counterfactual) -> Counterfactual:
        """Take the proof away where moving the class shares does as much."""
        if not claim.is_proof:
            return claim
        shares = case.counts / case.counts.sum()
        is_small = shares[case.names.index(claim.label)] < self.small / np.count_nonzero(shares)
        for slug in ("logit-adjustment", "class-weights") if is_small else ("logit-adjustment",):
            other = proofs_of(case, slug).get(claim.label)
            if other is not None and other.net >= self.shares_do * claim.net:
                return replace(claim, reason=f"{slug.replace('-', ' ')} alone brings back as much")
        return claim


def _lifted(case: Case, slug: str) -> tuple[int, ...]:
    """Codes of the classes that an intervention provably lifts."""
    return tuple(case.names.index(name) for name in proofs_of(case, slug))


def _areas_alone(case: Case, k: int, rest: int) -> tuple[float, float] | None:
    """Train the present network on class k against the rest as one; ``None`` if it cannot be scored."""
    lab, design = case.lab, case.lab.short_design()
    merges = {code: rest for code in range(case.n_classes) if code != k}
    trial = run_trial("alone", case.view, lab.raw, design, merges=merges)
    if trial.failure or trial.proba is None:
        return None
    rival, found, sizes = int(case.scores.rival[k]), [], []
    for split in design.splits:
        codes, own = lab.raw.codes[split.test], trial.proba[split.repeat, split.test, k].astype(float)
        pair = (codes == k) | (codes == rival)
        if (codes == k).any() and (codes == rival).any():
            sizes.append(int((codes == k).sum()))
            found.append((auc(own, codes == k), auc(own[pair], codes[pair] == k)))
    if sum(sizes) < lab.proof.least_rows:
        return None
    if min(sizes) < lab.proof.least_rows:
        against_rest, against_rival = np.average(found, axis=0, weights=sizes)
        return float(against_rest), float(against_rival)
    # The best fit tells what the network can; a start from which it learns nothing is another matter.
    return max(found, key=min)


def _opposition(case: Case) -> NDArray[np.float64] | None:
    """Cosine of each class's gradient on the last layer with the others' sum; ``None`` if the inside is not seen."""
    part = case.network_part
    if part is None:
        return None
    codes = case.subject.codes[case.shown_rows]
    place = {str(label): k for k, label in enumerate(part.classes.tolist())}
    known = np.array([place.get(name, -1) for name in case.names])
    if (known < 0).any():
        return None
    read = np.column_stack([part.features, np.ones(len(part.features))])
    products, seen = mean_gradient_products(-part.pull[:, known], read, codes, case.n_classes)
    shares = case.counts / max(1, case.counts.sum())
    opposition: NDArray[np.float64] = class_gradients_from_products(products, shares, seen).opposition
    return opposition
