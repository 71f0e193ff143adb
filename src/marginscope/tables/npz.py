"""Reader of NPZ archives: plain arrays only, each counted before it is held."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from marginscope.exceptions import DataError, SecurityError, SizeError, UsageError
from marginscope.tables.labels import labels_as_text
from marginscope.tables.numbers import as_float64, check_shape, lossy_columns
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.selection import check_distinct, position_names, select
from marginscope.tables.source import Source
from marginscope.tables.table_builder import RawTable, TableBuilder
from marginscope.tables.wording import listed, shown

__all__ = ["load_arrays", "read_npz"]

_ROWS_A_BLOCK = 4096
_MOST_HEADER = 1 << 16


def read_npz(source: Source, target: str | int, options: ReaderOptions, plan: ReadingPlan | None) -> RawTable:
    """Read a feature matrix and the array of labels that ``target`` names (``y``)."""
    arrays = load_arrays(source)
    x_name, y_name = _names(list(arrays), target if plan is None else plan.target_name, source.name)
    features = arrays[x_name]
    if features.ndim != 2:
        raise DataError(f"the array {shown(x_name)} of {source.name} must be 2-D, but its shape is {features.shape}")
    labels = labels_as_text(arrays[y_name], y_name)
    if len(labels) != len(features):
        raise DataError(
            f"inconsistent numbers of samples: [{len(features)}, {len(labels)}] in {shown(x_name)} and "
            f"{shown(y_name)} of {source.name}; save arrays of the same rows"
        )
    check_shape(features.shape)
    names = (*_feature_names(arrays, features.shape[1], source.name), y_name)
    check_distinct(names, source.name)
    selection = select(names, y_name, options, plan, source.name)
    builder = TableBuilder(selection, options, plan, source.name, null_name="NaN", unit="row")
    builder.notes += selection.notes
    numeric = features.dtype.kind != "U"
    builder.notes += lossy_columns(features, names)
    for start in range(0, len(features), _ROWS_A_BLOCK):
        block = features[start : start + _ROWS_A_BLOCK]
        columns: list[Any] = list(as_float64(block, shown(x_name)).T if numeric else block.T.tolist())
        builder.add([*columns, labels[start : start + len(block)]], range(start, start + len(block)))
    return builder.finish()


def load_arrays(source: Source) -> dict[str, NDArray[Any]]:
    """Return the arrays of an archive, without unpickling and within the limit."""
    try:
        with zipfile.ZipFile(source.random_access()) as archive:
            for member in archive.infolist():
                _check_member(member.filename, source.name)
            left = source.max_bytes
            arrays = {}
            for member in archive.infolist():
                if member.filename.endswith(".npy"):
                    array = _load(archive, member, left, source)
                    left -= array.nbytes
                    arrays[member.filename.removesuffix(".npy")] = array
            return arrays
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise DataError(
            f"{source.name} is damaged or packed in a way that is not read ({shown(str(error), 150)}); save it again"
        ) from error


def _check_member(member: str, name: str) -> None:
    parts = member.replace("\\", "/").split("/")
    if member.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise SecurityError(f"members of an archive must have plain names, but {name} has {shown(member)}; refused")


def _load(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, source: Source) -> NDArray[Any]:
    what = f"array {shown(member.filename.removesuffix('.npy'))} of {source.name}"
    try:
        with archive.open(member) as stream:
            shape, _, dtype = _header(stream)
    except ValueError as error:
        raise DataError(f"{what} is damaged: {error}; save the file again") from error
    if dtype.hasobject:
        raise DataError(
            f"plain numbers or text are needed, but the {what} holds pickled objects (dtype {dtype}), which are never "
            "opened; save it with a numeric or str dtype"
        )
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size > left:
        raise SizeError(
            f"the {what} needs {size:,} bytes, more than the limit of {source.max_bytes:,}; "
            "give a larger --max-bytes if it may take that much memory"
        )
    with archive.open(member) as stream:
        try:
            array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
        except ValueError as error:
            raise DataError(f"the {what} is damaged: {error}; save the file again") from error
        if stream.read(1):  # also makes zipfile compare the checksum
            raise DataError(f"the {what} is damaged: it holds more bytes than its header says; save the file again")
    return array


def _header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = npy.read_magic(stream)
    if version == (1, 0):
        return npy.read_array_header_1_0(stream)
    if version == (2, 0):
        return npy.read_array_header_2_0(stream)
    # Version 3 differs from 2 only in that its header is UTF-8.
    length = int.from_bytes(stream.read(4), "little")
    head = stream.read(min(length, _MOST_HEADER))
    return npy.read_array_header_2_0(io.BytesIO(len(head).to_bytes(4, "little") + head))


def _names(arrays: Sequence[str], target: str | int, name: str) -> tuple[str, str]:
    """Return the names of features and labels: ``X`` and ``target``."""
    if not isinstance(target, str) or target not in arrays:
        raise UsageError(
            f"the target of an NPZ file is the name of an array, but {shown(target)} is none of {listed(arrays)} "
            f"in {name}; give -t y, or the name of the labels"
        )
    others = [one for one in arrays if one not in (target, "feature_names")]
    if "X" in others:
        return "X", target
    if len(others) == 1:
        return others[0], target
    raise UsageError(
        f"an array X of features is needed beside the target {shown(target)}, but {name} has {listed(arrays)}; "
        "save the features as X"
    )


def _feature_names(arrays: dict[str, NDArray[Any]], n_features: int, name: str) -> tuple[str, ...]:
    given = arrays.get("feature_names")
    if given is None:
        return position_names(n_features)
    if given.shape != (n_features,) or given.dtype.kind != "U":
        raise DataError(
            f"feature_names of {name} must be {n_features} strings, but it is {given.dtype} of shape {given.shape}; "
            "correct it or leave it out"
        )
    return tuple(str(one) for one in given)
