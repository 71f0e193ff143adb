"""C code, compiled on the fly for this machine."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["from_c"]


def from_c(source: str, flags: list[str], shape: tuple[int, int, int], real: Any) -> Callable[..., None]:
    """Return ``descend(X, y, W, step, n_steps, pairwise)`` of a file beside this one, with the sizes built in."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise RuntimeError("a C compiler is not installed")
    is_double = real == np.float64
    sizes = [f"-D{name}={value}" for name, value in zip("NDK", shape, strict=True)]
    kinds = [f"-DREAL={'double' if is_double else 'float'}", f"-DEXP={'exp' if is_double else 'expf'}"]
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "descend.so"
        command = [compiler, "-O3", "-march=native", *flags, *sizes, *kinds, "-shared", "-fPIC"]
        subprocess.run([*command, "-o", library, Path(__file__).with_name(source), "-lm"], check=True)
        function = ctypes.CDLL(str(library)).descend
    function.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_double, ctypes.c_long, ctypes.c_int]
    function.restype = None

    def descend(X: Any, y: Any, W: Any, step: float, n_steps: int, pairwise: bool) -> None:
        function(X.ctypes.data, y.ctypes.data, W.ctypes.data, step, n_steps, pairwise)

    return descend
