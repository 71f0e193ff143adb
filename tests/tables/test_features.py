"""Features that Python users hold."""

from __future__ import annotations

import datetime
import decimal
import hashlib

import numpy as np
import pytest
import scipy.sparse as sp

from marginscope.exceptions import DataError, LabelTypeError
from marginscope.tables import features_from, read_table
from marginscope.tables.feature_rows import aligned, stacked

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": lambda columns: pa.table(columns),
}


def test_arrays_keep_their_values_and_are_not_touched():
    X = np.arange(12.0).reshape(3, 4)[:, ::-1]
    before = X.tobytes()
    features = features_from(X)
    assert np.array_equal(features.values, X)
    assert features.names == ("x0", "x1", "x2", "x3")
    assert features.values.flags.c_contiguous
    assert X.tobytes() == before


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "i1", "u1", "i8", "u8", "?"])
def test_every_numeric_type_becomes_float64(dtype):
    X = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    features = features_from(X)
    assert features.values.dtype == np.float64
    assert features.values.tolist() == [[1, 0], [0, 1], [1, 1]]


def test_lists_of_lists():
    assert features_from([[1, 2.5], [3, 4]]).values.tolist() == [[1, 2.5], [3, 4]]
    mixed = features_from([[1, "a"], [2, "b"], [None, "a"]])
    assert mixed.levels == {1: ("a", "b")}
    assert np.isnan(mixed.values[2, 0])
    with pytest.raises(DataError, match=r"lengths \[1, 2\]"):
        features_from([[1, 2], [3]])


def test_dat001_nan_passes_as_missing():
    assert np.isnan(features_from(np.array([[1.0], [np.nan]])).values[1, 0])


def test_dat002_infinity_in_arrays_frames_and_sparse():
    X = np.array([[1.0, 2.0], [3.0, -np.inf]])
    for given in (X, X.tolist(), sp.csr_array(X), pd.DataFrame(X, columns=["a", "b"]), pl.DataFrame(X)):
        with pytest.raises(DataError, match="infinity at row 1"):
            features_from(given)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_dat005_dat006_zero_rows_or_features(shape):
    what = "sample" if shape[0] == 0 else "feature"
    for given in (np.zeros(shape), sp.csr_array(shape), pd.DataFrame(np.zeros(shape))):
        with pytest.raises(
            DataError, match=rf"0 {what}\(s\) \(shape=\({shape[0]}, {shape[1]}\)\) while a minimum of 1"
        ):
            features_from(given)


def test_one_dimension():
    for given in (np.zeros(3), [1, 2, 3], pd.Series([1, 2]), np.zeros((2, 2, 2), dtype=object)):
        with pytest.raises(DataError, match="Expected 2D array"):
            features_from(given)


def test_dat033_overflowing_value():
    with pytest.raises(DataError, match=r"value 1e\+300 in column 'x1' at row 0 makes squared norms overflow"):
        features_from(np.array([[1, 1e300], [0, 0]]))


def test_dat037_types_that_are_no_features():
    with pytest.raises(DataError, match="Complex data not supported"):
        features_from(np.eye(2) * 1j)
    with pytest.raises(DataError, match="Complex data not supported"):
        features_from(sp.csr_array(np.eye(2) * 1j))
    for given in (
        np.array([["2024-01-01"]], dtype="M8[D]"),
        pd.DataFrame({"a": pd.to_datetime(["2024-01-01"])}),
        pl.DataFrame({"a": [datetime.date(2024, 1, 1)]}),
        pa.table({"a": [datetime.time(1, 2)]}),
        [[datetime.date(2024, 1, 1)]],
        np.array([[b"a"]]),
        pl.DataFrame({"a": [[1, 2]]}),
        pd.DataFrame({"a": [{"b": 1}, {"b": 2}]}),
    ):
        with pytest.raises(TypeError) as caught:
            features_from(given)
        assert isinstance(caught.value, LabelTypeError)


def test_dat038_integers_above_2_53():
    for given in (np.array([[2**53 + 1, 1]]), pd.DataFrame({"x0": [2**53 + 1], "b": [1]}), [[2**53 + 1, 1]]):
        features = features_from(given)
        if isinstance(given, list):
            assert features.values[0, 0] == 2**53
            continue
        assert "'x0' has integers above 2**53" in features.notes[0]
    assert not features_from(np.array([[2**53, -(2**53)]])).notes


