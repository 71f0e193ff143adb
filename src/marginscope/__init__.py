"""Finds out why some classes of a multiclass classifier are not learned.

Every public name is loaded on first use, so that importing the package costs nothing.
"""

from typing import Any

import lazy_loader as _lazy

_load, _names, __all__ = _lazy.attach_stub(__name__, __file__)
__all__ = [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("marginscope")
        except PackageNotFoundError:  # run from a source tree that was never installed
            return "0+unknown"
    return _load(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
