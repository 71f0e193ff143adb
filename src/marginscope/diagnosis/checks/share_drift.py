"""Check ``share-drift``: class shares differ between training and test."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import lift_evidence, lift_panel, name_list
from marginscope.diagnosis.intervals import simultaneous_z, wilson_interval
from marginscope.diagnosis.unlabelled_shares import shares_by_em
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Counterfactual, Evidence, Finding, Panel, Series, Status

__all__ = ["ShareDrift"]

Reals = NDArray[np.float64]
_EQUAL_SHARES = ("logit-adjustment", "class-weights")


@dataclass(frozen=True)
class Shares:
    """Shares of the trained classes in both sets, and the intervals of their differences, which hold together."""

    codes: NDArray[np.int64]
    train: Reals
    test: Reals
    low: Reals
    high: Reals
    p_value: float


@dataclass(frozen=True)
class ShareDrift:
    """The test set has other class shares than the training set, and correcting for them recovers a class.

    A share has drifted where the interval of its difference leaves out zero, at the ``level`` at
    which the intervals of all classes hold together, and it changed by the factor
    ``least_ratio`` or more. Only classes whose share rose can be lost by that: where
    correcting for the test shares brings back at least ``least_part`` of what equal shares bring
    (equal shares are what recall, which counts all classes alike, likes best).
    ``agree`` is the factor up to which shares that are estimated from the answers, without the
    test labels, count as the same: beyond it the features have drifted too.
    """

    slug: str = "share-drift"
    title: str = "other class shares in the test set"
    cost: str = "refit"
    level: float = 0.99
    least_ratio: float = 1.5
    least_part: float = 0.5
    learned: float = 0.95
    agree: float = 1.5

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        shares = self._shares(case)
        up, down = self._moved(shares)
        largest = max([*up, *down], key=lambda j: abs(np.log(shares.test[j] / shares.train[j])), default=None)
        evidence: tuple[Evidence, ...] = (Evidence("p-value of equal shares (chi-square)", shares.p_value),)
        if largest is None:
            return Finding(
                self.slug, Status.PASSED, "Training and test rows have the same class shares.", evidence=evidence
            )
        evidence += tuple(self._difference(case, shares, j) for j in (up + down)[:8])
        estimate, agrees = self._without_labels(case, shares, up + down)
        evidence += estimate
        claims = self._claims(case, shares, up)
        proven = {name: one for name, one in claims.items() if one.is_proof}
        evidence += tuple(row for one in list(proven.values())[:8] for row in lift_evidence(one))
        words = f"the share of '{_name(case, shares, largest)}' is {_percent(shares.train[largest])} in training and "
        words += f"{_percent(shares.test[largest])} in the test set"
        panels = {
            name: lift_panel([one], f"Lift of '{name:.40}' with other class shares") for name, one in proven.items()
        }
        if not proven:
            names = tuple(_name(case, shares, j) for j in up + down)
            panels = {names[0]: _panel(case, shares)}
        also = "" if agrees else " The answers do not add up to the test shares: the features have drifted too."
        if not proven:
            return Finding(
                self.slug,
                Status.TIP,
                f"Class shares differ: {words}; correcting for that recovers no class.{also}",
                classes=names,
                evidence=evidence,
                counterfactuals=tuple(claims.values()),
                panels=panels,
            )
        return Finding(
            self.slug,
            Status.ISSUE,
            f"Class shares differ: {words}; correcting for that, with nothing else changed, recovers "
            f"{name_list(proven)}.{also}",
            classes=tuple(proven),
            evidence=evidence,
            remedies=("prior-correction", *_EQUAL_SHARES),
            counterfactuals=tuple(claims.values()),
            advice="Train on the shares that you will meet, or correct for them.",
            panels=panels,
        )

    def _shares(self, case: Case) -> Shares:
        from scipy.stats import chi2_contingency

        if case.n_train == case.subject.codes.size:
            raise CheckNotApplicable("no test set was given, and cross-validation keeps the shares")
        tested = np.bincount(case.subject.codes[case.n_train :], minlength=case.n_classes)
        codes = np.flatnonzero(case.counts)
        n, m = case.counts[codes], tested[codes]
        if m.sum() == 0:
            raise CheckNotApplicable("no test row belongs to a class that was trained")
        z = simultaneous_z(codes.size, self.level)
        low, high = np.zeros(codes.size), np.zeros(codes.size)
        p, q = n / n.sum(), m / m.sum()
        for j in range(codes.size):
            a, b = wilson_interval(n[j], int(n.sum()), z), wilson_interval(m[j], int(m.sum()), z)
            low[j] = q[j] - p[j] - np.hypot(q[j] - b[0], a[1] - p[j])
            high[j] = q[j] - p[j] + np.hypot(b[1] - q[j], p[j] - a[0])
        test = chi2_contingency(np.stack([n, m]), correction=False)
        return Shares(codes, p, q, low, high, float(test.pvalue))

    def _moved(self, shares: Shares) -> tuple[list[int], list[int]]:
        """Classes whose share rose and fell, the most changed first."""
        ratio = (shares.test + 1e-12) / shares.train
        up = np.flatnonzero((shares.low > 0) & (ratio >= self.least_ratio))
        down = np.flatnonzero((shares.high < 0) & (ratio <= 1 / self.least_ratio))
        return [int(j) for j in up[np.argsort(-ratio[up])]], [int(j) for j in down[np.argsort(ratio[down])]]

    def _difference(self, case: Case, shares: Shares, j: int) -> Evidence:
        return Evidence(
            f"share of '{_name(case, shares, j):.60}' in the test set less in training",
            float(shares.test[j] - shares.train[j]),
            0.0,
            (float(shares.low[j]), float(shares.high[j])),
        )

    def _without_labels(self, case: Case, shares: Shares, moved: list[int]) -> tuple[tuple[Evidence, ...], bool]:
        """Shares that the answers alone give, and whether they are those of the test set."""
        proba = case.mean_proba
        if proba is None:
            return (), True
        scored = (case.base.predicted >= 0).any(axis=0)
        train = np.zeros(case.n_classes)
        train[shares.codes] = shares.train
        found = shares_by_em(proba[scored], train)[shares.codes]
        agrees = all(1 / self.agree <= (found[j] + 1e-3) / (shares.test[j] + 1e-3) <= self.agree for j in moved)
        rows = tuple(
            Evidence(
                f"share of '{_name(case, shares, j):.60}' in the test set, from the answers without its labels",
                round(float(found[j]), 4),
                round(float(shares.test[j]), 4),
            )
            for j in moved[:4]
        )
        return rows, agrees

    def _claims(self, case: Case, shares: Shares, up: list[int]) -> dict[str, Counterfactual]:
        """What other shares do to the classes whose share rose and that are not learned already."""
        claims: dict[str, Counterfactual] = {}
        for j in up:
            k = int(shares.codes[j])
            if np.isnan(case.lab_recall[k]) or case.lab_recall[k] >= self.learned:
                continue
            drift = _claim(case, "prior-correction", k)
            if drift is None:
                break
            equal = [one for slug in _EQUAL_SHARES if (one := _claim(case, slug, k)) is not None]
            part = self.least_part * max((one.lift for one in equal if one.is_proof), default=0.0)
            if not drift.is_proof and drift.interval[0] > 0 and drift.lift >= part > 0:
                # A test share beyond an even one overshoots: the rivals pay, and the placebo names the class too.
                drift = max((one for one in equal if one.is_proof), key=lambda one: one.net)
            elif drift.is_proof and drift.lift < part:
                drift = replace(drift, reason="equal shares bring back far more than the shares of the test set")
            elif drift.is_proof:
                drift = max((drift, *(one for one in equal if one.is_proof)), key=lambda one: one.net)
            claims[case.names[k]] = drift
        return claims


def _claim(case: Case, slug: str, k: int) -> Counterfactual | None:
    try:
        return case.lab.claim(slug, k, case.names[k])
    except NotTried:
        return None


def _name(case: Case, shares: Shares, j: int) -> str:
    return case.names[int(shares.codes[j])]


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share:.2%}"


def _panel(case: Case, shares: Shares, most: int = 12) -> Panel:
    order = np.argsort(-np.abs(shares.test - shares.train))[:most]
    names = tuple(f"{_name(case, shares, int(j)):.30}" for j in order)
    return Panel(
        kind="counts",
        title="Class shares",
        x_label="share of the rows",
        y_label="",
        series=(
            Series("training", names, tuple(float(shares.train[j]) for j in order)),
            Series("test", names, tuple(float(shares.test[j]) for j in order)),
        ),
    )
