"""Classes named by numbers stand by value wherever they are shown, from files too."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import marginscope as ms
from marginscope.diagnosis.claims import name_list
from marginscope.exceptions import UsageError


def problem(labels):
    """Classes that are all learned: they stand in the list as equals."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(labels)), 12)
    X = 40.0 * np.eye(len(labels))[y] + rng.normal(size=(len(y), len(labels)))
    return X, np.array(labels)[y]


@pytest.mark.parametrize("kind", [int, float, str])
def test_equals_stand_by_value(kind):
    X, y = problem([kind(one) for one in (10, 9, 2, 1, 100)])
    found = ms.diagnose(LogisticRegression(), X, y, checks=["few-rows"])
    assert [float(one.label) for one in found.classes] == [1, 2, 9, 10, 100]
    with pytest.raises(KeyError, match=r"1(\.0)?', '2(\.0)?', '9(\.0)?', '10"):
        found["11"]
    with pytest.raises(UsageError, match=r"1(\.0)?, 2(\.0)?, 9(\.0)?, 10"):
        found.remedy("11")


def test_words_stay_in_their_order():
    X, y = problem(["b10", "b9", "a"])
    found = ms.diagnose(LogisticRegression(), X, y, checks=["few-rows"])
    assert [one.label for one in found.classes] == ["a", "b10", "b9"]


def test_lists_in_sentences():
    assert name_list(["1", "10", "2"]) == "'1', '2', '10'"
    assert name_list(["1", "10", "11", "12", "2"]) == "'1', '2', '10', '11' and 1 more"
    # an order of another kind, such as the worst first, is kept
    assert name_list(["10", "1", "2"]) == "'10', '1', '2'"
    assert name_list(["a10", "a9"]) == "'a10', 'a9'"


def test_the_command_line_shows_them_by_value(tmp_path, capsys):
    from marginscope.cli.main import main

    X, y = problem([10, 9, 2, 1, 100])
    rows = [",".join([*(f"{value:.3f}" for value in row), str(label)]) for row, label in zip(X, y, strict=True)]
    path = tmp_path / "numbers.csv"
    path.write_text("\n".join(["a,b,c,d,e,y", *rows]) + "\n")
    assert main(["diagnose", str(path), "-t", "y", "--check", "few-rows"]) == 0
    lines = capsys.readouterr().out.splitlines()
    firsts = [line.split()[0] for line in lines if line.split() and line.split()[0] in {"1", "2", "9", "10", "100"}]
    assert firsts[:5] == ["1", "2", "9", "10", "100"]
