"""The command ``margin``: a certified bracket, the rows that hold it, or a refusal with a proof."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marginscope.cli.main import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def separated(tmp_path: Path, write_table: Callable[..., Path]) -> Path:
    """Two classes on a line, at 0, 1 and 3, 4: the boundary is at 2."""
    rows = [[x, name] for name, at in (("ant", 0), ("bee", 3)) for x in (at, at + 1)]
    return write_table(tmp_path / "separated.csv", rows, ["x", "label"])


def _json(words: list[str], capsys: Capture) -> dict[str, Any]:
    assert main([*words, "--json", "-q"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_margin_of_two_classes_on_a_line(separated: Path, capsys: Capture) -> None:
    """min ||W|| with w_bee - w_ant = w: w (3 - 2) = 1, so W = (-w, w) / 2 and the intercepts are -+1."""
    document = _json(["margin", str(separated), "-t", "label", "--exact"], capsys)
    assert document["status"] == "optimal"
    assert np.allclose(document["coef"], [[-0.5], [0.5]])
    assert np.allclose(document["intercept"], [1.0, -1.0])
    assert document["margin"] == pytest.approx(1 / np.sqrt(2.5))
    assert document["verified"] is True
    assert document["verified_exactly"] is True
    assert document["data"]["columns"] == ["x"]


def test_a_class_margin_moves_the_boundary(separated: Path, capsys: Capture) -> None:
    plain = _json(["margin", str(separated), "-t", "label"], capsys)
    moved = _json(["margin", str(separated), "-t", "label", "--class-margin", "bee=3"], capsys)

    def boundary(document: dict[str, Any]) -> float:
        return float(
            (document["intercept"][0] - document["intercept"][1]) / (document["coef"][1][0] - document["coef"][0][0])
        )

    assert boundary(plain) == pytest.approx(2.0)
    # at distances 1 and 3 in proportion to the margins: 1 + 2 / 4
    assert boundary(moved) == pytest.approx(1.5)


@pytest.mark.parametrize("norm", ["frobenius", "max", "sum", "spectral", "nuclear"])
def test_every_norm_has_a_bracket(norm: str, separated: Path, capsys: Capture) -> None:
    document = _json(["margin", str(separated), "-t", "label", "--norm", norm], capsys)
    lower, upper = document["bracket"]
    assert document["norm"] == norm
    assert 0 < lower <= upper <= lower * (1 + 1e-6)


def test_the_table_names_pairs_and_their_share(separated: Path, tmp_path: Path, capsys: Capture) -> None:
    page = tmp_path / "page.html"
    assert main(["margin", str(separated), "-t", "label", "-q", "-o", str(page)]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("The largest frobenius margin is 0.632456")
    assert "share of force" in shown.out
    # alpha_1 - 3 alpha_2 = -1/2 and alpha_1 - alpha_2 = 1: 1.75 and 0.75
    assert "70.0%" in shown.out
    assert "30.0%" in shown.out
    assert "verified without a solver." in " ".join(shown.out.split())
    assert "Rows that hold the margin" in page.read_text(encoding="utf-8")


def test_data_without_a_margin_exit_with_4(table: Path, capsys: Capture) -> None:
    assert main(["margin", str(table), "-t", "label", "-q"]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "separa" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--class-margin", "bee"], "LABEL=NUMBER"),
        (["--class-margin", "bee=-1"], "LABEL=NUMBER"),
        (["--class-margin", "bee=nan"], "LABEL=NUMBER"),
        (["--class-scale", "bee=1", "--class-scale", "bee=2"], "twice"),
        (["--class-scale", "wasp=1"], "wasp"),
        (["--norm", "frobenious"], "frobenius"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], said: str, separated: Path, capsys: Capture) -> None:
    assert main(["margin", str(separated), "-t", "label", "-q", *words]) in (2, 3)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert said in shown.err


def test_the_screen_gives_no_advice_for_python_and_names_the_unit(separated: Path, capsys: Capture) -> None:
    words = ["margin", str(separated), "-t", "label", "-q"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "verify(" not in shown
    assert "class margin" not in shown
    assert "over the rival, in units of the largest margin class rival times the margin" in " ".join(shown.split())
    assert main([*words, "--class-margin", "bee=2"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "in units of the largest margin times the class margin class rival times the margin" in said


def test_no_column_of_ones_is_called_the_smallest_margin(tmp_path: Path, write_table: Any, capsys: Capture) -> None:
    """Three groups on a line, the last far away: the far pair has a multiple of the largest margin."""
    rows = [[x, name] for name, at in (("ant", 0), ("bee", 3), ("cow", 9)) for x in (at, at + 1)]
    path = str(write_table(tmp_path / "three.csv", rows, ["x", "label"]))
    assert main(["margin", path, "-t", "label", "-q"]) == 0
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    head = next(line for line in lines if line[:2] == ["class", "rival"])
    assert " ".join(head) == "class rival times the margin support rows share of force"
    document = _json(["margin", path, "-t", "label"], capsys)
    X, W, b = np.array([row[0] for row in rows]), np.array(document["coef"]), np.array(document["intercept"])
    scores = X[:, None] * W[:, 0] + b
    size = np.linalg.norm(np.column_stack([W, b]))
    names = ["ant", "bee", "cow"]
    pairs = [line for line in lines if len(line) == 5 and {*line[:2]} <= {*names}]
    assert len(pairs) == 6
    for own, rival, cell, *_ in pairs:
        i, j = names.index(own), names.index(rival)
        nearest = (scores[[2 * i, 2 * i + 1], i] - scores[[2 * i, 2 * i + 1], j]).min() / size
        assert float(cell) == pytest.approx(nearest / document["margin"], rel=1e-3)


def test_the_page_holds_the_command_that_makes_it_again(separated: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    words = ["margin", str(separated), "-t", "label", "--output", str(page), "--quiet", "--norm", "max"]
    assert main([*words, "--class-margin", "bee=2"]) == 0
    text = page.read_text(encoding="utf-8")
    assert f"marginscope {' '.join(words)} --class-margin bee=2" in text
    assert "SHA-256 of the data" in text
