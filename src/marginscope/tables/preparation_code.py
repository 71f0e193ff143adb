"""Python code that prepares a table as ``Preparation`` does, with scikit-learn alone."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from marginscope.tables.feature_matrix import FeatureMatrix
from marginscope.tables.preparation import MOST_DENSE_LEVELS

__all__ = ["PreparationCode", "preparation_code"]

# Names that are listed in the code; of more, those of words are listed and the others are the rest.
_MOST_LISTED = 40
_WIDTH = 100
# Names that were made up for columns without any: of arrays, and of files without a header.
_MADE_UP = re.compile(r"x\d+|\d+")
_MADE_UP_IN_FILES = re.compile(r"column \d+|\d+")


@dataclass(frozen=True)
class PreparationCode:
    """Imports, statements before the model, and the first steps of its pipeline."""

    imports: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


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
        return _sparse(features, scale)
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
    lines += _columns(features, numbers, is_file)
    lines.append("prepare = ColumnTransformer([")
    if numbers:
        if len(transforms) == 2:
            imports.append("from sklearn.pipeline import make_pipeline")
        how = {0: '"passthrough"', 1: "".join(transforms), 2: f"make_pipeline({', '.join(transforms)})"}
        lines.append(f'    ("numbers", {how[len(transforms)]}, numbers),')
    lines += [f'    ("words", {encoder}, words),', "], sparse_threshold=1.0)" if is_wide else "])"]
    return PreparationCode(tuple(imports), tuple(lines), ('("prepare", prepare)',))


def _sparse(features: FeatureMatrix, scale: bool) -> PreparationCode:
    if features.is_scaled:
        return PreparationCode((), ("# X: the sparse matrix of tf-idf weights that was made of the text",))
    if not scale:
        return PreparationCode()
    return PreparationCode(
        ("from sklearn.preprocessing import StandardScaler",), (), ('("scale", StandardScaler(with_mean=False))',)
    )


def _columns(features: FeatureMatrix, numbers: Sequence[int], is_file: bool) -> list[str]:
    """Name the columns of numbers and of words; by place where they have no name of their own."""
    made_up = _MADE_UP_IN_FILES if is_file else _MADE_UP
    by_place = all(made_up.fullmatch(name) for name in features.names)

    def listed(places: Sequence[int]) -> list[str]:
        return [repr(at if by_place else features.names[at]) for at in places]

    lines = _assigned("words", listed(list(features.levels)))
    if not numbers:
        return lines
    if len(numbers) <= _MOST_LISTED:
        return _assigned("numbers", listed(numbers)) + lines
    everything = f"range({features.shape[1]})" if by_place else "X.columns"
    return [*lines, f"numbers = [one for one in {everything} if one not in words]"]


def _assigned(name: str, items: Sequence[str]) -> list[str]:
    line = f"{name} = [{', '.join(items)}]"
    if len(line) <= _WIDTH:
        return [line]
    # A name with blanks must not be broken.
    rows = textwrap.wrap(
        " ".join(f"{item},".replace(" ", "\0") for item in items),
        _WIDTH - 4,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [f"{name} = [", *(f"    {row}".replace("\0", " ") for row in rows), "]"]
