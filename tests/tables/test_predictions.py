"""Files of predictions."""

from __future__ import annotations

import numpy as np
import pytest

from marginscope.exceptions import DataError, ModelError
from marginscope.tables import read_predictions

LABELS = ("a", "b", "c")


def test_one_label_a_row_with_and_without_a_header(write):
    for content, said in (("a\nb\nc\n", 0), ("prediction\na\nb\nc\n", 1), ("a\nb\nc\n\n", 0)):
        predicted, probabilities, notes = read_predictions(write(content), LABELS, 3)
        assert list(predicted) == ["a", "b", "c"]
        assert probabilities is None
        assert len(notes) == said


def test_labels_with_delimiters_in_them(write):
    predicted, _, _ = read_predictions(write('"a, b"\nc\n"a, b"\n'), ("a, b", "c"), 3)
    assert list(predicted) == ["a, b", "c", "a, b"]


def test_probabilities_are_put_in_the_order_of_the_labels(write):
    path = write("c,a,b\n0.5,0.25,0.25\n0,1,0\n")
    predicted, probabilities, notes = read_predictions(path, LABELS, 2)
    assert predicted is None
    assert probabilities.tolist() == [[0.25, 0.25, 0.5], [1, 0, 0]]
    assert any("order of the classes" in note for note in notes)


def test_labels_and_probabilities_together(write):
    path = write("guess;a;b;c\nc;0,25;0,25;0,5\na;1,0;0;0\n")
    predicted, probabilities, _ = read_predictions(path, LABELS, 2)
    assert list(predicted) == ["c", "a"]
    assert probabilities.tolist() == [[0.25, 0.25, 0.5], [1, 0, 0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\nb\n", "3 rows .* has 2"),
        ("a\nb\nc\na\nb\n", "3 rows .* has 5"),
        ("a\n\nc\n", "line 2|has 2"),
        ("a,b\n0.5,0.5\n0.5,0.5\n1,0\n", "no column for 'c'"),
        ("a,b,c,id,guess\n1,0,0,1,a\n1,0,0,2,a\n1,0,0,3,b\n", "'id' and 'guess'"),
        ("0.5,0.25,0.25\n1,0,0\n0,1,0\n", "header"),
        ("a,b,c\n1,0,0\n0,1,0\n0,x,1\n", "'b' .* has 'x' on line 4;"),
        ("x\ny\nz\n", "none does"),
    ],
)
def test_faults(write, content, message):
    with pytest.raises(DataError, match=message):
        read_predictions(write(content), LABELS, 3)


def test_stray_labels_are_counted(write):
    _, _, notes = read_predictions(write("a\nb\nz\n"), LABELS, 3)
    assert "1 row is predicted as 'z'" in notes[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("0.5,0.3,0.1", r"line 3 of .* sums to 0\.9"),
        ("0.5,0.3,0.18", "sum to 1 within 0.01"),
        ("2.5,-1.5,0", "logits"),
        ("3.2,0.1,0.4", "logits"),
        ("nan,0.5,0.5", "finite"),
        ("inf,0,0", "finite"),
    ],
)
def test_num016_what_is_no_probability(write, row, message):
    with pytest.raises(ModelError, match=message) as caught:
        read_predictions(write(f"a,b,c\n1,0,0\n{row}\n0,1,0\n"), LABELS, 3)
    assert caught.value.exit_code == 3


def test_num016_per_cent_and_rounding(write):
    with pytest.raises(ModelError, match="per cent"):
        read_predictions(write("a,b,c\n50,25,25\n100,0,0\n"), LABELS, 2)
    _, probabilities, _ = read_predictions(write("a,b,c\n0.3333333,0.3333333,0.3333334\n1,0,0\n"), LABELS, 2)
    assert probabilities.shape == (2, 3)


def test_rounded_probabilities_are_divided_by_their_sum_and_that_is_said(write):
    path = write("a,b,c\n0.3333,0.3333,0.3333\n0.995,0,0\n0.25,0.5,0.25\n")
    _, probabilities, notes = read_predictions(path, LABELS, 3)
    assert probabilities.tolist() == [[1 / 3] * 3, [1, 0, 0], [0.25, 0.5, 0.25]]
    assert any("are rounded" in note and "divided by their sums" in note for note in notes)
    _, probabilities, notes = read_predictions(write("a,b,c\n0.5,0.25,0.25\n"), LABELS, 1)
    assert not any("rounded" in note for note in notes)


def test_the_line_named_is_that_of_the_file(write):
    with pytest.raises(ModelError, match=r"line 6 of .* sums to 0\.5"):
        read_predictions(write("a,b,c\n1,0,0\n\n\n0,1,0\n0.5,0,0\n"), LABELS, 3)
    with pytest.raises(DataError, match=r"line 4 of .* is empty"):
        read_predictions(write('guess\na\nb\n" "\n'), LABELS, 3)


def test_npz_and_parquet(tmp_path):
    proba = np.array([[0.5, 0.25, 0.25], [0, 0, 1]])
    np.savez(tmp_path / "p.npz", proba=proba, y_pred=np.array(["a", "c"]))
    predicted, probabilities, _ = read_predictions(tmp_path / "p.npz", LABELS, 2)
    assert list(predicted) == ["a", "c"]
    assert np.array_equal(probabilities, proba)
    np.savez(tmp_path / "q.npz", proba=proba[:, :2])
    with pytest.raises(DataError, match=r"\(2, 3\)"):
        read_predictions(tmp_path / "q.npz", LABELS, 2)
    np.savez(tmp_path / "r.npz", scores=proba)
    with pytest.raises(DataError, match="'scores'"):
        read_predictions(tmp_path / "r.npz", LABELS, 2)
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"b": proba[:, 1], "a": proba[:, 0], "c": proba[:, 2]}), tmp_path / "p.parquet")
    assert np.array_equal(read_predictions(tmp_path / "p.parquet", LABELS, 2)[1], proba)
    pq.write_table(pa.table({"guess": ["a", "c"]}), tmp_path / "l.parquet")
    assert list(read_predictions(tmp_path / "l.parquet", LABELS, 2)[0]) == ["a", "c"]
