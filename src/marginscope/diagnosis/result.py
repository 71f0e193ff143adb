"""The result of a diagnosis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import Displayed, display_order, make_frame
from marginscope.findings import ClassDiagnosis, Finding, Status, Verdict
from marginscope.remedies.ledger import RemedyLedger

__all__ = ["DataSummary", "Diagnosis", "ModelSummary", "ParameterTable"]


@dataclass(frozen=True)
class DataSummary:
    """What was diagnosed; files, ``sha256`` and ``target`` are ``None`` in Python.

    ``test_rows`` is ``None`` where recall comes from cross-validation.
    """

    rows: int
    features: int
    n_classes: int
    file: str | None = None
    sha256: str | None = None
    target: str | None = None
    test_rows: int | None = None
    test_file: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the contract."""
        names = ("file", "sha256", "target", "rows", "features", "n_classes")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class ModelSummary:
    """The diagnosed model: its kind and the parameters that differ from their defaults."""

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ParameterTable:
    """Coefficients of a linear model, class by feature.

    ``values`` is (n_classes, n_features) in the gauge named by ``gauge``;
    ``infinite`` holds the sign of parameters without a finite value, else 0.
    """

    classes: tuple[str, ...]
    features: tuple[str, ...]
    values: NDArray[np.float64]
    gauge: str
    infinite: NDArray[np.int8] | None = None


