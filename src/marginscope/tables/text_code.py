"""Python code that makes of texts what the reader made of them, with scikit-learn alone."""

from __future__ import annotations

from collections.abc import Sequence

from marginscope.tables.code_parts import PreparationCode
from marginscope.tables.column_code import ColumnCode
from marginscope.tables.plan import ColumnPlan
from marginscope.tables.text_features import TF_IDF

__all__ = ["raw_text_code", "text_table_code"]

_KINDS = ("text", "number", "category")
_VECTORIZER = f"TfidfVectorizer({', '.join(f'{name}={value!r}' for name, value in TF_IDF.items())})"
_IMPORT = "from sklearn.feature_extraction.text import TfidfVectorizer"
# A vectorizer takes one row of texts without gaps; an imputer gives a column of them.
_FILLED = (
    '        SimpleImputer(strategy="constant", fill_value=""), FunctionTransformer(np.ravel),',
    f"        {_VECTORIZER},",
)
_FILLING_IMPORTS = (
    "import numpy as np",
    "from sklearn.impute import SimpleImputer",
    "from sklearn.pipeline import make_pipeline",
    "from sklearn.preprocessing import FunctionTransformer",
)
_SCALING_IMPORTS = (
    "from sklearn.preprocessing import MaxAbsScaler",
    "from sklearn.impute import SimpleImputer",
    "from sklearn.pipeline import make_pipeline",
)


def raw_text_code() -> PreparationCode:
    """Return code for an X of one text a row."""
    return PreparationCode((_IMPORT,), steps=(f'("words", {_VECTORIZER})',))


def text_table_code(columns: Sequence[ColumnPlan], *, is_file: bool) -> PreparationCode:
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
            imports += _FILLING_IMPORTS
            lines += [f'    ("{name}", make_pipeline(', *_FILLED, f"    ), [{selector}]),"]
        else:
            lines.append(f'    ("{name}", {_VECTORIZER}, {selector}),')
    if at["number"]:
        has_gaps = any(columns[place].has_missing for place in at["number"])
        imports += _SCALING_IMPORTS[: 3 if has_gaps else 1]
        how = 'make_pipeline(SimpleImputer(strategy="median"), MaxAbsScaler())' if has_gaps else "MaxAbsScaler()"
        lines.append(f'    ("numbers", {how}, numbers),')
    if at["category"]:
        imports.append("from sklearn.preprocessing import OneHotEncoder")
        lines.append('    ("words", OneHotEncoder(handle_unknown="ignore"), words),')
    lines.append("], sparse_threshold=1.0)")
    return PreparationCode(tuple(imports), tuple(lines), ('("prepare", prepare)',))
