"""Reader of Parquet: row group by row group, with the types it cannot use named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import DataError, LabelTypeError, MissingExtra, SizeError
from marginscope.tables.column import LOSSLESS_INTEGER
from marginscope.tables.numbers import integers_note
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.selection import Selection, check_distinct, select
from marginscope.tables.source import Source
from marginscope.tables.table_builder import Cells, RawTable, TableBuilder
from marginscope.tables.wording import joined, shown

__all__ = ["load_columns", "read_parquet"]

_CELLS_A_BATCH = 1 << 18


def read_parquet(source: Source, target: str | int, options: ReaderOptions, plan: ReadingPlan | None) -> RawTable:
    """Read a Parquet file whose columns are features and one target."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet", "reading Parquet") from error
    try:
        file = pq.ParquetFile(source.random_access(), memory_map=False)
        schema = file.schema_arrow
        names = list(schema.names)
        check_distinct(names, source.name)
        selection = select(names, target, options, plan, source.name)
        kinds = _kinds(pa, schema, selection, source.name)
        builder = TableBuilder(selection, options, plan, source.name, null_name="null", unit="row", declared=kinds)
        builder.notes += selection.notes
        declared = _read_batches(pa, file, schema, builder, source, kinds)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(source, error) from error
    # Its pool keeps what it once held: as much again as the table.
    pa.default_memory_pool().release_unused()
    raw = builder.finish()
    raw.declared = declared
    return raw


def load_columns(source: Source) -> dict[str, list[Any]]:
    """Return a small file's columns as Python values."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet", "reading Parquet") from error
    columns: dict[str, list[Any]] = {}
    size = 0
    try:
        file = pq.ParquetFile(source.random_access(), memory_map=False)
        check_distinct(list(file.schema_arrow.names), source.name)
        for batch in file.iter_batches():
            size += batch.nbytes
            _check_size(size, source)
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                columns.setdefault(name, []).extend(column.to_pylist())
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(source, error) from error
    return columns


def _check_size(size: int, source: Source) -> None:
    if size > source.max_bytes:
        raise SizeError(
            f"{source.name} holds more than {source.max_bytes:,} bytes when unpacked; "
            "give a larger --max-bytes if it may take that much memory, or fewer rows"
        )


def _damaged(source: Source, error: BaseException) -> DataError:
    reason = str(error).split("\n", 1)[0]
    return DataError(f"{source.name} is damaged or no Parquet file that can be read ({reason}); write it again")


def _read_batches(
    pa: Any, file: Any, schema: Any, builder: TableBuilder, source: Source, kinds: dict[int, str]
) -> tuple[str, ...]:
    selection = builder.selection
    wanted = [at for at in (*selection.features, selection.target) if kinds.get(at) != "date"]
    declared: set[str] = set()
    lossy: set[str] = set()
    done = size = 0
    rows = max(_CELLS_A_BATCH // len(wanted), 64)
    for batch in file.iter_batches(batch_size=rows, columns=[selection.names[at] for at in wanted]):
        size += batch.nbytes
        _check_size(size, source)
        columns: list[Cells | None] = [None] * len(selection.names)
        for at in wanted:
            column = batch.column(selection.names[at])
            if at == selection.target:
                columns[at] = _labels(pa, column, declared)
            else:
                columns[at] = _cells(pa, column, selection.names[at], lossy)
        builder.add(columns, range(done, done + batch.num_rows))
        done += batch.num_rows
    if lossy:
        builder.notes.append(integers_note(sorted(lossy)))
    return tuple(sorted(declared))


def _kinds(pa: Any, schema: Any, selection: Selection, name: str) -> dict[int, str]:
    """Return the declared kind of each column, refusing types that are neither numbers nor words."""
    kinds: dict[int, str] = {}
    refused = []
    for at in selection.features:
        kind = schema.field(at).type
        if pa.types.is_dictionary(kind) and _is_words(pa, kind.value_type):
            kinds[at] = "words"
        elif pa.types.is_temporal(kind):
            kinds[at] = "date"
        elif not (_is_words(pa, kind) or _is_number(pa, kind) or pa.types.is_null(kind)):
            refused.append((at, kind))
    if refused:
        what = joined([f"{shown(selection.names[at])} ({kind})" for at, kind in refused[:10]])
        raise LabelTypeError(
            f"columns must be numbers or text, but in {name} {what} "
            f"{'is' if len(refused) == 1 else 'are'} of a type that is not read; convert, or leave out with "
            + " ".join(f"--drop {selection.names[at]!r}" for at, _ in refused[:10])
        )
    kind = schema.field(selection.target).type
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (_is_words(pa, inner) or _is_number(pa, inner)):
        bytes_hint = "labels represented as bytes is not supported; " if pa.types.is_binary(inner) else ""
        raise LabelTypeError(
            f"{bytes_hint}labels must be text, integers or booleans, but the target "
            f"{shown(selection.names[selection.target])} of {name} is {kind}; convert it"
        )
    return kinds


def _is_words(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view")


def _is_number(pa: Any, kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _cells(pa: Any, column: Any, name: str, lossy: set[str]) -> Cells:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if _is_words(pa, kind):
        cells: Sequence[str | None] = column.to_pylist()
        return cells
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_integer(kind) and kind.bit_width == 64 and len(column) > column.null_count:
        values = column.drop_null().to_numpy(zero_copy_only=False)
        if max(int(values.max()), -int(values.min())) > LOSSLESS_INTEGER:
            lossy.add(name)
    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.float64)


def _labels(pa: Any, column: Any, declared: set[str]) -> list[str | None]:
    if pa.types.is_dictionary(column.type):
        declared.update(str(one) for one in column.dictionary.to_pylist() if one is not None)
        column = column.dictionary_decode()
    return [None if one is None or one != one else str(one) for one in column.to_pylist()]
