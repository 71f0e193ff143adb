"""All cases: being in ``CASES`` is being drawn, verified, scored and reported."""

from __future__ import annotations

from benchmarks.gauntlet.cases import (
    class_absent,
    conflicting_labels,
    dead_units,
    few_rows,
    flat_loss,
    healthy,
    imbalance,
    label_map,
    low_capacity,
    mislabelled,
    no_signal,
    non_identifiable,
    not_converged,
    one_vs_rest_masking,
    over_regularised,
    overfit,
    rival_overlap,
    separable,
    share_drift,
    shared_interference,
    unscaled_features,
)
from benchmarks.gauntlet.planted import Case

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *label_map.CASES,
    *class_absent.CASES,
    *conflicting_labels.CASES,
    *imbalance.CASES,
    *mislabelled.CASES,
    *few_rows.CASES,
    *share_drift.CASES,
    *not_converged.CASES,
    *dead_units.CASES,
    *flat_loss.CASES,
    *unscaled_features.CASES,
    *over_regularised.CASES,
    *overfit.CASES,
    *one_vs_rest_masking.CASES,
    *shared_interference.CASES,
    *low_capacity.CASES,
    *no_signal.CASES,
    *rival_overlap.CASES,
    *separable.CASES,
    *non_identifiable.CASES,
    *healthy.CASES,
)
