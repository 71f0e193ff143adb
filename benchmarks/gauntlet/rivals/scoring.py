"""Run the rivals on the same draws and score what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import classification_report
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split

from benchmarks.gauntlet.cases import CASES
from benchmarks.gauntlet.models import seeded
from benchmarks.gauntlet.planted import Case, Planted
from benchmarks.gauntlet.rivals.messages import ALARMS, named
from benchmarks.gauntlet.runs import Key, read_lines, store

__all__ = ["run_rivals"]

BY_KEY = {case.key: case for case in CASES}
BATCH = 60
ROOT = Path(__file__).parents[3]


def run_rivals(options: Any, keys: list[Key]) -> None:
    tools = options.tool or ["scikit-learn", "skore", "cleanlab"]
    if not options.python and set(tools) - {"scikit-learn"}:
        print("skore and cleanlab need --python, the interpreter of an environment that has them", file=sys.stderr)
        tools = ["scikit-learn"]
    for tool in tools:
        path = store(f"{tool}-{options.list}")
        done = read_lines(path)
        left = [key for key in keys if key not in done]
        for start in range(0, len(left), BATCH):
            batch = left[start : start + BATCH]
            said = {"scikit-learn": _ask_sklearn, "skore": _ask_skore, "cleanlab": _ask_cleanlab}[tool](
                batch, options.python
            )
            with path.open("a") as out:
                for key in batch:
                    out.write(json.dumps(judge(tool, key, said.get(key, {"failed": "no answer"}))) + "\n")
            print(f"{tool}: {start + len(batch)} of {len(left)}", file=sys.stderr, flush=True)


def judge(tool: str, key: Key, said: dict[str, Any]) -> dict[str, Any]:
    case = BY_KEY[key[0]]
    line: dict[str, Any] = {"case": key[0], "model": key[1], "seed": key[2], **said}
    messages = said.get("messages", [])
    if case.shown_by == "control":
        line["right"] = not any(words in message for message in messages for words in ALARMS[tool])
    else:
        causes = named(tool, messages)
        line["right"] = case.cause in causes
        line["named"] = sorted(causes)
    return line


def _ask_sklearn(batch: list[Key], python: str | None) -> dict[Key, dict[str, Any]]:
    return {key: {"messages": _sklearn_messages(BY_KEY[key[0]], key[1], key[2])} for key in batch}


def _sklearn_messages(case: Case, kind: str, seed: int) -> list[str]:
    """Warnings of one fit, one prediction, one classification report and one cross-validated score."""
    planted = case.planted(seed)
    X, y = planted.train
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if planted.test is not None:
                X_train, y_train, (X_test, y_test) = X, y, planted.test
            else:
                rare = min(int((y == name).sum()) for name in np.unique(y)) < 2
                X_train, X_test, y_train, y_test = train_test_split(
                    X, y, test_size=0.3, random_state=seed, stratify=None if rare else y
                )
            fitted = seeded(case.models[kind](), seed).fit(X_train, y_train)
            classification_report(y_test, fitted.predict(X_test))
            list(StratifiedKFold(5).split(X, y))
        except Exception as error:
            return [f"{type(error).__name__}: {error}"[:200]]
    return sorted({f"{one.category.__name__}: {one.message}"[:200] for one in caught})


def _ask_skore(batch: list[Key], python: str) -> dict[Key, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "tasks.json"), Path(folder, "said.jsonl")
        asked.write_text(json.dumps(batch))
        _run([python, "-m", "benchmarks.gauntlet.rivals.ask_skore", str(asked), str(answered)])
        return {
            key: {name: line[name] for name in ("messages", "failed") if name in line}
            for key, line in read_lines(answered).items()
        }


def _ask_cleanlab(batch: list[Key], python: str) -> dict[Key, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        said: dict[Key, dict[str, Any]] = {}
        for number, key in enumerate(batch):
            try:
                _write_arrays(Path(folder, f"{number:04d}.npz"), BY_KEY[key[0]], key[1], key[2])
            except Exception as error:
                said[key] = {"failed": f"{type(error).__name__}: {error}"[:300]}
        _run([python, str(Path(__file__).with_name("ask_cleanlab.py")), folder])
        for number, key in enumerate(batch):
            answer = Path(folder, f"{number:04d}.json")
            if answer.exists():
                said[key] = json.loads(answer.read_text())
        return said


def _write_arrays(path: Path, case: Case, kind: str, seed: int) -> None:
    """Features, labels and out-of-sample probabilities of the case's own model, as Datalab recommends."""
    planted: Planted = case.planted(seed)
    X, y = planted.train
    names, labels = np.unique(y, return_inverse=True)
    smallest = int(np.bincount(labels).min())
    folds = StratifiedKFold(max(2, min(5, smallest)), shuffle=True, random_state=seed)
    model = seeded(case.models[kind](), seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        method = "predict_proba" if hasattr(model, "predict_proba") else "decision_function"
        proba = cross_val_predict(model, X, y, cv=folds, method=method)
    if method == "decision_function":
        # Scores are no probabilities; a softmax is what people take.
        proba = np.exp(proba - proba.max(axis=1, keepdims=True))
        proba /= proba.sum(axis=1, keepdims=True)
    features = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)
    codes = np.flatnonzero(np.isin(names, planted.classes))
    np.savez(path, features=features, labels=labels, proba=proba, planted=codes)


def _run(command: list[str]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=False)
