"""Check ``mislabelled``: a block of one class's rows is at home in another class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marginscope.diagnosis.case import Case, NotTried
from marginscope.diagnosis.claims import lift_evidence, lift_panel, name_list
from marginscope.diagnosis.label_blocks import Block, BlockRules, find_block
from marginscope.diagnosis.measured_columns import measured_columns
from marginscope.findings import Counterfactual, Evidence, Finding, Panel, Series, Status

__all__ = ["Mislabelled"]

# Recall of rivals that is worth a word.
_TOLD = 0.005


@dataclass(frozen=True)
class Found:
    """A block: the class that it looks like, the rival whose label it has, and its rows in the data.

    ``looked_at`` are all rows of the rival that were looked at, ``n_class`` those of the class.
    """

    code: int
    rival: int
    rows: NDArray[np.int64]
    looked_at: NDArray[np.int64]
    block: Block
    n_class: int

    @property
    def share(self) -> float:
        """Rows with the rival's label among all that look like the class."""
        return float(self.rows.size / (self.rows.size + self.n_class))


@dataclass(frozen=True)
class Mislabelled:
    """Some rows of a rival stand apart from its bulk and cannot be told from the class.

    Looked at are pairs where at least ``least_confused`` of the rows of one are called by
    the other's name, the class has ``least_class`` rows, the block ``least_rows``, and
    ``least_bulk`` of the rival is left, of which the model gets ``least_bulk_recall`` right (a
    name without rows of its own is `no-signal`). Rows of the rival that equal a row of the class are
    left out, they are `conflicting-labels`. The block
    stands apart where a valley of at most ``most_depth`` (``level``: its p-value) lies between it
    and the rival's bulk, and where ``least_again`` of it stands apart once more in the columns of
    ``least_values`` different numbers or more alone: words part any rows. Distances to neighbours, that find
    blocks of any shape, must show ``neighbour_depth`` and are looked at for classes of ``neighbour_rows``
    or more. It
    cannot be told from the class where learners reach less than ``told_apart`` in area with a 99.9 %
    interval that begins below ``coin``, and ``least_side`` of the class lies on its side.

    Rows that look like one class and stand under the names of two others are a tip: a kind of rows that
    three classes share is likelier than two mistakes.

    An issue needs a class that suffers: relabelling lifts the class, or at least
    ``least_share`` of the errors of a rival with a recall below one half are the block. A class
    of too few rows for a proof needs a block that gives it ``usual_size`` of the rows of the
    median class: around a handful of rows some part of a rival always lies. Else
    a block of ``least_share_tip`` of what looks like the class is a tip.
    """

    slug: str = "mislabelled"
    title: str = "a block of rows under another class's name"
    cost: str = "refit"
    least_confused: float = 0.2
    least_class: int = 3
    least_rows: int = 8
    least_bulk: float = 0.1
    least_bulk_recall: float = 0.5
    width: float = 0.2
    most_depth: float = 0.3
    neighbour_depth: float = 0.2
    neighbour_rows: int = 20
    level: float = 0.005
    least_side: float = 0.9
    least_values: int = 10
    least_again: float = 0.5
    told_apart: float = 0.85
    coin: float = 0.55
    least_share: float = 0.5
    least_share_tip: float = 0.1
    usual_size: float = 0.5
    learned: float = 0.95
    most_pairs: int = 12
    most_rows: int = 2000

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        pairs = self._suspects(case)
        found = [one for pair in pairs if (one := self._look(case, *pair)) is not None]
        found = [one for one in found if one.share >= self.least_share_tip and self._has_bulk(case, one.rival, found)]
        # What stands under three names is a kind of rows that three classes have, more likely than two mistakes.
        spread = Counter(one.code for one in found)
        sure = [one for one in found if spread[one.code] == 1]
        if not found:
            return Finding(
                self.slug,
                Status.PASSED,
                "No block of rows stands apart from its class and looks like another one."
                if pairs
                else "No class is called by another one's name often enough to doubt its labels.",
                evidence=(Evidence("pairs of classes looked at", float(len(pairs))),),
            )
        for one in sure:
            case.relabelling.update(dict.fromkeys(one.rows.tolist(), one.code))
        return self._settle(case, sure) if sure else _shared_kind(case, found)

    def _suspects(self, case: Case) -> list[tuple[int, int]]:
        """Pairs (class, rival) that the model confuses, most confused first."""
        confusion, n = case.scores.confusion, np.maximum(case.scores.n_scored, 1)
        ranked = []
        for k in range(case.n_classes):
            for r in range(case.n_classes):
                large_enough = case.counts[k] >= self.least_class and case.counts[r] > self.least_rows
                if r == k or not large_enough:
                    continue
                # The block wins (its class is called by the rival's name) or loses (the other way round).
                wins, loses = confusion[k, r] / n[k], confusion[r, k] / max(confusion[:, k].sum(), 1)
                loses = loses if confusion[r, k] >= self.least_rows / 2 else 0.0
                if max(wins, loses) >= self.least_confused:
                    ranked.append((-max(wins, loses), k, r))
        return [(k, r) for _, k, r in sorted(ranked)[: self.most_pairs]]

    def _look(self, case: Case, k: int, r: int) -> Found | None:
        lab = case.lab
        rng = np.random.default_rng([case.seed, k, r])
        rows = [rng.permutation(np.flatnonzero(lab.raw.codes == code))[: self.most_rows] for code in (k, r)]
        # An exact twin under two names is a conflict, whoever is right: conflicting-labels.
        groups = case.row_groups[lab.rows]
        rows[1] = rows[1][~np.isin(groups[rows[1]], groups[lab.raw.codes == k])]
        if rows[0].size < self.least_class or rows[1].size <= self.least_rows:
            return None
        lab.check_time("the search for mislabelled rows")
        X = [np.nan_to_num(case.dense_features(lab.rows[one])) for one in rows]
        rules = BlockRules(
            least_rows=self.least_rows,
            least_bulk=self.least_bulk,
            width=self.width,
            most_depth=self.most_depth,
            neighbour_depth=self.neighbour_depth,
            neighbour_rows=self.neighbour_rows,
            level=self.level,
            least_side=self.least_side,
            told_apart=self.told_apart,
            coin=self.coin,
        )
        block = find_block(X[0], X[1], rules, rng)
        if block is None or not self._is_measured(case, X, block, rules, rng):
            return None
        where = np.sort(lab.rows[rows[1][block.rows]])
        # Test labels that are wrong by themselves taught nobody anything.
        if np.count_nonzero(where < case.n_train) < self.least_rows:
            return None
        return Found(k, r, where, np.sort(lab.rows[rows[1]]), block, int(rows[0].size))

    def _is_measured(
        self, case: Case, X: list[NDArray[np.float64]], block: Block, rules: BlockRules, rng: np.random.Generator
    ) -> bool:
        """Whether the block stands apart in measured columns alone: words and few values part any rows."""
        columns = measured_columns(case.features, case.lab.rows, X[0].shape[1], least_values=self.least_values)
        if columns.all():
            return True
        again = find_block(X[0][:, columns], X[1][:, columns], rules, rng) if columns.any() else None
        return again is not None and np.intersect1d(again.rows, block.rows).size >= self.least_again * block.rows.size

    def _has_bulk(self, case: Case, rival: int, found: list[Found]) -> bool:
        """Whether the model knows the rival's rows outside all blocks: a name that is drawn at random has no home."""
        mine = [one for one in found if one.rival == rival]
        looked = np.unique(np.concatenate([one.looked_at for one in mine]))
        rest = np.setdiff1d(looked, np.concatenate([one.rows for one in mine]))
        if rest.size < max(self.least_rows, self.least_bulk * looked.size):
            return False
        right = case.base.correct(case.subject.codes)[rest]
        right = right[~np.isnan(right)]
        return bool(right.size and right.mean() >= self.least_bulk_recall)

    def _settle(self, case: Case, found: list[Found]) -> Finding:
        claims = self._claims(case, found)
        proven = {name: one for name, one in claims.items() if one.is_proof}
        reasons = dict.fromkeys(proven, "")
        for one in found:
            if self._gives_back(case, one):
                reasons.setdefault(case.names[one.code], _words(case, one))
            if self._explains(case, one):
                reasons.setdefault(case.names[one.rival], _words(case, one))
        evidence = tuple(row for one in found[:6] for row in self._evidence(case, one))
        evidence += tuple(row for claim in proven.values() for row in lift_evidence(claim))
        sentence = "; ".join(_words(case, one) for one in found[:3])
        if len(found) > 3:
            sentence += f"; and {len(found) - 3} more such blocks"
        both_ways = {(one.code, one.rival) for one in found} & {(one.rival, one.code) for one in found}
        if not reasons:
            way = "in both directions" if both_ways else "in one direction"
            return Finding(
                self.slug,
                Status.TIP,
                f"Labels contradict the features {way}, but no class is known to be lost by it: {sentence}; "
                "look at these rows.",
                classes=_names(case, found),
                evidence=evidence,
                counterfactuals=tuple(claims.values()),
                advice="Look at the rows that are listed, and at who or what labelled them.",
                rows=_examples(found),
            )
        panels = {one.label: lift_panel([one], f"Recall of '{one.label:.40}', relabelled") for one in proven.values()}
        return Finding(
            self.slug,
            Status.ISSUE,
            f"{sentence[0].upper()}{sentence[1:]}."
            + (f" Relabelling them lifts {_gains(tuple(proven.values()))}." if proven else ""),
            classes=tuple(reasons),
            evidence=evidence,
            remedies=("relabel",),
            counterfactuals=tuple(claims.values()),
            advice="Look at the rows that are listed, correct their labels, and find out who or what wrote them.",
            panels=panels or {case.names[found[0].code]: _panel(case, found[0])},
            reasons={name: text for name, text in reasons.items() if text},
            rows=_examples(found),
        )

    def _claims(self, case: Case, found: list[Found]) -> dict[str, Counterfactual]:
        """What relabelling does to the classes that the blocks look like, and that are not learned already."""
        claims: dict[str, Counterfactual] = {}
        for k in sorted({one.code for one in found}):
            recall = case.lab_recall[k]
            if np.isnan(recall) or recall >= self.learned:
                continue
            try:
                claim = case.lab.claim("relabel", k, case.names[k])
            except NotTried:
                break
            if claim is not None:
                claims[case.names[k]] = claim
        return claims

    def _gives_back(self, case: Case, one: Found) -> bool:
        """Whether a class of a handful of rows, where no intervention can prove anything, would be of usual size."""
        if case.scores.n_scored[one.code] >= case.lab.proof.least_rows:
            return False
        others = np.delete(case.counts, one.code)
        return bool(one.rows.size + one.n_class >= self.usual_size * np.median(others[others > 0]))

    def _explains(self, case: Case, one: Found) -> bool:
        """Whether most errors of a rival that is not learned are rows of the block."""
        r = one.rival
        if r not in case.poor:
            return False
        wrong = 1 - np.nan_to_num(case.base.correct(case.subject.codes), nan=1.0)
        own = case.subject.codes == r
        return bool(wrong[one.rows].sum() >= self.least_share * wrong[own].sum())

    def _evidence(self, case: Case, one: Found) -> tuple[Evidence, ...]:
        pair = f"'{case.names[one.rival]:.40}' and '{case.names[one.code]:.40}'"
        return (
            Evidence(f"rows between {pair}", float(one.rows.size), float(self.least_rows)),
            Evidence(
                f"rows in the gap per row of the block, {pair}", round(one.block.valley.depth, 3), self.most_depth
            ),
            Evidence(
                f"area between the block and '{case.names[one.code]:.40}'",
                one.block.area,
                self.told_apart,
                one.block.interval,
            ),
        )


