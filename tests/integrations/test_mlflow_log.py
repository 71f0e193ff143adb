"""What is logged is the diagnosis; names are such as MLflow takes."""

from __future__ import annotations

import json
import re
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import marginscope as ms
from marginscope.exceptions import MissingExtra
from marginscope.integrations.mlflow_log import metric_names

# The rule of MLflow's own validation, and that a name is a path in normal form.
ALLOWED = re.compile(r"^[/\w.\- :]*$")
ODD = ["a/b", "a_b", "A_b", "..", "", ".", "ü: x", "%$#", "x" * 300, "rival\nline", " blank "]


@pytest.fixture(scope="module")
def diagnosis() -> ms.Diagnosis:
    rng = np.random.default_rng(0)
    y = rng.choice(np.array(["fox", "owl/x", "lynx"], dtype=object), 300, p=[0.1, 0.3, 0.6])
    guess = np.where(rng.random(300) < 0.8, y, "lynx")
    guess[y == "fox"] = "lynx"
    return ms.diagnose(ms.Predictions(guess), None, y)


def logged(diagnosis: ms.Diagnosis) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"metric": {}, "tag": {}, "artifact": {}}
    ms.integrations.log_to_mlflow(diagnosis, logger=lambda kind, name, value: found[kind].update({name: value}))
    return found


def check(found: dict[str, dict[str, Any]], diagnosis: ms.Diagnosis) -> None:
    names = metric_names(diagnosis.labels)
    for one in diagnosis.classes:
        assert found["metric"][f"marginscope/recall/{names[one.label]}"] == pytest.approx(one.recall)
    assert found["metric"]["marginscope/classes/unlearned"] == 1
    assert found["metric"]["marginscope/balanced_recall"] == pytest.approx(
        np.mean([one.recall for one in diagnosis.classes])
    )
    # A precision that does not exist is not logged as a number.
    assert "marginscope/precision/fox" not in found["metric"]
    assert found["tag"]["marginscope.verdict.fox"] == "unlearned"
    assert found["tag"][f"marginscope.label.{names['owl/x']}"] == "owl/x"


def test_a_callable_gets_everything(diagnosis: ms.Diagnosis) -> None:
    found = logged(diagnosis)
    check(found, diagnosis)
    assert json.loads(found["artifact"]["marginscope/diagnosis.json"]) == diagnosis.to_dict()
    assert found["artifact"]["marginscope/diagnosis.html"].startswith("<!doctype html>")


def test_the_causes_are_tags() -> None:
    y = ["a"] * 40 + ["b"] * 40
    d = ms.diagnose(ms.Predictions(["a"] * 41 + ["b"] * 39 + ["a"]), None, y, y_test=[*y, "c"])
    found = logged(d)
    assert found["tag"]["marginscope.cause.c"] == "class-absent"
    assert found["tag"]["marginscope.causes"] == "class-absent"
    assert "marginscope/recall/c" not in found["metric"]


def test_names_are_allowed_and_differ_without_case() -> None:
    names = metric_names(ODD)
    whole = [f"marginscope/recall_high/{names[label]}" for label in ODD]
    assert all(ALLOWED.match(name) and len(name) <= 250 for name in whole)
    assert all("/" not in name and name.strip(".") and name == name.strip() for name in names.values())
    assert len({name.casefold() for name in names.values()}) == len(ODD)
    assert metric_names(["fox", "red fox", "7-b.1"]) == {one: one for one in ("fox", "red fox", "7-b.1")}


def test_the_calls_to_the_client(diagnosis: ms.Diagnosis, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a client that only remembers, and MLflow's two entities."""
    module, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
    entities.Metric = namedtuple("Metric", "key value timestamp step")  # type: ignore[attr-defined]
    entities.RunTag = namedtuple("RunTag", "key value")  # type: ignore[attr-defined]
    module.entities = entities  # type: ignore[attr-defined]
    module.active_run = lambda: SimpleNamespace(info=SimpleNamespace(run_id="active"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    found: dict[str, dict[str, Any]] = {"metric": {}, "tag": {}, "artifact": {}}
    runs: set[str] = set()

    class Client:
        def log_batch(self, run_id: str, metrics: Any = (), tags: Any = ()) -> None:
            runs.add(run_id)
            assert len(metrics) <= 1000
            assert len(tags) <= 100
            found["metric"].update({one.key: one.value for one in metrics})
            found["tag"].update({one.key: one.value for one in tags})

        def log_text(self, run_id: str, text: str, name: str) -> None:
            found["artifact"][name] = text

    assert ms.integrations.log_to_mlflow(diagnosis, client=Client()) == "active"
    assert ms.integrations.log_to_mlflow(diagnosis, run="mine", client=Client()) == "mine"
    assert runs == {"active", "mine"}
    check(found, diagnosis)
    assert found == logged(diagnosis)


def test_without_mlflow_the_extra_is_named(diagnosis: ms.Diagnosis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtra, match=r"marginscope\[mlflow\]"):
        ms.integrations.log_to_mlflow(diagnosis)


@pytest.mark.filterwarnings("ignore")
def test_with_mlflow_itself(diagnosis: ms.Diagnosis, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    mlflow.set_experiment(experiment_id=mlflow.create_experiment("test", (tmp_path / "files").as_uri()))
    run_id = ms.integrations.log_to_mlflow(diagnosis)
    run = mlflow.get_run(run_id)
    assert run.info.status == "FINISHED"
    check({"metric": run.data.metrics, "tag": run.data.tags}, diagnosis)
    path = mlflow.artifacts.download_artifacts(
        run_id=run_id, artifact_path="marginscope/diagnosis.json", dst_path=str(tmp_path)
    )
    assert json.loads(Path(path).read_text(encoding="utf-8")) == diagnosis.to_dict()
    with mlflow.start_run() as active:
        assert ms.integrations.log_to_mlflow(diagnosis) == active.info.run_id
        assert mlflow.active_run() is not None
