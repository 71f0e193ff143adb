"""Try remedies on the rows and folds of a diagnosis, and name the one that helps most."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import display_order
from marginscope.diagnosis.calibration import log_loss_interval, probability_changes
from marginscope.diagnosis.candidates import NEVER_A_CAUSE
from marginscope.diagnosis.case import Case, Failed, NotTried
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.effects import Effect
from marginscope.diagnosis.final_fit import fit_winner
from marginscope.diagnosis.limit_notes import limit_note, separation_or_none
from marginscope.diagnosis.model_code import code_on_features, code_on_text_labels, joined_code, model_code
from marginscope.diagnosis.prior_correction import prior_corrected
from marginscope.diagnosis.proof import NO_PLACEBO
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.diagnosis.remedy_choice import choose, on_balance
from marginscope.diagnosis.remedy_sentence import outcome_sentence, selection_note
from marginscope.diagnosis.result import Diagnosis
from marginscope.diagnosis.selection import chosen_elsewhere
from marginscope.diagnosis.separation import Separation
from marginscope.diagnosis.trials import merge_codes
from marginscope.exceptions import UsageError
from marginscope.findings import Status, Verdict
from marginscope.remedies import REMEDIES
from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial, Selection
from marginscope.remedies.recipe import Recipe, Remedy
from marginscope.remedies.shares import TrainsUnderOtherShares, prior_snippet

__all__ = ["try_remedies"]


def try_remedies(case: Case, diagnosis: Diagnosis, *, label: str | None, budget: float | None) -> RemedyLedger:
    """Run every remedy that can act on the causes found, cheap ones first; see ``Diagnosis.remedy``."""
    from threadpoolctl import threadpool_limits

    lab = case.lab
    assert isinstance(lab, Laboratory)
    targets = _targets(diagnosis, label)
    causes = _causes(diagnosis, targets)
    lab.deadline = None if budget is None else time.monotonic() + budget
    with threadpool_limits(limits=1), quiet_fits():
        separation = separation_or_none(case) if targets else None
        trials = _trials(case, lab, targets, causes, separation) if targets else ()
        first = frozenset(str(diagnosis[name].cause) for name in targets)
        winner, best, doubts = _best(case, lab, trials, targets, first, one_is_asked_for=label is not None)
    selection = None if winner is None else _selection(case, lab, trials, targets)
    base = {name: _number(case.lab_recall[k]) for k, name in enumerate(case.names)}
    return RemedyLedger(
        targets=targets,
        base_recall=base,
        trials=trials,
        winner=None if winner is None else winner.slug,
        sentence=outcome_sentence(
            diagnosis, targets, winner, trials, label is not None, _owing(case, lab, trials, targets)
        ),
        best_estimator_=best,
        notes=(*diagnosis.notes, *doubts, *selection_note(selection)),
        data=diagnosis.data.to_dict(),
        provenance=dict(diagnosis.provenance),
        selection=selection,
        separation=separation,
    )


def _best(
    case: Case,
    lab: Laboratory,
    trials: Sequence[RemedyTrial],
    targets: tuple[str, ...],
    causes: frozenset[str],
    *,
    one_is_asked_for: bool,
) -> tuple[RemedyTrial | None, Any, tuple[str, ...]]:
    """Return the remedy named best, fitted on all rows, and what is said of better ones that broke there."""
    n_recipes = sum(len(effects) for effects in lab.tried().values())
    left = list(trials)
    doubts: list[str] = []
    while True:
        winner = choose(left, targets, causes)
        if winner is None and not one_is_asked_for:
            winner = on_balance(left, n_recipes)
        if winner is None:
            return None, None, tuple(doubts)
        final = fit_winner(case, lab, winner)
        if not final.doubt:
            return winner, final.estimator, tuple(doubts)
        doubts.append(final.doubt)
        left.remove(winner)


def _targets(diagnosis: Diagnosis, label: str | None) -> tuple[str, ...]:
    if label is not None:
        try:
            one = diagnosis[label]
        except KeyError as error:
            known = [diagnosis.labels[k] for k in display_order(diagnosis.labels)[:20]]
            raise UsageError(
                f"a class of the data is needed, but got {label!r}; the classes are {', '.join(known)}"
            ) from error
        return (one.label,)
    return tuple(one.label for one in diagnosis.not_learned if one.verdict is not Verdict.ABSENT)


def _owing(case: Case, lab: Laboratory, trials: Sequence[RemedyTrial], targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the remedies that lift a target, where the time for their placebo alone is missing."""
    codes = {name: case.names.index(name) for name in targets}
    found = []
    for one in trials:
        effects = lab.tried().get(one.slug, ()) if one.outcome == "tried" else ()
        owed = [effect for effect in effects if lab.owes_placebo(effect)]
        if any(lab.judge(effect, k, name).reason == NO_PLACEBO for effect in owed for name, k in codes.items()):
            found.append(one.slug)
    return tuple(found)


