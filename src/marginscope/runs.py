"""Writing that is whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from marginscope.exceptions import IOFault, UsageError

__all__ = ["check_writable", "write_text_atomically"]


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
        handle, probe = tempfile.mkstemp(prefix=".marginscope-", dir=path.parent)
    except OSError as error:
        raise IOFault(
            f"a writable folder is needed for {str(path)!r}, but {str(path.parent)!r} refuses new files "
            f"({error.strerror or error}); choose another with -o"
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
    path = Path(path)
    data = text.encode()
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".marginscope-", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise IOFault(
            f"{len(data)} bytes had to be written to {str(path)!r}, but the system refused "
            f"({error.strerror or error}); free space or choose another place with -o"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
