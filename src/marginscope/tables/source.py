"""One input file: opened once, counted and hashed as it is read, checked at the end."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

from marginscope.exceptions import DataError, IOFault, SizeError, UsageError

__all__ = ["Source", "Stream", "free_memory"]

_HEAD = 4096
_GZIP = b"\x1f\x8b"
_NUL_ENCODINGS = ("utf-16", "utf-32")


def free_memory() -> int:
    """Return the bytes of memory that this process may still take, as the system tells it."""
    free = 4 << 30
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
        free = int(fields["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        pass
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text("ascii"))
        free = min(free, max(limit - used, 64 << 20))
    except (OSError, ValueError):
        pass
    return free


class Source:
    """A regular file, or a stream that the user allowed, as a context manager.

    ``name`` is the path for sentences. ``max_bytes`` bounds the bytes after
    decompression; they are counted while they come, whatever a header claims.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int | None, allow_stream: bool) -> None:
        self.path = Path(path)
        self.name = repr(str(path))
        self.max_bytes = max_bytes if max_bytes is not None else free_memory() // 2
        self.allow_stream = allow_stream
        self.is_stream = False

    def __enter__(self) -> Source:
        descriptor = self._open()
        self._before = os.fstat(descriptor)
        self._raw = _HashedFile(descriptor)
        self.head = self._raw.peek(_HEAD)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()

    @property
    def is_gzip(self) -> bool:
        """Whether the bytes are those of a gzip file."""
        return self.head.startswith(_GZIP)

    def stream(self) -> Stream:
        """Return the bytes from the start, decompressed; not twice for a pipe."""
        if self._raw.position and not self.is_stream:
            self._raw.restart()
        raw: Any = gzip.GzipFile(fileobj=self._raw, mode="rb") if self.is_gzip else self._raw
        return Stream(raw, self)

    def random_access(self) -> io.BufferedIOBase:
        """Return the open file for formats that are read from their end, hashed as a whole first."""
        if self.is_stream:
            raise UsageError(f"{self.name} must be a regular file for this format; save the stream to a file first")
        self._raw.drain()
        return self._raw.rewound()

    def close_reading(self) -> str:
        """Return the SHA-256 of the bytes read, after checking that the file is still the same.

        Raises
        ------
        DataError
            If the file changed while it was read.
        """
        self._raw.drain()
        if not self.is_stream:
            self._check_unchanged()
        return self._raw.digest()

    def _open(self) -> int:
        try:
            mode = os.stat(self.path).st_mode
            self._check_mode(mode)
            # A FIFO that appears between the two calls must not make us wait, hence no blocking for regular files.
            flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
            if not self.is_stream:
                flags |= getattr(os, "O_NONBLOCK", 0)
            descriptor = os.open(self.path, flags)
        except (FileNotFoundError, NotADirectoryError) as error:
            if str(self.path) == "-":
                raise UsageError(
                    "a file is needed, but got '-': standard input cannot be read twice, which refits and the digest "
                    "of the data need; write it to a file first"
                ) from error
            link = " (a link whose target is missing)" if self.path.is_symlink() else ""
            raise UsageError(f"a file is needed, but {self.name} does not exist{link}; check the path") from error
        except UsageError:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise IOFault(f"{self.name} cannot be opened ({reason}); check its permissions") from error
        if not self.is_stream and not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UsageError(f"a regular file is needed, but {self.name} became something else; try again")
        return descriptor

    def _check_mode(self, mode: int) -> None:
        if stat.S_ISDIR(mode):
            raise UsageError(f"a file is needed, but {self.name} is a directory; name a file in it")
        if stat.S_ISREG(mode):
            return
        self.is_stream = True
        if not self.allow_stream:
            raise UsageError(
                f"a regular file is needed, but {self.name} is a pipe or device; "
                "give --allow-stream to read it, or save it to a file first"
            )

    def _check_unchanged(self) -> None:
        try:
            now = (os.fstat(self._raw.fileno()), os.stat(self.path))
        except OSError as error:
            raise DataError(f"{self.name} disappeared while it was read; read it again when it is complete") from error
        before = _identity(self._before)
        if self._raw.position != self._before.st_size or any(_identity(one) != before for one in now):
            raise DataError(f"{self.name} changed while it was read; read it again when it is complete")


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