def test_dat040_sparse_formats_give_the_dense_values_and_are_not_touched():
    dense = np.array([[0, 2.0, 0], [1, 0, 0], [0, 0, 5]])
    twice = sp.coo_array((np.array([1.0, 1, 1, 5, 0]), (np.array([0, 0, 1, 2, 2]), np.array([1, 1, 0, 2, 0]))), (3, 3))
    for given in (sp.csr_array(dense), sp.csc_matrix(dense), sp.dok_array(dense), sp.lil_array(dense), twice):
        before = hashlib.sha256(given.toarray().tobytes()).hexdigest()
        features = features_from(given)
        assert features.is_sparse
        assert features.values.format == "csr"
        assert np.array_equal(features.values.toarray(), dense)
        assert hashlib.sha256(given.toarray().tobytes()).hexdigest() == before
    assert twice.nnz == 5
    csr = sp.csr_array(dense)
    features_from(csr).values.data[:] = 0
    assert np.array_equal(csr.toarray(), dense)


def test_dat045_pandas_nullable_columns():
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="Int64"),
            "f": pd.array([1.5, None, 3], dtype="Float64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "s": pd.array(["u", None, "v"], dtype="string"),
        }
    )
    features = features_from(frame)
    expected = [[1, 1.5, 1, 0], [np.nan] * 4, [3, 3, 0, 1]]
    assert np.array_equal(features.values, expected, equal_nan=True)
    assert features.levels == {3: ("u", "v")}


def test_dat046_categorical_columns_are_coded_by_level_whatever_their_order():
    frame = pd.DataFrame({"c": pd.Categorical(["10", "9", "10"], categories=["9", "10", "8"], ordered=True)})
    features = features_from(frame)
    assert features.categorical == (True,)
    assert features.levels == {0: ("10", "9")}
    assert features.values.ravel().tolist() == [0, 1, 0]
    assert features_from(pl.DataFrame({"c": pl.Series(["a", "b", None], dtype=pl.Categorical)})).levels == {
        0: ("a", "b")
    }
    integers = features_from(pd.DataFrame({"c": pd.Categorical([3, 1, 3])}))
    assert integers.levels == {0: ("1", "3")}


@pytest.mark.parametrize("cells", [["1,5", "2,5", "x"], [" 2 ", "3", "4"], ["1.5", "2", None]])
def test_dat047_numbers_as_text(cells):
    frame = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    with pytest.raises(DataError, match=f"column 'a' holds them as text, first {cells[0]!r} in row 0"):
        features_from(frame)


@pytest.mark.parametrize("kind", FRAMES)
def test_dat048_frames_give_the_same_bits(kind):
    rng = np.random.default_rng(0)
    columns = {
        "number": rng.normal(size=50).tolist(),
        "integer": list(range(50)),
        "flag": [at % 3 == 0 for at in range(50)],
        "hole": [None if at % 7 == 0 else at / 3 for at in range(50)],
        "word": [None if at % 11 == 0 else "abc"[at % 3] for at in range(50)],
    }
    features = features_from(FRAMES[kind](columns))
    assert features.names == tuple(columns)
    assert features.categorical == (False, False, False, False, True)
    assert features.levels == {4: ("a", "b", "c")}
    assert features.values[:, 0].tolist() == columns["number"]
    assert np.isnan(features.values[:, 3]).tolist() == [value is None for value in columns["hole"]]
    assert np.isnan(features.values[:, 4]).sum() == 5


def test_dat048_lazy_frames_and_decimals():
    with pytest.raises(TypeError, match="collect"):
        features_from(pl.LazyFrame({"a": [1]}))
    features = features_from(pl.DataFrame({"a": [decimal.Decimal("1.5"), decimal.Decimal("2.5")]}))
    assert features.values.ravel().tolist() == [1.5, 2.5]


def test_dat049_duplicate_names():
    with pytest.raises(DataError, match="'a' occurs more than once"):
        features_from(pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]))
    with pytest.raises(DataError, match="'a' occurs more than once"):
        features_from(pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]))
    with pytest.raises(DataError, match="'a' occurs more than once"):
        features_from(np.eye(2), names=["a", "a"])


def test_dat050_mixed_names():
    with pytest.raises(TypeError, match="1 int"):
        features_from(pd.DataFrame([[1, 2]], columns=["a", 0]))
    assert features_from(pd.DataFrame([[1, 2]])).names == ("0", "1")


def test_dat051_index_is_ignored():
    frame = pd.DataFrame({"a": [1, 2, 3]}, index=[7, 7, 0])
    assert features_from(frame).values.ravel().tolist() == [1, 2, 3]
    frame.index = pd.MultiIndex.from_tuples([(1, "a"), (0, "b"), (0, "a")])
    assert features_from(frame).values.ravel().tolist() == [1, 2, 3]


def test_text_and_mixed_columns_are_refused():
    with pytest.raises(DataError, match=r"X.drop\(columns=\['t'\]\)"):
        features_from(pd.DataFrame({"t": [f"text {at}" for at in range(50)], "x": range(50)}))
    with pytest.raises(TypeError, match=r"2 word and 1 number|2 words and 1 number"):
        features_from(pd.DataFrame({"m": ["a", 1, "b"]}))


