"""Rows of any shape become rows of a table, and the model still gets them as they are."""

from __future__ import annotations

import numpy as np
import pytest

import marginscope as ms
from marginscope import DataError
from marginscope.tables.features import features_from

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 1, 3, 4)


def test_images_are_flattened_with_a_note():
    features = features_from(IMAGES)
    np.testing.assert_array_equal(features.values, np.arange(24.0).reshape(2, 12))
    assert features.names == tuple(f"x{at}" for at in range(12))
    assert "(1, 3, 4)" in features.notes[0]
    assert "12 columns" in features.notes[0]


def test_matrices_get_no_note():
    assert features_from(IMAGES.reshape(2, 12)).notes == ()


def test_tensors_are_read_as_arrays():
    torch = pytest.importorskip("torch")
    for given in (torch.tensor(IMAGES), torch.tensor(IMAGES, dtype=torch.bfloat16, requires_grad=False)):
        np.testing.assert_array_equal(features_from(given).values, np.arange(24.0).reshape(2, 12))
    np.testing.assert_array_equal(features_from(torch.eye(3, requires_grad=True)).values, np.eye(3))


def test_infinity_in_an_image_is_named():
    images = IMAGES.astype(float)
    images[1, 0, 0, 2] = np.inf
    with pytest.raises(DataError, match="column 'x2' has infinity at row 1"):
        features_from(images)


class _RowShapes:
    """A classifier that answers by the mean of a row, and remembers the shapes it saw."""

    seen: set[tuple[int, ...]]

    def __init__(self) -> None:
        self.seen = set()

    def fit(self, X, y):
        self.seen.add(X.shape[1:])
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.seen.add(tuple(X.shape[1:]))
        return self.classes_[(np.asarray(X).mean(axis=(1, 2)) > 0.5).astype(int)]

    def __deepcopy__(self, memo):
        other = type(self)()
        other.seen = self.seen
        return other


@pytest.mark.parametrize("as_tensor", [False, True])
def test_the_diagnosed_model_gets_its_own_shape(as_tensor):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 40)
    X = rng.normal(size=(80, 3, 2)) * 0.1 + y[:, None, None]
    if as_tensor:
        X = pytest.importorskip("torch").tensor(X)
    model = _RowShapes()
    diagnosis = ms.diagnose(model, X, y, checks=["few-rows"])
    assert model.seen == {(3, 2)}
    assert [one.recall for one in diagnosis.classes] == [1.0, 1.0]
    assert any("flattened to 6 columns" in note for note in diagnosis.notes)
