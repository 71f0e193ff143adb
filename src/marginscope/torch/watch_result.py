"""What a watch saw: every class over the steps of a training."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, make_frame
from marginscope.exceptions import UsageError
from marginscope.findings import Finding, Status
from marginscope.torch.class_timeline import ClassTimeline
from marginscope.torch.conflict_path import ConflictPath
from marginscope.torch.watch_findings import WatchRules
from marginscope.torch.watch_record import WatchRecord

__all__ = ["WatchResult"]

Floats = NDArray[np.float64]
_BY_CLASS = ("loss", "information", "recall", "called", "area", "gradient_norm", "share", "opposition")


class WatchResult(Displayed):
    """Loss, recall and gradients of every class at the steps that were looked at.

    Attributes
    ----------
    classes : tuple of str
        Names in the order of the scores.
    records : list of WatchRecord
        One a look, in the order of the steps.
    steps, seconds : ndarray of shape (n_records,)
    loss_name : str
    problem : str
        Why watching ended early; empty if it did not.
    rules : WatchRules
        Thresholds of the findings; may be replaced before they are read.

    Examples
    --------
    ``w["fox"].timeline()`` draws one class, ``w.conflict.plot()`` who pulls against whom,
    ``w.plot()`` all classes, and ``w.findings()`` says what is wrong.
    """

    _report = "watch_page"

    def __init__(self, names: tuple[str, ...] | None, loss_name: str) -> None:
        self._names = names
        self.loss_name = loss_name
        self.records: list[WatchRecord] = []
        self.problem = ""
        self.rules = WatchRules()
        self._seconds = self._looking = 0.0

    def _add(self, record: WatchRecord) -> None:
        n_scores, names = record.rows.size, self._names
        if names is None:
            self._names = tuple(str(k) for k in range(n_scores))
        elif len(names) != n_scores:
            raise UsageError(
                f"a name for each score is needed, but got {len(names)} classes for {n_scores} scores; "
                "pass classes=[...] in the order of the scores"
            )
        self.records.append(record)
        self.__dict__.pop("_columns", None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty before the first look."""
        return self._names or ()

    @property
    def steps(self) -> NDArray[np.int64]:
        """Steps of the looks."""
        return np.array([one.step for one in self.records], dtype=np.int64)

    @property
    def seconds(self) -> Floats:
        """Seconds from the start to every look."""
        return np.array([one.seconds for one in self.records])

    @property
    def overhead(self) -> float:
        """Seconds of looking a second of the rest, without the look before the first step; NaN before the end."""
        rest = self._seconds - self._looking
        return self._looking / rest if rest > 0 else float("nan")

    @cached_property
    def _columns(self) -> dict[str, Floats]:
        if not self.records:
            raise UsageError("something must have been looked at, but no step was; train inside the with block")
        columns = {name: np.stack([getattr(one.classes, name) for one in self.records]) for name in _BY_CLASS}
        return columns | {name: np.stack([getattr(one, name) for one in self.records]) for name in ("reach", "rows")}

    def column(self, name: str) -> Floats:
        """Return one reading of all classes, shape (n_records, n_classes); names as in ``frame()``."""
        return self._columns[name]

    @property
    def total_loss(self) -> Floats:
        """Training loss at every look: the mean over the classes by their shares; NaN where one is not finite."""
        return np.array([_shared_mean(one, one.classes.loss) for one in self.records])

    @property
    def total_information(self) -> Floats:
        """Nats gained over the class shares: their entropy less the cross-entropy, at every look."""
        return np.array([_shared_mean(one, one.classes.information) for one in self.records])

    @property
    def is_finite(self) -> NDArray[np.bool_]:
        """Whether scores, losses and parameters were finite, for every look."""
        return np.array([one.is_finite for one in self.records], dtype=bool)

    @property
    def shares(self) -> Floats:
        """Shares of the classes in training."""
        return self.records[-1].shares

    @property
    def prior_entropy(self) -> float:
        """Entropy of the class shares in nats: the cross-entropy of a net that knows them alone."""
        shares = self.shares
        return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())

    @property
    def conflict(self) -> ConflictPath:
        """Cosines of the class gradients on the last layer, over the steps."""
        # Which layer is the last cannot be told where scores are not finite.
        where = "the last layer" if any(one.has_last_layer for one in self.records) else "the scores"
        return ConflictPath(
            self.classes, self.steps, np.stack([one.classes.conflict for one in self.records]), where
        )  # fmt: skip

    @property
    def deep_conflict(self) -> ConflictPath:
        """The same on all other trained layers; needs ``deep=True``."""
        deep = [one.deep for one in self.records if one.deep is not None]
        if len(deep) != len(self.records) or not deep:
            raise UsageError(
                "gradients of the other layers are needed, but they were not taken; watch with deep=True and X, y"
            )
        return ConflictPath(
            self.classes, self.steps, np.stack([one.conflict for one in deep]), "the layers before the last"
        )  # fmt: skip

    @property
    def units(self) -> dict[str, Floats]:
        """Share of live units of every hidden layer on the rows of each class, when last seen; may be empty."""
        seen = [one.units for one in self.records if one.units is not None]
        return seen[-1] if seen else {}

    def learned_at(self, good: float | None = None) -> dict[str, int | None]:
        """Return for every class the step from which its recall stays at ``good`` or above; ``None`` if it does not."""
        return {name: self[name].learned_at(good) for name in self.classes}

    def __getitem__(self, label: Any) -> ClassTimeline:
        if str(label) not in self.classes:
            raise KeyError(f"no class {str(label)!r}; the classes are {', '.join(map(repr, self.classes[:20]))}")
        k = self.classes.index(str(label))
        columns = {name: values[:, k] for name, values in self._columns.items()}
        rivals = tuple(self.classes[int(one.classes.rival[k])] for one in self.records)
        return ClassTimeline(str(label), self.steps, columns, rivals, self.rules.good_recall)

    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong, in the names of the causes; issues are measured here, tips are suspicions."""
        return self.rules.judge(self)

    def frame(self) -> Any:
        """Return one row a look and class as a data frame."""
        n, K = len(self.records), len(self.classes)
        columns: dict[str, Any] = {
            "step": np.repeat(self.steps, K).tolist(),
            "seconds": np.repeat(self.seconds, K).tolist(),
            "class": list(self.classes) * n,
        }
        if n:
            columns |= {name: values.ravel().tolist() for name, values in self._columns.items()}
            columns["rival"] = [self.classes[int(k)] for one in self.records for k in one.classes.rival]
        if n and all(one.deep is not None for one in self.records):
            for name in ("length", "share", "opposition"):
                columns[f"deep_{name}"] = [v for one in self.records for v in getattr(one.deep, name).tolist()]
        return make_frame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document: what was read at every look; a value that does not exist is ``null``."""
        records = []
        for one, total, information in zip(self.records, self.total_loss, self.total_information, strict=True):
            read = {name: _numbers(getattr(one.classes, name)) for name in (*_BY_CLASS, "conflict")}
            deep = None if one.deep is None else {name: _numbers(v) for name, v in one.deep._asdict().items()}
            records.append(
                {
                    "step": one.step,
                    "seconds": one.seconds,
                    "total_loss": _numbers(total),
                    "total_information": _numbers(information),
                    "is_finite": one.is_finite,
                    "rows": one.rows.tolist(),
                    **read,
                    "reach": _numbers(one.reach),
                    "rival": [self.classes[int(k)] for k in one.classes.rival],
                    "deep": deep,
                    "live_units": None if one.units is None else {k: _numbers(v) for k, v in one.units.items()},
                }
            )
        return {
            "schema": "marginscope.watch/1",
            "classes": list(self.classes),
            "loss": self.loss_name,
            "learned_at": self.learned_at() if self.records else {},
            "findings": [one.to_dict() for one in self.findings()] if self.records else [],
            "problem": self.problem or None,
            "records": records,
        }

    def __str__(self) -> str:
        if not self.records:
            return "a watch that has seen nothing yet"
        last = self.records[-1]
        learned = self.learned_at()
        n = sum(one is not None for one in learned.values())
        lines = [
            f"{n} of {len(self.classes)} classes learned after {last.step} steps, {len(self.records)} looks: "
            f"loss {self.total_loss[0]:.3g} to {self.total_loss[-1]:.3g}"
        ]
        found = [one for one in self.findings() if one.status in (Status.ISSUE, Status.TIP)]
        lines += [f"{one.slug}: {one.sentence}" for one in found]
        if self.problem:
            lines.append(self.problem)
        return "\n".join(lines)


def _shared_mean(one: WatchRecord, values: Floats) -> float:
    """Return the mean by shares over the classes that were seen."""
    seen = (one.rows > 0) & (one.shares > 0)
    return float(one.shares[seen] @ values[seen] / one.shares[seen].sum()) if seen.any() else float("nan")


def _numbers(values: Any) -> Any:
    """Return numbers as JSON has them: ``None`` where there is none."""
    if isinstance(values, np.ndarray):
        return [_numbers(one) for one in values]
    return float(values) if np.isfinite(values) else None
