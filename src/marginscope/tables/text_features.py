"""Free text as tf-idf features, beside the other columns in one sparse matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.exceptions import DataError
from marginscope.tables.column import UNKNOWN_LEVEL, Column
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.plan import ColumnPlan, ReadingPlan
from marginscope.tables.wording import count, listed, shown

__all__ = ["MISSING_LEVEL", "TF_IDF", "combine", "tf_idf"]

#: The settings of scikit-learn's ``TfidfVectorizer``.
TF_IDF = {"sublinear_tf": True, "max_features": 5_000}

#: The name of the level that missing cells of a categorical column form.
MISSING_LEVEL = "(missing)"


def combine(columns: list[Column], n_rows: int, plan: ReadingPlan | None) -> tuple[FeatureMatrix, list[str]]:
    """Return all columns as one sparse matrix, with the plan of each, and what was done.

    Numbers are filled with their median and divided by their largest absolute
    value, categories become one column a level, texts become tf-idf weights.
    """
    known = {column.name: column for column in plan.columns} if plan else {}
    blocks, names, plans, notes = [], [], [], []
    for column in columns:
        block, block_names, one = _PARTS[column.kind](column, n_rows, known.get(column.name))
        blocks.append(block)
        names += block_names
        plans.append(one)
        if column.kind == "text" and plan is None:
            notes.append(
                f"the text of {shown(column.name)} became {count(len(block_names), 'tf-idf feature')}, "
                f"with vocabulary and weights from all rows{_empty(column.texts)}"
            )
    others = [column for column in columns if column.kind != "text"]
    if others and plan is None:
        was = "was" if len(others) == 1 else "were"
        notes.append(
            f"beside the text, {listed((column.name for column in others), 8)} {was} made sparse: numbers divided "
            "by their largest absolute value (medians where missing), categories one column a level"
        )
    values = sp.csr_array(sp.hstack(blocks, format="csr"))
    flags = (False,) * len(names)
    return FeatureMatrix(values, tuple(names), flags, is_scaled=True, made_of=tuple(plans)), notes


def _empty(texts: list[str]) -> str:
    n = texts.count("")
    return f"; {count(n, 'text')} {'is' if n == 1 else 'are'} empty" if n else ""


def _numbers(column: Column, n_rows: int, known: ColumnPlan | None) -> tuple[Any, list[str], ColumnPlan]:
    values = _values(column, n_rows)
    filled = values[~np.isnan(values)]
    if known is None:
        median = float(np.median(filled)) if filled.size else 0.0
        scale = float(np.abs(filled).max(initial=0.0)) or 1.0
        has_missing = filled.size < n_rows
        known = ColumnPlan(column.name, "number", has_missing=has_missing, median=median, scale=scale)
    values[np.isnan(values)] = known.median
    return sp.csr_array((values / known.scale)[:, None]), [column.name], known


def _categories(column: Column, n_rows: int, known: ColumnPlan | None) -> tuple[Any, list[str], ColumnPlan]:
    codes = _values(column, n_rows)
    if known is None:
        known = ColumnPlan(column.name, "category", column.levels, has_missing=bool(np.isnan(codes).any()))
    names = [f"{column.name}={level}" for level in (*known.levels, *[MISSING_LEVEL] * known.has_missing)]
    codes[np.isnan(codes)] = len(known.levels) if known.has_missing else UNKNOWN_LEVEL
    rows = np.flatnonzero(codes != UNKNOWN_LEVEL)
    places = codes[rows].astype(np.intp)
    return sp.csr_array((np.ones(len(rows)), (rows, places)), shape=(n_rows, len(names))), names, known


def _texts(column: Column, n_rows: int, known: ColumnPlan | None) -> tuple[Any, list[str], ColumnPlan]:
    block, vectorizer = tf_idf(column.texts, column.name, None if known is None else known.vectorizer)
    known = known or ColumnPlan(column.name, "text", has_missing="" in column.texts, vectorizer=vectorizer)
    names = [f"{column.name}:{word}" for word in vectorizer.get_feature_names_out()]
    return block, names, known


def tf_idf(texts: Any, name: str, vectorizer: Any = None) -> tuple[Any, Any]:
    """Return tf-idf weights as a CSR array and the vectorizer, fitted on the texts unless it is given.

    Raises
    ------
    DataError
        If no text has a word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if vectorizer is not None:
        return sp.csr_array(vectorizer.transform(texts)), vectorizer
    vectorizer = TfidfVectorizer(**TF_IDF)
    try:
        block = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise DataError(
            f"the text column {shown(name)} must hold words, but it has none ({error}); "
            "drop it, or read it without --text"
        ) from error
    return sp.csr_array(block), vectorizer


def _values(column: Column, n_rows: int) -> NDArray[np.float64]:
    values = np.empty(n_rows)
    column.fill(values)
    return values


_PARTS = {"number": _numbers, "category": _categories, "text": _texts}
