"""The directory of a run: what is computed in it, by whom, and whether that may go on."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from marginscope.exceptions import CheckpointError, ConfigMismatch, IOFault, UsageError
from marginscope.runs.atomic import check_writable, remove_orphans, write_text_atomically
from marginscope.runs.environment import blas_read_back, package_versions
from marginscope.runs.lock import RunLock

__all__ = ["CONFIG_NAME", "RunDirectory", "check_run_name", "saved_config"]

CONFIG_NAME = "config.json"

_SCHEMA = "marginscope.run/1"
_MOST_KEYS = 8
_RUN_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
# what runs and sweeps make; an overwrite removes this and nothing else
_OWN_FOLDERS = re.compile(r"run-\d{5,}|cells|work")
_OWN_FILES = re.compile(r"config\.json|lock|timings\.csv|failures\.json|table\.(csv|parquet)|\.marginscope-.*")


class RunDirectory:
    """A directory that belongs to one configuration and, while it is open, to one process.

    Parameters
    ----------
    path : path
        Made if missing; its parent must be there.
    config : mapping
        Flat: names to plain JSON values; two runs with the same are the same run.
    data_sha256 : str
    resume, overwrite : bool
        What to do where there is a run: go on, or remove it. Without them that is an error.
    patience : float
        Seconds to wait for another process that is about to end.

    Raises
    ------
    UsageError
        If the directory is in use for something else, or holds a run and neither was asked for.
    ConfigMismatch
        If the run to resume has another configuration, data or versions.
    RunLocked
        If another process works in it.
    IOFault
        If the directory cannot be made or written.
    """

    def __init__(
        self,
        path: str | Path,
        config: Mapping[str, Any],
        *,
        data_sha256: str = "",
        resume: bool = False,
        overwrite: bool = False,
        patience: float = 0.0,
    ) -> None:
        self.path = Path(path)
        if resume and overwrite:
            raise UsageError("either resume or overwrite is needed, but got both; resume keeps what is done")
        _make(self.path)
        self._lock = RunLock(self.path, patience=patience)
        try:
            check_writable(self.path / CONFIG_NAME)
            remove_orphans(self.path)
            self._enter(dict(config), data_sha256, resume, overwrite)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes in."""
        self._lock.release()

    def _enter(self, config: dict[str, Any], data_sha256: str, resume: bool, overwrite: bool) -> None:
        record = {
            "schema": _SCHEMA,
            "config": config,
            "data_sha256": data_sha256,
            "packages": package_versions(),
            "blas": blas_read_back(),
        }
        # through JSON, so that what is compared is what a file can hold
        record = json.loads(json.dumps(record, allow_nan=False))
        before = saved_config(self.path)
        if before is None:
            self._check_empty()
        elif overwrite:
            self._clear()
        elif not resume:
            raise UsageError(
                f"a new directory is needed, but {str(self.path)!r} holds a run; resume it, overwrite it, "
                "or choose another"
            )
        elif differing := _differences(before, record):
            keys = tuple(sorted(differing))
            listed = ", ".join(differing[key] for key in keys[:_MOST_KEYS])
            more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
            raise ConfigMismatch(
                f"resuming needs the configuration of the run in {str(self.path)!r}, but these keys differ: "
                f"{listed}{more}; give the same, or choose another directory",
                keys,
            )
        else:
            return
        write_text_atomically(self.path / CONFIG_NAME, json.dumps(record, indent=1, sort_keys=True) + "\n")

    def _check_empty(self) -> None:
        strange = sorted(one.name for one in self.path.iterdir() if one.name != "lock")
        if strange:
            raise UsageError(
                f"an empty directory is needed, but {str(self.path)!r} holds {strange[0]!r:.80} and no run; "
                "choose another"
            )

    def _clear(self) -> None:
        """Remove the run, and nothing that no run made."""
        # the configuration last: a clearing that was cut off can be repeated
        for one in sorted(self.path.iterdir(), key=lambda one: one.name == CONFIG_NAME):
            if one.is_dir() and not one.is_symlink() and _OWN_FOLDERS.fullmatch(one.name):
                shutil.rmtree(one)
            elif one.name != "lock" and _OWN_FILES.fullmatch(one.name):
                one.unlink()


def saved_config(path: str | Path) -> dict[str, Any] | None:
    """Return the record of a run directory, or None where there is none.

    Raises
    ------
    CheckpointError
        If there is one that cannot be read.
    """
    file = Path(path) / CONFIG_NAME
    try:
        record = json.loads(file.read_bytes())
        if record["schema"] != _SCHEMA or not isinstance(record["config"], dict):
            raise ValueError(f"its schema is {record['schema']!r:.40}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"the record of a run is needed, but {str(file)!r} is none ({str(error)[:80]}); choose another directory"
        ) from error
    return dict(record)


def check_run_name(name: str) -> str:
    """Return a name that is safe in paths, tables and messages.

    Raises
    ------
    UsageError
        If it has other characters, or is not between 1 and 64 long.
    """
    if not _RUN_NAME.fullmatch(name) or set(name) == {"."}:
        raise UsageError(
            f"a name of letters, digits, dot, underscore and hyphen, at most 64, is needed, but got {name!r:.80}; "
            "choose a plainer one"
        )
    return name


def _make(path: Path) -> None:
    if path.is_symlink():
        raise UsageError(f"a directory is needed, but {str(path)!r} is a link; name its target instead")
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise IOFault(
            f"a directory had to be made at {str(path)!r}, but the system refused ({error.strerror or error}); "
            "choose another place"
        ) from error


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return every key that differs, with both values."""
    found = {}
    for head, old, new in zip(("", "packages.", ""), _compared(before), _compared(now), strict=True):
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                found[head + key] = f"{head}{key} (was {_short(old.get(key))}, now {_short(new.get(key))})"
    return found


def _compared(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all that the bits of a run depend on."""
    kernels = sorted({str(one.get("architecture")) for one in record.get("blas", [])})
    more = {"blas": kernels, "data_sha256": record.get("data_sha256")}
    return [dict(record["config"]), dict(record.get("packages", {})), more]


def _short(value: Any) -> str:
    with contextlib.suppress(TypeError):
        text = json.dumps(value)
        return text if len(text) <= 40 else text[:37] + "..."
    return repr(value)[:40]
