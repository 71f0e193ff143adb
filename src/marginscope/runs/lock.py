"""One process a run: a lock that says who holds it and dies with its holder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import warnings
from pathlib import Path
from typing import Any

from marginscope.exceptions import IOFault, RunLocked, RunWarning, UsageError

__all__ = ["RunLock"]

_NAME = "lock"
_WAIT = 0.05
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"}


class RunLock:
    """An exclusive lock on a folder, held until ``release`` or the end of the process.

    The kernel frees it with its holder, so a stale one is never in the way. The file says
    who holds it; what another host left there may be alive, and is not taken over.

    Parameters
    ----------
    folder : Path
    patience : float
        Seconds to wait for a holder that is about to end.

    Raises
    ------
    RunLocked
        If another process holds it, with its id and host.
    """

    def __init__(self, folder: Path, *, patience: float = 0.0) -> None:
        self.path = folder / _NAME
        deadline = time.monotonic() + patience
        while (handle := _acquire(self.path)) is None:
            if time.monotonic() >= deadline:
                raise RunLocked(_refusal(folder, _holder(self.path)))
            time.sleep(_WAIT)
        self._handle: int | None = handle
        try:
            self._sign(folder)
        except BaseException:
            self._let_go()
            raise

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            # while it is held: nobody waits on a file that is no longer there
            with contextlib.suppress(OSError):
                self.path.unlink()
            self._let_go()

    def _let_go(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _sign(self, folder: Path) -> None:
        """Write who holds the lock."""
        before = _holder(self.path)
        if before.get("host", socket.gethostname()) != socket.gethostname():
            raise RunLocked(_refusal(folder, before))
        if (kind := _network_kind(folder)) is not None:
            warnings.warn(
                f"a local disk is needed for a lock that always holds, but {str(folder)!r} is on {kind}; "
                "start one process at a time there",
                RunWarning,
                stacklevel=4,
            )
        assert self._handle is not None
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
        try:
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, text, 0)
        except OSError as error:
            raise IOFault(
                f"a lock had to be written to {str(self.path)!r}, but the system refused "
                f"({error.strerror or error}); free space or choose another place"
            ) from error


def _acquire(path: Path) -> int | None:
    """Return a handle that holds the lock, or None where somebody else does."""
    try:
        import fcntl
    except ImportError:  # Windows
        raise UsageError(
            "run directories need the file locks of POSIX, but this system has none; run without one"
        ) from None
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise IOFault(
                f"a lock had to be made at {str(path)!r}, but the system refused ({error.strerror or error}); "
                "choose another folder"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        # the one who held it may have removed the file between the two calls
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == os.stat(path).st_ino:
                return handle
        os.close(handle)


def _holder(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(folder: Path, holder: dict[str, Any]) -> str:
    who = f"process {holder.get('pid', '?')} on {str(holder.get('host', 'this host'))!r:.80}"
    elsewhere = holder.get("host", socket.gethostname()) != socket.gethostname()
    advice = f"if that process has ended, remove {_NAME!r} there" if elsewhere else "wait for it, or stop it"
    return f"a run directory of its own is needed, but {who} works in {str(folder)!r}; {advice}"


def _network_kind(folder: Path) -> str | None:
    """Return the kind of a network file system that a folder is on, where the system tells."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return kind_of_mount(str(folder.resolve()), lines)


def kind_of_mount(folder: str, lines: list[str]) -> str | None:
    """Return the network file system of a folder by the lines of mountinfo, or None for a local one."""
    best, kind = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        place = fields[4].replace("\\040", " ")
        inside = folder == place or folder.startswith(place.rstrip("/") + "/")
        # of two mounts at one place the later covers the earlier
        if inside and len(place) >= len(best):
            best, kind = place, after.split()[0]
    return kind if kind in _NETWORK else None
