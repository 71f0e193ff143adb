"""A file of labels and a file of answers, without a feature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from marginscope.cli.main import main
from marginscope.tables import read_table

NAMES = np.array(["Fpv Open", "High", "Rad Flow"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    codes = rng.choice(3, 300, p=[0.5, 0.4, 0.1])
    guess = np.where(rng.random(300) < 0.8, codes, rng.choice(3, 300))
    (tmp_path / "y.csv").write_text("label\n" + "\n".join(NAMES[codes]) + "\n")
    (tmp_path / "bare.txt").write_text("\n".join(str(code) for code in codes) + "\n")
    (tmp_path / "pred.csv").write_text("\n".join(NAMES[guess]) + "\n")
    (tmp_path / "codes.txt").write_text("\n".join(str(code) for code in guess) + "\n")
    (tmp_path / "test.csv").write_text("label\n" + "\n".join([*NAMES[codes[:100]], "Bypass"]) + "\n")
    (tmp_path / "test-pred.csv").write_text("\n".join([*NAMES[guess[:100]], "High"]) + "\n")
    return tmp_path


def document(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main([*words, "--json", "--quiet"]) == 0
    return json.loads(capsys.readouterr().out)


def test_labels_of_several_words_in_one_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = document(["diagnose", str(folder / "y.csv"), "-t", "label", "--pred", str(folder / "pred.csv")], capsys)
    assert said["data"]["features"] == 0
    assert {one["label"] for one in said["classes"]} == set(NAMES)


def test_no_header(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["diagnose", str(folder / "bare.txt"), "-t", "0", "--no-header", "--pred", str(folder / "codes.txt")]
    assert document(words, capsys)["data"]["rows"] == 300


def test_labels_of_the_test_rows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["diagnose", str(folder / "y.csv"), "-t", "label", "--test", str(folder / "test.csv")]
    said = document([*words, "--pred", str(folder / "test-pred.csv")], capsys)
    assert next(one for one in said["classes"] if one["label"] == "Bypass")["verdict"] == "absent"


def test_notes_of_several_files_name_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{at % 7};{name}" for at, name in enumerate(np.resize(NAMES, 90))]
    for name in ("train.csv", "held.csv"):
        (folder / name).write_text("\n".join(["a;label", *rows]) + "\n")
    (folder / "held-pred.csv").write_text("\n".join(["guess", *np.resize(NAMES, 90)]) + "\n")
    words = ["diagnose", str(folder / "train.csv"), "-t", "label", "--test", str(folder / "held.csv")]
    assert main([*words, "--pred", str(folder / "held-pred.csv")]) == 0
    notes = capsys.readouterr().err
    assert "note: train.csv: fields are separated by" in notes
    assert "note: held.csv: fields are separated by" in notes
    assert "held-pred.csv' ('guess') is a header" in notes
    assert main(words[:4]) == 0
    assert "note: fields are separated by" in capsys.readouterr().err


def test_without_answers_features_are_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", str(folder / "y.csv"), "-t", "label"]) == 3
    assert "minimum of 1 is required" in capsys.readouterr().err


def test_a_table_with_features_is_read_as_before(folder: Path) -> None:
    path = folder / "blanks.txt"
    path.write_text("a b label\n1 2 x\n3 4 y\n5 6 x\n")
    assert read_table(path, "label", may_lack_features=True).features.shape == (3, 2)
