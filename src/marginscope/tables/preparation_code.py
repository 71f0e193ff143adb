"""Python code that prepares a table as ``Preparation`` does, with scikit-learn alone."""

from __future__ import annotations

import numpy as np

from marginscope.tables.code_parts import PreparationCode
from marginscope.tables.column_code import ColumnCode
from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.preparation import MOST_DENSE_LEVELS
from marginscope.tables.text_code import raw_text_code, text_table_code

__all__ = ["preparation_code"]


def preparation_code(features: FeatureMatrix, *, scale: bool, is_file: bool = False) -> PreparationCode:
    """Return code that does to the user's own X what ``preparation`` does to these features.

    Parameters
    ----------
    features : FeatureMatrix
        What was made of X.
    scale : bool
        Whether numbers are brought to unit variance.
    is_file : bool
        Whether X is what pandas reads from a file, without the target.
    """
    if features.is_sparse:
        return _sparse(features, scale, is_file)
    fill = 'SimpleImputer(strategy="median")'
    has_gaps = np.isnan(features.values.sum(axis=0))
    numbers = [at for at in range(features.shape[1]) if at not in features.levels]
    transforms = [fill] * bool(has_gaps[numbers].any()) + ["StandardScaler()"] * scale
    imports = ["from sklearn.impute import SimpleImputer"] * (fill in transforms)
    imports += ["from sklearn.preprocessing import StandardScaler"] * scale
    lines = ["# missing cells of X are NaN"] * bool(is_file and has_gaps.any())
    if not features.levels:
        steps = {fill: f'("fill", {fill})', "StandardScaler()": '("scale", StandardScaler())'}
        return PreparationCode(tuple(imports), tuple(lines), tuple(steps[one] for one in transforms))
    is_wide = sum(map(len, features.levels.values())) > MOST_DENSE_LEVELS
    encoder = f'OneHotEncoder(handle_unknown="ignore"{"" if is_wide else ", sparse_output=False"})'
    imports += ["from sklearn.compose import ColumnTransformer", "from sklearn.preprocessing import OneHotEncoder"]
    lines += ColumnCode(features.names, is_file).groups(numbers, list(features.levels))
    lines.append("prepare = ColumnTransformer([")
    if numbers:
        if len(transforms) == 2:
            imports.append("from sklearn.pipeline import make_pipeline")
        how = {0: '"passthrough"', 1: "".join(transforms), 2: f"make_pipeline({', '.join(transforms)})"}
        lines.append(f'    ("numbers", {how[len(transforms)]}, numbers),')
    lines += [f'    ("words", {encoder}, words),', "], sparse_threshold=1.0)" if is_wide else "])"]
    return PreparationCode(tuple(imports), tuple(lines), ('("prepare", prepare)',))


def _sparse(features: FeatureMatrix, scale: bool, is_file: bool) -> PreparationCode:
    if features.made_of:
        return text_table_code(features.made_of, is_file=is_file)
    if features.vectorizer is not None:
        return raw_text_code()
    if not scale:
        return PreparationCode()
    return PreparationCode(
        ("from sklearn.preprocessing import StandardScaler",), (), ('("scale", StandardScaler(with_mean=False))',)
    )
