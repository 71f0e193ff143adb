"""Settings known to the compiler, and the processor it compiles for.

Settings are a frozen dataclass that travels as the type of an argument, so Numba compiles
and caches one function for each. The type also holds a hash of the files that write the
code: a cache from before a change of them is never used.
This module imports numba: load it lazily.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core.pythonapi import NativeValue
from numba.core.registry import cpu_target
from numba.extending import models, register_model, typeof_impl, unbox

from marginscope.losses.lanes.code import Code

__all__ = ["code_for", "compiled", "has_wide_vectors", "known_to_the_compiler", "pointers", "registers"]


class SettingsType(types.Type):
    """Settings as a type."""

    def __init__(self, settings: Any, source: str) -> None:
        self.settings = settings
        super().__init__(name=f"{settings}, {source}")


register_model(SettingsType)(models.OpaqueModel)


@unbox(SettingsType)  # type: ignore[no-untyped-call, untyped-decorator]
def _unbox(typ: SettingsType, settings: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())  # type: ignore[no-untyped-call]


def known_to_the_compiler(kind: type, *files: str) -> None:
    """Let instances of a frozen dataclass be arguments; the folders of ``files`` write the code."""

    @cache
    def type_of(settings: Any) -> SettingsType:
        return SettingsType(settings, _source_hash(tuple(sorted({*files, __file__}))))

    typeof_impl.register(kind)(lambda settings, _: type_of(settings))


@cache
def _source_hash(files: tuple[str, ...]) -> str:
    """Return a hash of all files in the folders of these."""
    folders = sorted({Path(one).parent for one in files})
    total = hashlib.sha256()
    for path in (path for folder in folders for path in sorted(folder.glob("*.py"))):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that releases the lock of the interpreter, and keep it on disk."""
    dispatcher: Any = numba.njit(nogil=True)(function)
    # where no folder can be written to, every process compiles anew
    with contextlib.suppress(RuntimeError):
        dispatcher.enable_caching()
    return dispatcher


def registers(vector_bytes: int) -> int:
    """Return how many vectors of this size the processor that Numba compiles for can hold."""
    count, size = (32, 64) if has_wide_vectors() else (16, 32)
    return count * size // max(size, vector_bytes)


def has_wide_vectors() -> bool:
    """Say whether the processor that Numba compiles for has vectors of 64 bytes."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return "+avx512f" in features.split(",")


def code_for(builder: Any, settings: Any) -> Code:
    """Return where to write the code of settings with ``bits``, ``width`` and ``contract``."""
    return Code(builder, settings.bits, settings.width, contract=settings.contract)


def pointers(context: Any, builder: Any, kinds: Any, arrays: Any) -> list[Any]:
    """Return where the data of a tuple of arrays begins."""
    values = [builder.extract_value(arrays, place) for place in range(len(kinds))]
    return [context.make_array(kind)(context, builder, one).data for kind, one in zip(kinds, values, strict=True)]