def _causes(diagnosis: Diagnosis, targets: tuple[str, ...]) -> frozenset[str]:
    """First causes and runners-up of the targets, and what is wrong with the fit.

    Empty if some target has no cause, so that all is tried.
    """
    found: set[str] = set()
    for name in targets:
        one = diagnosis[name]
        if one.cause is None:
            return frozenset()
        found.update(slug for slug in (one.cause, one.runner_up) if slug is not None)
    about_the_fit = (one for one in diagnosis.findings if one.slug in NEVER_A_CAUSE and one.status is Status.ISSUE)
    found.update(one.slug for one in about_the_fit if set(one.classes) & set(targets))
    return frozenset(found)


def _trials(
    case: Case, lab: Laboratory, targets: tuple[str, ...], causes: frozenset[str], separation: Separation | None
) -> tuple[RemedyTrial, ...]:
    """Try the remedies in the order of their cost, so that a budget drops the dear ones, and list them in theirs."""
    found = {one.slug: _try(one, case, lab, targets, causes) for one in sorted(REMEDIES, key=lambda one: one.fits)}
    return tuple(_with_note(found[one.slug], limit_note(one, separation)) for one in REMEDIES)


def _with_note(trial: RemedyTrial, note: str) -> RemedyTrial:
    """Add why the limit stays to what was tried, and to weights that are in use already."""
    is_meant = trial.outcome == "tried" or trial.slug == "class-weights"
    return replace(trial, caveat=note) if note and is_meant else trial


def _try(remedy: Remedy, case: Case, lab: Laboratory, targets: tuple[str, ...], causes: frozenset[str]) -> RemedyTrial:
    tried = remedy.slug in lab.tried()
    if causes and not tried and not (remedy.acts_on & causes):
        return _not_tried(remedy, f"made for other causes than those that come first ({', '.join(sorted(causes))})")
    try:
        effects = lab.effects(remedy.slug)
    except NotTried as error:
        return _not_tried(remedy, str(error), has_failed=isinstance(error, Failed))

    def worth(effect: Effect) -> tuple[float, float]:
        codes = [case.names.index(name) for name in targets]
        helped = [k for k in codes if lab.judge(effect, k, case.names[k]).is_proof]
        lift = float(np.nansum(effect.lift[helped])) / len(codes)
        return (lift + effect.balanced if helped else 0.0), float(np.nansum((effect.lift - effect.cost)[codes]))

    return _trial(remedy, max(effects, key=worth), case, lab, targets)


def _not_tried(remedy: Remedy, reason: str, *, has_failed: bool = False) -> RemedyTrial:
    return RemedyTrial(
        remedy.slug,
        remedy.title,
        "failed" if has_failed else "could_not_act",
        reason=reason,
        side_effects=remedy.side_effects,
        changes=remedy.changes,
        family=remedy.family,
    )


