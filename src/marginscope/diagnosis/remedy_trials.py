"""Try remedies on the rows and folds of a diagnosis, and name the one that helps most."""

from __future__ import annotations

import time

import numpy as np

from marginscope._display import signed
from marginscope.diagnosis.calibration import probability_changes
from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import name_list
from marginscope.diagnosis.counterfactual import Laboratory
from marginscope.diagnosis.effects import Effect
from marginscope.diagnosis.final_fit import fit_winner
from marginscope.diagnosis.model_code import model_code
from marginscope.diagnosis.quiet import quiet_fits
from marginscope.diagnosis.result import Diagnosis
from marginscope.exceptions import UsageError
from marginscope.findings import Verdict
from marginscope.remedies import REMEDIES, remedy
from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial
from marginscope.remedies.recipe import Recipe, Remedy

__all__ = ["try_remedies"]

# Share of the largest gain that counts as none.
_EQUAL = 0.1


def try_remedies(case: Case, diagnosis: Diagnosis, *, label: str | None, budget: float | None) -> RemedyLedger:
    """Run every remedy that can act on the causes found; see ``Diagnosis.remedy``."""
    from threadpoolctl import threadpool_limits

    lab = case.lab
    assert isinstance(lab, Laboratory)
    targets = _targets(diagnosis, label)
    causes = _causes(diagnosis, targets)
    lab.deadline = None if budget is None else time.monotonic() + budget
    with threadpool_limits(limits=1), quiet_fits():
        trials = tuple(_try(one, case, lab, targets, causes) for one in REMEDIES) if targets else ()
        first = frozenset(str(diagnosis[name].cause) for name in targets)
        winner = _winner(trials, targets, first)
        best = None if winner is None else fit_winner(case, lab, winner)
    base = {name: _number(case.lab_recall[k]) for k, name in enumerate(case.names)}
    return RemedyLedger(
        targets=targets,
        base_recall=base,
        trials=trials,
        winner=None if winner is None else winner.slug,
        sentence=_sentence(diagnosis, targets, winner, trials, label is not None),
        best_estimator_=best,
        notes=diagnosis.notes,
        data=diagnosis.data.to_dict(),
        provenance=dict(diagnosis.provenance),
    )


def _targets(diagnosis: Diagnosis, label: str | None) -> tuple[str, ...]:
    if label is not None:
        try:
            one = diagnosis[label]
        except KeyError as error:
            raise UsageError(
                f"a class of the data is needed, but got {label!r}; the classes are {', '.join(diagnosis.labels[:20])}"
            ) from error
        return (one.label,)
    return tuple(one.label for one in diagnosis.not_learned if one.verdict is not Verdict.ABSENT)


def _causes(diagnosis: Diagnosis, targets: tuple[str, ...]) -> frozenset[str]:
    """First causes and runners-up of the targets; empty if some target has no cause, so that all is tried."""
    found: set[str] = set()
    for name in targets:
        one = diagnosis[name]
        if one.cause is None:
            return frozenset()
        found.update(slug for slug in (one.cause, one.runner_up) if slug is not None)
    return frozenset(found)


def _try(remedy: Remedy, case: Case, lab: Laboratory, targets: tuple[str, ...], causes: frozenset[str]) -> RemedyTrial:
    tried = remedy.slug in lab.tried()
    if causes and not tried and not (remedy.acts_on & causes):
        return _not_tried(remedy, f"made for other causes than {', '.join(sorted(causes))}")
    try:
        effects = lab.effects(remedy.slug)
    except NotTried as error:
        return _not_tried(remedy, str(error))
    codes = [case.names.index(name) for name in targets]
    effect = max(effects, key=lambda one: float(np.nansum((one.lift - one.cost)[codes])))
    return _trial(remedy, effect, case, lab, targets)


def _not_tried(remedy: Remedy, reason: str) -> RemedyTrial:
    outcome = "failed" if " failed: " in reason else "could_not_act"
    return RemedyTrial(remedy.slug, remedy.title, outcome, reason=reason, side_effects=remedy.side_effects)


def _trial(remedy: Remedy, effect: Effect, case: Case, lab: Laboratory, targets: tuple[str, ...]) -> RemedyTrial:
    recipe = lab.recipe(effect.name)
    change: dict[str, Change | None] = {}
    recall: dict[str, float | None] = {}
    for k, name in enumerate(case.names):
        lift = _number(effect.lift[k])
        change[name] = None if lift is None else Change(lift, (float(effect.low[k]), float(effect.high[k])))
        recall[name] = None if lift is None else float(case.lab_recall[k] + lift)
    changes = [(float(effect.lift[k]), name) for k, name in enumerate(case.names) if not np.isnan(effect.lift[k])]
    # Of several targets one may pay for the others.
    others = [one for one in changes if one[1] not in targets or (len(targets) > 1 and one[0] < 0)]
    helps = tuple(name for name in targets if lab.judge(effect, case.names.index(name), name).is_proof)
    log_loss, calibration = probability_changes(lab.base, effect.trial, lab.raw.codes, recipe.merges)
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
        snippet=_snippet(remedy, recipe, lab),
        side_effects=remedy.side_effects,
    )


