"""What a caller chooses: a seed, and a name out of a registry."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from marginscope.exceptions import UsageError

__all__ = ["check_rng", "look_up", "with_parameters"]

T = TypeVar("T")


def check_rng(rng: Any = None) -> tuple[int, np.random.Generator]:
    """Return a seed to write down, and the generator that it makes.

    Parameters
    ----------
    rng : None, int or numpy.random.Generator
        ``None`` draws a fresh seed. A generator (``RandomState``, ``SeedSequence`` or
        ``BitGenerator`` too) is advanced by one draw, which is the seed.

    Raises
    ------
    UsageError
        If it is negative, a float, or anything else.
    """
    if rng is None:
        rng = np.random.SeedSequence()
    if isinstance(rng, np.random.SeedSequence | np.random.BitGenerator):
        rng = np.random.default_rng(rng)
    if isinstance(rng, np.random.Generator):
        seed = int(rng.integers(2**32))
    elif isinstance(rng, np.random.RandomState):
        seed = int(rng.randint(2**32, dtype=np.uint64))
    elif isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0:
        seed = int(rng)
    else:
        raise UsageError(f"a seed of 0 or more, a Generator or None is needed, but got {rng!r}; pass an int such as 0")
    return seed, np.random.default_rng(seed)


def look_up(kind: str, name: Any, known: Mapping[str, T]) -> T:
    """Return ``known[name]``; an unknown name gets the names near it.

    Raises
    ------
    UsageError
        If there is no such name.
    """
    if isinstance(name, str) and name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.6)
    advice = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise UsageError(f"a known {kind} is needed, but got {name!r}; {advice}known are: {', '.join(known)}")


def with_parameters(kind: str, one: T, parameters: Mapping[str, Any], *, fixed: tuple[str, ...] = ()) -> T:
    """Return a dataclass of a registry with some fields changed; ``fixed`` ones are not its parameters.

    Raises
    ------
    UsageError
        If a name is none of its fields, or it has none.
    """
    own: Any = one
    known = [field.name for field in dataclasses.fields(own)] if dataclasses.is_dataclass(own) else []
    known = [name for name in known if name not in fixed]
    for name in parameters:
        if name not in known:
            offer = f"its parameters are: {', '.join(known)}" if known else "it has none; leave it out"
            raise UsageError(f"a parameter of the {kind} {own.name} is needed, but got {name!r}; {offer}")
    changed: T = dataclasses.replace(own, **parameters) if parameters else one
    return changed
