"""Every file of the gallery runs by itself, and what it concludes is what it measured."""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GALLERY = Path(__file__).parents[1] / "examples" / "gallery"
SLOW = {"shared_hidden_layer_torch.py": "torch", "shared_hidden_layer_keras.py": "keras"}
FILES = [
    pytest.param(one, id=one.stem, marks=[pytest.mark.slow] if one.name in SLOW else [])
    for one in sorted(GALLERY.glob("*.py"))
]


def output_of(file: Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("file", FILES)
def test_a_file_runs_and_concludes(file: Path) -> None:
    # found, not imported: Keras asks for a backend, which the file itself names
    if file.name in SLOW and importlib.util.find_spec(SLOW[file.name]) is None:
        pytest.skip(f"{SLOW[file.name]} is not installed")
    assert "What this shows" in output_of(file)


def test_the_list_of_files_is_complete() -> None:
    listed = re.findall(r"\]\((\w+\.py)\)", (GALLERY / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(one.name for one in GALLERY.glob("*.py"))


def names_of(file: str) -> dict[str, Any]:
    return runpy.run_path(str(GALLERY / file))


def test_one_point_is_learned_by_the_joint_fit_only() -> None:
    found = names_of("one_vs_rest_or_multinomial.py")
    (_, joint), (_, apart) = found["fits_of_b"](1.0, "balanced")
    assert (joint, apart) == ("yes", "no")
    (_, joint), (_, apart) = found["fits_of_b"](100.0, None)
    assert (joint, apart) == ("yes", "no")


def test_copies_are_weights_and_fade_where_the_classes_are_separable() -> None:
    found = names_of("hundred_against_ten.py")
    X, y = found["draw"](2, 2.0, found["COUNTS"], 0)
    weighted, copied = (found["fitted"](remedy, 1.0, X, y).coef_ for remedy in ("class weights", "over-sampling"))
    assert abs(weighted - copied).max() < 1e-10
    gains = {}
    for case in ((1.0, 2, 2.0), (1e6, 40, 3.0)):
        pairs = [
            [sum(found["recalls"](one, *case, seed)) / 2 for one in ("class weights", "none")] for seed in range(8)
        ]
        gains[case] = sum(a - b for a, b in pairs) / len(pairs)
    overlap, separable = gains.values()
    assert overlap > 0.08
    assert 0.0 <= separable < 0.3 * overlap


@pytest.mark.slow
def test_branches_of_the_same_size_are_worse() -> None:
    pytest.importorskip("torch")
    found = names_of("shared_hidden_layer_torch.py")
    joint, apart = (found["recalls"](found[one], 10, 300, 0) for one in ("shared", "branches"))
    assert apart[0] < joint[0] - 0.1
    # the threshold holds the class down
    assert joint[2] > joint[0] + 0.1
