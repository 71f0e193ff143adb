"""Every experiment in its small form, with its claims; and how settings and results are written."""

import csv
import importlib
import json
import pkgutil
from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.figure import Figure

import marginscope.experiments as package
from marginscope.exceptions import UsageError
from marginscope.experiments.experiment import Claim
from marginscope.experiments.folder import result_folder
from marginscope.experiments.registry import EXPERIMENTS
from marginscope.experiments.running import experiment_names, run_experiment
from marginscope.experiments.settings import parse_assignments, settings


@pytest.fixture(scope="module")
def results():
    return {}


def result_of(results, name):
    if name not in results:
        results[name] = run_experiment(name, smoke=True)
    return results[name]


def test_every_experiment_of_the_folder_is_listed():
    found = set()
    for module in pkgutil.iter_modules(package.__path__):
        for thing in vars(importlib.import_module(f"marginscope.experiments.{module.name}")).values():
            own = isinstance(thing, type) and thing.__module__ == f"marginscope.experiments.{module.name}"
            if own and hasattr(thing, "claims") and hasattr(thing, "smoke") and not hasattr(thing, "_is_protocol"):
                found.add(thing)
    assert found == {type(one) for one in EXPERIMENTS}
    assert len(experiment_names()) == len(set(experiment_names()))


@pytest.mark.parametrize("one", EXPERIMENTS, ids=lambda one: one.name)
def test_the_small_form_holds_its_claims(one, results):
    result = result_of(results, one.name)
    assert result.claims
    assert [claim.statement for claim in result.claims if not claim.holds] == []
    assert len({len(values) for values in result.columns.values()}) == 1
    for claim in result.claims:
        assert claim.at_least is not None or claim.at_most is not None
    first = one.title.split()[0]
    assert first.islower() or first.isupper()
    assert not one.title.endswith(".")
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["holds"]


@pytest.mark.parametrize("one", EXPERIMENTS, ids=lambda one: one.name)
def test_the_figure_and_the_files(one, results, tmp_path):
    result = result_of(results, one.name)
    assert isinstance(result.figure(), Figure)
    files = result.save(tmp_path / "made")
    assert {file.name for file in files} >= {"figure.svg", "figure.png", "columns.csv", "claims.json"}
    with (tmp_path / "made" / "columns.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(result.columns)
    assert len(rows) == len(next(iter(result.columns.values())))
    for name, values in result.columns.items():
        if isinstance(values[0], float):
            np.testing.assert_array_equal([float(row[name]) for row in rows], values)


def test_the_same_run_writes_the_same_columns():
    one, two = (run_experiment("norm-ratio", smoke=True, n_trials=1) for _ in range(2))
    assert one.columns == two.columns


@dataclass(frozen=True)
class Flat:
    count: int = 3
    size: float = 1.0
    word: str = "a"
    flag: bool = False
    steps: tuple[int, ...] = (1, 2)


def test_settings_are_parsed_by_type():
    given = {"count": "1e3", "size": "2", "word": "b", "flag": "True", "steps": "4,5"}
    assert settings(Flat, given) == Flat(1000, 2.0, "b", True, (4, 5))
    assert settings(Flat, {"steps": [7], "size": 3}) == Flat(steps=(7,), size=3.0)
    # as the page of experiments writes them
    assert settings(Flat, {"steps": "[4, 5]"}) == Flat(steps=(4, 5))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"cuont": 1}, "did you mean count"),
        ({"x": 1}, "its settings are: count"),
        ({"count": "1.5"}, "type int"),
        ({"count": True}, "type int"),
        ({"count": None}, "type int"),
        ({"size": "big"}, "type float"),
        ({"size": False}, "type float"),
        ({"flag": "maybe"}, "type bool"),
        ({"word": 3}, "type str"),
        ({"steps": "1,b"}, "steps needs"),
        ({"steps": 4}, "its default is 1,2$"),
        ({"count": -1}, "at least 0, but got -1"),
    ],
)
def test_settings_that_cannot_be_meant(given, match):
    with pytest.raises(UsageError, match=match):
        settings(Flat, given)


@pytest.mark.parametrize("number", [0, -3])
def test_a_count_of_nothing_is_refused(number):
    with pytest.raises(UsageError, match="n_trials needs a whole number of at least 1"):
        run_experiment("norm-ratio", smoke=True, n_trials=number)


def test_assignments():
    assert parse_assignments(["a=1", " b = x=y "]) == {"a": "1", "b": "x=y"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(UsageError, match="--set"):
            parse_assignments(wrong)


def test_claims():
    assert Claim("s", 1.0, at_least=1.0, at_most=1.0).holds
    assert not Claim("s", 1.1, at_most=1.0).holds
    assert not Claim("s", 0.9, at_least=1.0).holds
    assert not Claim("s", float("nan"), at_most=1.0).holds
    assert Claim("s", float("nan"), at_most=1.0).to_dict()["value"] is None


def test_a_result_is_shown_in_a_line():
    result = run_experiment("tail-bounds", smoke=True)
    assert repr(result).startswith("<ExperimentResult: tail-bounds: ")
    assert len(repr(result)) < 200


def test_a_folder_is_not_overwritten(tmp_path):
    folder = result_folder(tmp_path, "x", Flat(), resume=False)
    (folder / "claims.json").write_text(json.dumps({"config": {"count": 3, "size": 1.0}}))
    with pytest.raises(UsageError, match="--resume"):
        result_folder(tmp_path, "x", Flat(), resume=False)
    with pytest.raises(UsageError, match="these differ: flag, steps, word"):
        result_folder(tmp_path, "x", Flat(), resume=True)
    whole = {"count": 3, "size": 1.0, "word": "a", "flag": False, "steps": [1, 2]}
    (folder / "claims.json").write_text(json.dumps({"config": whole}))
    assert result_folder(tmp_path, "x", Flat(), resume=True) == folder
    (folder / "claims.json").write_text("{")
    with pytest.raises(UsageError, match="cannot be read"):
        result_folder(tmp_path, "x", Flat(), resume=True)
