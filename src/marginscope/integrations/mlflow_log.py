"""A diagnosis as metrics, tags and artifacts of an MLflow run."""

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from marginscope.diagnosis.result import Diagnosis
from marginscope.exceptions import MissingExtra
from marginscope.findings import Verdict

__all__ = ["log_to_mlflow", "metric_names"]

Logger = Callable[[str, str, Any], None]

# MLflow allows letters, digits, _ - . blank : and /; the slash groups metrics in its pages.
_REFUSED = re.compile(r"[^\w.\- ]")
_LONGEST_NAME = 100
_LONGEST_TAG = 4000
_A_BATCH = 100


def log_to_mlflow(
    diagnosis: Diagnosis, *, run: Any = None, client: Any = None, logger: Logger | None = None
) -> str | None:
    """Log recalls, verdicts, causes, the JSON document and the HTML page.

    Parameters
    ----------
    diagnosis : Diagnosis
    run : Run or str, optional
        The run or its id; default the active run, or a new one that is ended.
    client : MlflowClient, optional
        Default one for the tracking address in force.
    logger : callable, optional
        In place of MLflow: called as ``logger(kind, name, value)``, where ``kind`` is
        ``"metric"`` (a number), ``"tag"`` or ``"artifact"`` (texts).

    Returns
    -------
    str or None
        The id of the run; ``None`` with ``logger``.

    Raises
    ------
    MissingExtra
        If MLflow is needed and not installed.

    Notes
    -----
    Metrics are ``marginscope/recall/<label>`` with ``recall_low``, ``recall_high`` and
    ``precision``, ``marginscope/balanced_recall`` and ``marginscope/classes/<verdict>``.
    Labels are changed where MLflow would refuse them as names (``metric_names``); the tag
    ``marginscope.label.<name>`` then holds the label. A value that does not exist is not logged.

    Examples
    --------
    >>> import marginscope as ms
    >>> d = ms.diagnose(ms.Predictions(["a", "b", "b", "b"]), None, ["a", "a", "b", "b"])
    >>> log_to_mlflow(d, logger=lambda kind, name, value: print(name, value) if kind == "metric" else None)
    marginscope/recall/a 0.5
    ...
    """
    if logger is not None:
        _send(diagnosis, logger)
        return None
    try:
        import mlflow
        from mlflow.entities import Metric, RunTag
    except ImportError as error:
        raise MissingExtra("mlflow", "mlflow", "logging to MLflow") from error
    client = client or mlflow.MlflowClient()
    active = mlflow.active_run() if run is None else run
    if active is None:
        with mlflow.start_run() as started:
            return log_to_mlflow(diagnosis, run=started, client=client)
    run_id = active if isinstance(active, str) else active.info.run_id
    now = int(time.time() * 1000)
    found: dict[str, list[tuple[str, Any]]] = {"metric": [], "tag": [], "artifact": []}
    _send(diagnosis, lambda kind, name, value: found[kind].append((name, value)))
    for batch in _batches(found["metric"]):
        client.log_batch(run_id, metrics=[Metric(name, value, now, 0) for name, value in batch])
    for batch in _batches(found["tag"]):
        client.log_batch(run_id, tags=[RunTag(name, value) for name, value in batch])
    for name, text in found["artifact"]:
        client.log_text(run_id, text, name)
    return str(run_id)


def metric_names(labels: Sequence[str]) -> dict[str, str]:
    """Return a name for every label that MLflow takes, all different, also without case."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        plain = _REFUSED.sub("_", label)[:_LONGEST_NAME].strip()
        plain = plain if plain.strip(".") else "_" * max(1, len(plain))
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[label] = name
    return names


def _send(diagnosis: Diagnosis, logger: Logger) -> None:
    names = metric_names(diagnosis.labels)
    for name, value in _metrics(diagnosis, names):
        logger("metric", name, value)
    for name, text in _tags(diagnosis, names):
        logger("tag", name, text[:_LONGEST_TAG])
    logger("artifact", "marginscope/diagnosis.json", diagnosis.to_json())
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "diagnosis.html"
        diagnosis.save_html(page)
        logger("artifact", "marginscope/diagnosis.html", page.read_text(encoding="utf-8"))


def _metrics(diagnosis: Diagnosis, names: dict[str, str]) -> Iterator[tuple[str, float]]:
    for one in sorted(diagnosis.classes, key=lambda one: diagnosis.labels.index(one.label)):
        low, high = one.recall_interval or (None, None)
        values = {"recall": one.recall, "recall_low": low, "recall_high": high, "precision": one.precision}
        for what, value in values.items():
            if value is not None:
                yield f"marginscope/{what}/{names[one.label]}", float(value)
    recalls = [one.recall for one in diagnosis.classes if one.recall is not None]
    if recalls:
        yield "marginscope/balanced_recall", sum(recalls) / len(recalls)
    count = Counter(one.verdict for one in diagnosis.classes)
    for verdict in Verdict:
        yield f"marginscope/classes/{verdict}", float(count[verdict])


def _tags(diagnosis: Diagnosis, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "marginscope.version", str(diagnosis.provenance.get("version"))
    yield "marginscope.causes", ", ".join(dict.fromkeys(one.cause for one in diagnosis.classes if one.cause)) or "none"
    for one in diagnosis.not_learned:
        yield f"marginscope.verdict.{names[one.label]}", str(one.verdict)
        if one.cause is not None:
            yield f"marginscope.cause.{names[one.label]}", one.cause
    for label, name in names.items():
        if name != label:
            yield f"marginscope.label.{name}", label or "(empty)"


def _batches(rows: list[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    for start in range(0, len(rows), _A_BATCH):
        yield rows[start : start + _A_BATCH]
