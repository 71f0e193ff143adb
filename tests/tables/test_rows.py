"""Rows and fields of delimited text."""

from __future__ import annotations

import csv
import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.exceptions import DataError, UsageError
from marginscope.tables import read_table
from marginscope.tables.dialect import split_blanks


def note(data, word):
    return [one for one in data.notes if word in one]


def test_fil002_header_only(write):
    with pytest.raises(DataError, match="0 rows") as caught:
        read_table(write("a,b,y\n"), "y")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_fil005_delimiter_is_detected_and_said(write, delimiter):
    rows = [["a", "b", "y"], ["1", "2", "u"], ["3", "4", "v"]]
    data = read_table(write("\n".join(map(delimiter.join, rows)), "t.txt"), "y")
    assert data.features.values.tolist() == [[1, 2], [3, 4]]
    assert note(data, "fields are separated by")


def test_fil005_one_column_names_the_delimiter_in_the_header(write):
    with pytest.raises(DataError, match=r"one column found.*header contains ';'"):
        read_table(write("a;b\n1\n2\n3\n4\n"), "a")
    with pytest.raises(DataError, match=r"one column found.*header contains ;|one column found.*';'"):
        read_table(write("a;b;y\n1;2;u\n3;4;v\n"), "y", delimiter=",")
    with pytest.raises(DataError, match="one column found"):
        read_table(write("word\nu\nv\n"), "word")


def test_fil005_two_delimiters_that_fit_alike_are_not_guessed(write):
    path = write("1,5;2\n3,5;4\n")
    with pytest.raises(DataError, match="--delimiter comma or --delimiter semicolon"):
        read_table(path, -1, header=False)
    data = read_table(path, -1, header=False, delimiter=";")
    assert data.features.values.ravel().tolist() == [1.5, 3.5]


def test_fil005_a_row_far_behind_the_sample_decides(write):
    content = "1,5;2;u\n" * 1500 + "1;2;v\n" * 10
    data = read_table(write(content), -1, header=False)
    assert data.features.shape == (1510, 2)
    assert data.features.values[0].tolist() == [1.5, 2]


def test_fil005_runs_of_blanks_and_tabs(write):
    data = read_table(write("  1   2.5 u\n3\t 4 v  \n 5 6\tu\n", "t.dat"), -1, header=False)
    assert data.features.values.tolist() == [[1, 2.5], [3, 4], [5, 6]]
    assert note(data, "runs of blanks")


def test_fil005_padding_after_commas_is_no_delimiter(write):
    data = read_table(write(" 47,100, 8\n  0, 57, 2\n100, 88, 1\n", "t.tra"), -1, header=False)
    assert data.features.shape == (3, 2)
    assert list(data.target) == ["8", "2", "1"]
    assert note(data, "begins with a blank")


def test_fil005_decimal_commas_between_blanks_are_not_guessed(write):
    path = write("1,5 2 u\n3,5 4 v\n2,5 4 v\n", "t.txt")
    with pytest.raises(DataError, match=r"comma.*blanks"):
        read_table(path, -1, header=False)
    assert read_table(path, -1, header=False, delimiter="blanks").features.values[0].tolist() == [1.5, 2]


def test_trailing_delimiter_is_one_empty_column(write):
    data = read_table(write("a;b;y;\n1;2;u;\n3;4;v;\n"), -1)
    assert data.target_name == "y"
    assert data.features.names == ("a", "b")
    assert note(data, "ends every line")


def test_trailing_delimiter_with_one_late_value_is_refused(write):
    with pytest.raises(DataError, match="line 1502 has '9'"):
        read_table(write("a;b;y;\n" + "1;2;u;\n" * 1500 + "3;4;v;9\n"), "y")


def test_fil006_row_with_too_many_fields(write):
    with pytest.raises(DataError, match=r"must have 3 fields, but line 3 .* has 4"):
        read_table(write("a,b,y\n1,2,u\n3,4,v,5\n5,6,u\n7,8,v\n"), "y")