def _trial(remedy: Remedy, effect: Effect, case: Case, lab: Laboratory, targets: tuple[str, ...]) -> RemedyTrial:
    recipe = lab.recipe(effect.name)
    after = _recall_on_shared_rows(effect, recipe, lab)
    change: dict[str, Change | None] = {}
    recall: dict[str, float | None] = {}
    for k, name in enumerate(case.names):
        lift = _number(effect.lift[k])
        change[name] = None if lift is None else Change(lift, (float(effect.low[k]), float(effect.high[k])))
        recall[name] = _number(after[k])
    changes = [(float(effect.lift[k]), name) for k, name in enumerate(case.names) if not np.isnan(effect.lift[k])]
    # Of several targets one may pay for the others.
    others = [one for one in changes if one[1] not in targets or (len(targets) > 1 and one[0] < 0)]
    helps = tuple(name for name in targets if lab.judge(effect, case.names.index(name), name).is_proof)
    log_loss, calibration = probability_changes(lab.base, effect.trial, lab.raw.codes, recipe.merges)
    fixed_log_loss, fixed_calibration = _corrected_changes(remedy, effect, recipe, lab)
    title = remedy.title if effect.name == remedy.slug else f"{remedy.title} ({recipe.expression})"
    return RemedyTrial(
        slug=remedy.slug,
        title=title,
        outcome="tried",
        recall=recall,
        change=change,
        balanced=Change(effect.balanced, effect.balanced_interval),
        worst_other=(min(others)[1], min(others)[0]) if others else None,
        log_loss=log_loss,
        calibration=calibration,
        helps=helps,
        seconds=effect.trial.seconds,
        recipe=effect.name,
        snippet=_snippet(remedy, recipe, case, lab),
        side_effects=remedy.side_effects,
        changes=remedy.changes,
        family=remedy.family,
        log_loss_interval=log_loss_interval(lab.base, effect.trial, lab.raw.codes, recipe.merges),
        log_loss_corrected=fixed_log_loss,
        calibration_corrected=fixed_calibration,
    )


def _recall_on_shared_rows(effect: Effect, recipe: Recipe, lab: Laboratory) -> NDArray[np.float64]:
    """Recall on the rows that the present model and the remedy both score: rows in doubt are left out."""
    target = merge_codes(lab.raw.codes, recipe.merges)
    right = effect.trial.correct(target)
    both = ~(np.isnan(lab.base.correct(lab.raw.codes)) | np.isnan(right))
    hits, n = (np.bincount(lab.raw.codes[both], weights, lab.n_classes) for weights in (right[both], None))
    return np.where(n > 0, hits / np.maximum(n, 1), np.nan)


def _is_corrigible(remedy: Remedy, lab: Laboratory) -> bool:
    """Whether a remedy shifts the shares of all classes together, so that they can be shifted back."""
    return isinstance(remedy, TrainsUnderOtherShares) and lab.situation.view.joint_fit() is None


def _corrected_changes(
    remedy: Remedy, effect: Effect, recipe: Recipe, lab: Laboratory
) -> tuple[float | None, float | None]:
    if not isinstance(remedy, TrainsUnderOtherShares) or not _is_corrigible(remedy, lab):
        return None, None
    back = prior_corrected(effect.trial, lab.design, lab.raw.codes, remedy)
    return probability_changes(lab.base, back, lab.raw.codes, recipe.merges)


def _snippet(remedy: Remedy, recipe: Recipe, case: Case, lab: Laboratory) -> str:
    code = remedy.snippet(lab.situation, recipe)
    if recipe.estimator is not None and hasattr(recipe.estimator, "predict_proba") and _is_corrigible(remedy, lab):
        assert isinstance(remedy, TrainsUnderOtherShares)
        code += "\n" + prior_snippet(lab.situation, remedy.trained_shares(lab.situation.counts))
    is_file = not case.has_own_form
    if is_file:
        code = code_on_text_labels(code, case.names)
    if recipe.reads_features:
        return code_on_features(code, lab.situation.features, is_file=is_file)
    made = model_code(lab.situation.view.estimator, lab.situation.features, is_file=is_file)
    return joined_code(made, code) if made else code


def _selection(
    case: Case, lab: Laboratory, trials: Sequence[RemedyTrial], targets: tuple[str, ...]
) -> Selection | None:
    """Measure what the choice among all recipes that were tried adds to the score of the best."""
    codes = lab.raw.codes
    before = lab.base.correct(codes)
    tried = {one.slug for one in trials if one.outcome == "tried"}
    changes = []
    for slug, effects in lab.tried().items():
        for effect in effects if slug in tried else ():
            target = merge_codes(codes, lab.recipe(effect.name).merges)
            changes.append(effect.trial.correct(target) - before)
    if len(changes) < 2:
        return None
    wanted = [case.names.index(name) for name in targets]
    apparent, held_out = chosen_elsewhere(changes, codes, wanted, lab.n_classes, seed=case.seed)
    return Selection(len(changes), apparent, held_out)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
