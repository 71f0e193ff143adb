"""Check ``label-map``: labels that are spelt twice, shifted, or restarted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.references import linear_reference
from marginscope.adapters.sklearn_model import SklearnModel
from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import lift_evidence, lift_panel
from marginscope.diagnosis.label_order import restarted_ids, test_offset
from marginscope.diagnosis.signal import permutation_test, rank_test
from marginscope.diagnosis.spelling import SpellingPair, spelling_pairs
from marginscope.diagnosis.trials import run_trial
from marginscope.findings import Counterfactual, Evidence, Finding, Status

__all__ = ["LabelMap"]


@dataclass(frozen=True)
class LabelMap:
    """Four audits of the label column.

    Two spellings are one class where a flexible learner cannot tell their rows apart
    (area below ``told_apart``, or a permutation p-value above ``level``). The column is
    shifted where labels moved by one row are learned better by ``shift_gain`` in accuracy,
    and as they stand keep at most ``left_over`` of the lead over the largest class. Ids
    restart where the rows before and after are as unlike as two classes. Test ids are
    offset where ``offset_share`` of the test rows are called by the id next to theirs.
    Without features the answers that were given stand in for the learner, and shifted or
    restarted columns are not looked for.
    """

    slug: str = "label-map"
    title: str = "labels that are not what they seem"
    cost: str = "refit"
    told_apart: float = 0.75
    left_over: float = 0.34
    level: float = 0.05
    shift_gain: float = 0.1
    offset_share: float = 0.5
    restart_auc: float = 0.95
    most_rows: int = 300
    n_permutations: int = 39

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        issues: list[Finding] = []
        tips: list[Finding] = []
        for finding in self._audits(case):
            (issues if finding.status is Status.ISSUE else tips).append(finding)
        # Whether the features know a class that goes by wrong names need not be asked.
        case.notebook[self.slug] = frozenset(name for one in issues for name in one.classes)
        if issues or tips:
            return _joined(self.slug, issues or tips, issues + tips)
        return Finding(
            self.slug, Status.PASSED, "No two labels look alike, and the column is neither shifted nor restarted."
        )

    def _audits(self, case: Case) -> Iterator[Finding]:
        yield from self._spellings(case)
        yield from self._shift(case)
        yield from self._restart(case)
        yield from self._offset(case)

    def _spellings(self, case: Case) -> Iterator[Finding]:
        total = np.bincount(case.subject.codes, minlength=case.n_classes)
        learner = "a learner tells" if case.has_features else "the given answers tell"
        same: list[tuple[SpellingPair, float, float]] = []
        apart: list[tuple[SpellingPair, float, float]] = []
        for pair in spelling_pairs(case.names, total.tolist()):
            area, p = self._tell_apart(case, pair)
            # The area of answers without probabilities is small even where they differ for sure.
            far = area >= self.told_apart or not (case.has_features or case.view.has_proba)
            (apart if far and p <= self.level else same).append((pair, area, p))
        if same:
            direct = {pair.rarer: pair.commoner for pair, _, _ in same}
            for rarer, name in direct.items():
                while name in direct:
                    name = direct[name]
                case.merges[rarer] = name
            yield self._one_name(case, same)
        if apart:
            yield Finding(
                self.slug,
                Status.TIP,
                f"{_pairs(case, apart)} look alike, but {learner} their rows apart: each is a class of its own.",
                classes=tuple({case.names[k]: None for pair, _, _ in apart for k in (pair.rarer, pair.commoner)}),
                evidence=self._areas(case, apart),
            )

    def _tell_apart(self, case: Case, pair: SpellingPair) -> tuple[float, float]:
        """Area and p-value of a forest between the rows of two labels."""
        if not case.has_features:
            return _told_by_answers(case, pair)
        rng = np.random.default_rng([case.seed, pair.rarer, pair.commoner])
        codes = case.subject.codes
        rows = [rng.permutation(np.flatnonzero(codes == k))[: self.most_rows] for k in (pair.rarer, pair.commoner)]
        chosen = np.sort(np.concatenate(rows))
        positive = codes[chosen] == pair.rarer
        test = permutation_test(
            case.dense_features(chosen),
            positive,
            n_permutations=self.n_permutations,
            enough=4,
            rng=rng,
            proceed=partial(case.lab.check_time, f"the test of the spelling '{case.names[pair.rarer]:.40}'"),
        )
        return test.auc, test.p_value

    def _one_name(self, case: Case, same: list[tuple[SpellingPair, float, float]]) -> Finding:
        names = tuple({case.names[k]: None for pair, _, _ in same for k in (pair.rarer, pair.commoner)})
        claims: list[Counterfactual] = []
        for name in names:
            try:
                claim = case.lab.claim("merge-labels", case.names.index(name), name)
            except NotTried:
                break
            if claim is not None:
                claims.append(claim)
        proven = [one for one in claims if one.is_proof]
        pair, area, _ = same[0]
        learner = "a flexible learner cannot tell" if case.has_features else "the given answers do not tell"
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{_pairs(case, same)} differ in {pair.difference} only, and {learner} their "
            f"rows apart (area {area:.2f}): probably one class under two names; give it one.",
            classes=names,
            evidence=self._areas(case, same) + tuple(row for one in proven[:8] for row in lift_evidence(one)),
            remedies=("merge-labels",),
            counterfactuals=tuple(claims),
            panels={one.label: lift_panel([one], f"Recall of '{one.label:.40}' under one name") for one in proven},
            reasons={
                case.names[k]: f"'{case.names[pair.rarer]:.40}' and '{case.names[pair.commoner]:.40}' differ in "
                f"{pair.difference} only and cannot be told apart"
                for pair, _, _ in same
                for k in (pair.rarer, pair.commoner)
            },
        )

    def _areas(self, case: Case, pairs: list[tuple[SpellingPair, float, float]]) -> tuple[Evidence, ...]:
        return tuple(
            Evidence(
                f"area between '{case.names[pair.rarer]:.40}' and '{case.names[pair.commoner]:.40}' (p = {p:.2f})",
                area,
                self.told_apart,
            )
            for pair, area, p in pairs[:12]
        )

    def _shift(self, case: Case) -> Iterator[Finding]:
        """Refit the linear reference on labels moved by one row up and down."""
        if not case.poor or case.n_train != case.subject.codes.size or not case.has_features:
            return
        view = SklearnModel(linear_reference(case.features, seed=case.seed), seed=case.seed)
        lab = case.lab
        try:
            lab.check_time("the test for a shifted label column")
        except NotTried:
            # What the other audits found stands.
            return
        right = {}
        for step in (0, 1, -1):
            codes = np.roll(case.subject.codes, step)[lab.rows]
            trial = run_trial("shifted labels", view, replace(lab.prepared, codes=codes), lab.short_design())
            if trial.failure:
                return
            right[step] = trial.correct(codes)
        accuracy = {step: float(np.nanmean(one)) for step, one in right.items()}
        step = max((1, -1), key=lambda one: accuracy[one])
        largest = float(case.counts.max() / case.counts.sum())
        spread = np.sqrt(2 * 0.25 / np.count_nonzero(~np.isnan(right[step])))
        # Neighbouring rows may be alike for other reasons: only a column that is useless as it stands is shifted.
        useless = accuracy[0] - largest <= self.left_over * (accuracy[step] - largest)
        if accuracy[step] - accuracy[0] < max(self.shift_gain, 3 * spread) or not useless:
            return
        way = "the row before" if step == -1 else "the row after"
        yield Finding(
            self.slug,
            Status.ISSUE,
            f"The label column is shifted: with every label moved to {way}, a linear model is right on "
            f"{accuracy[step]:.0%} of unseen rows instead of {accuracy[0]:.0%}.",
            classes=tuple(case.names[k] for k in case.poor),
            evidence=(
                Evidence("accuracy with labels moved by one row", accuracy[step], accuracy[0] + self.shift_gain),
                Evidence("accuracy with labels as they are", accuracy[0]),
            ),
        )

    def _restart(self, case: Case) -> Iterator[Finding]:
        codes = case.subject.codes[: case.n_train]
        found = restarted_ids(case.names, codes)
        if found is None or not case.has_features:
            return
        start, restarted = found
        areas = {}
        for k in restarted:
            rows = np.flatnonzero(codes == k)
            areas[k] = self._block_area(case, rows, rows >= start)
        split = [k for k in restarted if areas[k] >= self.restart_auc]
        if len(split) * 2 <= len(restarted):
            return
        names = tuple(case.names[k] for k in split)
        yield Finding(
            self.slug,
            Status.ISSUE,
            f"The ids restart at row {start}: the rows called '{names[0]}' before and after it are as unlike as two "
            f"classes; number the second block on.",
            classes=names,
            evidence=tuple(
                Evidence(f"area between the two blocks of '{case.names[k]:.40}'", areas[k], self.restart_auc)
                for k in split[:12]
            ),
        )

    def _block_area(self, case: Case, rows: NDArray[np.int64], late: NDArray[np.bool_]) -> float:
        rng = np.random.default_rng([case.seed, int(rows[0])])
        chosen = np.sort(rng.permutation(rows.size)[: 2 * self.most_rows])
        test = permutation_test(case.dense_features(rows[chosen]), late[chosen], n_permutations=1, enough=2, rng=rng)
        return test.auc

    def _offset(self, case: Case) -> Iterator[Finding]:
        if case.n_train == case.subject.codes.size:
            return
        found = test_offset(case.names, case.subject.codes, case.base)
        if found is None or found[1] < self.offset_share or found[1] <= 2 * found[2]:
            return
        offset, share, direct = found
        yield Finding(
            self.slug,
            Status.ISSUE,
            f"The test ids are off by {offset:+d}: {share:.0%} of the test rows are called by the id {offset:+d} from "
            f"theirs, {direct:.0%} by their own.",
            classes=tuple(case.names[k] for k in np.unique(case.subject.codes[case.n_train :])),
            evidence=(Evidence("test rows called by the neighbouring id", share, self.offset_share),),
        )


def _told_by_answers(case: Case, pair: SpellingPair) -> tuple[float, float]:
    """Area and p-value of the given answers between the scored rows of two labels."""
    codes = case.subject.codes
    rows = np.isin(codes, (pair.rarer, pair.commoner)) & (case.base.predicted >= 0).any(axis=0)
    proba = case.mean_proba
    if proba is not None:
        odds = np.log(proba[rows] + 1e-300)
        scores = odds[:, pair.rarer] - odds[:, pair.commoner]
    else:
        scores = case.base.called(pair.rarer)[rows] - case.base.called(pair.commoner)[rows]
    test = rank_test(scores, codes[rows] == pair.rarer)
    return test.auc, test.p_value


def _pairs(case: Case, pairs: list[tuple[SpellingPair, float, float]]) -> str:
    shown = ", ".join(
        f"'{case.names[pair.rarer]:.40}' and '{case.names[pair.commoner]:.40}'" for pair, _, _ in pairs[:3]
    )
    return shown if len(pairs) <= 3 else f"{shown} and {len(pairs) - 3} more pairs"


def _joined(slug: str, leading: list[Finding], every: list[Finding]) -> Finding:
    """Make one finding of several audits; the status and classes are those of the leading ones."""
    return Finding(
        slug,
        leading[0].status,
        " ".join(one.sentence for one in every),
        classes=tuple({name: None for one in leading for name in one.classes}),
        evidence=tuple(row for one in every for row in one.evidence),
        remedies=tuple({slug: None for one in leading for slug in one.remedies}),
        counterfactuals=tuple(row for one in leading for row in one.counterfactuals),
        panels={name: panel for one in leading for name, panel in one.panels.items()},
        reasons={name: reason for one in leading for name, reason in one.reasons.items()},
    )
