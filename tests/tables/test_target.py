"""Labels: text exactly as written."""

from __future__ import annotations

import pytest

from marginscope.exceptions import DataError
from marginscope.tables import read_table

WORDS = ["NA", "None", "null", "nan", "no", "yes", "1e5", "007", "1.0", "True", "?", "N/A"]


def note(data, word):
    return [one for one in data.notes if word in one]


def test_fil012_words_stay_as_written(write):
    rows = "".join(f"{at},{word}\n" for at, word in enumerate(WORDS * 3))
    data = read_table(write("x,y\n" + rows), "y")
    assert list(data.target) == WORDS * 3
    assert all(type(label) is str for label in data.target)


def test_fil012_quoted_labels_keep_blanks_and_line_ends(write):
    data = read_table(write('x,y\n1," a "\n2,"b\nc"\n3,"d""e"\n4,\'f\'\n'), "y")
    assert list(data.target) == [" a ", "b\nc", 'd"e', "'f'"]


def test_dat003_missing_labels(write):
    path = write("x,y\n1,u\n2,\n3,v\n4, \n")
    with pytest.raises(DataError, match=r"missing in 2 rows .*first: line 3.*--drop-missing-target") as caught:
        read_table(path, "y")
    assert caught.value.exit_code == 3
    data = read_table(path, "y", drop_missing_target=True)
    assert list(data.target) == ["u", "v"]
    assert data.features.values.ravel().tolist() == [1, 3]
    assert note(data, "2 rows without a label")


def test_dat003_a_mark_of_the_user_is_missing_in_the_target_too(write):
    path = write("x,y\n1,u\n2,NA\n3,v\n")
    assert "NA" in read_table(path, "y").target
    with pytest.raises(DataError, match="1 row "):
        read_table(path, "y", missing=["NA"])
    assert len(read_table(path, "y", missing=["NA"], drop_missing_target=True).target) == 2


def test_dat003_lines_are_right_after_dropped_rows(write):
    with pytest.raises(DataError, match="at line 5 "):
        read_table(write("x,y\n1,u\n2,\n3,v\noops,u\n5,v\n6,u\n"), "y", drop_missing_target=True)


def test_dat004_one_class(write):
    with pytest.raises(DataError, match="all 3 rows have the class 'u'") as caught:
        read_table(write("x,y\n1,u\n2,u\n3,u\n"), "y")
    assert caught.value.exit_code == 3


def test_dat022_mixed_words_and_numbers_are_text_in_a_file(write):
    assert list(read_table(write("x,y\n1,3\n2,u\n3,3\n"), "y").target) == ["3", "u", "3"]


def test_dat023_measured_target(write):
    rows = "".join(f"{at},{at / 7:.3f}\n" for at in range(50))
    with pytest.raises(DataError, match=r"Unknown label type: continuous.*bins"):
        read_table(write("x,y\n" + rows), "y")
    whole = "".join(f"{at},{at % 5 + 0.5}\n" for at in range(50))
    assert len(set(read_table(write("x,y\n" + whole), "y").target)) == 5


def test_dat027_near_equal_labels_stay_apart_and_are_listed(write):
    labels = ["Cat", "cat ", "CAT", "dog", "ﬁsh", "fish"]
    rows = "".join(f'{at},"{label}"\n' for at, label in enumerate(labels * 3))
    data = read_table(write("x,y\n" + rows), "y")
    assert set(data.target) == set(labels)
    (said,) = note(data, "kept apart")
    assert "'CAT', 'Cat' and 'cat '" in said
    assert "dog" not in said


def test_dat028_controls_and_right_to_left_marks_are_visible_in_sentences(write):
    label = "\u202egnp.exe\u202c 🐧"
    data = read_table(write(f"x,y\n1,{label}\n2,v\n"), "y")
    assert label in data.target
    with pytest.raises(DataError) as caught:
        read_table(write(f"x,y\n1,{label}\n2,{label}\n"), "y")
    assert "\u202e" not in str(caught.value)
    assert "🐧" in str(caught.value)


def test_dat029_label_of_a_million_characters(write):
    label = "x" * 10**6
    data = read_table(write(f"x,y\n1,{label}\n2,v\n3,{label}\n"), "y")
    assert data.target[0] == label
    with pytest.raises(DataError) as caught:
        read_table(write(f"x,y\n1,{label}\n2,{label}\n"), "y")
    assert len(str(caught.value)) < 500
    assert "1,000,000 characters, sha256" in str(caught.value)


def test_dat030_nearly_every_row_its_own_class(write):
    data = read_table(write("x,y\n1,a\n2,b\n3,c\n4,a\n"), "y")
    assert note(data, "more than half of the rows are distinct classes")


def test_a_class_named_like_a_missing_value_is_kept_and_said(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{i},{('NA', 'm', 'f')[i % 3]}\n" for i in range(30)))
    data = read_table(path, "y")
    assert set(data.target) == {"NA", "m", "f"}
    assert any("'NA'" in note and "--drop-missing-target" in note for note in data.notes)
    dropped = read_table(path, "y", missing=["NA"], drop_missing_target=True)
    assert set(dropped.target) == {"m", "f"}
