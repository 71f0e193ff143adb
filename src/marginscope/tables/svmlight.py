"""Reader of svmlight (libsvm) text: the matrix stays sparse, the labels stay text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from marginscope.exceptions import DataError, SizeError, UsageError
from marginscope.tables.lines import LineIndex
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.selection import Selection, find_column
from marginscope.tables.source import Source, Stream
from marginscope.tables.table_builder import RawTable
from marginscope.tables.wording import count, shown

__all__ = ["read_svmlight"]

_MOST_FEATURES = 10_000_000
_TARGET = "target"


class _Lines:
    """The lines of a stream, their labels taken off and kept."""

    def __init__(self, stream: Stream, name: str, options: ReaderOptions) -> None:
        self._stream = stream
        self._name = name
        self._options = options
        self.number = 0
        self.labels: list[str] = []
        self.index = LineIndex()
        self.left_out = 0

    def read(self, size: int = -1) -> bytes:
        """Satisfy the loader, which reads by lines."""
        return self._stream.read(size)

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            self.number += 1
            parts = line.split(b"#", 1)[0].split(None, 1)
            if not parts:
                continue
            text = self._label(parts[0])
            if text is None:
                self.left_out += 1
                continue
            self.labels.append(text)
            self.index.extend([self.number])
            yield b"0 " + (parts[1] if len(parts) > 1 else b"") + b"\n"

    def _label(self, label: bytes) -> str | None:
        if b"," in label:
            raise DataError(
                f"one label a row is needed, but line {self.number} of {self._name} has the labels "
                f"{shown(label.decode('latin-1'), 30)}; multilabel data are not read"
            )
        try:
            text = label.decode(self._options.encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self._options.encoding} text is needed, but line {self.number} of {self._name} is not; "
                "use --encoding, for example --encoding latin-1"
            ) from error
        if b":" not in label and text not in self._options.target_marks:
            return text
        if not self._options.drop_missing_target:
            raise DataError(
                f"every row begins with its label, but line {self.number} of {self._name} begins with {shown(text)}; "
                "add the label, or give --drop-missing-target to leave such rows out"
            )
        return None


def read_svmlight(
    source: Source, stream: Stream, target: str | int, options: ReaderOptions, plan: ReadingPlan | None
) -> RawTable:
    """Read sparse rows ``label index:value ...``; the target is the first field."""
    if target not in (0, "0", _TARGET):
        raise UsageError(f"the target of an svmlight file is its first field: -t 0 or -t target. Got {shown(target)}")
    stream.expect_text("utf-8")
    lines = _Lines(stream, source.name, options)
    matrix = _load(lines, source.name)
    first = _first_index(matrix) if plan is None else plan.first_index or 0
    matrix = matrix[:, first:]
    notes = [f"sparse rows with {count(matrix.nnz, 'entry', 'entries')}; indices start at {first}"]
    if plan is not None:
        matrix = _same_width(matrix, len(plan.columns) + len(plan.dropped), notes)
    selection, matrix = _selection(matrix, first, options, plan)
    raw = RawTable(selection, np.array(lines.labels, dtype=object), lines.index.where, matrix=matrix)
    raw.notes += notes
    if lines.left_out:
        raw.notes.append(f"{count(lines.left_out, 'row')} without a label were left out")
    raw.first_index = first
    return raw


def _load(lines: _Lines, name: str) -> Any:
    from sklearn.datasets import load_svmlight_file

    try:
        matrix, _ = load_svmlight_file(lines, dtype=np.float64, zero_based=True)
    except DataError:
        raise
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"'label index:value ...' with rising indices is needed, but line {lines.number} of {name} is not "
            f"({error}); correct the line"
        ) from error
    if not lines.labels:
        raise DataError(f"0 sample(s) while a minimum of 1 is required: {name} has 0 rows; give a file with data")
    if matrix.shape[1] > _MOST_FEATURES:
        raise SizeError(
            f"at most {_MOST_FEATURES:,} features are read, but {name} has indices up to {matrix.shape[1] - 1:,}; "
            "renumber the features"
        )
    return sp.csr_array(matrix)


def _first_index(matrix: Any) -> int:
    return 0 if matrix.nnz and int(matrix.indices.min()) == 0 else 1


def _same_width(matrix: Any, width: int, notes: list[str]) -> Any:
    """Give a test matrix the training file's features; what lies beyond was never learned."""
    beyond = matrix[:, width:].nnz if matrix.shape[1] > width else 0
    if beyond:
        notes.append(f"{count(beyond, 'entry', 'entries')} of features that the training file never has were left out")
    same: Any = sp.csr_array(matrix[:, :width])
    same.resize((matrix.shape[0], width))
    return same


def _selection(matrix: Any, first: int, options: ReaderOptions, plan: ReadingPlan | None) -> tuple[Selection, Any]:
    if options.text:
        raise UsageError("an svmlight file has numbers only, but --text was given; leave it out")
    names = (_TARGET, *(f"feature {index}" for index in range(first, first + matrix.shape[1])))
    wanted = plan.dropped if plan is not None else options.drop
    dropped = {find_column(_as_feature(one), names, "--drop") for one in wanted}
    if 0 in dropped:
        raise UsageError("the target cannot be in --drop; leave it out there")
    features = tuple(at for at in range(1, len(names)) if at not in dropped)
    if not features:
        raise DataError("0 feature(s) while a minimum of 1 is required: no feature is left; drop fewer")
    if dropped:
        matrix = sp.csr_array(matrix[:, [at - 1 for at in features]])
    return Selection(names, 0, features, frozenset(), tuple(names[at] for at in sorted(dropped))), matrix


def _as_feature(wanted: str | int) -> str | int:
    """Read a bare number as the index that the file itself uses."""
    return f"feature {wanted}" if re.fullmatch(r"\d+", str(wanted)) else wanted
