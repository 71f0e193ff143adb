"""Check ``no-signal``: the features do not know the class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.diagnosis.signal import SignalTest, permutation_test, rank_test
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Panel, Series, Status

__all__ = ["NoSignal"]


@dataclass(frozen=True)
class NoSignal:
    """Class-permutation test of every class that is not learned.

    First a rank test on the out-of-sample scores of the references: ``clear`` or below
    settles that there is signal. Else a forest is refitted with the labels of the class
    permuted, ``n_permutations`` times at most; a p-value above ``level`` is no signal. It
    ends early where ``enough`` refits are as good; of more than ``many`` doubtful classes
    where ``enough_of_many`` are, which decides the same with a coarser p-value.
    Doubtful are classes with a recall below ``good_recall``, or that are called by their
    name no more often than other rows are (p at least ``chance``). Where the names themselves
    are wrong, as `label-map` has found, nothing is tested.
    """

    slug: str = "no-signal"
    title: str = "the features do not know the class"
    cost: str = "refit"
    clear: float = 1e-3
    level: float = 0.02
    n_permutations: int = 99
    enough: int = 5
    enough_of_many: int = 2
    many: int = 6
    good_recall: float = 0.5
    chance: float = 0.05
    least_rows: int = 8
    most_rows: int = 1200

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        scores = case.scores
        doubtful = [
            k
            for k in range(case.n_classes)
            if case.counts[k] > 0
            and scores.n_scored[k] > 0
            and (scores.recall[k] < self.good_recall or scores.chance[k] >= self.chance)
        ]
        if not doubtful:
            return Finding(
                self.slug, Status.PASSED, "Every class is called by its name more often than other rows are, by far."
            )
        misnamed = case.notebook.get("label-map", frozenset())
        # A class that is called by its name all the time may still be nothing but the most frequent one.
        doubtful = [k for k in doubtful if case.names[k] not in misnamed or scores.recall[k] >= self.good_recall]
        if not doubtful:
            raise CheckNotApplicable(
                "the classes in doubt go by wrong names (label-map), which must be put right first"
            )
        large = [k for k in doubtful if case.counts[k] >= self.least_rows]
        if not large:
            raise CheckNotApplicable(
                f"the classes in doubt have fewer than {self.least_rows} rows, too few for a permutation test"
            )
        enough = self.enough if len(large) <= self.many else self.enough_of_many
        tests = {k: self._test(case, k, enough) for k in large}
        case.signals.update(tests)
        silent = [k for k in large if tests[k].p_value > self.level]
        evidence = tuple(
            Evidence(
                f"permutation p-value of '{case.names[k]:.60}' (area {tests[k].auc:.2f})", tests[k].p_value, self.level
            )
            for k in sorted(large, key=lambda k: -tests[k].p_value)[:12]
        )
        if not silent:
            return Finding(
                self.slug,
                Status.PASSED,
                "A flexible learner tells "
                + ("the doubtful class" if len(large) == 1 else f"each of {len(large)} doubtful classes")
                + " from the rest.",
                evidence=evidence,
            )
        return Finding(
            self.slug,
            Status.ISSUE,
            f"A flexible learner does no better on {name_list(case.names[k] for k in silent)} than on permuted labels "
            f"(p = {tests[silent[0]].p_value:.2f}, above {self.level:g}): these features do not "
            "know the class; look for others.",
            classes=tuple(case.names[k] for k in silent),
            advice="Look for other features: these do not know the class.",
            evidence=evidence,
            panels={case.names[k]: _panel(case.names[k], tests[k]) for k in silent},
            reasons={
                case.names[k]: f"a flexible learner does no better than on permuted labels (area {tests[k].auc:.2f}, "
                f"p = {tests[k].p_value:.2f}, above {self.level:g})"
                for k in silent
            },
        )

    def _test(self, case: Case, code: int, enough: int) -> SignalTest:
        lab = case.lab
        codes = lab.raw.codes
        best = SignalTest(0.5, 1.0)
        for trial in (lab.reference(), lab.base):
            proba = None if trial is None else trial.mean_proba()
            if trial is None or proba is None:
                continue
            rows = (trial.predicted >= 0).any(axis=0)
            best = min(best, rank_test(proba[rows, code], codes[rows] == code), key=lambda one: one.p_value)
        if best.p_value <= self.clear:
            return best
        sample = self._rows(case, code)
        return permutation_test(
            case.dense_features(lab.rows[sample]),
            codes[sample] == code,
            n_permutations=self.n_permutations,
            enough=enough,
            rng=np.random.default_rng([case.seed, code]),
            proceed=partial(lab.check_time, f"the permutation test of '{case.names[code]:.40}'"),
        )

    def _rows(self, case: Case, code: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """A sample that keeps the class and thins the rest."""
        rng = np.random.default_rng([case.seed, code, 1])
        codes = case.lab.raw.codes
        own, rest = np.flatnonzero(codes == code), np.flatnonzero(codes != code)
        own = rng.permutation(own)[: self.most_rows // 3]
        rest = rng.permutation(rest)[: self.most_rows - own.size]
        return np.sort(np.concatenate([own, rest]))


def _panel(name: str, test: SignalTest) -> Panel:
    return Panel(
        kind="null",
        title=f"'{name:.40}' against permuted labels",
        x_label="area under the curve, class against rest",
        y_label="refits",
        series=(Series("permuted", test.null),),
        marks=(("true labels", test.auc), ("coin", 0.5)),
    )
