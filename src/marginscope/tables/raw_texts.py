"""One text a row, as scikit-learn's vectorizers take it."""

from __future__ import annotations

from typing import Any

import numpy as np

from marginscope.exceptions import DataError
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.nulls import is_null
from marginscope.tables.text_features import tf_idf
from marginscope.tables.wording import count

__all__ = ["features_of_texts", "texts_of"]


def texts_of(X: Any) -> list[str] | None:
    """Return the strings of a one-dimensional list, array or series; ``None`` for anything else.

    Raises
    ------
    DataError
        If some of the strings are missing.
    """
    if isinstance(X, np.ndarray):
        if X.ndim != 1 or X.dtype.kind not in "OUT":
            return None
        values = X.tolist()
    elif isinstance(X, list | tuple):
        values = list(X)
    elif hasattr(X, "to_list") and not hasattr(X, "columns"):
        values = X.to_list()
    elif hasattr(X, "to_pylist") and not hasattr(X, "column_names"):
        values = X.to_pylist()
    else:
        return None
    n_texts = sum(isinstance(one, str) for one in values)
    if 2 * n_texts <= len(values):
        return None
    if n_texts < len(values):
        _refuse_gaps(values)
        return None
    return list(values)


def _refuse_gaps(values: list[Any]) -> None:
    """Refuse missing texts; other values among texts are another fault."""
    gaps = [row for row, one in enumerate(values) if is_null(one)]
    if gaps and len(gaps) + sum(isinstance(one, str) for one in values) == len(values):
        raise DataError(
            f"every row of X must be a text, but {count(len(gaps), 'row')} {'is' if len(gaps) == 1 else 'are'} "
            f"missing, first row {gaps[0]}; leave {'it' if len(gaps) == 1 else 'them'} out, or fill the gaps with '' "
            "(X.fillna(''))"
        )


def features_of_texts(texts: list[str], like: FeatureMatrix | None = None) -> FeatureMatrix:
    """Return tf-idf features of texts, in the vocabulary of ``like`` where that is given.

    Raises
    ------
    DataError
        If no text has a word, or ``like`` was not made of texts.
    """
    if like is not None and like.vectorizer is None:
        raise DataError(
            "test rows need the features of the training rows, but X_test holds one text a row and X does not; "
            "pass the same kind of X in both"
        )
    block, vectorizer = tf_idf(texts, "X", None if like is None else like.vectorizer)
    names = tuple(vectorizer.get_feature_names_out().tolist())
    note = (
        f"X holds one text a row: references read {count(len(names), 'tf-idf feature')} of it, with vocabulary and "
        "weights from all training rows; the model reads the texts"
    )
    return FeatureMatrix(block, names, (False,) * len(names), notes=(note,), is_scaled=True, vectorizer=vectorizer)
