"""Code that prepares a frame does what the preparation does to its features."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.pipeline import Pipeline

from marginscope.tables import features_from, read_table
from marginscope.tables.preparation import preparation
from marginscope.tables.preparation_code import preparation_code

RNG = np.random.default_rng(0)


def table(n_numbers, n_words=0, *, gaps=False, n=60):
    columns = {f"{chr(97 + at % 26)} {at}": RNG.standard_normal(n) * 10**at for at in range(min(n_numbers, 3))}
    columns |= {f"{chr(97 + at % 26)} {at}": RNG.standard_normal(n) for at in range(3, n_numbers)}
    columns |= {f"w'{at}": RNG.choice(["red", "blue", "so so"], n).astype(object) for at in range(n_words)}
    frame = pd.DataFrame(columns)
    if gaps:
        frame = frame.mask(RNG.random(frame.shape) < 0.1)
    return frame


def run(code, X, *extra):
    """Transform X with the printed code alone; sorted columns, because their order is free."""
    scope = {"X": X}
    exec("\n".join([*code.imports, *code.lines, f"steps = [{', '.join(code.steps)}]"]), scope)
    made = np.asarray(X) if not scope["steps"] else Pipeline(scope["steps"]).fit_transform(X)
    made = made.toarray() if sp.issparse(made) else made
    return made[:, np.lexsort(made)].astype(float)


@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(table(4), id="numbers"),
        pytest.param(table(4, gaps=True), id="gaps"),
        pytest.param(table(3, 2), id="words"),
        pytest.param(table(3, 2, gaps=True), id="words and gaps"),
        pytest.param(table(0, 2, gaps=True), id="words alone"),
        pytest.param(table(50, 1, gaps=True), id="many numbers"),
        pytest.param(table(12, 30), id="many words"),
    ],
)
def test_the_code_transforms_as_the_preparation(frame, scale):
    features = features_from(frame)
    made = preparation(features, scale=scale).fit_transform(features.values)
    wanted = made[:, np.lexsort(made)]
    found = run(preparation_code(features, scale=scale), frame)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def test_numbers_without_gaps_need_a_scaler_and_nothing_else():
    code = preparation_code(features_from(table(4)), scale=True, is_file=True)
    assert code.steps == ('("scale", StandardScaler())',)
    assert code.lines == ()


def test_columns_without_a_name_are_taken_by_place():
    X = np.empty((40, 3), dtype=object)
    X[:, 0], X[:, 1], X[:, 2] = RNG.standard_normal(40), RNG.choice(["a", "b"], 40), RNG.standard_normal(40)
    for frame in (X, pd.DataFrame(X)):
        code = preparation_code(features_from(frame), scale=True)
        assert code.lines[:2] == ("numbers = [0, 2]", "words = [1]")
        assert run(code, frame).shape == (40, 4)


def test_a_file_may_name_its_columns_as_arrays_are_and_leave_some_out():
    X = pd.DataFrame({"id": range(30), "x0": RNG.standard_normal(30), "x1": RNG.choice(["a", "b"], 30)})
    features = features_from(X[["x0", "x1"]])
    assert run(preparation_code(features, scale=True, is_file=True), X).shape == (30, 3)


def test_sparse_rows_are_scaled_without_centring():
    X = sp.random_array((50, 6), density=0.3, rng=np.random.default_rng(1), format="csr")
    made = preparation(features_from(X), scale=True).fit_transform(X).toarray()
    np.testing.assert_allclose(run(preparation_code(features_from(X), scale=True), X), made[:, np.lexsort(made)])


def test_lines_are_short_and_names_whole():
    code = preparation_code(features_from(table(40, 1)), scale=False)
    assert max(map(len, code.lines)) <= 100
    scope = {}
    exec("\n".join(code.lines[: code.lines.index("]") + 1]), scope)
    assert scope["numbers"] == list(table(40).columns)


WORDS = ["rain", "sun", "wind", "snow", "fog", "hail"]


def letters(n=60, *, gaps):
    """A table with a column of texts, numbers of two scales and a column of words."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "height": rng.standard_normal(n) * 50,
            "the post": [" ".join(rng.choice(WORDS, 4)) for _ in range(n)],
            "colour": rng.choice(["red", "dark blue"], n).astype(object),
            "width": rng.standard_normal(n),
        }
    )
    if gaps:
        frame = frame.mask(rng.random(frame.shape) < 0.1)
    return frame.assign(label=np.resize(["ant", "bee"], n))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("left_out", [(), ("colour",), ("height", "width"), ("colour", "height", "width")])
def test_texts_become_what_the_reader_made_of_them(tmp_path, gaps, left_out):
    path = tmp_path / "letters.csv"
    letters(gaps=gaps).drop(columns=list(left_out)).to_csv(path, index=False)
    data = read_table(path, "label", text=["the post"])
    wanted = data.features.values.toarray()
    code = preparation_code(data.features, scale=True, is_file=True)
    X = pd.read_csv(path).drop(columns="label")
    np.testing.assert_allclose(run(code, X), wanted[:, np.lexsort(wanted)], atol=1e-12)
    assert ("# missing cells of X are NaN" in code.lines) == gaps


def test_two_columns_of_texts_and_many_numbers(tmp_path):
    path = tmp_path / "letters.csv"
    first, second = letters(gaps=False), letters(61, gaps=True).iloc[1:].reset_index(drop=True)
    more = pd.DataFrame(RNG.standard_normal((60, 50)), columns=[f"n {at}" for at in range(50)])
    table = pd.concat([more, first, second[["the post"]].set_axis(["answer"], axis=1)], axis=1)
    table.to_csv(path, index=False)
    data = read_table(path, "label", text=["the post", "answer"])
    wanted = data.features.values.toarray()
    code = preparation_code(data.features, scale=True, is_file=True)
    X = pd.read_csv(path).drop(columns="label")
    np.testing.assert_allclose(run(code, X), wanted[:, np.lexsort(wanted)], atol=1e-12)


def test_one_text_a_row_takes_a_vectorizer_and_no_column():
    texts = letters(gaps=False)["the post"].tolist()
    features = features_from(texts)
    wanted = features.values.toarray()
    np.testing.assert_allclose(
        run(preparation_code(features, scale=True), texts), wanted[:, np.lexsort(wanted)], atol=1e-12
    )


def test_rows_of_a_training_table_keep_what_it_was_made_of(tmp_path):
    path = tmp_path / "letters.csv"
    letters(gaps=False).to_csv(path, index=False)
    features = read_table(path, "label", text=["the post"]).features
    assert features.take(np.arange(5)).made_of == features.made_of
    assert [one.kind for one in features.made_of] == ["number", "text", "category", "number"]
