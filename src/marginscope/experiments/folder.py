"""Where an experiment is written, and what is there already."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from marginscope.exceptions import IOFault, UsageError

__all__ = ["result_folder", "stored_document"]


def result_folder(output: str | Path, name: str, config: Any, *, resume: bool) -> Path:
    """Return the folder of an experiment below ``output``, made if it is not there.

    Raises
    ------
    UsageError
        If it holds results, and they are not to be resumed or are of other settings.
    IOFault
        If it cannot be made.
    """
    folder = Path(output) / name
    claims = folder / "claims.json"
    if claims.exists() and not resume:
        raise UsageError(
            f"a folder without results of {name} is needed, but {str(folder)!r} has some; "
            "go on with --resume, or choose another -o"
        )
    if claims.exists():
        before = _read(claims).get("config", {})
        now = json.loads(json.dumps(asdict(config)))
        differ = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        if differ:
            raise UsageError(
                f"the same settings of {name} are needed to go on, but these differ: {', '.join(differ)}; "
                "choose another -o"
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IOFault(
            f"a folder for the results was to be made at {str(folder)!r}, but the system refused "
            f"({error.strerror or error}); choose another -o"
        ) from error
    return folder


def stored_document(folder: Path) -> dict[str, Any] | None:
    """Return the claims of a finished run, or None; they are written last, so all else is there."""
    claims = folder / "claims.json"
    return _read(claims) if claims.exists() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the claims of a run are needed in {str(path)!r}, but the file cannot be read ({error}); remove it"
        ) from error
    return found
