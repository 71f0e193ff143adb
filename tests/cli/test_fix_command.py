"""The command ``fix``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from marginscope.cli.main import main

WEAK = ["--model", "logistic", "--param", "C=1e-6", "--check", "over-regularised", "--quiet"]


def test_the_ledger_names_a_winner_and_its_code(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "fix.html"
    assert main(["fix", str(table), "-t", "label", "--class", "fox", *WEAK, "-o", str(report)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("class fox\n")
    assert "\n* " in shown
    assert "model.fit(X, y)" in shown
    assert shown.endswith(f"report: {report}\n")
    assert "weaker-penalty" in report.read_text(encoding="utf-8")


def test_json_is_the_ledger(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", str(table), "-t", "label", *WEAK, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "marginscope.remedies/1"
    assert set(document["targets"]) == {"fox", "owl"}
    assert document["provenance"]["command"].startswith("marginscope fix ")
    assert {one["outcome"] for one in document["remedies"]} <= {"tried", "could_not_act", "failed"}


def test_a_class_that_does_not_exist_is_refused_before_the_work(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fix", str(table), "-t", "label", "--class", "fix"]) == 2
    assert "did you mean 'fox'?" in capsys.readouterr().err
