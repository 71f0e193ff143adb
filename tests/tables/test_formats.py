"""Parquet, ARFF, svmlight and NPZ."""

from __future__ import annotations

import datetime
import decimal
import gzip

import numpy as np
import pytest
from sklearn.datasets import dump_svmlight_file

from marginscope.exceptions import DataError, LabelTypeError, MissingExtra, SizeError, UsageError
from marginscope.tables import read_table

ARFF = """% a comment
@relation birds
@ATTRIBUTE 'body mass' NUMERIC
@attribute colour {red, 'light blue', green}
@attribute age integer
@attribute kind {owl,'sea gull',"wren",swift}

@data
1.5, red, 3, owl
% in between
?, 'light blue', ?, 'sea gull'
2.5, ?, 7, wren
-3e2,"green",1,owl
"""


def note(data, word):
    return [one for one in data.notes if word in one]


def test_arff_keeps_declared_types(write):
    data = read_table(write(ARFF, "birds.arff"), "kind")
    assert data.features.names == ("body mass", "colour", "age")
    assert data.features.levels == {1: ("green", "light blue", "red")}
    assert data.features.values[3].tolist() == [-300, 0, 1]
    assert np.isnan(data.features.values[1, [0, 2]]).all()
    assert list(data.target) == ["owl", "sea gull", "wren", "owl"]
    assert note(data, "3 ?")
    packed = read_table(write(gzip.compress(ARFF.encode()), "birds.arff.gz"), -1)
    assert list(packed.target) == list(data.target)


def test_dat018_declared_class_without_rows(write):
    data = read_table(write(ARFF, "birds.arff"), "kind")
    assert data.absent_classes == ("swift",)
    assert note(data, "'swift'")


def test_arff_digits_as_levels_are_categories(write):
    rows = "".join(f"{at % 4},{'uv'[at % 2]}\n" for at in range(12))
    text = "@relation r\n@attribute a {0,1,2,3}\n@attribute y {u,v}\n@data\n" + rows
    assert read_table(write(text, "t.arff"), "y").features.categorical == (True,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.5, red", "abc, red", "'body mass' must hold numbers only.*'abc' at line 9"),
        ("2.5, ?", "2.5, pink", "declares the levels .* but line 12 .* has 'pink'"),
        ("7, wren", "7, crow", "line 12 .* has 'crow'"),
        ("-3e2,", "-3e2,1,", "must have 4 fields, but line 13 .* has 5"),
        ("'light blue', ?,", "'light blue, ?,", "line 11 .* open"),
        ("2.5, ?, 7, wren", "{0 2.5, 3 wren}", "line 12 .* sparse row"),
        ("age integer", "age relational", "line 5 .* 'relational'"),
        ("age integer", "colour integer", "'colour' occurs more than once"),
        ("@data", "", "line 9"),
        ("@relation birds", "@relation birds\n@oops", "line 3 .* '@oops'"),
    ],
)
def test_arff_faults_name_their_line(write, old, new, message):
    assert old in ARFF
    with pytest.raises(DataError, match=message):
        read_table(write(ARFF.replace(old, new, 1), "t.arff"), "kind")


def test_arff_dates_and_texts_are_refused_with_the_option(write):
    rows = "".join(f"2024-01-01,'text {at}',{at},{'uv'[at % 2]}\n" for at in range(40))
    text = "@relation r\n@attribute d date 'yyyy-MM-dd'\n@attribute t string\n@attribute x real\n@attribute y {u,v}\n"
    path = write(text + "@data\n" + rows, "t.arff")
    with pytest.raises(DataError, match=r"'d' holds dates and 't' .*--drop d --drop t.*--text t"):
        read_table(path, "y")
    assert read_table(path, "y", drop=["d", "t"]).features.names == ("x",)


