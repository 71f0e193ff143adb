"""On what a run computes: versions, the processor's kernels, and threads as they really are."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["blas_read_back", "package_versions"]

_OWNERS = {"numpy", "scipy"}
# those that the bits of a result depend on
_PACKAGES = ("marginscope", "numpy", "scipy", "numba")


def package_versions() -> dict[str, str]:
    """Return the versions that the bits of a result depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def blas_read_back() -> list[dict[str, Any]]:
    """Return kind, version, processor kernel and threads of the BLAS of NumPy and SciPy, as loaded."""
    import numpy as np  # noqa: F401  (each brings its BLAS with it)
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    libraries = [one for one in threadpool_info() if one["user_api"] == "blas"]
    # those that other packages bring come and go with what was imported, and compute nothing here
    own = [one for one in libraries if _OWNERS & {part.partition(".")[0] for part in Path(one["filepath"]).parts}]
    # no path of a file is of use to others
    found = [{key: one.get(key) for key in keys} for one in own or libraries]
    return sorted(found, key=str)
