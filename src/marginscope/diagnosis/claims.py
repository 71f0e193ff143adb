"""From counterfactuals to a finding: shared by all checks that prove by refitting."""

from __future__ import annotations

from collections.abc import Iterable

from marginscope._display import display_order
from marginscope.diagnosis.case import BudgetSpent, Case, NotTried
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Counterfactual, Evidence, Finding, Panel, Series, Status

__all__ = ["claims_of", "lift_evidence", "lift_panel", "name_list", "settled"]

_LONGEST_NAME = 40


def name_list(names: Iterable[str], most: int = 4) -> str:
    """Return labels for a sentence, the first few in quotes."""
    names = list(names)
    # In the order of codes, classes named by numbers stand as words do: 1, 10, 2.
    names = [names[k] for k in display_order(names)] if names == sorted(names) else names
    cut = (name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in names[:most])
    shown = ", ".join(f"'{name}'" for name in cut)
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def claims_of(case: Case, *interventions: str) -> dict[str, Counterfactual]:
    """Return the best counterfactual per class over some interventions.

    Raises
    ------
    CheckNotApplicable
        If none of the interventions can act on this model.
    BudgetSpent
        If time ran out before any of them.
    """
    best: dict[str, Counterfactual] = {}
    reasons: list[str] = []
    spent: BudgetSpent | None = None
    for slug in interventions:
        try:
            case.lab.effects(slug)
        except BudgetSpent as error:
            spent = error
            continue
        except NotTried as error:
            reasons.append(str(error))
            continue
        for code, name in enumerate(case.names):
            claim = case.lab.claim(slug, code, name)
            if claim is None:
                continue
            present = best.get(name)
            if present is None or (claim.is_proof, claim.net) > (present.is_proof, present.net):
                best[name] = claim
    if not best:
        if spent is not None:
            raise spent
        raise CheckNotApplicable("; ".join(reasons) or "no class is scored")
    return best


def lift_evidence(claim: Counterfactual) -> tuple[Evidence, ...]:
    """Return the numbers of one counterfactual."""
    rows = [
        Evidence(f"lift of '{claim.label:.60}' by {claim.intervention}", claim.lift, claim.predicted, claim.interval),
        Evidence(f"recall that rivals of '{claim.label:.60}' lose", claim.rival_cost, claim.lift),
    ]
    if claim.placebo is not None:
        rows.append(Evidence(f"lift of '{claim.label:.60}' by the placebo", claim.placebo, claim.lift))
    return tuple(rows)


def lift_panel(claims: Iterable[Counterfactual], title: str) -> Panel:
    """Return a forest of lifts with their intervals, placebos as a second series."""
    claims = list(claims)
    names = tuple(one.intervention for one in claims)
    return Panel(
        kind="forest",
        title=title,
        x_label="change of recall",
        y_label="",
        series=(
            Series(
                "measured",
                names,
                tuple(one.lift for one in claims),
                tuple(one.interval[0] for one in claims),
                tuple(one.interval[1] for one in claims),
            ),
            Series("placebo", names, tuple(one.placebo for one in claims)),
        ),
        marks=(("no change", 0.0),),
    )


def settled(
    case: Case,
    slug: str,
    claims: dict[str, Counterfactual],
    *,
    remedies: tuple[str, ...],
    issue: str,
    passed: str,
    extra: tuple[Evidence, ...] = (),
    panels: dict[str, Panel] | None = None,
) -> Finding:
    """Return an issue for the classes with a proof, else a pass.

    ``issue`` may use ``{names}``; ``panels`` are by default the lifts that are proofs.
    """
    proven = {name: one for name, one in claims.items() if one.is_proof}
    extra += case.subsample_evidence("interventions")
    if panels is None:
        panels = {name: lift_panel([one], f"Lift of '{name:.40}'") for name, one in proven.items()}
    ranked = sorted(proven.values(), key=lambda one: -one.net)
    evidence = tuple(row for one in ranked[:12] for row in lift_evidence(one)) + extra
    if not proven:
        top = max(claims.values(), key=lambda one: one.lift)
        return Finding(
            slug,
            Status.PASSED,
            passed,
            evidence=(*lift_evidence(top), *extra),
            counterfactuals=tuple(claims.values()),
            panels=panels,
        )
    return Finding(
        slug,
        Status.ISSUE,
        issue.format(names=name_list(one.label for one in ranked)),
        classes=tuple(one.label for one in ranked),
        evidence=evidence,
        remedies=remedies,
        counterfactuals=tuple(claims.values()),
        panels=panels,
    )
