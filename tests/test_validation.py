"""Rows of the catalogue of bad inputs that concern labels, arrays and frames given from Python."""

import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from marginscope._validation import (
    check_consistent_length,
    check_features,
    check_finite,
    check_labels,
    check_magnitude,
    check_rng,
    check_sample_weight,
    feature_names,
    label_codes,
    look_up,
)
from marginscope.exceptions import DataError, DataQualityWarning, LabelTypeError, UsageError

ABC = ["a", "b", "c"]


def table(n=6, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


# -- labels -----------------------------------------------------------------------------------------------------------


MISSING = {
    "float nan": (np.array([1.0, np.nan, 2.0, np.nan]), 2, DataError),
    "list with nan": (["a", float("nan"), "b"], 1, DataError),
    "none among str": (["a", None, "b", None], 2, LabelTypeError),
    "only none": ([None, None], 2, DataError),
    "pandas str": (pd.Series(["a", None, "b"]), 1, DataError),
    "pandas string": (pd.Series(["a", pd.NA, "b"], dtype="string"), 1, DataError),
    "pandas Int64": (pd.Series([1, pd.NA, 2], dtype="Int64"), 1, DataError),
    "pandas boolean": (pd.Series([True, pd.NA, False], dtype="boolean"), 1, DataError),
    "pandas category": (pd.Categorical(["a", None, "b"]), 1, DataError),
    "NaT objects": (np.array([pd.NaT, "a", "b"], dtype=object), 1, DataError),
    "datetime NaT": (np.array(["2020-01-01", "NaT"], dtype="M8[D]"), 1, DataError),
    "polars str": (pl.Series(["a", None, "b"]), 1, DataError),
    "polars int": (pl.Series([1, None, 2]), 1, DataError),
    "arrow": (pa.chunked_array([["a", None], ["b"]]), 1, DataError),
    "masked": (np.ma.array([1, 2, 3], mask=[0, 1, 0]), 1, DataError),
}


@pytest.mark.parametrize("case", MISSING)
def test_dat003_missing_labels_are_counted(case):
    y, count, error = MISSING[case]
    with pytest.raises(error, match=rf"{count} of {len(y)} rows have none") as raised:
        check_labels(y)
    assert raised.value.exit_code == 3
    assert isinstance(raised.value, ValueError)


def test_dat004_one_class_is_named():
    with pytest.raises(DataError, match=r"at least 2 classes .* one class 'lynx'"):
        check_labels(["lynx"] * 5)
    assert check_labels(["lynx"] * 5, min_classes=1).n_classes == 1


def test_dat005_no_labels_at_all():
    with pytest.raises(DataError, match=r"0 sample\(s\)"):
        check_labels([])
    with pytest.raises(DataError, match="the target y is None"):
        check_labels(None)


def test_dat018_unused_categories_are_noted_and_left_out():
    encoded = check_labels(pd.Series(pd.Categorical(["b", "a", "b"], categories=["z", "b", "a", "q"])))
    assert encoded.labels.tolist() == ["a", "b"]
    assert encoded.codes.tolist() == [1, 0, 1]
    assert encoded.notes == ("2 categories of the target have no rows and are left out: 'z', 'q'",)
    assert check_labels(pd.Series(pd.Categorical(["b", "a"]))).notes == ()
    assert "'z'" in check_labels(pl.Series(["a", "b"], dtype=pl.Enum(["a", "b", "z"]))).notes[0]
    assert check_labels(pl.Series(["a", "b"], dtype=pl.Categorical)).notes == ()


@given(st.lists(st.text(max_size=4), min_size=2, max_size=15).filter(lambda y: len(set(y)) > 1))
def test_dat019_any_text_round_trips(y):
    encoded = check_labels(y)
    assert encoded.labels[encoded.codes].tolist() == y
    assert encoded.labels.tolist() == sorted(set(y))
    assert encoded.counts.sum() == len(y)


def test_dat019_string_arrays_keep_their_type():
    y = np.array(["b", "a", "ccc"])
    encoded = check_labels(y)
    assert encoded.labels.dtype == y.dtype
    assert encoded.codes.dtype == np.int64
    assert check_labels(["b", "a"]).labels.dtype.kind == "U"
    assert check_labels(np.array(["b", "a"], dtype=object)).labels.dtype.kind == "O"


@pytest.mark.parametrize("y", [np.array([b"a", b"b"]), [b"a", b"b"], np.array([b"a", b"b"], dtype=object)])
def test_dat020_bytes_are_refused(y):
    with pytest.raises(LabelTypeError, match="labels represented as bytes is not supported") as raised:
        check_labels(y)
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize(
    "y",
    [
        np.array([True, False, True]),
        [True, False, True],
        pd.Series([True, False, True], dtype="boolean"),
        pl.Series([True, False, True]),
        np.array([True, False, True], dtype=object),
    ],
)
def test_dat021_bool_stays_bool(y):
    encoded = check_labels(y)
    assert encoded.labels.dtype == bool
    assert encoded.names == ("False", "True")
    assert encoded.codes.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (["a", 1, "b", 2, "c"], ["str (3 rows)", "int (2 rows)"]),
        (np.array(["a", 1], dtype=object), ["str (1 rows)", "int (1 rows)"]),
        ([True, 2, 3], ["int (2 rows)", "bool (1 rows)"]),
        (["a", None, "b"], ["None 1", "str 2"]),
        (["a", 1.5], ["str (1 rows)", "float (1 rows)"]),
    ],
)
def test_dat022_mixed_types_are_named_and_counted(y, told):
    with pytest.raises(LabelTypeError) as raised:
        check_labels(y)
    assert isinstance(raised.value, TypeError)
    assert all(part in str(raised.value) for part in told)
    assert "not supported between" not in str(raised.value)


