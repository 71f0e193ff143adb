"""The checks of marginscope as checks of skore, which run on its reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marginscope.exceptions import MissingExtra, UsageError

__all__ = ["skore_checks"]


def skore_checks(*, checks: Sequence[str] | None = None, budget: float | None = None, rng: Any = 0) -> list[Any]:
    """Return every check as a skore check, for ``report.checks.add``.

    Parameters
    ----------
    checks : sequence of str, optional
        Slugs; default all.
    budget : float, optional
        Seconds after which no further refit is started.
    rng : int, Generator or None, default 0
        Seed of folds, subsamples and permutations.

    Returns
    -------
    list of skore.Check
        First ``MS-CLASSES``, which names the classes that are not learned, then one
        per check. Codes are ``MS-`` and the slug in capitals.

    Raises
    ------
    MissingExtra
        If skore is not installed.
    UsageError
        If a slug is unknown.

    Notes
    -----
    They work on an ``EstimatorReport`` (the fitted model, scored on its test rows) and on
    a ``CrossValidationReport`` (on its own splits). All checks of one call share one
    diagnosis per report, which the first of them makes. skore calls them slow: they are
    skipped in its fast mode.

    Examples
    --------
    >>> report.checks.add(skore_checks())  # doctest: +SKIP
    >>> report.checks.summarize(ignore=["MS-FEW-ROWS"])  # doctest: +SKIP
    """
    try:
        from marginscope.integrations.skore_check import ClassesCheck, SharedDiagnosis, SlugCheck
    except ImportError as error:
        raise MissingExtra("skore", "skore", "making checks for skore reports") from error
    from marginscope.diagnosis.checks import CHECKS

    known = {check.slug: check for check in CHECKS}
    chosen = list(known) if checks is None else [checks] if isinstance(checks, str) else list(checks)
    for slug in chosen:
        if slug not in known:
            raise UsageError(f"a check is needed, but {slug!r} is none; the checks are {', '.join(known)}")
    shared = SharedDiagnosis(checks=None if checks is None else tuple(chosen), budget=budget, rng=rng)
    return [ClassesCheck(shared), *(SlugCheck(slug, known[slug].title, shared) for slug in chosen)]