class _HashedFile(io.RawIOBase):
    """A file whose bytes are hashed in the order in which they are first read."""

    def __init__(self, descriptor: int) -> None:
        self._file = open(descriptor, "rb", buffering=0)  # noqa: SIM115
        self._ahead = b""
        self.restart()

    def restart(self) -> None:
        self._hash = hashlib.sha256()
        self.position = 0
        if self._file.seekable():
            self._file.seek(0)
            self._ahead = b""

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size:
            block = self._file.read(size - len(self._ahead))
            if not block:
                break
            self._ahead += block
        return self._ahead

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            end = len(self._ahead) if size < 0 else size
            block, self._ahead = self._ahead[:end], self._ahead[end:]
            if size < 0:
                block += self._file.readall()
        else:
            block = self._file.read(size) or b""
        self._hash.update(block)
        self.position += len(block)
        return block

    def drain(self) -> None:
        while self.read(1 << 20):
            pass

    def rewound(self) -> io.BufferedReader:
        self._file.seek(0)
        return io.BufferedReader(open(self._file.fileno(), "rb", buffering=0, closefd=False))

    def digest(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        self._file.close()
        super().close()


class Stream(io.BufferedIOBase):
    """Decompressed bytes, counted against the limit; ``position`` is how many went out."""

    def __init__(self, raw: Any, source: Source) -> None:
        self._raw = raw
        self._source = source
        self._ahead = b""
        self._pulled = 0
        self._lines = 0
        self.position = 0
        self.refuses_nul = False

    def readable(self) -> bool:
        return True

    def expect_text(self, encoding: str) -> None:
        """Refuse NUL bytes from now on, unless the encoding writes them."""
        self.refuses_nul = not encoding.startswith(_NUL_ENCODINGS)

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` bytes without taking them."""
        while len(self._ahead) < size:
            block = self._pull(size - len(self._ahead))
            if not block:
                break
            self._ahead += block
        return self._ahead[:size]

    def read1(self, size: int = -1, /) -> bytes:
        size = 1 << 16 if size is None or size < 0 else size
        if self._ahead:
            block, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            block = self._pull(size)
        if self.refuses_nul:
            self._check_nul(block)
        self.position += len(block)
        return block

    def read(self, size: int | None = -1, /) -> bytes:
        parts: list[bytes] = []
        left = float("inf") if size is None or size < 0 else size
        while left > 0 and (block := self.read1(int(min(left, 1 << 16)))):
            parts.append(block)
            left -= len(block)
        return b"".join(parts)

    def _pull(self, size: int) -> bytes:
        name = self._source.name
        try:
            block: bytes = self._raw.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{name} is damaged: its gzip data are cut off or corrupt; fetch it again") from error
        except OSError as error:
            raise IOFault(f"{name} cannot be read to its end ({error.strerror or error}); check the disk") from error
        self._pulled += len(block)
        if self._pulled > self._source.max_bytes:
            raise SizeError(
                f"{name} holds more than {self._source.max_bytes:,} bytes when unpacked; "
                "give a larger --max-bytes if it may take that much memory, or fewer rows"
            )
        return block

    def _check_nul(self, block: bytes) -> None:
        at = block.find(b"\0")
        if at >= 0:
            line = self._lines + block.count(b"\n", 0, at) + 1
            raise DataError(
                f"text is needed, but {self._source.name} has a NUL byte at byte {self.position + at} (line {line}); "
                "if it is UTF-16 use --encoding utf-16, else repair the file"
            )
        self._lines += block.count(b"\n")