@dataclass(repr=False)
class Diagnosis(Displayed):
    """Which classes are learned, which are not, and why.

    ``diagnosis[label]`` is one class, ``label in diagnosis`` says whether there is such a
    class, and iteration gives the classes, worst first.

    Attributes
    ----------
    classes : tuple of ClassDiagnosis
        Worst first.
    findings : tuple of Finding
        Every check exactly once, issues first.
    data, model : DataSummary, ModelSummary
    notes : tuple of str
        How the numbers were got: folds, subsamples, preparation of the features.
    confusion : ndarray of shape (n_classes, n_classes) or None
        Counts of the scored rows, rows are the true classes, in the order of ``labels``.
    n_repeats : int
        How often the rows were scored; with more than once ``confusion`` is a mean, rounded
        so that every class keeps its rows.
    recall_note : str
        What the recall is of, as a sentence; one of the notes.
    labels : tuple of str
        Labels in sorted order.
    parameters : ParameterTable or None
        For linear models.
    thresholds : mapping
        Every threshold that was used: slug, then field name.
    ledger : RemedyLedger or None
        Set by ``remedy``.
    fix_words : tuple of str
        Words of the command that tries the remedies on the same data and model; empty in Python.
    can_be_remedied : bool
        Whether ``remedy`` has anything to try: a model, or probabilities of one.
    seconds : float
        Wall time of the diagnosis; not in the JSON document, which repeats byte for byte.
    """

    _report = "diagnosis_page"

    classes: tuple[ClassDiagnosis, ...]
    findings: tuple[Finding, ...]
    data: DataSummary
    model: ModelSummary
    labels: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    confusion: NDArray[np.int64] | None = None
    n_repeats: int = 1
    recall_note: str = ""
    parameters: ParameterTable | None = None
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ledger: RemedyLedger | None = None
    fix_words: tuple[str, ...] = ()
    can_be_remedied: bool = True
    seconds: float = 0.0
    _try_remedies: Callable[..., RemedyLedger] | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[ClassDiagnosis]:
        # There is no __len__: with it numpy and pandas take a result in a list for a sequence, and ask it for item 0.
        return iter(self.classes)

    def __contains__(self, label: Any) -> bool:
        return label in self.classes or any(one.label == str(label) for one in self.classes)

    def __getitem__(self, label: Any) -> ClassDiagnosis:
        for one in self.classes:
            if one.label == str(label):
                return one
        known = [repr(self.labels[k]) for k in display_order(self.labels)[:20]]
        raise KeyError(f"no class {str(label)!r}; the classes are {', '.join(known)}")

    def finding(self, slug: str) -> Finding:
        """Return the outcome of one check."""
        for one in self.findings:
            if one.slug == slug:
                return one
        raise KeyError(f"no check {slug!r} was run; the checks are {', '.join(one.slug for one in self.findings)}")

    @property
    def not_learned(self) -> tuple[ClassDiagnosis, ...]:
        """Classes whose verdict is not healthy, worst first."""
        return tuple(one for one in self.classes if one.verdict is not Verdict.HEALTHY)

    @property
    def not_run(self) -> tuple[tuple[str, str], ...]:
        """Checks that errored or were skipped, those with one reason together: ("skipped a, b", reason)."""
        found: dict[tuple[Status, str], list[str]] = {}
        for status in (Status.ERRORED, Status.SKIPPED):
            for one in self.findings:
                if one.status is status:
                    found.setdefault((status, one.sentence), []).append(one.slug)
        return tuple((f"{status} {', '.join(slugs)}", reason) for (status, reason), slugs in found.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document ``marginscope.diagnosis/1`` of the contract."""
        return {
            "schema": "marginscope.diagnosis/1",
            "data": self.data.to_dict(),
            "model": {"kind": self.model.kind, "params": {k: _plain(v) for k, v in self.model.params.items()}},
            "classes": [one.to_dict() for one in self.classes],
            "findings": [one.to_dict() for one in self.findings],
            "not_checked": [
                {"slug": one.slug, "reason": one.sentence} for one in self.findings if not one.status.is_decided
            ],
            "provenance": dict(self.provenance),
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return ``to_dict`` as JSON text; a value that does not exist is ``null``."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False, ensure_ascii=False)

    def frame(self) -> Any:
        """Return one row per class as a data frame."""
        rows = [one.to_dict() for one in self.classes]
        names = [name for name in rows[0] if name != "recall_interval"] if rows else []
        columns = {name: [row[name] for row in rows] for name in names}
        columns["recall_low"] = [
            None if one.recall_interval is None else one.recall_interval[0] for one in self.classes
        ]
        columns["recall_high"] = [
            None if one.recall_interval is None else one.recall_interval[1] for one in self.classes
        ]
        return make_frame(columns)

    def remedy(self, label: Any = None, *, budget: float | None = None) -> RemedyLedger:
        """Try the remedies that can act, on the same folds.

        Parameters
        ----------
        label : object, optional
            The class to lift; default every class that is not learned.
        budget : float, optional
            Seconds; remedies that no longer fit are listed as not tried.

        Returns
        -------
        RemedyLedger

        Raises
        ------
        UsageError
            If there is no such class.
        """
        if self._try_remedies is None:
            raise RuntimeError("this diagnosis was not made by marginscope.diagnose; call that first")
        self.ledger = self._try_remedies(self, label=None if label is None else str(label), budget=budget)
        return self.ledger

    def __str__(self) -> str:
        count = Counter(one.verdict for one in self.classes)
        tally = ", ".join(f"{count[verdict]:,} {verdict}" for verdict in Verdict if count[verdict])
        columns = f" x {self.data.features:,} features" if self.data.features else " of answers"
        lines = [f"{self.model.kind} on {self.data.rows:,} rows{columns}: {tally or 'no class'}"]
        for one in self.classes:
            recall = " -  " if one.recall is None else f"{one.recall:.2f}"
            why = f"{one.cause}: {one.reason}" if one.cause else one.reason
            lines.append(f"  {one.label:<20.20} share {one.share:6.1%}  recall {recall}  {one.verdict:<9} {why}")
        told = {one.cause for one in self.classes}
        besides = [one for one in self.findings if one.status in (Status.ISSUE, Status.TIP) and one.slug not in told]
        lines += [f"  {one.slug}: {one.sentence}" for one in besides]
        lines += [f"  {head}: {reason}" for head, reason in self.not_run]
        lines += [f"  note: {one}" for one in self.notes]
        return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Return ``value`` if JSON knows it, else its text; lists and dictionaries part by part."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        return _plain(value.item())
    return str(value)
