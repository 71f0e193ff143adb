"""The tests of the classes as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from marginscope._display import display_order
from marginscope.inference.gauge_choice import INTERCEPT
from marginscope.inference.hypotheses import chi_square_tail, p_text

if TYPE_CHECKING:
    from marginscope.inference.result import ClassTests

__all__ = ["headline", "summary_lines"]

_MOST_LINES = 24
_SHOWN = 6
# with more parameters the tests of all rows take their time, and are made when asked for
_MOST_PARAMETERS = 500


def headline(tests: ClassTests) -> str:
    """Return the first line."""
    K, d = tests.coef.shape
    intercept = "with intercepts" if tests.fit_intercept else "without intercepts"
    return f"Multinomial maximum likelihood: {tests.n_rows:,.10g} rows, {d:,} features, {K} classes, {intercept}."


def summary_lines(tests: ClassTests, *, with_tables: bool = True) -> list[str]:
    """Return the sentences that sum the tests up, and two tables."""
    K, rank = len(tests.classes), tests._estimate.likelihood.design.rank
    ratio, df = 2.0 * (tests.log_likelihood - tests.null_log_likelihood), (K - 1) * rank
    what = "" if tests.status == "overlap" else "below "
    alone = "with intercepts alone" if tests.fit_intercept else "without any feature"
    lines = [
        headline(tests),
        f"Log likelihood {what}{tests.log_likelihood:.6g}, {tests.null_log_likelihood:.6g} {alone}: likelihood ratio "
        f"{ratio:.5g}, {df} degrees of freedom, p = {p_text(chi_square_tail(ratio, df))}.",
        tests.meaning,
    ]
    if tests.not_determined:
        lines.append(
            f"Not determined, because columns are constant or depend on each other: {_listed(tests.not_determined)}."
        )
    if tests.status != "overlap":
        lines.append(tests._note)
        infinite = tuple(f"{label} on {name} ({'+' if s > 0 else '-'})" for label, name, s in tests.infinite)
        lines.append(f"Without a finite value: {_listed(infinite)}." if infinite else tests.certificate.infinite_reason)
    if not with_tables:
        return lines
    if (K - 1) * (rank + 1) <= _MOST_PARAMETERS:
        lines += ["", *str(tests.class_rows).splitlines()[: K + 3]]
    else:
        lines.append("The tests of the rows of the classes are in .class_rows.")
    estimates = _coefficient_lines(tests)
    return lines + (["", *estimates] if estimates else [])


def _coefficient_lines(tests: ClassTests) -> list[str]:
    """Return the coefficients class by class, or those with the largest z where they are many."""
    d = tests.coef.shape[1]
    names = (*tests.names, INTERCEPT)
    n = d + tests.fit_intercept
    order = display_order(tests.classes.tolist())
    entries = [(k, j) for k in order for j in range(n) if not np.isnan(tests._z[k, j])]
    if not entries:
        return []
    which = "Coefficients" if tests.status == "overlap" else "Coefficients that stay finite"
    title = f"{which}, {100 * tests.level:g} % intervals"
    if len(entries) > _MOST_LINES:
        entries = sorted(entries, key=lambda at: -abs(tests._z[at]))[:_MOST_LINES]
        title += f" (the {_MOST_LINES} surest; all are in .frame())"
    wide = max([len(str(tests.classes[k])) for k, _ in entries] + [5])
    long = max([len(names[j]) for _, j in entries] + [7])
    lines = [title, f"{'class':{wide}}  {'feature':{long}}  {'coef':>9}  {'std err':>9}  {'z':>7}  {'p':>7}  interval"]
    for k, j in entries:
        z, (low, high) = tests._z[k, j], tests._intervals[k, j]
        p = chi_square_tail(float(z * z), 1)
        lines.append(
            f"{tests.classes[k]!s:{wide}}  {names[j]:{long}}  {tests._table[k, j]:9.4g}  "
            f"{tests._errors[k, j]:9.4g}  {z:7.2f}  {p_text(p):>7}  {low:.4g} to {high:.4g}"
        )
    return lines


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
