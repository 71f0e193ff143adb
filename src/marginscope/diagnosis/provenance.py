"""What made a result: versions, seed, command."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["make_provenance"]

_PACKAGES = ("numpy", "scipy", "scikit-learn", "narwhals", "clarabel", "imbalanced-learn")


def make_provenance(seed: int | None, command: str | None) -> dict[str, Any]:
    """Return the record of the contract; nothing in it differs between equal runs."""
    return {
        "version": _version("marginscope"),
        "seed": seed,
        "command": command,
        "packages": {
            "python": platform.python_version(),
            **{name: found for name in _PACKAGES if (found := _version(name)) is not None},
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
