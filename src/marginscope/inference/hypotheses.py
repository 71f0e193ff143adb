"""Tests of hypotheses about whole rows or columns of coefficients, in families."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from marginscope._display import Displayed, make_frame

__all__ = ["HypothesisTest", "TestFamily", "chi_square_tail", "holm", "p_text"]

_MOST_LINES = 30


@dataclass(frozen=True)
class HypothesisTest:
    """One hypothesis with its Wald and its likelihood ratio statistic.

    Attributes
    ----------
    name : str
        What is tested: a class, a feature, or two classes.
    df : int
        Degrees of freedom; 0 where the data cannot tell the hypothesis from its contrary.
    wald, ratio : float or None
        Statistics, chi-square under the hypothesis with many rows; the Wald statistic
        does not exist on separable data, and neither does with no degrees of freedom.
    """

    name: str
    df: int
    wald: float | None
    ratio: float | None

    @property
    def wald_p_value(self) -> float | None:
        """Chance of a Wald statistic as large, under the hypothesis."""
        return chi_square_tail(self.wald, self.df)

    @property
    def p_value(self) -> float | None:
        """Chance of a likelihood ratio as large, under the hypothesis."""
        return chi_square_tail(self.ratio, self.df)


@dataclass(frozen=True, eq=False, repr=False)
class TestFamily(Displayed):
    """Hypotheses of one kind, with p values corrected for their number (Holm 1979).

    Attributes
    ----------
    title : str
    hypothesis : str
        What every test assumes, in a sentence.
    tests : tuple of HypothesisTest
    note : str
        What weakens the p values; empty if nothing does.
    """

    __test__ = False  # no test class of pytest
    _report = "hypotheses_page"

    title: str
    hypothesis: str
    tests: tuple[HypothesisTest, ...]
    note: str = ""

    @property
    def holm_p_values(self) -> tuple[float | None, ...]:
        """Chances of likelihood ratios as large, corrected for the number of tests."""
        return holm([one.p_value for one in self.tests])

    def __getitem__(self, name: Any) -> HypothesisTest:
        """Return a test by its name."""
        for one in self.tests:
            if one.name == str(name):
                return one
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self.tests)

    def frame(self) -> Any:
        """Return one line per hypothesis."""
        return make_frame(
            {
                "name": [one.name for one in self.tests],
                "df": [one.df for one in self.tests],
                "wald": [one.wald for one in self.tests],
                "wald_p_value": [one.wald_p_value for one in self.tests],
                "likelihood_ratio": [one.ratio for one in self.tests],
                "p_value": [one.p_value for one in self.tests],
                "p_holm": list(self.holm_p_values),
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "schema": "marginscope.hypotheses/1",
            "title": self.title,
            "hypothesis": self.hypothesis,
            "note": self.note or None,
            "tests": [
                {
                    "name": one.name,
                    "df": one.df,
                    "wald": one.wald,
                    "wald_p_value": one.wald_p_value,
                    "likelihood_ratio": one.ratio,
                    "p_value": one.p_value,
                    "p_holm": corrected,
                }
                for one, corrected in zip(self.tests, self.holm_p_values, strict=True)
            ],
        }

    def __str__(self) -> str:
        shown = self.tests[:_MOST_LINES]
        width = max([len(one.name) for one in shown] + [4])
        lines = [self.title, self.hypothesis, f"{'':{width}}  df      LR        p   p Holm     Wald        p"]
        for one, corrected in zip(shown, self.holm_p_values, strict=False):
            lines.append(
                f"{one.name:{width}} {one.df:3d} {_number(one.ratio)} {p_text(one.p_value):>8} {p_text(corrected):>8} "
                f"{_number(one.wald)} {p_text(one.wald_p_value):>8}"
            )
        if len(self.tests) > len(shown):
            lines.append(f"{len(self.tests) - len(shown)} more are in .frame().")
        return "\n".join([*lines, self.note] if self.note else lines)


def chi_square_tail(statistic: float | None, df: int) -> float | None:
    """Return the chance of more than the statistic, ``None`` without one."""
    return None if statistic is None or df < 1 else float(chdtrc(df, statistic))


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Correct p values for their number by Holm's step-down method.

    The k-th smallest of m is multiplied by m - k + 1, and none may fall below one before it.
    ``None`` is left out and does not count.

    References
    ----------
    Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    places = [i for i, p in enumerate(p_values) if p is not None and not np.isnan(p)]
    given: NDArray[np.float64] = np.array([p_values[i] for i in places], dtype=float)
    order = np.argsort(given, kind="stable")
    factors = len(given) - np.arange(len(given))
    corrected = np.minimum(1.0, np.maximum.accumulate(given[order] * factors))
    found: list[float | None] = [None] * len(p_values)
    for rank, i in enumerate(order):
        found[places[i]] = float(corrected[rank])
    return tuple(found)


def p_text(p: float | None) -> str:
    """Return a p value for a table of text."""
    if p is None or np.isnan(p):
        return "-"
    return f"{p:.4f}" if p >= 1e-4 else f"{p:.0e}" if p > 0.0 else "<1e-300"


def _number(value: float | None) -> str:
    return f"{'-':>8}" if value is None else f"{value:8.2f}" if value < 1e5 else f"{value:8.1e}"
