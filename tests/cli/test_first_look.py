"""What somebody sees who tries the program for the first time: what to do next, what was read, what was wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from marginscope.cli.main import main
from marginscope.exceptions import DataError, UsageError
from marginscope.tables import read_predictions, read_table

Capture = pytest.CaptureFixture[str]
NAMES = np.array(["fault", "ok"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table whose 12 faults are nearly always called ok, with predicted labels and probabilities."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1], [12, 108])
    proba = np.where(codes == 0, rng.uniform(0.1, 0.45, 120), rng.uniform(0.0, 0.08, 120))
    rows = [f"{abs(x):.4f},{NAMES[k]}" for x, k in zip(rng.standard_normal(120), codes, strict=True)]
    (tmp_path / "data.csv").write_text("x,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "bare.csv").write_text("label\n" + "\n".join(NAMES[codes]) + "\n")
    (tmp_path / "labels.csv").write_text("pred\n" + "ok\n" * 120)
    (tmp_path / "proba.csv").write_text("fault,ok\n" + "".join(f"{p:.4f},{1 - p:.4f}\n" for p in proba))
    (tmp_path / "test.csv").write_text("x,label\n" + "\n".join(f"9{row}" for row in rows[:40]) + "\n")
    return tmp_path


@pytest.mark.parametrize(("answers", "is_told"), [("proba.csv", True), ("labels.csv", False)])
def test_the_next_command_is_printed_where_it_has_something_to_try(
    answers: str, is_told: bool, folder: Path, capsys: Capture
) -> None:
    words = [str(folder / "bare.csv"), "-t", "label", "--pred", str(folder / answers)]
    assert main(["diagnose", *words, "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "fault" in shown
    assert (f"next:   marginscope fix {' '.join(words)}\n" in shown) is is_told
    assert ("next:" in shown) is is_told
    assert main(["fix", *words, "--quiet"]) == 0
    fix = capsys.readouterr().out
    assert fix.startswith("Nothing could be tried on 'fault'") is not is_told
    assert ("present model" in fix) is is_told
    said = re.sub(r"\s+", " ", fix)
    ask = "give the features and the model with --model, or its probabilities of every class with --pred."
    assert (ask in said) is not is_told


def test_the_header_names_the_test_file_and_its_rows(folder: Path, capsys: Capture) -> None:
    test = folder / "test.csv"
    words = ["diagnose", str(folder / "data.csv"), "-t", "label", "--test", str(test), "--check", "class-absent", "-q"]
    assert main(words) == 0
    head = re.sub(r"\s+", "", capsys.readouterr().out)
    assert re.sub(r"\s+", "", f"120 rows, 1 feature, 2 classes; test: {test}, 40 rows; model: reference") in head


@pytest.mark.parametrize(("lines", "found"), [(["pred"] + ["ok"] * 118, 118), (["ok"] * 118, 118), (["pred"], 1)])
def test_a_header_is_no_prediction(lines: list[str], found: int, tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=rf"each of the 120 rows of the data is needed, but .* has {found};"):
        read_predictions(path, ["fault", "ok"], 120)


def test_free_text_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "text.csv"
    rows = "".join(f"word{at} and word{at * 7},2024-01-{at % 28 + 1:02d},{'ab'[at % 2]}\n" for at in range(60))
    path.write_text("body,day,label\n" + rows)
    with pytest.raises(DataError) as caught:
        read_table(path, "label")
    assert str(caught.value).endswith(
        "; leave them out with --drop body --drop day, or read 'body' as words with --text body and leave out only "
        "'day'"
    )
    assert read_table(path, "label", text=["body"], drop=["day"]).features.is_sparse


def test_a_file_that_is_not_there_is_usage_as_the_page_says(tmp_path: Path, capsys: Capture) -> None:
    assert main(["diagnose", str(tmp_path / "none.csv"), "-t", "label"]) == UsageError.exit_code == 2
    assert "does not exist; check the path" in capsys.readouterr().err
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| 2 |"))
    assert "a path where there is no file" in row