def test_dat022_other_objects_are_named():
    with pytest.raises(LabelTypeError, match="complex"):
        check_labels(np.array([1j, 2j]))
    with pytest.raises(LabelTypeError, match="date objects"):
        check_labels([pd.Timestamp("2020-01-01").date(), pd.Timestamp("2020-01-02").date()])
    with pytest.raises(LabelTypeError, match="datetime64"):
        check_labels(np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"))


@pytest.mark.parametrize("y", [np.array([0.5, 1.0, 2.0]), [0.5, 1, 2], np.array([0.5, 1], dtype=np.float16)])
def test_dat023_continuous_labels(y):
    with pytest.raises(DataError, match=r"Unknown label type: continuous.* bins"):
        check_labels(y)


def test_dat023_infinite_labels():
    with pytest.raises(DataError, match="infinity in 1 rows"):
        check_labels([1.0, 2.0, np.inf])


def test_dat024_whole_floats_stay_floats():
    encoded = check_labels(np.array([2.0, 1.0, 2.0]))
    assert encoded.labels.dtype == np.float64
    assert encoded.names == ("1.0", "2.0")
    assert check_labels([1, 2.0]).names == ("1.0", "2.0")


@pytest.mark.parametrize(
    "y",
    [
        [-5, 10**12, 3],
        [2**63 + 1, 0, 2**64 - 1],
        np.array([2**63 + 1, 0], dtype=np.uint64),
        [2**70, -1, 2**70 + 1],
        pd.Series([5, -7], dtype="Int64"),
    ],
)
def test_dat025_integers_of_any_size(y):
    tracemalloc.start()
    encoded = check_labels(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [int(label) for label in encoded.labels[encoded.codes]] == [int(value) for value in y]
    assert encoded.labels.tolist() == sorted(int(value) for value in y)
    assert peak < 2**20


def test_dat026_two_columns_are_refused_and_one_is_warned_about():
    with pytest.raises(DataError, match="y should be a 1d array"):
        check_labels(np.eye(3))
    with pytest.raises(DataError, match="y should be a 1d array"):
        check_labels([[0, 1], [1, 0]])
    with pytest.raises(DataError, match="y should be a 1d array"):
        check_labels("abc")
    with pytest.raises(DataError, match="y should be a 1d array"):
        check_labels([[0, 1], [1]])
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"):
        encoded = check_labels(np.array([["b"], ["a"]]))
    assert encoded.codes.tolist() == [1, 0]
    with pytest.warns(DataConversionWarning):
        assert check_labels(pd.DataFrame({"t": ["b", "a"]})).codes.tolist() == [1, 0]


def test_dat027_near_equal_labels_stay_distinct():
    y = ["Fox", "fox", "fox ", "f\u006f\u0301x", "f\u00f3x"]
    assert check_labels(y).labels.tolist() == sorted(y)


def test_dat028_any_script_is_accepted():
    y = ["\U0001f98a", "\u05e9\u05d5\u05e2\u05dc", "\u202efox\u202c", "\u72d0", "fox\0", "fox"]
    encoded = check_labels(y)
    assert encoded.labels[encoded.codes].tolist() == y


def test_dat029_a_huge_label_costs_its_own_length_once():
    y = ["x" * 10**6, "b"] * 500
    tracemalloc.start()
    encoded = check_labels(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert encoded.labels.tolist() == ["b", "x" * 10**6]
    assert peak < 2**20


def test_dat030_more_classes_than_half_the_rows():
    with pytest.warns(DataQualityWarning, match="more than half of the rows are distinct classes: 40 classes in 40"):
        encoded = check_labels(np.arange(40))
    assert encoded.n_classes == 40
    assert "distinct classes" in encoded.notes[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_labels(np.arange(40) % 20)
        check_labels(ABC)


def test_dat031_many_classes_need_memory_in_proportion_to_rows():
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(10_000) * 10**9, 3))
    tracemalloc.start()
    encoded = check_labels(y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert encoded.n_classes == 10_000
    assert peak < 20 * y.nbytes


def test_dat042_sparse_labels_are_refused():
    with pytest.raises(LabelTypeError, match="sparse matrix"):
        check_labels(sparse.csr_array(np.eye(3)))


@pytest.mark.parametrize(
    ("y", "labels"),
    [
        (pd.Series([2, 1], dtype="Int64"), [1, 2]),
        (pd.Series([2.0, 1.0], dtype="Float64"), [1.0, 2.0]),
        (pd.Series(["b", "a"], dtype="string"), ["a", "b"]),
        (pl.Series(["b", "a"]), ["a", "b"]),
        (pa.chunked_array([["b", "a"]]), ["a", "b"]),
        (pa.chunked_array([pa.array(["b", "a"]).dictionary_encode()]), ["a", "b"]),
        (np.array(["b", "a"], dtype=np.dtypes.StringDType()), ["a", "b"]),
    ],
)
def test_dat045_dat048_columns_of_other_libraries(y, labels):
    encoded = check_labels(y)
    assert encoded.labels.tolist() == labels
    assert encoded.codes.tolist() == [1, 0]


def test_dat051_the_index_is_ignored():
    y = pd.Series(["b", "a", "b"], index=[7, 7, 0])
    assert check_labels(y).codes.tolist() == [1, 0, 1]
    X = pd.DataFrame({"u": [1.0, 2.0, 3.0]}, index=[("r", 1), ("r", 1), ("q", 0)])
    assert check_features(X).ravel().tolist() == [1.0, 2.0, 3.0]


def test_label_codes_marks_strangers():
    labels = np.array([1, 2, 5])
    assert label_codes([5, 1, 9], labels).tolist() == [2, 0, -1]
    assert label_codes(np.array([2.0, 5.0]), labels).tolist() == [1, 2]
    assert label_codes(["1", "2"], labels).tolist() == [-1, -1]
    assert label_codes([], labels).tolist() == []


# -- features ---------------------------------------------------------------------------------------------------------


def test_dat001_nan_is_counted_and_placed():
    X = table(8, 3)
    X[[1, 2, 3, 4, 5, 6], 1] = np.nan
    with pytest.raises(DataError, match=r"NaN in 6 cells, first at \(row 1, column 1\)") as raised:
        check_features(X)
    assert str(raised.value).count("(row") == 5
    with pytest.raises(DataError, match=r"column 'v'"):
        check_finite(X, ["u", "v", "w"])


def test_dat002_infinity_has_its_own_message():
    X = table()
    X[2, 0] = -np.inf
    with pytest.raises(DataError, match="infinity in 1 cell") as raised:
        check_features(X)
    assert "NaN" not in str(raised.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_dat001_dat002_in_sparse_matrices(value):
    X = sparse.coo_array(([1.0, value], ([0, 3], [2, 1])), shape=(5, 4))
    with pytest.raises(DataError, match=r"first at \(row 3, column 1\)"):
        check_features(X)


def test_finite_values_whose_sum_overflows_are_finite():
    check_finite(np.full((2, 2), 1.5e308))
    check_finite(np.array([[1, 2]]))


def test_dat005_dat006_empty_tables():
    with pytest.raises(DataError, match=r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is required"):
        check_features(np.empty((0, 3)))
    with pytest.raises(DataError, match=r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required"):
        check_features(np.empty((3, 0)))
    with pytest.raises(DataError, match=r"0 sample"):
        check_features(sparse.csr_array((0, 3)))
    with pytest.raises(DataError, match=r"1 sample\(s\).* minimum of 2"):
        check_features(np.ones((1, 3)), min_rows=2)


def test_dat007_one_row_and_one_column_pass():
    assert check_features([[1.0, 2.0]]).shape == (1, 2)
    assert check_features([[1.0], [2.0]]).shape == (2, 1)
    with pytest.raises(DataError, match="Expected 2D array, got 1D array instead"):
        check_features([1.0, 2.0])
    with pytest.raises(DataError, match="equally long rows"):
        check_features([[1.0], [1.0, 2.0]])


def test_dat008_inconsistent_lengths():
    with pytest.raises(DataError, match=r"inconsistent numbers of samples: \[5, 4\]"):
        check_consistent_length(np.ones((5, 2)), [1, 2, 3, 4])
    assert check_consistent_length(np.ones((5, 2)), None, pd.Series(range(5)), sparse.eye_array(5)) == 5


def test_dat033_huge_cell():
    X = table()
    X[4, 2] = -1e300
    with pytest.raises(DataError, match=r"value -1e\+300 in column 2 \(row 4\) makes squared norms overflow; rescale"):
        check_features(X)
    with pytest.raises(DataError, match="column 'w'"):
        check_magnitude(X, ["u", "v", "w"])
    with pytest.raises(DataError, match="row 4"):
        check_features(sparse.csr_array(X))


@pytest.mark.parametrize("scale", [1e150, 1e-310, 1e-200])
def test_dat034_whole_table_out_of_range(scale):
    with pytest.raises(DataError, match="rescale"):
        check_features(table() * scale)


@pytest.mark.parametrize("scale", [1e90, 1e-90, 0.0])
def test_dat034_within_range_squares_stay_finite(scale):
    X = check_features(table() * scale)
    squares = (X**2).sum()
    assert np.isfinite(squares)
    assert (squares > 0) == (scale > 0)


def test_dat035_dat036_dat039_small_types_become_float64():
    for dtype in (np.float16, np.float32, np.int8, np.uint8, bool):
        X = (table(20, 2) * 60).astype(dtype)
        out = check_features(X)
        assert out.dtype == np.float64
        np.testing.assert_array_equal(out, X.astype(np.float64))
        assert (out**2).sum() == (X.astype(np.float64) ** 2).sum()


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="no wider type here")
def test_dat035_overflow_at_the_cast_is_caught():
    X = np.ones((2, 2), dtype=np.longdouble)
    assert check_features(X).dtype == np.float64
    X[1, 0] = np.longdouble("1e400")
    with pytest.raises(DataError, match=r"overflow it, first at \(row 1, column 0\)"):
        check_features(X)


def test_dat037_no_numbers():
    with pytest.raises(DataError, match="Complex data not supported"):
        check_features(np.ones((2, 2)) * 1j)
    with pytest.raises(DataError, match="Complex data not supported"):
        check_features(sparse.csr_array(np.ones((2, 2)) * 1j))
    with pytest.raises(LabelTypeError, match="turn dates into numbers"):
        check_features(np.array([["2020-01-01"], ["2020-01-02"]], dtype="M8[D]"))
    with pytest.raises(LabelTypeError, match="column 'when'"):
        check_features(pd.DataFrame({"u": [1, 2], "when": pd.to_datetime(["2020-01-01", "2020-01-02"])}))
    with pytest.raises(DataError, match="the text 'red' in row 1, column 0"):
        check_features(np.array([[1.0], ["red"]], dtype=object))
    with pytest.raises(DataError, match="the text"):
        check_features(np.array([["1"], ["2"]]))
    with pytest.raises(LabelTypeError, match=r"argument must be a string or a number.* dict"):
        check_features(np.array([[{"a": 1}], [1]], dtype=object))
    np.testing.assert_array_equal(check_features(np.array([[1], [2.5]], dtype=object)), [[1.0], [2.5]])


def test_dat038_integers_that_lose_digits():
    X = pd.DataFrame({"u": [1, 2], "id": [2**53 + 1, 2**53 + 2]})
    with pytest.warns(DataQualityWarning, match=r"2\*\*53 lose digits as float64, in column 'id'"):
        check_features(X)
    with pytest.warns(DataQualityWarning, match="column 1"):
        check_features(np.array([[0, -(2**60)]]))
    with pytest.warns(DataQualityWarning, match="column 0"):
        check_features(np.array([[2**63]], dtype=np.uint64))
    assert check_features(np.array([[2**53, -(2**53)]])).shape == (1, 2)


def test_dat040_sparse_input_is_made_canonical_on_a_copy():
    row, column = np.array([0, 0, 0, 1, 2]), np.array([2, 0, 2, 1, 0])
    coo = sparse.coo_array((np.array([1.0, 2.0, 3.0, 0.0, 4.0]), (row, column)), shape=(3, 3))
    csr = sparse.csr_array((np.array([1.0, 2.0, 3.0]), np.array([2, 0, 2]), np.array([0, 3, 3, 3])), shape=(3, 3))
    for X in (coo, coo.tocsc(), csr, sparse.csr_matrix(csr)):
        before = X.toarray()
        data = X.data.copy()
        out = check_features(X)
        np.testing.assert_array_equal(out.toarray(), before)
        np.testing.assert_array_equal(X.data, data)
        assert out.has_canonical_format
        assert out.format == "csr"


def test_dat041_wide_indices_are_accepted():
    X = sparse.csr_array(table())
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    np.testing.assert_array_equal(check_features(X).toarray(), X.toarray())


@pytest.mark.parametrize("form", ["dia", "dok", "lil", "bsr"])
def test_dat042_other_sparse_formats_are_converted(form):
    X = sparse.csr_array(np.diag([1.0, 2.0, 3.0])).asformat(form)
    np.testing.assert_array_equal(check_features(X).toarray(), np.diag([1.0, 2.0, 3.0]))


def test_dat032_wide_sparse_input_is_never_densified():
    X = sparse.random_array((100, 10**6), density=1e-5, rng=np.random.default_rng(0), format="csr")
    tracemalloc.start()
    check_features(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_dat043_layout_does_not_matter():
    X = table(10, 4)
    wide = np.zeros((20, 8))
    wide[::2, ::2] = X
    for view in (np.asfortranarray(X), wide[::2, ::2], X[::-1][::-1], X[:, ::-1][:, ::-1]):
        out = check_features(view)
        assert out.flags.c_contiguous
        np.testing.assert_array_equal(out, X)


def test_dat044_read_only_and_mapped_arrays(tmp_path):
    X = table()
    X.flags.writeable = False
    np.testing.assert_array_equal(check_features(X), X)
    np.save(tmp_path / "x.npy", X)
    np.testing.assert_array_equal(check_features(np.load(tmp_path / "x.npy", mmap_mode="r")), X)


def test_dat045_nullable_columns():
    X = pd.DataFrame({"u": pd.array([1, 2], dtype="Int64"), "v": pd.array([1.5, 2.5], dtype="Float64")})
    X["w"] = pd.array([True, False], dtype="boolean")
    np.testing.assert_array_equal(check_features(X), [[1.0, 1.5, 1.0], [2.0, 2.5, 0.0]])
    for dtype in ("Int64", "Float64", "boolean"):
        gap = pd.DataFrame({"u": [1.0, 2.0], "v": pd.array([1, None], dtype=dtype)})
        with pytest.raises(DataError, match=r"NaN in 1 cell, first at \(row 1, column 'v'\)"):
            check_features(gap)


def test_dat046_categories_name_column_and_encoder():
    X = pd.DataFrame({"u": [1.0, 2.0], "colour": pd.Categorical(["red", "blue"])})
    with pytest.raises(LabelTypeError, match=r"column 'colour' is categorical; encode it with .*OneHotEncoder"):
        check_features(X)
    with pytest.raises(LabelTypeError, match="colour"):
        check_features(pl.DataFrame({"colour": pl.Series(["red", "blue"], dtype=pl.Categorical)}))


@pytest.mark.parametrize("cells", [["1", "2,5"], [" 2 ", "3"]])
@pytest.mark.parametrize("dtype", [object, "str", "string"])
def test_dat047_numbers_written_as_text(cells, dtype):
    X = pd.DataFrame({"u": [1.0, 2.0], "v": pd.Series(cells, dtype=dtype)})
    with pytest.raises(DataError, match=rf"the text '{cells[0]}' in row 0, column 'v'"):
        check_features(X)


def test_dat047_the_row_of_the_first_text_is_told():
    X = pd.DataFrame({"v": pd.Series([1.0, 2.0, "x", "y"], dtype=object)})
    with pytest.raises(DataError, match="the text 'x' in row 2, column 'v'"):
        check_features(X)


def test_dat048_frames_of_all_libraries_give_the_same_bits():
    columns = {"u": [1.5, -2.0, 3.25], "v": [1, 2, 3], "w": [True, False, True]}
    expected = np.array(list(columns.values()), dtype=float).T
    for X in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        out = check_features(X)
        assert out.tobytes() == np.ascontiguousarray(expected).tobytes()
        assert feature_names(X) == ("u", "v", "w")
    with pytest.raises(LabelTypeError, match=r"eager data frame .* \.collect\(\)"):
        check_features(pl.DataFrame(columns).lazy())
    with pytest.raises(DataError, match=r"NaN in 1 cell, first at \(row 1, column 'v'\)"):
        check_features(pl.DataFrame({"v": [1, None]}))


def test_dat049_duplicate_column_names():
    X = pd.DataFrame(table(), columns=["u", "v", "u"])
    with pytest.raises(DataError, match="these repeat: 'u'"):
        check_features(X)


def test_dat050_mixed_column_names():
    X = pd.DataFrame(table(), columns=["u", 1, "w"])
    with pytest.raises(TypeError, match="Feature names are only supported if all input features have string names"):
        check_features(X)
    X.columns = [0, 1, 2]
    assert check_features(X).shape == (6, 3)
    assert feature_names(X) == ("0", "1", "2")
    assert feature_names(table()) is None


def test_masked_cells_are_missing_values():
    with pytest.raises(DataError, match=r"masks 1 cell, first at \(row 0, column 1\)"):
        check_features(np.ma.array(np.ones((2, 2)), mask=[[0, 1], [0, 0]]))


def test_dat053_sample_weights():
    for bad, told in (
        ([-1.0, 1.0], "0 or more"),
        ([np.nan, 1.0], "NaN"),
        ([0.0, 0.0], "all are zero"),
        ([1.0], "shape"),
    ):
        with pytest.raises(DataError, match=rf"sample_weight.*{told}"):
            check_sample_weight(bad, 2)
    assert check_sample_weight(None, 3).tolist() == [1.0, 1.0, 1.0]
    assert check_sample_weight([0, 2], 2).tolist() == [0.0, 2.0]


def test_dat054_inputs_are_never_changed():
    X, y = np.asfortranarray(table()), np.array(["b", "a", "b", "a", "b", "a"], dtype=object)
    frame = pd.DataFrame(table(), columns=ABC)
    before = X.tobytes(order="A"), y.tolist(), frame.copy()
    check_features(X)
    check_features(frame)
    check_labels(y)
    assert (X.tobytes(order="A"), y.tolist()) == before[:2]
    pd.testing.assert_frame_equal(frame, before[2])


# -- seeds and names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7, 2**32 + 5, 2**200, np.int64(3)])
def test_num019_whole_seeds_of_any_size(seed):
    told, generator = check_rng(seed)
    assert told == seed
    assert isinstance(told, int)
    assert generator.random() == np.random.default_rng(int(seed)).random()


@pytest.mark.parametrize("seed", [-1, 1.0, 0.5, True, "1", np.float64(2), [1, 2]])
def test_num019_other_seeds_are_refused(seed):
    with pytest.raises(UsageError, match="a seed of 0 or more") as raised:
        check_rng(seed)
    assert raised.value.exit_code == 2


def test_num019_no_seed_draws_one_that_repeats():
    seeds = {check_rng(None)[0] for _ in range(20)}
    assert len(seeds) > 15
    seed, generator = check_rng(None)
    assert generator.random() == check_rng(seed)[1].random()


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState, np.random.PCG64])
def test_num019_generators_are_advanced_by_one_draw(make):
    given_generator, twin = make(5), make(5)
    first, second = check_rng(given_generator)[0], check_rng(given_generator)[0]
    assert first != second
    assert first == check_rng(twin)[0]
    assert 0 <= first < 2**32


def test_num019_a_seed_sequence_gives_its_seed():
    assert check_rng(np.random.SeedSequence(3))[0] == check_rng(np.random.SeedSequence(3))[0]


def test_look_up_offers_near_names():
    known = {"cross_entropy": 1, "exponential": 2}
    assert look_up("loss", "exponential", known) == 2
    with pytest.raises(UsageError, match=r"known loss .* 'cross_entrpy'; did you mean 'cross_entropy'\?"):
        look_up("loss", "cross_entrpy", known)
    with pytest.raises(UsageError, match="got 3; known are: cross_entropy, exponential"):
        look_up("loss", 3, known)


def test_importing_loads_no_heavy_package():
    code = (
        "import sys, marginscope._validation, marginscope.adapters\n"
        "heavy = {'sklearn', 'pandas', 'polars', 'narwhals', 'scipy', 'torch', 'skops'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
