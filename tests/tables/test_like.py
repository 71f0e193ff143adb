"""A test file read like its training file, and text columns."""

from __future__ import annotations

import numpy as np
import pytest

from marginscope.exceptions import DataError
from marginscope.tables import Dataset, read_table
from marginscope.tables.feature_matrix import FeatureMatrix

TRAIN = "colour,size,mass,y\nred,1,2.5,u\nblue,2,3.5,v\n,3,4.5,u\nred,4,5.5,v\n"


def note(data, word):
    return [one for one in data.notes if word in one]


@pytest.fixture
def train(write):
    return read_table(write(TRAIN, "train.csv"), "y")


def test_columns_are_matched_by_name_and_levels_are_those_of_training(write, train):
    path = write("y,mass,colour,size\nw,1.5,green,7\nu,2,blue,\nv,3,,9\nw,3,green,1\n", "test.csv")
    test = read_table(path, "y", like=train)
    assert test.features.names == train.features.names
    assert test.features.levels == train.features.levels == {0: ("blue", "red")}
    assert np.array_equal(test.features.values[:, 0], [-1, 0, np.nan, -1], equal_nan=True)
    assert test.features.values[:, 2].tolist() == [1.5, 2, 3, 3]
    assert list(test.target) == ["w", "u", "v", "w"]
    assert note(test, "another order")
    assert "2 cells of 'colour'" in note(test, "training file does not have")[0]


def test_dat010_missing_and_extra_columns_are_listed(write, train):
    path = write("colour,size,weight,extra,y\nred,1,2,3,u\nred,1,2,3,v\n", "test.csv")
    with pytest.raises(DataError, match="'mass' is missing and 'weight' and 'extra' are not in the training file"):
        read_table(path, "y", like=train)
    with pytest.raises(DataError, match="'y' is missing"):
        read_table(write("colour,size,mass\nred,1,2\n", "test.csv"), "y", like=train)


def test_dropped_columns_may_be_there_or_not(write):
    train = read_table(write(TRAIN), "y", drop=["size"])
    with_it = read_table(write("size,colour,mass,y\nx,red,1,u\n", "a.csv"), "y", drop=["size"], like=train)
    without = read_table(write("colour,mass,y\nred,1,u\n", "b.csv"), "y", drop=["size"], like=train)
    assert with_it.features.values.tolist() == without.features.values.tolist() == [[1, 1]]


def test_without_a_header_columns_are_matched_by_position(write):
    train = read_table(write("1,a,u\n2,b,v\n3,a,u\n"), -1, header=False)
    test = read_table(write("9,b,u\n", "test.csv"), -1, header=False, like=train)
    assert test.features.values.tolist() == [[9, 1]]
    with pytest.raises(DataError, match="'column 3' is not in the training file"):
        read_table(write("9,b,u,1\n8,b,u,1\n", "test.csv"), -1, header=False, like=train)


def test_one_class_is_enough_in_a_test_file(write, train):
    assert list(read_table(write("colour,size,mass,y\nred,1,2,new\n", "t.csv"), "y", like=train).target) == ["new"]


def test_a_word_in_a_column_of_numbers(write, train):
    with pytest.raises(DataError, match=r"'mass' must hold numbers only.*line 2"):
        read_table(write("colour,size,mass,y\nred,1,heavy,u\n", "t.csv"), "y", like=train)


def test_numbers_in_a_column_of_words_are_unknown_levels(write, train):
    test = read_table(write("colour,size,mass,y\n7,1,2,u\n8,1,2,u\n", "t.csv"), "y", like=train)
    assert test.features.values[:, 0].tolist() == [-1, -1]


def test_decimal_comma_of_training_holds_for_a_test_file_that_cannot_show_it(write):
    train = read_table(write("a;y\n1,5;u\n2,25;v\n"), "y")
    test = read_table(write("a;y\n1,234;u\n", "t.csv"), "y", like=train, delimiter=";")
    assert test.features.values.tolist() == [[1.234]]


def test_formats_may_differ_between_training_and_test(write, tmp_path, train):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"y": ["u"], "mass": [1.5], "size": [2], "colour": ["red"]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", "y", like=train).features.values.tolist() == [[1, 2, 1.5]]


def test_reading_the_training_file_like_itself_changes_nothing(write, train):
    again = read_table(write(TRAIN, "again.csv"), "y", like=train)
    assert np.array_equal(again.features.values, train.features.values, equal_nan=True)
    assert again.sha256 == train.sha256


def test_a_dataset_made_by_hand_has_no_plan(write):
    made = Dataset(FeatureMatrix(np.eye(2), ("a", "b"), (False, False)), np.array(["u", "v"], dtype=object), "y")
    with pytest.raises(ValueError, match="read_table"):
        read_table(write(TRAIN), "y", like=made)


REVIEWS = (
    "stars,shop,review,y\n"
    '4,a,"good, very good",pos\n2,b,bad wine,neg\n,a,good wine,pos\n8,,terrible,neg\n-2,b,"bad and\nbad",neg\n'
)


def test_text_becomes_sparse_beside_the_other_columns(write):
    data = read_table(write(REVIEWS), "y", text=["review"])
    names = list(data.features.names)
    assert names[:4] == ["stars", "shop=a", "shop=b", "shop=(missing)"]
    dense = data.features.values.toarray()
    assert dense[:, 0].tolist() == [0.5, 0.25, 0.375, 1, -0.25]
    assert dense[:, 1:4].tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    words = {name.split(":")[1] for name in names[4:]}
    assert words == {"good", "very", "bad", "wine", "terrible", "and"}
    assert np.allclose(np.linalg.norm(dense[:, 4:], axis=1), 1)
    assert data.features.is_scaled
    assert note(data, "6 tf-idf features")


def test_text_of_a_test_file_has_the_vocabulary_of_training(write):
    train = read_table(write(REVIEWS), "y", text=["review"])
    path = write("review,stars,shop,y\ngood cheese,16,c,pos\n,,,neg\n", "t.csv")
    test = read_table(path, "y", text=["review"], like=train)
    assert test.features.names == train.features.names
    dense = test.features.values.toarray()
    assert dense[:, 0].tolist() == [2, 0.375]
    assert dense[:, 1:4].tolist() == [[0, 0, 0], [0, 0, 1]]
    assert dense[0, list(train.features.names).index("review:good")] == 1
    assert dense[1, 4:].sum() == 0


def test_text_without_words(write):
    with pytest.raises(DataError, match="must hold words"):
        read_table(write("t,y\n!,u\n?!,v\n"), "y", text=["t"])


def test_text_by_itself_and_strict(write):
    data = read_table(write("t,y\nsome words,u\nother words,v\n"), "y", text=["t"], strict=True)
    assert data.features.shape == (2, 3)
    with pytest.raises(DataError, match="--strict"):
        read_table(write(REVIEWS), "y", text=["review"], strict=True)


def test_one_cell_of_an_unknown_level_is_told_in_the_singular(write, train):
    test = read_table(write("colour,size,mass,y\ngreen,1,2,u\nred,1,2,v\n", "test.csv"), "y", like=train)
    assert note(test, "training file does not have") == [
        "1 cell of 'colour' holds a level that the training file does not have ('green'); it counts as no known level"
    ]
