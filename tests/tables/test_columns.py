"""Typing of feature columns and the notes about them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.exceptions import DataError, UsageError
from marginscope.tables import read_table
from marginscope.tables.cells import CellKind, CellReader, is_date


def table(cells, labels="uvw"):
    return "x,y\n" + "".join(f'"{cell}",{labels[at % len(labels)]}\n' for at, cell in enumerate(cells))


def note(data, word):
    return [one for one in data.notes if word in one]


def test_dat001_missing_cells_are_counted_by_column_and_mark(write):
    data = read_table(write("a,b,y\n1,NA,u\n,?,v\n3,x,u\nnan,x,v\n"), "y")
    assert np.isnan(data.features.values[:, 0]).tolist() == [False, True, False, True]
    assert data.features.levels == {1: ("x",)}
    (said,) = note(data, "read as missing")
    assert "4 cells of 'a' (2) and 'b' (2)" in said
    for mark in ("1 NA", "1 ?", "1 empty", "1 nan"):
        assert mark in said


def test_dat001_strict_names_the_first_five(write):
    with pytest.raises(DataError, match=r"NaN\), first at line 2 of 'a', line 3 of 'a', line 4 of 'a'") as caught:
        read_table(write("a,y\n" + "NA,u\n" * 8 + "1,v\n"), "y", strict=True)
    assert "8 cells" in str(caught.value)
    assert "line 6 of 'a';" in str(caught.value)
    assert "line 7" not in str(caught.value)


def test_explicit_missing_marks_replace_the_words(write):
    path = write("a,b,y\n-999,NA,u\n1,x,v\n-999.0,x,u\n,x,v\n")
    data = read_table(path, "y", missing=["-999"])
    assert np.isnan(data.features.values[:, 0]).tolist() == [True, False, True, True]
    assert data.features.levels == {1: ("NA", "x")}
    assert read_table(path, "y").features.values[0, 0] == -999


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "+INF", "1e999", "-1e400"])
@pytest.mark.parametrize("n_rows", [10, 9000])
def test_dat002_infinity(write, cell, n_rows):
    cells = [f"{at / 7:.8f}" for at in range(n_rows)]
    cells[7] = cell
    with pytest.raises(DataError, match=r"infinity.*line 9"):
        read_table(write(table(cells)), "y")


def test_a_category_may_be_called_inf(write):
    data = read_table(write(table(["sup", "inf", "mid"] * 4)), "y")
    assert data.features.levels == {0: ("inf", "mid", "sup")}


def test_dat005_zero_rows_and_dat006_zero_features_say_so(write):
    with pytest.raises(DataError, match=r"0 sample\(s\) \(shape=\(0, 2\)\) while a minimum of 1 is required"):
        read_table(write("a,b,y\n"), "y")
    with pytest.raises(DataError, match=r"0 feature\(s\) \(shape=\(N, 0\)\) while a minimum of 1 is required"):
        read_table(write("a,y\n1,u\n2,v\n"), "y", drop=["a"])


@pytest.mark.parametrize("n_rows", [12, 9000])
def test_dat033_value_whose_square_overflows(write, n_rows):
    cells = [f"{at / 7:.8f}" for at in range(n_rows)]
    cells[-2] = "1e300"
    with pytest.raises(DataError, match=f"value 1e300 in column 'x' at line {n_rows} makes squared norms overflow"):
        read_table(write(table(cells)), "y")


@pytest.mark.parametrize("n_rows", [6, 9000])
def test_dat038_integers_that_lose_digits(write, n_rows):
    data = read_table(write(table([str(2**53 + 1 + at) for at in range(n_rows)])), "y")
    assert note(data, "2**53")
    exact = read_table(write(table([str(2**53 - at) for at in range(n_rows)])), "y")
    assert not note(exact, "2**53")


@pytest.mark.parametrize("n_rows", [6, 9000])
def test_fil013_integer_beyond_64_bits(write, n_rows):
    cells = [str(2**60 + at) for at in range(n_rows)]
    cells[-1] = str(2**63)
    with pytest.raises(DataError, match=f"2\\*\\*63.*{2**63}"):
        read_table(write(table(cells)), "y")


def test_fil013_is_fine_as_a_label(write):
    data = read_table(write(f"x,y\n1,{2**70}\n2,{2**70 + 1}\n"), "y")
    assert list(data.target) == [str(2**70), str(2**70 + 1)]


@pytest.mark.parametrize("n_rows", [20, 9000])
@pytest.mark.parametrize("cell", ["abc", "1_000", "5%", "1.2.3", "١٢", "0x1F", "12 kg"])
def test_dat047_numbers_with_a_stray_cell(write, n_rows, cell):
    cells = [f"{at / 7:.8f}" for at in range(n_rows)]
    cells[n_rows // 2] = cell
    with pytest.raises(DataError, match=f"column 'x' must hold numbers only.*at line {n_rows // 2 + 2} "):
        read_table(write(table(cells)), "y")


def test_dat047_half_numbers_are_a_category(write):
    data = read_table(write(table(["1", "2", "A", "B"] * 5)), "y")
    assert data.features.levels == {0: ("1", "2", "A", "B")}
    assert note(data, "used as categories")


def test_levels_are_read_without_padding(write):
    data = read_table(write("a, b, y\n1, red, u\n2, blue, v\n3, red, u\n"), "y")
    assert data.features.names == ("a", "b")
    assert data.features.levels == {1: ("blue", "red")}
    assert data.features.values[:, 1].tolist() == [1, 0, 1]


def test_free_text_identifiers_and_dates_are_refused_in_one_sentence(write):
    rows = "".join(f"2024-01-{at % 28 + 1:02d},ID{at},note number {at},{at},{'uv'[at % 2]}\n" for at in range(60))
    path = write("Date Egg,Individual ID,Comments,mass,y\n" + rows)
    with pytest.raises(DataError) as caught:
        read_table(path, "y")
    sentence = str(caught.value)
    assert "--drop 'Date Egg' --drop 'Individual ID' --drop Comments" in sentence
    assert "--text 'Individual ID' --text Comments" in sentence
    assert "mass" not in sentence
    data = read_table(path, "y", drop=["Date Egg", "Individual ID"], text=["Comments"])
    assert data.features.is_sparse


def test_refused_columns_without_a_header_are_named_by_index(write):
    rows = "".join(f"{at},name{at},{'uv'[at % 2]}\n" for at in range(50))
    with pytest.raises(DataError, match=r"leave it out with --drop 1, or read .* as words with --text 1$"):
        read_table(write(rows), -1, header=False)


def test_many_levels_that_repeat_are_a_category_and_few_rows_may_all_differ(write):
    assert read_table(write(table([f"code{at % 90}" for at in range(1000)])), "y").features.categorical == (True,)
    assert read_table(write(table([f"w{at}" for at in range(15)])), "y").features.categorical == (True,)
    for cells in ([f"w{at}" for at in range(30)], [f"w{at % 150}" for at in range(600)]):
        with pytest.raises(DataError, match="free text or identifiers"):
            read_table(write(table(cells)), "y")


def test_more_levels_than_any_category_has_do_not_fill_the_memory(write):
    with pytest.raises(DataError, match="free text or identifiers"):
        read_table(write(table([f"{at:x}-{at * 7 % 11}z" for at in range(120_000)])), "y")


@pytest.mark.parametrize(
    "cell",
    [
        "2024-02-29",
        "2024-02-29T12:30:00Z",
        "2024-02-29 12:30:00.123+01:00",
        "29.02.2024",
        "29/2/24",
        "2/29/2024 1:05 PM",
        "2024/02/29",
        "29 Feb 2024",
        "Feb 29, 2024",
        "29-FEB-2024",
        "12:30",
    ],
)
def test_dates_are_known(write, cell):
    assert is_date(cell)
    with pytest.raises(DataError, match="holds dates"):
        read_table(write(table([cell, "", cell])), "y")


@pytest.mark.parametrize("cell", ["1.5", "12-34", "v1.2.3", "1/2", "Mayor 3", "10:5", "2024"])
def test_other_cells_are_no_dates(cell):
    assert not is_date(cell)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_back(value):
    kind, found = CellReader(()).classify(repr(value))
    assert kind in (CellKind.INTEGER, CellKind.POINT)
    assert found == value


@given(st.text(max_size=8))
def test_no_cell_breaks_the_classifier(text):
    kind, value = CellReader(("", "NA")).classify(text)
    if kind in (CellKind.INTEGER, CellKind.POINT):
        assert float(text.strip()) == value
    else:
        assert kind != CellKind.MISSING or text.strip() in ("", "NA")


@given(
    st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6)), min_size=3, max_size=40),
    st.integers(1, 400),
)
def test_values_do_not_depend_on_how_a_column_is_kept(tmp_path_factory, values, copies):
    """A column is a dictionary of texts while short and plain numbers when long."""
    path = tmp_path_factory.mktemp("kept") / "t.csv"
    cells = ["" if value is None else repr(value) for value in values] * copies
    path.write_text(table([*cells, "1", "2"]))
    data = read_table(path, "y")
    wanted = np.array([np.nan if value is None else float(value) for value in values] * copies + [1.0, 2.0])
    assert np.array_equal(data.features.values[:, 0], wanted, equal_nan=True)


def test_missing_cells_of_a_long_column_of_numbers(write):
    cells = [f"{at / 7:.8f}" for at in range(9000)]
    cells[5], cells[8000], cells[8500] = "NA", "", "?"
    data = read_table(write(table(cells)), "y")
    assert np.flatnonzero(np.isnan(data.features.values[:, 0])).tolist() == [5, 8000, 8500]
    assert note(data, "3 cells of 'x' (3)")
    with pytest.raises(DataError, match="line 7 of 'x', line 8002 of 'x' and line 8502 of 'x'"):
        read_table(write(table(cells)), "y", strict=True)


def test_row_numbers_and_copies_of_the_target_are_pointed_out(write):
    rows = "".join(f"{at},{at % 3},{at % 5},{'uvw'[at % 3]}\n" for at in range(30))
    data = read_table(write("id,code,other,y\n" + rows), "y")
    assert "'id'" in note(data, "only numbers the rows")[0]
    (leak,) = note(data, "one value for each class")
    assert leak.startswith("'code'")


def test_dat052_target_is_never_a_feature_and_its_copy_is_reported(write):
    data = read_table(write("y,copy,x\nu,U,1\nv,V,2\nu,U,3\nv,V,5\n"), "y")
    assert data.features.names == ("copy", "x")
    assert "'copy'" in note(data, "leak")[0]


def test_column_without_any_value(write):
    data = read_table(write("a,b,y\n1,,u\n2,,v\n"), "y")
    assert np.isnan(data.features.values[:, 1]).all()


def test_empty_texts_are_counted(write):
    rows = "".join(f"{'' if at < 3 else 'rain and sun'},{at % 2}\n" for at in range(12))
    data = read_table(write("post,y\n" + rows), "y", text=["post"])
    assert any(note.endswith("from all rows; 3 texts are empty") for note in data.notes)


def test_numbers_are_no_texts(write):
    path = write("post,amount,y\n" + "".join(f"rain {at},{at / 7:.2f},{at % 2}\n" for at in range(12)))
    with pytest.raises(
        UsageError, match="--text needs a column of words, but 'amount' holds numbers; leave --text amount"
    ):
        read_table(path, "y", text=["post", "amount"])