def test_names_and_take():
    features = features_from([["a", 1.0], ["b", 2.0], ["a", 3.0]], names=["w", "n"])
    part = features.take([2, 0])
    assert part.names == ("w", "n")
    assert part.values.tolist() == [[0, 3], [0, 1]]
    assert part.levels == features.levels
    assert features.take(np.array([True, False, False])).shape == (1, 2)
    with pytest.raises(DataError, match="Got 1 names"):
        features_from(np.eye(2), names=["a"])


def test_dat054_frames_are_not_changed():
    frame = pd.DataFrame({"a": [1.0, np.nan], "c": pd.Categorical(["u", "v"])})
    copy = frame.copy(deep=True)
    features_from(frame).values[:] = 0
    pd.testing.assert_frame_equal(frame, copy)


def letters(n=60, seed=0):
    rng = np.random.default_rng(seed)
    words = ["rain", "sun", "wind", "snow", "fog", "hail", "frost"]
    return pd.DataFrame(
        {
            "height": np.where(rng.random(n) < 0.2, np.nan, rng.standard_normal(n) * 40),
            "the post": [None if at % 9 == 0 else " ".join(rng.choice(words, 5)) for at in range(n)],
            "colour": rng.choice(["red", "blue"], n).astype(object),
        }
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "array"])
def test_a_column_of_texts_becomes_what_a_file_makes_of_it(kind, tmp_path):
    frame = letters()
    path = tmp_path / "letters.csv"
    frame.assign(y=np.resize(["a", "b"], 60)).to_csv(path, index=False)
    wanted = read_table(path, "y", text=["the post"]).features
    X = {
        "pandas": lambda: frame,
        "polars": lambda: pl.from_pandas(frame),
        "pyarrow": lambda: pa.Table.from_pandas(frame),
        "array": lambda: frame.to_numpy(dtype=object),
    }[kind]()
    found = features_from(X, names=list(frame.columns) if kind == "array" else None)
    assert found.names == wanted.names
    np.testing.assert_allclose(found.values.toarray(), wanted.values.toarray())
    assert any("'the post' became 7 tf-idf features" in note and "7 texts are empty" in note for note in found.notes)


def test_test_rows_take_words_levels_and_scales_of_training():
    train, test = features_from(letters(60)), letters(12, seed=1)
    test.loc[0, "colour"] = "green"
    test.loc[1, "the post"] = "a word that nobody knows"
    test = test[["colour", "the post", "height"]]
    found = features_from(test, like=train)
    assert found.names == train.names
    values = dict(zip(found.names, found.values.toarray().T, strict=True))
    assert values["colour=blue"][0] == values["colour=red"][0] == 0
    assert all(values[name][1] == 0 for name in found.names if name.startswith("the post:"))
    scale = np.nanmax(np.abs(letters(60)["height"]))
    filled = test["height"].fillna(letters(60)["height"].median())
    np.testing.assert_allclose(values["height"], filled / scale)
    both = stacked(train, aligned(found, train))
    assert both.shape == (72, train.shape[1])
    with pytest.raises(DataError, match="'height' is missing"):
        features_from(test.drop(columns="height"), like=train)
    with pytest.raises(DataError, match="'height' is numeric in training, but not in the test rows"):
        features_from(test.assign(height="tall"), like=train)
    with pytest.raises(DataError, match="'height' has infinity at row 3 of the test rows"):
        features_from(test.assign(height=np.where(np.arange(12) == 3, np.inf, 1.0)), like=train)


def test_levels_of_test_rows_are_met_whatever_blanks_stand_around_them():
    train, test = features_from(letters(60)), letters(12, seed=1)
    padded = test.assign(colour=" " + test["colour"].astype(object) + " ")
    np.testing.assert_array_equal(
        features_from(padded, like=train).values.toarray(), features_from(test, like=train).values.toarray()
    )


def test_identifiers_are_no_texts():
    frame = letters().assign(ticket=[f"TX-{at:05d}" for at in range(60)])
    with pytest.raises(DataError, match="'ticket' holds dates, names or identifiers"):
        features_from(frame)


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_missing_texts_are_told_with_their_place(gap):
    texts = pd.Series(letters()["the post"].fillna("snow").tolist(), dtype=object)
    texts[[3, 7]] = gap
    with pytest.raises(
        DataError, match=r"every row of X must be a text, but 2 rows are missing, first row 3; leave them"
    ):
        features_from(texts)
    with pytest.raises(DataError, match="1 row is missing, first row 3; leave it out"):
        features_from(texts.drop(7).tolist())
