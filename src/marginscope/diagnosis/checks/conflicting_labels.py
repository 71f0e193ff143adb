"""Check ``conflicting-labels``: equal feature rows with different labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import name_list
from marginscope.findings import Evidence, Finding, Panel, Series, Status

__all__ = ["ConflictingLabels"]


@dataclass(frozen=True)
class ConflictingLabels:
    """Rows that are equal in every feature get one answer, so some labels must be missed.

    ``bound`` is the share of a class's rows that the best single answer per group of
    equal rows can still get right, with the classes weighted as they are; of equal rows that
    are split evenly every label gets its part. A class is an
    issue where the bound is below ``least_bound`` and the rows lost to conflicts are at
    least ``least_share`` of its errors.
    """

    slug: str = "conflicting-labels"
    title: str = "equal rows with different labels"
    cost: str = "free"
    least_bound: float = 0.9
    least_share: float = 0.5
    least_rows: int = 2

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        codes = case.subject.codes
        group, table = _shared_groups(case.row_groups, codes, case.n_classes)
        conflicted = (table > 0).sum(axis=1) > 1
        total = np.bincount(codes, minlength=case.n_classes)
        # Labels that are equally likely win a group in turn.
        is_best = table == table.max(axis=1, keepdims=True)
        loss = 1 - is_best / is_best.sum(axis=1, keepdims=True)
        row_loss = np.where(conflicted[group], loss[group, codes], 0.0)
        lost_row = row_loss > 0
        lost = np.bincount(codes, weights=row_loss, minlength=case.n_classes)
        bound = 1 - lost / np.maximum(total, 1)
        explained = self._explained(case, lost_row)
        named = [
            k
            for k in np.argsort(bound, kind="stable")
            if lost[k] >= self.least_rows and bound[k] < self.least_bound and explained[k] >= self.least_share
        ]
        n_rows = int(conflicted[group].sum())
        evidence: tuple[Evidence, ...] = (Evidence("rows that equal a row with another label", float(n_rows), 0.0),)
        if not named:
            words = (
                "No two equal rows have different labels."
                if n_rows == 0
                else f"{n_rows:,} rows equal a row with another label; they bound no class's recall by much."
            )
            return Finding(self.slug, Status.PASSED, words, evidence=evidence)
        names = tuple(case.names[k] for k in named)
        for k in named[:12]:
            evidence += (
                Evidence(f"recall that '{case.names[k]:.60}' can reach", float(bound[k]), self.least_bound),
                Evidence("share of its errors that are conflicts", float(explained[k]), self.least_share),
            )
        worst = named[0]
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{n_rows:,} rows equal a row with another label; a model that gives every row its likeliest label gets "
            f"{bound[worst]:.0%} of {name_list([case.names[worst]])} right"
            + (
                " (equal rows that are split evenly go to each label in turn)."
                if _has_ties(loss, lost_row, group)
                else "."
            ),
            classes=names,
            advice="Label the rows that are equal once more, or add the feature that tells them apart.",
            evidence=evidence,
            panels={case.names[k]: _panel(case.names[k], total[k], lost[k], case.scores.recall[k]) for k in named},
            reasons={
                case.names[k]: _reason(int(lost_row[codes == k].sum()), int(total[k]), float(lost[k]), float(bound[k]))
                for k in named
            },
            rows=tuple(int(i) for i in np.flatnonzero(lost_row)[:20]),
        )

    def _explained(self, case: Case, lost_row: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Share of every class's errors that fall on rows lost to conflicts."""
        codes = case.subject.codes
        wrong = 1 - np.nan_to_num(case.base.correct(codes), nan=1.0)
        errors = np.bincount(codes, weights=wrong, minlength=case.n_classes)
        there = np.bincount(codes, weights=wrong * lost_row, minlength=case.n_classes)
        share: NDArray[np.float64] = there / np.maximum(errors, 1e-12)
        return share


def _shared_groups(
    groups: NDArray[np.int64], codes: NDArray[np.int64], n_classes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the groups of two rows and more from 1 (0 is 'alone') and count their classes."""
    shared = np.flatnonzero(np.bincount(groups) > 1)
    number = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    number[shared] = np.arange(1, shared.size + 1)
    group = number[groups]
    table = np.zeros((shared.size + 1, n_classes), dtype=np.int64)
    np.add.at(table, (group[group > 0], codes[group > 0]), 1)
    return group, table


def _reason(n_lost: int, total: int, lost: float, bound: float) -> str:
    if n_lost > lost:
        return (
            f"{n_lost:,} of its {total:,} rows equal rows that have another label as often or more; "
            f"its part of them leaves {bound:.0%} right"
        )
    return (
        f"{n_lost:,} of its {total:,} rows equal rows that mostly have another label, "
        f"so at most {bound:.0%} can be right"
    )


def _has_ties(loss: NDArray[np.float64], lost_row: NDArray[np.bool_], group: NDArray[np.int64]) -> bool:
    """Whether some of the groups that lose rows are split evenly."""
    there = loss[np.unique(group[lost_row])]
    return bool(((there > 0) & (there < 1)).any())


def _panel(name: str, total: int, lost: float, recall: float) -> Panel:
    return Panel(
        kind="counts",
        title=f"Rows of '{name:.40}'",
        x_label="rows",
        y_label="",
        series=(
            Series(
                "rows",
                ("can be right", "outnumbered by equal rows of others"),
                (float(total - lost), float(lost)),
            ),
        ),
        marks=() if np.isnan(recall) else (("right today", float(recall * total)),),
    )
