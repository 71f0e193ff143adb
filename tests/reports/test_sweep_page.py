"""A sweep as a page: what the result says, and names that stay words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_diagnosis_page import island_of, words_of
from test_hostile_names import PAYLOADS, anatomy, twin_of

from marginscope.distributed.engine import Failure
from marginscope.reports import sweep_page
from marginscope.sweeps.result import SweepResult
from marginscope.sweeps.sweep import sweep

CONFIG = {
    "losses": ["cross_entropy"],
    "optimizers": ["gd", "normalized"],
    "seeds": 2,
    "n_steps": 30,
    "data": [{"name": "clouds", "n": 12, "d": 4, "K": 3, "separation": 9.0}],
}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    return sweep(CONFIG, tmp_path_factory.mktemp("sweep") / "s")


def test_the_page_says_what_the_result_says(result: SweepResult, tmp_path: Path) -> None:
    result.save_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    for line in str(result).splitlines():
        assert line in words_of(page)
    assert island_of(page) == json.loads(json.dumps(result.to_dict()))
    assert page.count("<tr>") == 1 + len(result.rows)


def test_the_figure_has_a_row_for_each_combination(result: SweepResult) -> None:
    ax = result.plot().axes[0]
    assert [one.get_text() for one in ax.get_yticklabels()] == ["gd", "normalized"]
    drawn = [sorted(line.get_xdata()) for line in ax.get_lines()]
    expected = [
        sorted(row["direction_error"] for row in result.rows if row["optimizer"] == name)
        for name in ("gd", "normalized")
    ]
    assert drawn == expected


def test_a_sweep_without_any_result_has_a_page(result: SweepResult) -> None:
    rows = tuple(
        {**{key: row[key] for key in ("cell", "seed", "data", "loss", "optimizer", "step_size")}, "status": "failed"}
        for row in result.rows
    )
    failed = SweepResult(result.path, "none", rows, {row["cell"]: Failure("why", 3) for row in rows}, 0)
    assert "why" in sweep_page.page(failed)
    assert "summed loss" in failed.plot().axes[0].get_title(loc="left")


def test_sec005_causes_and_names_stay_words(result: SweepResult) -> None:
    def hostile(texts: list[str]) -> SweepResult:
        rows = tuple({**row, "data": text, "status": text} for row, text in zip(result.rows, texts, strict=True))
        causes = {row["cell"]: Failure(text) for row, text in zip(rows, texts, strict=True)}
        return SweepResult(result.path, "s", rows, causes, 0)

    bad, harmless = (hostile(texts) for texts in (list(PAYLOADS[:4]), [twin_of(one) for one in PAYLOADS[:4]]))
    assert anatomy(sweep_page.page(bad)) == anatomy(sweep_page.page(harmless))
    assert "<script" not in bad._repr_html_()