def test_fil007_every_row_one_field_longer(write):
    with pytest.raises(DataError, match=r"names 3 columns, but the rows have 4 fields \(first: line 2\)"):
        read_table(write("a,b,y\n0,1,2,u\n1,3,4,v\n2,5,6,u\n"), "y")


def test_fil008_row_with_too_few_fields(write):
    with pytest.raises(DataError, match=r"line 4 .* has 2"):
        read_table(write("a,b,y\n1,2,u\n3,4,v\n5,6\n7,8,v\n"), "y")


def test_fil008_line_counts_through_quoted_line_ends_and_blank_lines(write):
    with pytest.raises(DataError, match=r"line 7 .* has 2"):
        read_table(write('a,b,y\n1,"x\ny",u\n\n2,"z",v\n3,"w",v\n4,5\n'), "y")


def test_fil009_unclosed_quote_names_its_line(write):
    rows = 'a,b,y\n1,"two\nlines",u\n3,"4,v\n5,6,u\n'
    with pytest.raises(DataError, match="opened on line 4"):
        read_table(write(rows), "y")


def test_fil009_quote_that_opens_late_in_a_record_of_many_lines(write):
    with pytest.raises(DataError, match="opened on line 3"):
        read_table(write('a,b,y\n"x\ny","z,u\n3,4,v\n'), "y")


def test_fil009_text_after_a_closing_quote(write):
    with pytest.raises(DataError, match=r"line 3 .*after the closing quote"):
        read_table(write('a,b,y\n1,2,u\n"3"4,5,v\n5,6,u\n'), "y")


def test_fil009_unclosed_quote_between_blanks(write):
    with pytest.raises(DataError, match="line 2"):
        read_table(write('1 "a b" u\n2 "c d v\n', "t.txt"), -1, header=False, delimiter="blanks")


def test_fil011_duplicate_names(write):
    with pytest.raises(DataError, match="'a' occurs more than once"):
        read_table(write("a,b,a,y\n1,2,3,u\n4,5,6,v\n"), "y")


def test_header_of_data_is_refused(write):
    with pytest.raises(DataError, match="--no-header"):
        read_table(write("0.5,1.5,u\n2.5,3.5,v\n"), -1)
    counted = read_table(write("0,1,y\n2.5,3.5,u\n2.5,4.5,v\n"), "y")
    assert counted.features.names == ("0", "1")


def test_fil014_decimal_comma_on_which_all_rows_agree(write):
    data = read_table(write("a;b;y\n1,5;2;u\n3;4,25;v\n"), "y")
    assert data.features.values.tolist() == [[1.5, 2], [3, 4.25]]
    assert note(data, "decimal comma")


def test_fil014_decimal_marks_that_disagree(write):
    path = write("a;b;y\n1,5;2.5;u\n3,5;4.5;v\n")
    with pytest.raises(DataError, match="--decimal ,"):
        read_table(path, "y")
    with pytest.raises(DataError, match=r"column 'b' must hold numbers only.*'2.5' at line 2"):
        read_table(path, "y", decimal=",")
    with pytest.raises(DataError, match="column 'a' must hold numbers only"):
        read_table(path, "y", decimal=".")


def test_fil014_both_marks_in_one_column(write):
    with pytest.raises(DataError, match="--decimal"):
        read_table(write("a;y\n1,5;u\n2.5;v\n"), "y")


def test_fil014_thousands_are_not_guessed(write):
    path = write("a;y\n1,234;u\n5,678;v\n")
    with pytest.raises(DataError, match="thousands"):
        read_table(path, "y")
    assert read_table(path, "y", decimal=",").features.values.ravel().tolist() == [1.234, 5.678]
    with pytest.raises(DataError, match="thousands"):
        read_table(write("a;y\n1.234.567;u\n5.678.901;v\n"), "y")


def test_fil014_long_column_of_decimal_commas(write):
    values = np.random.default_rng(1).normal(size=9000)
    rows = "".join(f"{value:.9f};{at % 2}\n".replace(".", ",") for at, value in enumerate(values))
    data = read_table(write("a;y\n" + rows), "y")
    assert np.allclose(data.features.values.ravel(), np.round(values, 9), atol=1e-12)


