"""The benchmark of the long tail: its draw, its interval, and that the page says what was written."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _root_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def test_the_page_has_the_tables_of_the_written_recalls(capsys):
    from benchmarks.long_tail.__main__ import report
    from benchmarks.long_tail.images import counts

    found = json.loads((ROOT / "benchmarks" / "long_tail" / "results.json").read_text())
    assert report(found, counts(1000, 100.0))
    page = (ROOT / "docs" / "long-tail.md").read_text(encoding="utf-8")
    rows = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith(tuple(f"| {one} |" for one in found))
    ]
    assert len(rows) == 12
    for row in rows[:4]:
        # without the seconds, which are no result
        assert row.rsplit("|", 2)[0].rstrip() in page
    for row in rows[4:]:
        assert row in page


def test_the_balanced_accuracy_of_the_page_is_that_of_the_recalls():
    found = json.loads((ROOT / "benchmarks" / "long_tail" / "results.json").read_text())
    mean = {name: np.mean([np.mean(row["recalls"]) for row in rows]) for name, rows in found.items()}
    assert {name: round(100 * one, 1) for name, one in mean.items()} == {
        "cross-entropy": 73.2,
        "LDAM-DRW": 77.4,
        "VS-loss": 80.1,
        "logit-adjusted": 80.7,
    }


def test_the_interval_is_that_of_students_test():
    from benchmarks.long_tail.__main__ import interval

    differences = np.array([0.03, 0.05, 0.01, 0.04, 0.02])
    expected = scipy.stats.ttest_1samp(differences, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose(interval(differences), expected, rtol=1e-12)


def test_the_draw_is_long_tailed_and_holds_images_out():
    from benchmarks.long_tail.images import counts, long_tail

    assert counts(1000, 100.0) == [1000, 599, 359, 215, 129, 77, 46, 28, 17, 10]
    y = torch.arange(600) % 10
    X = torch.arange(600.0).reshape(-1, 1, 1, 1)
    drawn = long_tail((X, y), 3, n_most=40, ratio=40.0, n_held_out=15)
    again = long_tail((X, y), 3, n_most=40, ratio=40.0, n_held_out=15)
    assert torch.equal(drawn.X, again.X)
    assert [int(drawn.class_counts[k]) for k in drawn.order] == counts(40, 40.0)
    used, spare = set(drawn.X.flatten().tolist()), set(drawn.held_out[0].flatten().tolist())
    assert not used & spare
    assert torch.equal(torch.bincount(drawn.held_out[1]), torch.full((10,), 15))
    # every label is still that of its image
    for images, labels in ((drawn.X, drawn.y), drawn.held_out):
        assert torch.equal(images.flatten().long() % 10, labels)
    assert long_tail((X, y), 4, n_most=40, ratio=40.0).order != drawn.order
