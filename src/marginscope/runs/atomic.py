"""Writing that is whole or not at all, also when the power fails."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from marginscope.exceptions import IOFault, UsageError

__all__ = ["check_writable", "remove_orphans", "write_bytes_atomically", "write_text_atomically"]

_PREFIX = ".marginscope-"


def check_writable(path: str | Path) -> Path:
    """Probe that a file can be made at ``path``, before any computing starts.

    Raises
    ------
    UsageError
        If the path is a directory or a link.
    IOFault
        If its folder is missing, is a file, or refuses new files.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"an output file is needed, but {str(path)!r} is a directory; name a file in it")
    if path.is_symlink():
        raise UsageError(f"an output file is needed, but {str(path)!r} is a link; name its target instead")
    try:
        handle, probe = tempfile.mkstemp(prefix=_PREFIX, dir=path.parent)
    except FileNotFoundError as error:
        raise IOFault(
            f"a folder is needed for {str(path)!r}, but {str(path.parent)!r} does not exist; make it or choose another"
        ) from error
    except OSError as error:
        raise IOFault(
            f"a writable folder is needed for {str(path)!r}, but {str(path.parent)!r} refuses new files "
            f"({error.strerror or error}); choose another"
        ) from error
    os.close(handle)
    os.unlink(probe)
    return path


def write_text_atomically(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 so that ``path`` holds the old or the new content, never a part.

    Raises
    ------
    IOFault
        If the disk is full or refuses; the old content is kept.
    """
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: str | Path, data: bytes) -> None:
    """Write bytes so that ``path`` holds the old or the new content, never a part.

    The bytes are on the disk before the name is theirs, and the name before this returns.

    Raises
    ------
    IOFault
        If the disk is full or refuses; the old content is kept.
    """
    path = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=_PREFIX, dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise IOFault(
            f"{len(data)} bytes had to be written to {str(path)!r}, but the system refused "
            f"({error.strerror or error}); free space or choose another place"
        ) from error


def remove_orphans(folder: Path) -> int:
    """Remove what writers that were killed left half done, and say how many files that were.

    Only where nobody else writes: hold the lock of the run first.
    """
    orphans = list(folder.glob(f"{_PREFIX}*"))
    for one in orphans:
        with contextlib.suppress(OSError):
            one.unlink()
    return len(orphans)


def _sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