def test_fil015_target_that_is_no_column(write):
    path = write("Species,Island,mass\nu,v,1\n")
    with pytest.raises(UsageError, match="did you mean 'Species'") as caught:
        read_table(path, "species")
    assert caught.value.exit_code == 2
    for name in ("'Species'", "'Island'", "'mass'"):
        assert name in str(caught.value)
    with pytest.raises(UsageError, match="3 columns"):
        read_table(path, 3)
    with pytest.raises(UsageError, match="--drop"):
        read_table(path, "Species", drop=["weight"])


def test_fil015_nothing_behind_the_header_is_looked_at(write):
    with pytest.raises(UsageError, match="no column"):
        read_table(write("a,b,y\n1,2\n1,2,3,4\n5\n"), "label")


def test_columns_by_name_and_index(write):
    path = write("a,1,y\n5,6,u\n7,8,v\n")
    assert read_table(path, -1).target_name == "y"
    assert read_table(path, "2").target_name == "y"
    assert read_table(path, "1", drop=["y"]).target_name == "1"  # a name comes before an index
    data = read_table(path, "y", drop=[0])
    assert data.features.names == ("1",)
    assert note(data, "left out: 'a'")
    with pytest.raises(UsageError, match="is the target"):
        read_table(path, "y", drop=["y"])
    with pytest.raises(DataError, match=r"0 feature\(s\)"):
        read_table(path, "y", drop=["a", "1"])


def test_blank_lines_are_skipped_and_counted(write):
    data = read_table(write("\n\na,y\n1,u\n\n \n2,v\n\n\n"), "y")
    assert data.features.shape == (2, 1)
    assert note(data, "2 blank lines")


def test_names_with_blanks_and_without_a_name(write):
    data = read_table(write(',"x\t",y\n10,1,u\n10,2,v\n'), "y")
    assert data.features.names == ("column 0", "x")
    assert note(data, "has no name")
    assert note(data, "blanks around")


def test_options_that_cannot_be_meant(write):
    path = write("a,y\n1,u\n2,v\n")
    for options in ({"delimiter": "::"}, {"decimal": "x"}, {"delimiter": ",", "decimal": ","}, {"max_bytes": 0}):
        with pytest.raises(UsageError):
            read_table(path, "y", **options)


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.integers(-9, 9)),
        min_size=3,
        max_size=20,
    ).filter(lambda rows: len({row[0] for row in rows}) > 1 and all(row[0].strip() for row in rows)),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_labels_survive_quoting_exactly(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.mktemp("quoted") / "t.csv"
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerow(["x", "y"])
    writer.writerows([number, label] for label, number in rows)
    path.write_bytes(buffer.getvalue().encode())
    data = read_table(path, "y", delimiter=delimiter)
    padded = all(label[:1].isspace() for label, _ in rows)
    assert [label.lstrip() if padded else label for label in data.target] == [
        label.lstrip() if padded else label for label, _ in rows
    ]
    assert data.features.values.ravel().tolist() == [number for _, number in rows]


@given(st.lists(st.text("ab \t", min_size=0, max_size=6), min_size=1, max_size=5))
def test_blanks_split_as_str_split_does(parts):
    line = " ".join(parts)
    assert split_blanks(line) == line.split()


def test_fil018_memory_stays_near_the_typed_size(write):
    rng = np.random.default_rng(0)
    n_rows, n_columns = 20_000, 20
    values = rng.normal(size=(n_rows, n_columns))
    block = "\n".join(",".join(f"{value:.12f}" for value in row) + f",{row[0] > 0:d}" for row in values)
    path = write(",".join([*(f"f{at}" for at in range(n_columns)), "y"]) + "\n" + block + "\n")
    typed = n_rows * n_columns * 8
    assert path.stat().st_size > 1.7 * typed
    read_table(path, "y")
    tracemalloc.start()
    data = read_table(path, "y")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.features.shape == (n_rows, n_columns)
    # Twice the result while columns are laid side by side, and one block of rows as text; all rows would be 30 MB.
    assert peak < 2 * typed + 10e6