def _gains(claims: tuple[Counterfactual, ...]) -> str:
    cost = max(one.rival_cost for one in claims)
    paid = f", and rivals lose {cost:.2f} of their recall" if cost >= _TOLD else ""
    return name_list(one.label for one in claims) + paid


def _shared_kind(case: Case, found: list[Found]) -> Finding:
    """A kind of rows that several classes have: no label need be wrong."""
    one = found[0]
    rivals = name_list(case.names[other.rival] for other in found if other.code == one.code)
    n_rows = sum(other.rows.size for other in found if other.code == one.code)
    return Finding(
        "mislabelled",
        Status.TIP,
        f"{n_rows:,} rows under the names {rivals} look like '{case.names[one.code]:.40}': these classes share a kind "
        "of rows, or several names are wrong; look at some of them.",
        classes=_names(case, found),
        advice="Look at the rows that are listed. If their labels are right, these classes share that kind of rows.",
        rows=_examples(found),
    )


def _words(case: Case, one: Found) -> str:
    return (
        f"{one.rows.size:,} rows labelled '{case.names[one.rival]:.40}' look like '{case.names[one.code]:.40}': apart "
        f"from the rest of their class, and not to be told from the other (area {one.block.area:.2f})"
    )


def _names(case: Case, found: list[Found]) -> tuple[str, ...]:
    return tuple({case.names[k]: None for one in found for k in (one.code, one.rival)})


def _examples(found: list[Found], most: int = 20) -> tuple[int, ...]:
    """The first rows of every block."""
    each = max(1, most // len(found))
    return tuple(int(row) for one in found for row in one.rows[:each])


def _panel(case: Case, one: Found) -> Panel:
    name = case.names[one.code]
    return Panel(
        kind="counts",
        title=f"Rows that look like '{name:.40}'",
        x_label="rows",
        y_label="",
        series=(
            Series(
                "rows",
                (f"labelled '{name:.30}'", f"labelled '{case.names[one.rival]:.30}'"),
                (float(one.n_class), float(one.rows.size)),
            ),
        ),
    )
