"""Why no remedy was tried, or none could be proved, and what to give for that."""

from __future__ import annotations

from collections.abc import Sequence

from marginscope.diagnosis.case import BUDGET_SPENT
from marginscope.diagnosis.claims import name_list
from marginscope.diagnosis.result import Diagnosis
from marginscope.remedies.ledger import RemedyTrial

__all__ = ["n_too_late", "nothing_tried", "time_ran_out"]

_MORE_TIME = "allow more with --budget"


def nothing_tried(diagnosis: Diagnosis, targets: tuple[str, ...], trials: Sequence[RemedyTrial]) -> str:
    """Say why nothing was tried on the targets, and what would change that."""
    on = f"Nothing could be tried on {name_list(targets, 5)} with what was given"
    if late := n_too_late(trials):
        return (
            f"Nothing was tried on {name_list(targets, 5)}: the time ran out before the first of {late} "
            f"{'remedy' if late == 1 else 'remedies'}; {_MORE_TIME}."
        )
    if diagnosis.model.kind == "Predictions":
        return f"{on}: {_answers(diagnosis, trials)}."
    causes = sorted({str(one.cause) for name in targets if (one := diagnosis[name]).cause is not None})
    if causes:
        return (
            f"No remedy acts on what was found ({', '.join(causes)}), so none was tried on {name_list(targets, 5)}; "
            f"'marginscope explain {causes[0]}' says what to do."
        )
    return f"{on}: every remedy says why it could not act."


def _answers(diagnosis: Diagnosis, trials: Sequence[RemedyTrial]) -> str:
    """Name what is known where the model is not, and what to give."""
    has_proba = not any("no probabilities" in one.reason for one in trials)
    known = "only the model's probabilities are known" if has_proba else "only predicted labels are known"
    in_program = bool(diagnosis.fix_words)
    model = "the model with --model" if in_program else "the model itself"
    if not diagnosis.data.features:
        model = f"the features and {model}"
    if has_proba:
        return f"{known}; give {model}"
    proba = "its probabilities of every class with --pred" if in_program else "its answers as Predictions(proba=...)"
    return f"{known}; give {model}, or {proba}"


def n_too_late(trials: Sequence[RemedyTrial]) -> int:
    """Count the remedies that the time budget did not reach."""
    return sum(one.outcome != "tried" and one.reason.startswith(BUDGET_SPENT) for one in trials)


def time_ran_out(owing: Sequence[str], targets: tuple[str, ...]) -> str:
    """Say that lifts were seen whose placebo there was no time for."""
    shown = ", ".join(owing[:5]) + (f" and {len(owing) - 5} more" if len(owing) > 5 else "")
    return (
        f"The time ran out before the placebo of {shown}, so no lift of {name_list(targets, 5)} is proved yet; "
        f"{_MORE_TIME}."
    )