def test_svmlight_stays_sparse_and_labels_stay_text(write, tmp_path):
    dense = np.array([[0, 1.5, 0], [2, 0, 0], [0, 0, -3.0]])
    with (tmp_path / "t.svm").open("wb") as file:
        dump_svmlight_file(dense, [1, 2, 1], file, zero_based=False)
    data = read_table(tmp_path / "t.svm", 0)
    assert data.features.is_sparse
    assert np.array_equal(data.features.values.toarray(), dense)
    assert data.features.names == ("feature 1", "feature 2", "feature 3")
    words = read_table(write("+1 0:1 3:2 # note\n\nspam\t1:4\n+1 qid:3 2:5\nempty\n", "t.svm"), "target")
    assert list(words.target) == ["+1", "spam", "+1", "empty"]
    assert words.features.values.toarray().tolist() == [[1, 0, 0, 2], [0, 4, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]]
    assert read_table(write("a 1:1 2:3\nb 2:4\n", "t.svm"), 0, drop=[1]).features.names == ("feature 2",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1:2\nb 3:1 2:1\n", "line 2"),
        ("a 1:2\nb 1:x\n", "line 2"),
        ("a 1:2\nb 1\n", "line 2"),
        ("a 1:2\na,b 1:3\n", "line 2 .* multilabel"),
        ("a 1:2\n1:3\n", "line 2 .* begins with '1:3'"),
        ("a 1:2\nb 1:nan\n", "line 2 has NaN"),
        ("a 1:2\nb 1:inf\n", "infinity at line 2"),
        ("a 1:2\nb 1:1e200\n", "overflow"),
        ("a 1:2\na 1:3\n", "class 'a'"),
    ],
)
def test_svmlight_faults(write, content, message):
    with pytest.raises(DataError, match=message):
        read_table(write(content, "t.svm"), 0)


def test_svmlight_target_and_widths(write):
    path = write("a 1:2\nb 5:1\n", "t.svm")
    with pytest.raises(UsageError, match="first field"):
        read_table(path, "y")
    train = read_table(path, 0)
    test = read_table(write("b 2:7 9:1\n", "test.svm"), 0, like=train)
    assert test.features.values.toarray().tolist() == [[0, 7, 0, 0, 0]]
    assert note(test, "1 entry of features that the training file never has")
    with pytest.raises(SizeError, match="indices up to"):
        read_table(write("a 1:2\nb 99999999:1\n", "wide.svm"), 0)


def test_svmlight_indices_of_a_test_file_start_where_the_training_file_does(write):
    train = read_table(write("a 0:2 1:1\nb 2:1\n", "t.svm"), 0)
    test = read_table(write("a 1:5\nb 2:6\n", "test.svm"), 0, like=train)
    assert test.features.values.toarray().tolist() == [[0, 5, 0], [0, 0, 6]]


