"""Causes that compete for a class: what each repairs, and what it says for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from marginscope._display import signed
from marginscope.findings import Counterfactual, Finding

__all__ = ["NEVER_A_CAUSE", "PREFERENCE", "Candidate", "best_unproven", "beyond_same_class", "claim_sentence"]

PREFERENCE = (
    "label-map",
    "class-absent",
    "conflicting-labels",
    "knob-ignored",
    "mislabelled",
    "few-rows",
    "share-drift",
    "not-converged",
    "dead-units",
    "flat-loss",
    "unscaled-features",
    "over-regularised",
    "overfit",
    "one-vs-rest-masking",
    "shared-interference",
    "imbalance",
    "low-capacity",
    "no-signal",
    "rival-overlap",
)

# Causes whose interventions set or train the same kind of model differently.
_SAME_CLASS = (
    "not-converged",
    "dead-units",
    "flat-loss",
    "unscaled-features",
    "over-regularised",
    "one-vs-rest-masking",
)

NEVER_A_CAUSE = frozenset({"infinite-parameters", "weights-vanish", "non-identifiable"})

# Share of a lift from which a placebo needs a word.
_LIKE = 0.75


@dataclass(frozen=True)
class Candidate:
    """A cause for one class, with what it repairs and why."""

    slug: str
    net: float
    sentence: str
    claim: Counterfactual | None = None


def beyond_same_class(candidates: list[Candidate]) -> list[Candidate]:
    """Credit a richer model class only with what the present class, better set, does not reach."""
    own = [one.net for one in candidates if one.slug in _SAME_CLASS]
    if not own:
        return candidates
    return [replace(one, net=one.net - max(own)) if one.slug == "low-capacity" else one for one in candidates]


def claim_sentence(claim: Counterfactual) -> str:
    low, high = claim.interval
    text = f"recall {signed(claim.lift)} [{signed(low)}, {signed(high)}] by {claim.intervention.replace('-', ' ', 1)}"
    if claim.placebo is None:
        return text
    if claim.is_proof and claim.placebo > _LIKE * claim.lift:
        # What such a proof rests on; under permuted labels rivals pay in full.
        return f"{text}, for which rivals lose {claim.rival_cost:.2f} (placebo {signed(claim.placebo)}, paid in full)"
    return f"{text} (placebo {signed(claim.placebo)})"


def best_unproven(by_slug: Mapping[str, Finding], name: str) -> Candidate | None:
    """The cause whose intervention lifted the class most without proving it."""
    best: Candidate | None = None
    for finding in by_slug.values():
        for claim in finding.counterfactuals:
            better = claim.label == name and not claim.is_proof and (best is None or claim.lift > best.net)
            if better and finding.slug not in NEVER_A_CAUSE:
                best = Candidate(finding.slug, claim.lift, claim_sentence(claim), claim)
    return best
