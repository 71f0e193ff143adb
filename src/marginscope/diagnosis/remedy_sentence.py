"""The outcome of a ledger in words."""

from __future__ import annotations

from collections.abc import Sequence

from marginscope._display import signed
from marginscope.diagnosis.claims import name_list
from marginscope.diagnosis.nothing_tried import n_too_late, nothing_tried, time_ran_out
from marginscope.diagnosis.remedy_choice import balanced_gain, gain, level
from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import Verdict
from marginscope.remedies.ledger import RemedyTrial, Selection
from marginscope.tables.wording import joined

__all__ = ["outcome_sentence", "selection_note"]

# Optimism of the choice that is worth a note, in balanced recall.
_WORTH_A_NOTE = 0.01
# Balanced recall that counts as no difference, and recall of the class that pays most that counts as one.
_AS_MUCH = 0.02
_FAR_LESS = 0.1


def outcome_sentence(
    diagnosis: Diagnosis,
    targets: tuple[str, ...],
    winner: RemedyTrial | None,
    trials: Sequence[RemedyTrial],
    asked: bool,
    owing: Sequence[str] = (),
) -> str:
    """Return what is best and what it costs, or that nothing helps and why.

    ``owing`` are slugs of remedies that lift a target, whose placebo the time did not allow.
    """
    if not targets:
        return "Every class that was scored is learned; nothing needs a remedy."
    if not any(one.outcome == "tried" for one in trials):
        return nothing_tried(diagnosis, targets, trials)
    if winner is None:
        return _nothing_helps(diagnosis, targets, trials, asked, owing)
    if not winner.helps:
        return _on_balance(winner, targets, owing)
    left = tuple(name for name in targets if name not in winner.helps)
    text = f"best is {winner.slug}, {winner.title}: it lifts {name_list(winner.helps, 5)}"
    text += _not_lifted(left, winner)
    if winner.worst_other is not None and _loss(winner) > 0:
        text += f"; '{winner.worst_other[0]:.40}' pays most ({signed(winner.worst_other[1])} recall)"
    equals = [one for one in level(trials, targets) if one is not winner]
    ahead = [one.slug for one in equals if gain(one, targets) > gain(winner, targets)]
    if ahead:
        text += (
            f". {joined(ahead[:3])} {'gains' if len(ahead) == 1 else 'gain'} up to a tenth more; between such "
            "equals a remedy that acts on the cause goes first, then the one with the lower log-loss"
        )
    return text[0].upper() + text[1:] + "." + _cheaper(winner, trials)


def _not_lifted(left: tuple[str, ...], winner: RemedyTrial) -> str:
    """Say which targets it does not lift; a rise whose interval is above zero may be paid for, or a placebo's too."""
    rising = tuple(name for name in left if (one := winner.change.get(name)) is not None and one.interval[0] > 0)
    text = ""
    if rising:
        verb = "rises" if len(rising) == 1 else "rise"
        text += f"; {name_list(rising, 5)} {verb} too, but that is no proof (rivals pay, or a placebo does as much)"
    flat = tuple(name for name in left if name not in rising)
    if flat:
        text += f"; {name_list(flat, 5)} {'is' if len(flat) == 1 else 'are'} not lifted by it for sure"
    return text


def _loss(trial: RemedyTrial) -> float:
    """Return the recall that the class that pays most loses, as it is shown."""
    return 0.0 if trial.worst_other is None else max(0.0, -round(trial.worst_other[1], 2))


def _cheaper(winner: RemedyTrial, trials: Sequence[RemedyTrial]) -> str:
    """Return a sentence on the remedy that gains nearly as much balanced recall while the others pay far less."""
    gained = winner.balanced
    if gained is None:
        return ""
    rivals = [
        one
        for one in trials
        if one is not winner
        and one.helps
        and one.balanced is not None
        and one.balanced.value >= gained.value - _AS_MUCH
        and _loss(one) <= _loss(winner) - _FAR_LESS
    ]
    if not rivals:
        return _gentler(winner, trials)
    best = min(rivals, key=lambda one: (_loss(one), -balanced_gain(one)))
    kind = "; it is another kind of model" if best.family == "model" else ""
    left = tuple(name for name in winner.helps if name not in best.helps)
    short = f", but does not lift {name_list(left, 5)} for sure" if left else ""
    much = _as_much(balanced_gain(best), gained.value, " balanced recall")
    return f" {best.slug} gains {much} and {_costs(best)}{short}{kind}."


def _gentler(winner: RemedyTrial, trials: Sequence[RemedyTrial]) -> str:
    """Return a sentence on a remedy that lifts the same classes as much at a far lower cost."""

    def lift(trial: RemedyTrial) -> float:
        return sum(one.value for name in winner.helps if (one := trial.change.get(name)) is not None) / len(
            winner.helps
        )

    gentle = [
        one
        for one in trials
        if set(one.helps) >= set(winner.helps)
        and one.balanced is not None
        and lift(one) >= lift(winner) - _AS_MUCH
        and _loss(one) <= _loss(winner) - _FAR_LESS
    ]
    if not gentle or winner.balanced is None:
        return ""
    best = min(gentle, key=lambda one: (_loss(one), -lift(one)))
    return (
        f" {best.slug} lifts {name_list(winner.helps, 5)} {_as_much(lift(best), lift(winner))} and {_costs(best)}, "
        f"but balanced recall rises less ({signed(balanced_gain(best))} against {signed(winner.balanced.value)})."
    )


def _costs(trial: RemedyTrial) -> str:
    loss = _loss(trial)
    return f"costs no class more than {loss:.2f}" if loss > 0 else "costs no class any recall"


def _as_much(mine: float, best: float, what: str = "") -> str:
    """Compare by the digits that the tables show; where they differ, name them."""
    if signed(mine) == signed(best):
        return f"as much{what}"
    return f"{'more' if mine > best else 'nearly as much'}{what} ({signed(mine)} against {signed(best)})"


def _on_balance(winner: RemedyTrial, targets: tuple[str, ...], owing: Sequence[str]) -> str:
    assert winner.balanced is not None
    low, high = winner.balanced.interval
    gained = f"{winner.slug}, {winner.title} ({signed(winner.balanced.value)} [{signed(low)}, {signed(high)}])"
    if owing:
        return f"{time_ran_out(owing, targets)} Balanced recall rises most by {gained}."
    return f"No class is lifted for sure by itself ({name_list(targets, 5)}), but balanced recall is: most by {gained}."


def _nothing_helps(
    diagnosis: Diagnosis, targets: tuple[str, ...], trials: Sequence[RemedyTrial], asked: bool, owing: Sequence[str]
) -> str:
    if owing:
        return time_ran_out(owing, targets)
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
    if late := n_too_late(trials):
        return (
            f"Nothing that was tried lifts {name_list(targets, 5)} for sure, but for {late} more "
            f"{'remedy' if late == 1 else 'remedies'} the time ran out; allow more with --budget.{found}"
        )
    return (
        f"Nothing that was tried lifts {name_list(targets, 5)} for sure; what is missing is in the data: "
        f"more rows, other features, or cleaner labels.{found}"
    )


def selection_note(selection: Selection | None) -> tuple[str, ...]:
    """Return a note where the choice itself flatters the winner."""
    if selection is None or selection.optimism <= _WORTH_A_NOTE:
        return ()
    return (selection.sentence,)
