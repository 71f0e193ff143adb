from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from marginscope.cli.limit import _check_end
from marginscope.cli.main import main
from marginscope.exceptions import NotSolvedError
from marginscope.limits.fast_forward import fast_forward


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("data") / "wine.csv", *load_wine(return_X_y=True))


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("data") / "iris.csv", *load_iris(return_X_y=True))


def written(path: Path, X: np.ndarray, y: np.ndarray) -> str:
    names = ",".join([*(f"x{j}" for j in range(X.shape[1])), "kind"])
    rows = [",".join([*map(repr, row.tolist()), f"class {label}"]) for row, label in zip(X, y, strict=True)]
    path.write_text("\n".join([names, *rows]) + "\n")
    return str(path)


def test_separable_data_have_a_path_and_a_forecast(wine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["limit", wine, "-t", "kind", "--standardise", "-q", "--steps", "1e1000"]) == 0
    out = capsys.readouterr().out
    assert "1e1000" in out
    assert "the direction turns to the largest margin" in " ".join(out.split())
    assert "verified without a solver" in out


def test_json_holds_path_and_forecast(wine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "limit.html"
    words = ["limit", wine, "-t", "kind", "--standardise", "-q", "--steps", "1e20", "--json", "-o", str(page)]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "marginscope.trajectory/1"
    assert found["forecast"]["schema"] == "marginscope.forecast/1"
    assert found["finite_and_growing_part"] is None
    assert found["verified"]
    assert found["records"]["log10_step"][-1] == pytest.approx(20.0)
    assert "<svg" in page.read_text("utf-8")


def test_quasi_complete_data_have_a_finite_and_a_growing_part(iris: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["limit", iris, "-t", "kind", "--standardise", "-q", "--steps", "1e12"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["forecast"] is None
    assert found["finite_and_growing_part"]["status"] == "quasi_complete"
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "their finite part has norm" in " ".join(out.split())
    # there is no hard margin to compare with
    assert "proved at most" in out
    assert "direction error" not in out


def test_class_numbers_move_the_limit(wine: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["limit", wine, "-t", "kind", "--standardise", "-q", "--steps", "1e6", "--json"]
    margins = []
    for more in ([], ["--class-weight", "balanced"], ["--class-margin", "class 1=3"], ["--class-scale", "class 1=3"]):
        assert main([*words, *more]) == 0
        margins.append(json.loads(capsys.readouterr().out)["limit"]["margin"])
    assert margins[1] == pytest.approx(margins[0], rel=1e-6)
    assert margins[2] != pytest.approx(margins[0], rel=1e-2)
    assert margins[3] != pytest.approx(margins[0], rel=1e-2)


@pytest.mark.parametrize(
    ("more", "code", "needle"),
    [
        (["--steps", "many"], 2, "n_steps"),
        (["--steps", "-1"], 2, "n_steps"),
        (["--step-size", "fast"], 2, "--step-size needs"),
        (["--loss", "crossentropy"], 2, "did you mean"),
        (["--loss", "label_smoothing"], 2, "label_smoothing"),
        (["--exact"], 2, "--exact"),
        (["--class-margin", "class 9=2"], 2, "class 9"),
        (["--class-margin", "class 1"], 2, "LABEL=NUMBER"),
        (["--class-weight", "even"], 2, "balanced"),
    ],
)
def test_what_cannot_be_meant(
    wine: str, more: list[str], code: int, needle: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["limit", wine, "-t", "kind", "-q", *more]) == code
    captured = capsys.readouterr()
    assert needle in captured.err
    assert captured.out == ""


def test_long_work_says_so_once(wine: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marginscope.cli.limit._PATIENCE", 0.0)
    words = ["limit", wine, "-t", "kind", "--standardise", "--steps", "1e20"]
    assert main(words) == 0
    assert capsys.readouterr().err.count("178 rows are followed in log time") == 1
    assert main([*words, "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_a_loss_without_a_law_says_so(wine: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["limit", wine, "-t", "kind", "--standardise", "-q", "--steps", "1e20"]
    assert main([*words, "--loss", "polynomial"]) == 0
    assert "No law is known for the late path of polynomial" in " ".join(capsys.readouterr().out.split())


def test_a_path_that_is_less_accurate_is_shown_if_it_reached_its_end() -> None:
    path = fast_forward(*load_iris(return_X_y=True), n_steps=1e4)
    run = replace(path.runs[0], status="inaccurate", error=np.full(len(path.steps), 2e-5))
    _check_end(replace(path, runs=(run,)), "1e4", False)
    with pytest.raises(NotSolvedError, match="--standardise"):
        _check_end(replace(path, runs=(run,)), "1e5", False)
    with pytest.raises(NotSolvedError, match="fewer --steps") as refused:
        _check_end(replace(path, runs=(run,)), "1e5", True)
    assert "--standardise" not in str(refused.value)
    assert "W is right to about 2e-05" in str(replace(path, runs=(run,)))


def test_num003_a_step_too_large_ends_with_the_largest_safe_one(wine: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["limit", wine, "-t", "kind", "--standardise", "-q", "--loss", "exponential", "--step-size", "100"]
    assert main(words) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "diverged by step 1 (loss" in captured.err
    assert "choose a --step-size below" in captured.err
