"""Python code that makes of texts what the reader made of them, with scikit-learn alone."""

from __future__ import annotations

from collections.abc import Sequence

from marginscope.tables.column_code import ColumnCode
from marginscope.tables.plan import ColumnPlan
from marginscope.tables.text_features import TF_IDF

__all__ = ["TfIdfCode", "raw_text_code", "text_table_code"]

#: Imports, statements before the model, and the first steps of its pipeline.
TfIdfCode = tuple[list[str], list[str], list[str]]

_VECTORIZER = f"TfidfVectorizer({', '.join(f'{name}={value!r}' for name, value in TF_IDF.items())})"
_IMPORT = "from sklearn.feature_extraction.text import TfidfVectorizer"
# A vectorizer takes one row of texts without gaps; an imputer gives a column of them.
_FILLED = (
    '        SimpleImputer(strategy="constant", fill_value=""), FunctionTransformer(np.ravel),',
    f"        {_VECTORIZER},",
)


def raw_text_code() -> TfIdfCode:
    """Return code for an X of one text a row."""
    return [_IMPORT], [], [f'("words", {_VECTORIZER})']


def text_table_code(columns: Sequence[ColumnPlan], *, is_file: bool) -> TfIdfCode:
    """Return code for a table with columns of texts: ``text_features.combine`` with scikit-learn's parts.

    Parameters
    ----------
    columns : sequence of ColumnPlan
        All of them, in their order.
    is_file : bool
        Whether X is what pandas reads from a file, without the target.
    """
    code = ColumnCode(tuple(column.name for column in columns), is_file)
    at = {kind: [place for place, column in enumerate(columns) if column.kind == kind] for kind in _KINDS}
    imports = [_IMPORT, "from sklearn.compose import ColumnTransformer"]
    lines = ["# missing cells of X are NaN"] * (is_file and any(column.has_missing for column in columns))
    lines += code.groups(at["number"], at["category"], at["text"])
    lines.append("prepare = ColumnTransformer([")
    for number, (place, selector) in enumerate(zip(at["text"], code.selectors(at["text"]), strict=True), start=1):
        name = "text" if len(at["text"]) == 1 else f"text {number}"
        if columns[place].has_missing:
            imports += _FILLING
            lines += [f'    ("{name}", make_pipeline(', *_FILLED, f"    ), [{selector}]),"]
        else:
            lines.append(f'    ("{name}", {_VECTORIZER}, {selector}),')
    if at["number"]:
        has_gaps = any(columns[place].has_missing for place in at["number"])
        imports += _SCALING[: 3 if has_gaps else 1]
        how = 'make_pipeline(SimpleImputer(strategy="median"), MaxAbsScaler())' if has_gaps else "MaxAbsScaler()"
        lines.append(f'    ("numbers", {how}, numbers),')
    if at["category"]:
        imports.append("from sklearn.preprocessing import OneHotEncoder")
        lines.append('    ("words", OneHotEncoder(handle_unknown="ignore"), words),')
    return imports, [*lines, "], sparse_threshold=1.0)"], ['("prepare", prepare)']


_KINDS = ("text", "number", "category")
_FILLING = (
    "import numpy as np",
    "from sklearn.impute import SimpleImputer",
    "from sklearn.pipeline import make_pipeline",
    "from sklearn.preprocessing import FunctionTransformer",
)
_SCALING = (
    "from sklearn.preprocessing import MaxAbsScaler",
    "from sklearn.impute import SimpleImputer",
    "from sklearn.pipeline import make_pipeline",
)