def _snippet(remedy: Remedy, recipe: Recipe, lab: Laboratory) -> str:
    code = remedy.snippet(lab.situation, recipe)
    if recipe.reads_features:
        return code
    made = model_code(lab.situation.view.estimator)
    if not made:
        return code
    # Imports first, those of both.
    imports = [line for part in (made, code) for line in part.splitlines() if line.startswith(("from ", "import "))]
    rest = [line for part in (made, code) for line in part.splitlines() if line and line not in imports]
    return "\n".join([*dict.fromkeys(imports), "", *rest])


def _gain(trial: RemedyTrial, targets: tuple[str, ...]) -> float:
    lifts = [one.value for name in trial.helps if (one := trial.change.get(name)) is not None]
    return sum(lifts) / len(targets) + (0.0 if trial.balanced is None else trial.balanced.value)


def _level(trials: tuple[RemedyTrial, ...], targets: tuple[str, ...]) -> list[RemedyTrial]:
    """Return the remedies within ``_EQUAL`` of the largest gain over the targets, balanced recall added."""
    helpful = [one for one in trials if one.helps]
    best = max((_gain(one, targets) for one in helpful), default=0.0)
    return [one for one in helpful if _gain(one, targets) >= best - _EQUAL * abs(best)]


def _winner(trials: tuple[RemedyTrial, ...], targets: tuple[str, ...], causes: frozenset[str]) -> RemedyTrial | None:
    """The remedy that gains most; between equals one that acts on a first cause, then the lower log-loss.

    So a repaired model goes before another kind of model.
    """
    level = _level(trials, targets)
    if not level:
        return None

    def rank(trial: RemedyTrial) -> tuple[bool, float]:
        acts = bool(remedy(trial.slug).acts_on & causes)
        return not acts, round(trial.log_loss, 2) if trial.log_loss is not None else 0.0

    return min(level, key=rank)


def _sentence(
    diagnosis: Diagnosis,
    targets: tuple[str, ...],
    winner: RemedyTrial | None,
    trials: tuple[RemedyTrial, ...],
    asked: bool,
) -> str:
    if not targets:
        return "Every class that was scored is learned; nothing needs a remedy."
    if winner is None:
        return _nothing_helps(diagnosis, targets, trials, asked)
    left = tuple(name for name in targets if name not in winner.helps)
    text = f"best is {winner.slug}, {winner.title}: it lifts {name_list(winner.helps, 5)}"
    if left:
        text += f"; {name_list(left, 5)} {'is' if len(left) == 1 else 'are'} not lifted by it for sure"
    if winner.worst_other is not None and winner.worst_other[1] < 0:
        text += f"; '{winner.worst_other[0]:.40}' pays most ({signed(winner.worst_other[1])} recall)"
    equals = [one for one in _level(trials, targets) if one is not winner]
    ahead = [one.slug for one in equals if _gain(one, targets) > _gain(winner, targets)]
    if ahead:
        text += (
            f". {' and '.join(ahead[:3])} {'gains' if len(ahead) == 1 else 'gain'} up to a tenth more; between such "
            "equals a remedy that acts on the cause goes first, then the one with the lower log-loss"
        )
    return text[0].upper() + text[1:] + "."


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _nothing_helps(diagnosis: Diagnosis, targets: tuple[str, ...], trials: tuple[RemedyTrial, ...], asked: bool) -> str:
    if asked and diagnosis[targets[0]].verdict is Verdict.HEALTHY:
        return f"{name_list(targets, 5)} is learned already, and nothing that was tried lifts it further for sure."
    changes = {one.slug: [c for name in targets if (c := one.change.get(name)) is not None] for one in trials}
    causes = sorted({str(diagnosis[name].cause) for name in targets if diagnosis[name].cause is not None})
    found = f" What was found: {', '.join(causes)}." if causes else ""
    rising = tuple(slug for slug, lifts in changes.items() if any(one.interval[0] > 0 for one in lifts))
    if rising:
        return (
            f"Nothing that was tried lifts {name_list(targets, 5)} for free: {', '.join(rising)} would raise "
            f"the recall, but other classes lose about as much or a placebo does the same.{found}"
        )
    return (
        f"Nothing that was tried lifts {name_list(targets, 5)} for sure; what is missing is in the data: "
        f"more rows, other features, or cleaner labels.{found}"
    )
