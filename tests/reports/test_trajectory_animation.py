from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import marginscope as ms
from marginscope.exceptions import IOFault, UsageError


@pytest.fixture(scope="module")
def path() -> ms.Trajectory:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 5)
    X = rng.standard_normal((15, 2)) + 4.0 * np.array([[0, 1], [1, -1], [-1, -1]])[y]
    return ms.descend(X, np.array(["a <b>", "b$", "c"])[y], n_steps=300, record=[3, 30], fit_intercept=True)


def test_a_gif_has_a_frame_for_every_record(path: ms.Trajectory, tmp_path: Path) -> None:
    path.animate(tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == len(path.steps) == 4
        first = np.asarray(film.convert("RGB"), dtype=int)
        film.seek(3)
        assert np.abs(np.asarray(film.convert("RGB"), dtype=int) - first).sum() > 0
    assert [one.name for one in tmp_path.iterdir()] == ["film.gif"]


def test_equal_scores_have_no_colour(path: ms.Trajectory, tmp_path: Path) -> None:
    path.animate(tmp_path / "film.gif")
    corners = []
    with Image.open(tmp_path / "film.gif") as film:
        for place in (0, 3):
            film.seek(place)
            height, width = film.size[::-1]
            pixels = np.asarray(film.convert("RGB"), dtype=int)
            corners.append(pixels[int(0.9 * height), int(0.15 * width)])
    # step 0 has W = 0; at the last step a class has the corner
    assert corners[0].min() >= 250
    assert corners[1].min() < 250


def test_html_is_one_file(path: ms.Trajectory, tmp_path: Path) -> None:
    path.animate(tmp_path / "film.html")
    page = (tmp_path / "film.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert [one.name for one in tmp_path.iterdir()] == ["film.html"]


def test_what_cannot_be_shown(path: ms.Trajectory, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.gif or \.html"):
        path.animate(tmp_path / "film.mp4")
    with pytest.raises(IOFault):
        path.animate(tmp_path / "none" / "film.gif")
    three = ms.descend(np.eye(3), [0, 1, 2], n_steps=3)
    with pytest.raises(UsageError, match="2 dense features"):
        three.animate(tmp_path / "film.gif")
    many = ms.descend(np.random.default_rng(0).standard_normal((12, 2)), np.arange(12) % 6, n_steps=3)
    with pytest.raises(UsageError, match="at most 5 classes"):
        many.animate(tmp_path / "film.gif")
    assert list(tmp_path.iterdir()) == []
