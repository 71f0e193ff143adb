"""States on disk: arrays in an NPZ file that proves itself, two generations of it.

A checkpoint is an uncompressed NPZ without pickles. Its member ``header`` holds the number
of the format, the byte order and a SHA-256 of every name, type, shape and byte.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope.exceptions import CheckpointError, IOFault, RunWarning
from marginscope.runs.atomic import remove_orphans, write_bytes_atomically

__all__ = ["FORMAT", "Checkpoints", "arrays_sha256", "pack_arrays", "unpack_arrays"]

FORMAT = 1

_HEADER = "header"
_NAME = re.compile(r"checkpoint-(\d{8})\.npz")
_GENERATIONS = 2


def arrays_sha256(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return one SHA-256 of the names, types, shapes and bytes of arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        # the order in memory counts: products of matrices round by it
        order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
        digest.update(json.dumps([name, array.dtype.str, array.shape, order]).encode())
        digest.update(array.tobytes(order="C" if order == "C" else "F"))
    return digest.hexdigest()


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as the bytes of a checkpoint; equal arrays give equal bytes."""
    header = {"format": FORMAT, "byte_order": sys.byteorder, "sha256": arrays_sha256(arrays)}
    whole = {_HEADER: np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), **arrays}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as file:
        for name, array in whole.items():
            # a date of its own would make bytes depend on the clock
            with file.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    return stream.getvalue()


def unpack_arrays(data: bytes, where: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a checkpoint.

    Raises
    ------
    CheckpointError
        If a byte is not what was written, or the format or byte order is another.
    """
    try:
        arrays = _members(data)
        header = json.loads(arrays.pop(_HEADER).tobytes())
        number, order, sha256 = (header[key] for key in ("format", "byte_order", "sha256"))
    except Exception as error:  # whatever zipfile, json or numpy say of damaged bytes
        raise CheckpointError(
            f"a whole checkpoint is needed, but {where} is damaged ({type(error).__name__}: {str(error)[:80]}); "
            "go back to another or start anew"
        ) from error
    if number != FORMAT:
        raise CheckpointError(
            f"a checkpoint of format {FORMAT} is needed, but {where} has format {number!r:.20}; "
            "resume with the version that wrote it"
        )
    if order != sys.byteorder:
        raise CheckpointError(
            f"a checkpoint of a {sys.byteorder}-endian machine is needed, but {where} is {order!r:.20}-endian; "
            "resume where it was written"
        )
    if sha256 != arrays_sha256(arrays):
        raise CheckpointError(
            f"a whole checkpoint is needed, but the contents of {where} are not those of its SHA-256; "
            "go back to another or start anew"
        )
    return arrays


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise IOFault(
            f"the checkpoint {str(path)!r} had to be read, but the system refused ({error.strerror or error}); "
            "check the disk and its permissions"
        ) from error


def _members(data: bytes) -> dict[str, NDArray[Any]]:
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for member in file.infolist():
            if member.compress_type != zipfile.ZIP_STORED or not member.filename.endswith(".npy"):
                raise ValueError(f"{member.filename!r:.40} is no stored array")
            if member.file_size > len(data):
                raise ValueError(f"{member.filename!r:.40} is larger than its file")
            with file.open(member) as stream:
                found[member.filename.removesuffix(".npy")] = np.lib.format.read_array(stream, allow_pickle=False)
    return found


class Checkpoints:
    """The checkpoints of one run: numbered, the newest two kept.

    Parameters
    ----------
    folder : Path
        Made if it is not there; nobody else may write in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise IOFault(
                f"a folder had to be made at {str(folder)!r}, but the system refused ({error.strerror or error}); "
                "choose another place"
            ) from error

    def save(self, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """Write the next generation, then let go of the third newest.

        Raises
        ------
        IOFault
            If the disk is full or refuses; older generations are kept.
        """
        numbers = self._numbers()
        path = self._path(numbers[0] + 1 if numbers else 1)
        write_bytes_atomically(path, pack_arrays(arrays))
        for old in numbers[_GENERATIONS - 1 :]:
            self._path(old).unlink(missing_ok=True)
        return path

    def load(self) -> dict[str, NDArray[Any]] | None:
        """Return the newest state that is whole, or None where none was ever saved; remove torn writes.

        Raises
        ------
        CheckpointError
            If there are some, and none is whole.
        """
        remove_orphans(self.folder)
        first: CheckpointError | None = None
        for number in self._numbers():
            path = self._path(number)
            try:
                arrays = unpack_arrays(_read(path), repr(str(path)))
            except CheckpointError as error:
                first = first or error
                continue
            if first is not None:
                warnings.warn(f"{first}: resumed from {path.name}, the one before", RunWarning, stacklevel=3)
            return arrays
        if first is not None:
            raise first
        return None

    def _numbers(self) -> list[int]:
        """Return the numbers of all generations, newest first."""
        found = [_NAME.fullmatch(one.name) for one in self.folder.iterdir()]
        return sorted((int(one[1]) for one in found if one), reverse=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"checkpoint-{number:08d}.npz"
