"""Read a table from a file of any supported format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from marginscope.exceptions import UsageError
from marginscope.tables.assemble import assemble
from marginscope.tables.contents import format_of_text, format_of_whole
from marginscope.tables.dataset import Dataset
from marginscope.tables.labels import check_classes, without_padding
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.source import Source
from marginscope.tables.table_builder import RawTable
from marginscope.tables.wording import count, listed

__all__ = ["read_table"]


def read_table(
    path: str | os.PathLike[str],
    target: str | int,
    *,
    drop: Sequence[str | int] = (),
    header: bool = True,
    missing: Sequence[str] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str = "utf-8",
    text: Sequence[str | int] = (),
    max_bytes: int | None = None,
    strict: bool = False,
    drop_missing_target: bool = False,
    allow_stream: bool = False,
    may_lack_features: bool = False,
    like: Dataset | None = None,
) -> Dataset:
    """Read features and labels from one file, or refuse it with a sentence.

    The format is told from the bytes: delimited text, ARFF, svmlight (each also
    gzipped), Parquet or NPZ. Nothing is guessed silently; what was detected,
    replaced or left out stands in the notes.

    Parameters
    ----------
    path : path
    target : str or int
        The label column by name or index; a negative index counts from the end.
        In a file with a header, a number that is no name counts as an index. In
        an NPZ file it names the array of labels.
    drop, text : sequence of str or int
        Columns left out; columns read as free text (tf-idf).
    header : bool
        Whether delimited text begins with column names.
    missing : sequence of str, optional
        Cells of features that mean "no value", in place of NA, N/A, nan, NaN,
        null, None and ?. An empty cell always does. Such a cell of the target is
        missing too, while by default only an empty one is.
    delimiter, decimal : str, optional
        Detected from equal field counts over all rows where not given.
    encoding : str
    max_bytes : int, optional
        Most bytes after unpacking; by default half of the free memory.
    strict : bool
        Whether to refuse missing cells.
    drop_missing_target : bool
        Whether to leave out rows without a label.
    allow_stream : bool
        Whether the path may be a pipe.
    may_lack_features : bool
        Whether the target may be the only column, as where the answers are known.
    like : Dataset, optional
        The training file of this test file: columns, levels and vocabulary are its.

    Returns
    -------
    Dataset

    Raises
    ------
    UsageError
        For a path or column that does not exist.
    DataError
        For contents that cannot be used as they are.
    """
    options = ReaderOptions.checked(
        drop=drop,
        header=header,
        missing=missing,
        delimiter=delimiter,
        decimal=decimal,
        encoding=encoding,
        text=text,
        max_bytes=max_bytes,
        strict=strict,
        drop_missing_target=drop_missing_target,
        allow_stream=allow_stream,
        may_lack_features=may_lack_features,
    )
    plan = like.plan if like is not None else None
    if like is not None and plan is None:
        raise UsageError("like= needs a Dataset that read_table returned; read the training file first")
    with Source(path, max_bytes=options.max_bytes, allow_stream=allow_stream) as source:
        raw = read_raw(source, target, options, plan)
        digest = source.close_reading()
    return _dataset(raw, str(path), digest, options, plan)


def read_raw(source: Source, target: str | int, options: ReaderOptions, plan: ReadingPlan | None) -> RawTable:
    """Dispatch on the format that the bytes have."""
    whole = format_of_whole(source)
    if whole == "parquet":
        from marginscope.tables.parquet import read_parquet

        return read_parquet(source, target, options, plan)
    if whole == "npz":
        from marginscope.tables.npz import read_npz

        return read_npz(source, target, options, plan)
    stream = source.stream()
    reader: Any
    kind = format_of_text(source, stream)
    if kind == "arff":
        from marginscope.tables.arff import read_arff as reader
    elif kind == "svmlight":
        from marginscope.tables.svmlight import read_svmlight as reader
    else:
        from marginscope.tables.delimited import read_delimited as reader
    raw: RawTable = reader(source, stream, target, options, plan)
    return raw


def _dataset(raw: RawTable, file: str, digest: str, options: ReaderOptions, plan: ReadingPlan | None) -> Dataset:
    name = raw.selection.names[raw.selection.target]
    labels, said = without_padding(raw.target, name)
    notes = [*raw.notes, *said]
    present = set(labels)
    absent = tuple(label for label in raw.declared if label not in present)
    if plan is None:
        notes += check_classes(labels, name, raw.declared)
        if raw.selection.dropped:
            notes.append(f"{count(len(raw.selection.dropped), 'column')} left out: {listed(raw.selection.dropped)}")
    raw.target = labels
    features, more, own_plan = assemble(raw, options, plan)
    return Dataset(features, labels, name, file, digest, (*notes, *more), absent, plan or own_plan)
