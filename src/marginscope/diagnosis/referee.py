"""One verdict, one first cause and one runner-up per class.

Every cause that names a class is a candidate. Candidates that were proved by an
intervention are ranked by what the intervention repairs less what rivals pay for it;
among equals the order of ``PREFERENCE`` decides. Causes that need no intervention
(no rows, equal rows, no signal) enter with what they explain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from marginscope._display import display_order, signed
from marginscope.diagnosis.candidates import (
    NEVER_A_CAUSE,
    PREFERENCE,
    Candidate,
    best_unproven,
    beyond_same_class,
    claim_sentence,
)
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import lift_panel
from marginscope.findings import ClassDiagnosis, Evidence, Finding, Panel, Series, Status, Verdict

__all__ = ["Referee"]

_LIFTED = "passable, but lifted: "


@dataclass(frozen=True)
class Referee:
    """Thresholds of the verdicts.

    Attributes
    ----------
    unlearned, good : float
        Recalls below which a class is unlearned, and weak.
    least_rows : int
        Scored rows below which a class may stay undecided. With fewer than the
        ``least_rows`` of a proof it is never called unlearned or weak.
    least_lift : float
        Lift that makes a class weak.
    equal, equal_share : float
        Difference in net repair that is still called equal: absolute, and as a share of
        the larger.
    chance : float
        p-value above which a class is called no better than with permuted labels.
    explains : float
        Share of the missing recall that equal rows, silence of the features or a rival
        account for.
    """

    unlearned: float = 0.1
    good: float = 0.5
    least_rows: int = 30
    least_lift: float = 0.05
    equal: float = 0.05
    equal_share: float = 0.3
    chance: float = 0.05
    explains: float = 0.5

    def judge(
        self, case: Case, findings: tuple[Finding, ...]
    ) -> tuple[tuple[ClassDiagnosis, ...], tuple[Finding, ...]]:
        """Return the classes, worst first, and the findings with the losers' reasons added."""
        by_slug = {one.slug: one for one in findings}
        # Equals stay in the order to show: the sort below is stable.
        classes = [self._judge_class(case, by_slug, k) for k in display_order(case.names)]
        lost: dict[str, list[Evidence]] = {}
        for one in classes:
            if one.runner_up is not None:
                row = Evidence(f"runner-up for '{one.label:.60}': {one.runner_up_reason}", None)
                lost.setdefault(one.runner_up, []).append(row)
        findings = tuple(replace(one, evidence=one.evidence + tuple(lost.get(one.slug, ())[:12])) for one in findings)
        severity = {
            Verdict.UNLEARNED: 0,
            Verdict.WEAK: 1,
            Verdict.UNDECIDED: 2,
            Verdict.ABSENT: 3,
            Verdict.HEALTHY: 4,
        }
        classes.sort(key=lambda one: (severity[one.verdict], -1.0 if one.recall is None else one.recall, -one.rows))
        return tuple(classes), findings

    def _judge_class(self, case: Case, by_slug: Mapping[str, Finding], k: int) -> ClassDiagnosis:
        scores = case.scores
        name = case.names[k]
        candidates = self._candidates(case, by_slug, k)
        verdict = self._verdict(case, by_slug, k, candidates)
        unknown = case.counts[k] == 0 or np.isnan(scores.recall[k])
        recall = None if unknown else float(scores.recall[k])
        rival = int(scores.rival[k])
        slugs = tuple(one.slug for one in by_slug.values() if name in one.classes)
        result = ClassDiagnosis(
            label=name,
            rows=int(case.counts[k]),
            share=float(case.counts[k] / max(1, case.counts.sum())),
            recall=recall,
            recall_interval=None if recall is None else scores.interval[k],
            precision=None if np.isnan(scores.precision[k]) else float(scores.precision[k]),
            rival=case.names[rival] if recall is not None and rival >= 0 else None,
            verdict=verdict,
            findings=slugs,
            panel=_score_panel(case, k),
        )
        if verdict is Verdict.HEALTHY:
            return replace(result, reason=self._why_healthy(case, result, k))
        return self._explained(case, by_slug, result, self._ranked(candidates), k)

    def _verdict(self, case: Case, by_slug: Mapping[str, Finding], k: int, candidates: list[Candidate]) -> Verdict:
        scores, name = case.scores, case.names[k]
        recall, n = scores.recall[k], int(scores.n_scored[k])
        if case.counts[k] == 0:
            return Verdict.ABSENT
        if n == 0:
            return Verdict.UNDECIDED
        # Without features nothing but the answers can speak.
        silent = not case.has_features or ("no-signal" in by_slug and name in by_slug["no-signal"].classes)
        by_chance = scores.chance[k] >= self.chance and (recall < self.good or silent)
        proven = any(one.claim is not None for one in candidates)
        low, high = scores.interval[k]
        # A handful of rows condemns no class, as it proves no cause.
        poor = Verdict.UNDECIDED if n < case.lab.proof.least_rows else None
        open_question = n < self.least_rows and low < self.good < high
        if recall < self.unlearned:
            return poor or Verdict.UNLEARNED
        if recall < self.good and not (open_question and not proven):
            return poor or (Verdict.UNLEARNED if by_chance else Verdict.WEAK)
        if recall >= self.good and by_chance:
            return poor or Verdict.UNLEARNED
        if recall >= self.good and self._liftable(case, k, name):
            return poor or Verdict.WEAK
        return Verdict.UNDECIDED if open_question else Verdict.HEALTHY

    def _liftable(self, case: Case, k: int, name: str) -> bool:
        """Whether something tried provably lifts a passable class."""
        claims = (case.lab.claim(slug, k, name) for slug in case.lab.tried())
        return any(one is not None and one.is_proof for one in claims)

    def _candidates(self, case: Case, by_slug: Mapping[str, Finding], k: int) -> list[Candidate]:
        name = case.names[k]
        found = []
        for finding in by_slug.values():
            if finding.status is not Status.ISSUE or name not in finding.classes or finding.slug in NEVER_A_CAUSE:
                continue
            claims = [one for one in finding.counterfactuals if one.label == name and one.is_proof]
            claim = max(claims, key=lambda one: one.net) if claims else None
            net = claim.net if claim is not None else self._explained_share(case, finding, k)
            sentence = finding.reasons.get(name, finding.sentence) if claim is None else claim_sentence(claim)
            found.append(Candidate(finding.slug, net, sentence, claim))
        return beyond_same_class(found)

    def _explained_share(self, case: Case, finding: Finding, k: int) -> float:
        """Recall that a cause without an intervention accounts for."""
        missing = 1.0 - float(np.nan_to_num(case.scores.recall[k]))
        if finding.slug in ("class-absent", "label-map"):
            return missing
        # The rest stand only where no intervention brings back a fair share of what is missing.
        return self.explains * missing

    def _ranked(self, candidates: list[Candidate]) -> list[Candidate]:
        """Best first: most net repair; within ``equal`` of the best, the preferred order."""
        left = list(candidates)
        ranked = []
        while left:
            best = max(one.net for one in left)
            level = [one for one in left if one.net >= best - self._equal_to(best)]
            first = min(level, key=lambda one: PREFERENCE.index(one.slug))
            ranked.append(first)
            left.remove(first)
        return ranked

    def _equal_to(self, net: float) -> float:
        """Difference from ``net`` that counts as none."""
        return max(self.equal, self.equal_share * net)

    def _explained(
        self,
        case: Case,
        by_slug: Mapping[str, Finding],
        result: ClassDiagnosis,
        ranked: list[Candidate],
        k: int,
    ) -> ClassDiagnosis:
        tried = best_unproven(by_slug, result.label)
        why = self._why_verdict(case, result, ranked, k)
        if not ranked:
            reason = f"{why}no cause was proved"
            if why.startswith(_LIFTED):
                pass
            elif tried is not None and tried.claim is not None and tried.claim.lift >= self.least_lift:
                reason += f": {tried.sentence}, but {tried.claim.reason}"
            elif tried is not None:
                reason += ": nothing that was tried lifts it"
            return replace(
                result,
                reason=reason,
                runner_up=None if tried is None else tried.slug,
                runner_up_reason="" if tried is None or tried.claim is None else tried.claim.reason,
            )
        first = ranked[0]
        second = ranked[1] if len(ranked) > 1 else tried
        if result.verdict is Verdict.ABSENT:
            second = None
        reason_lost = ""
        if second is not None:
            reason_lost = _why_lost(first, second, self._equal_to(first.net))
        panel = by_slug[first.slug].panels.get(result.label) or (
            lift_panel([first.claim], f"Lift of '{result.label:.40}'") if first.claim else result.panel
        )
        return replace(
            result,
            cause=first.slug,
            reason=why + first.sentence,
            runner_up=None if second is None or second.slug == first.slug else second.slug,
            runner_up_reason=reason_lost if second is not None and second.slug != first.slug else "",
            panel=panel,
        )

    def _why_healthy(self, case: Case, result: ClassDiagnosis, k: int) -> str:
        chance = float(case.scores.chance[k])
        if chance >= self.chance:
            return f"right by default: other rows are called by its name as often (p = {chance:.2f})"
        return "learned, though rare" if result.share < 0.5 / case.n_classes else "learned"

    def _why_verdict(self, case: Case, result: ClassDiagnosis, ranked: list[Candidate], k: int) -> str:
        """Begin the reason of a verdict that the recall alone does not explain."""
        recall, chance = result.recall, float(case.scores.chance[k])
        if recall is None:
            return ""
        if result.verdict is Verdict.UNLEARNED and recall >= self.unlearned:
            return f"called by its name no more often than other classes are (p = {chance:.2f}); "
        if result.verdict is not Verdict.WEAK or recall < self.good:
            return ""
        if ranked and ranked[0].claim is not None:
            return _LIFTED
        claims = [case.lab.claim(slug, k, result.label) for slug in case.lab.tried()]
        proofs = [one for one in claims if one is not None and one.is_proof]
        return f"{_LIFTED}{claim_sentence(max(proofs, key=lambda one: one.net))}; " if proofs else ""


