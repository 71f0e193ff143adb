"""What an experiment is: a flat configuration, columns, claims with tolerances, and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Claim", "Columns", "Experiment"]

Columns: TypeAlias = dict[str, list[Any]]


@dataclass(frozen=True)
class Claim:
    """A statement of theory held against a measured number.

    Attributes
    ----------
    statement : str
        One sentence.
    value : float
        What was measured.
    at_least, at_most : float or None
        Where the value has to lie.
    source : str
        Where the statement and its tolerance come from.
    """

    statement: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    source: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value lies where it has to; a value that is no number does not."""
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return bool(low <= self.value <= high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "statement": self.statement,
            "value": self.value if math.isfinite(self.value) else None,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "holds": self.holds,
            "source": self.source,
        }


class Experiment(Protocol):
    """One figure or table, as one file.

    ``name`` is its public name, ``title`` a sentence, ``config`` the frozen dataclass of its
    settings with the defaults of the figure, and ``smoke`` the settings that make it small.
    ``run(config)`` returns columns of equal length. ``claims(config, columns)`` judges them, and
    ``figure(config, columns)`` draws them; neither computes anything long.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def config(self) -> type[Any]: ...
    @property
    def smoke(self) -> Mapping[str, Any]: ...
    def run(self, config: Any) -> Columns: ...
    def claims(self, config: Any, columns: Columns) -> Sequence[Claim]: ...
    def figure(self, config: Any, columns: Columns) -> Figure: ...