def test_npz(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    X[3, 1] = np.nan
    y = np.arange(30) % 3
    np.savez_compressed(tmp_path / "t.npz", X=X, labels=y, extra=np.zeros(3), feature_names=np.array(list("abcd")))
    data = read_table(tmp_path / "t.npz", "labels", drop=["b"])
    assert data.features.names == ("a", "c", "d")
    assert np.array_equal(data.features.values, X[:, [0, 2, 3]].astype(float))
    assert list(data.target) == [str(label) for label in y]
    assert note(read_table(tmp_path / "t.npz", "labels"), "1 NaN")
    with pytest.raises(UsageError, match="'labels'"):
        read_table(tmp_path / "t.npz", "y")


@pytest.mark.parametrize(
    ("arrays", "kind", "message"),
    [
        ({"X": np.eye(3), "y": np.arange(2)}, DataError, r"inconsistent numbers of samples: \[3, 2\]"),
        ({"X": np.zeros((0, 3)), "y": np.arange(0)}, DataError, r"0 sample\(s\)"),
        ({"X": np.zeros((3, 0)), "y": np.arange(3)}, DataError, r"0 feature\(s\)"),
        ({"X": np.zeros(3), "y": np.arange(3)}, DataError, "2-D"),
        ({"X": np.eye(3), "y": np.eye(3)}, DataError, "y should be a 1d array"),
        ({"X": np.eye(3), "y": np.array([b"a", b"b", b"a"])}, LabelTypeError, "bytes is not supported"),
        ({"X": np.eye(3) * 1j, "y": np.arange(3)}, DataError, "Complex data not supported"),
        ({"X": np.eye(3).astype("M8[s]"), "y": np.arange(3)}, LabelTypeError, "dates"),
        ({"X": np.eye(3) / 0.0 if False else np.full((3, 1), np.inf), "y": np.arange(3)}, DataError, "infinity"),
        ({"X": np.full((3, 1), 1e300), "y": np.arange(3)}, DataError, "makes squared norms overflow"),
        ({"X": np.eye(3), "y": np.zeros(3)}, DataError, "class '0.0'"),
        ({"A": np.eye(3), "B": np.eye(3), "y": np.arange(3)}, UsageError, "array X"),
    ],
)
def test_npz_faults(tmp_path, arrays, kind, message):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(kind, match=message):
        read_table(tmp_path / "t.npz", "y")


def test_npz_words_and_lossy_integers(tmp_path):
    X = np.array([["a", "1"], ["b", "2"], ["a", "3"]])
    np.savez(tmp_path / "t.npz", X=X, y=np.array(["u", "v", "u"]))
    data = read_table(tmp_path / "t.npz", "y")
    assert data.features.levels == {0: ("a", "b")}
    assert data.features.values[:, 1].tolist() == [1, 2, 3]
    np.savez(tmp_path / "i.npz", X=np.array([[2**53 + 1], [1]]), y=np.array([True, False]))
    lossy = read_table(tmp_path / "i.npz", "y")
    assert note(lossy, "2**53")
    assert list(lossy.target) == ["True", "False"]


pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def test_parquet(tmp_path):
    table = pa.table(
        {
            "x": pa.array([1.5, None, float("nan"), 4.0]),
            "n": pa.array([1, 2, None, 4], pa.int64()),
            "flag": [True, False, True, None],
            "word": ["NA", "b", None, "b"],
            "code": pa.array(["1", "2", "1", "2"]).dictionary_encode(),
            "y": pa.array(["u", "v", "u", "v"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    data = read_table(tmp_path / "t.parquet", "y")
    assert data.features.names == ("x", "n", "flag", "word", "code")
    assert data.features.levels == {3: ("NA", "b"), 4: ("1", "2")}
    expected = [[1.5, 1, 1, 0, 0], [np.nan, 2, 0, 1, 1], [np.nan, np.nan, 1, np.nan, 0], [4, 4, np.nan, 1, 1]]
    assert np.array_equal(data.features.values, expected, equal_nan=True)
    assert list(data.target) == ["u", "v", "u", "v"]
    assert note(data, "null")


def test_fil022_types_that_are_not_read_are_named(tmp_path):
    table = pa.table(
        {
            "when": [datetime.date(2024, 1, 1)] * 2,
            "list": [[1], [2]],
            "money": [decimal.Decimal("1.5")] * 2,
            "raw": [b"a", b"b"],
            "x": [1, 2],
            "y": ["u", "v"],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(LabelTypeError, match=r"'list'.*'money'.*'raw'.*--drop 'list'") as caught:
        read_table(tmp_path / "t.parquet", "y")
    assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="'when' holds dates; leave it out with --drop when"):
        read_table(tmp_path / "t.parquet", "y", drop=["list", "money", "raw"])
    data = read_table(tmp_path / "t.parquet", "y", drop=["list", "money", "raw", "when"])
    assert data.features.names == ("x",)
    with pytest.raises(LabelTypeError, match="bytes is not supported"):
        read_table(tmp_path / "t.parquet", "raw", drop=["list", "money", "when"])


def test_fil022_zero_row_groups(tmp_path):
    schema = pa.schema([("x", pa.float64()), ("y", pa.string())])
    pq.ParquetWriter(tmp_path / "t.parquet", schema).close()
    with pytest.raises(DataError, match="0 rows"):
        read_table(tmp_path / "t.parquet", "y")


def test_dat018_parquet_category_without_rows(tmp_path):
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["u", "v", "w"]))
    pq.write_table(pa.table({"x": [1, 2, 3], "y": codes}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", "y").absent_classes == ("w",)


def test_dat038_and_infinity_in_parquet(tmp_path):
    pq.write_table(pa.table({"i": [2**53 + 1, 5], "y": [1, 2]}), tmp_path / "t.parquet")
    data = read_table(tmp_path / "t.parquet", "y")
    assert note(data, "2**53")
    assert list(data.target) == ["1", "2"]
    pq.write_table(pa.table({"x": [1.0, float("-inf")], "y": [1, 2]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"infinity .*row 1"):
        read_table(tmp_path / "t.parquet", "y")


def test_fil017_parquet_dictionary_bomb(tmp_path):
    pq.write_table(pa.table({"x": np.zeros(2_000_000), "y": np.arange(2_000_000) % 2}), tmp_path / "bomb.parquet")
    assert (tmp_path / "bomb.parquet").stat().st_size < 1_000_000
    with pytest.raises(SizeError, match="1,000,000"):
        read_table(tmp_path / "bomb.parquet", "y", max_bytes=1_000_000)


def test_fil011_parquet_with_duplicate_names(tmp_path):
    table = pa.Table.from_arrays([pa.array([1, 2])] * 2 + [pa.array(["u", "v"])], names=["a", "a", "y"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError, match="'a' occurs more than once"):
        read_table(tmp_path / "t.parquet", "y")


def test_parquet_missing_labels_and_missing_extra(tmp_path, monkeypatch):
    pq.write_table(pa.table({"x": [1, 2, 3], "y": ["u", None, "v"]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="missing in 1 row "):
        read_table(tmp_path / "t.parquet", "y")
    assert list(read_table(tmp_path / "t.parquet", "y", drop_missing_target=True).target) == ["u", "v"]
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"marginscope\[parquet\]"):
        read_table(tmp_path / "t.parquet", "y")