def _why_lost(first: Candidate, second: Candidate, equal: float) -> str:
    if second.claim is not None and not second.claim.is_proof:
        return second.claim.reason
    if second.claim is None and first.claim is not None:
        return f"the class can be learned: an intervention for {first.slug} lifts it"
    if second.claim is None and first.claim is None:
        return f"it explains no more than {first.slug}, which goes first"
    if first.net > second.net + equal:
        return f"{first.slug} repairs more at less cost ({signed(first.net)} against {signed(second.net)} recall)"
    return f"repairs about as much as {first.slug} for what rivals pay, and goes after it"


def _score_panel(case: Case, k: int) -> Panel | None:
    """Probability of the class on its own rows and on its rival's."""
    rival = int(case.scores.rival[k])
    if rival < 0 or case.scores.n_scored[k] == 0:
        return None
    proba = case.mean_proba
    if proba is None:
        return None
    scored = (case.base.predicted >= 0).any(axis=0)
    series = []
    for code in (k, rival):
        values = proba[scored & (case.subject.codes == code), k]
        step = max(1, values.size // 1000)
        series.append(Series(case.names[code], tuple(float(v) for v in np.sort(values)[::step])))
    return Panel(
        kind="histogram",
        title=f"Probability of '{case.names[k]:.40}' on its rows and on its rival's",
        x_label="probability",
        y_label="share of rows",
        series=tuple(series),
    )
