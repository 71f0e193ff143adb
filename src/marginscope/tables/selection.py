"""Which columns of a file are the target, the features, and neither."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from marginscope.exceptions import DataError, UsageError
from marginscope.tables.options import ReaderOptions
from marginscope.tables.plan import ReadingPlan
from marginscope.tables.wording import count, listed, shown

__all__ = ["Selection", "check_distinct", "find_column", "position_names", "select"]


@dataclass(frozen=True)
class Selection:
    """Positions of the columns in the file; ``features`` in the order of use."""

    names: tuple[str, ...]
    target: int
    features: tuple[int, ...]
    text: frozenset[int]
    dropped: tuple[str, ...]
    notes: tuple[str, ...] = ()
    has_header: bool = True

    def option(self, position: int) -> str:
        """Return what a user writes after ``--drop`` for a column."""
        return self.names[position] if self.has_header else str(position)


def position_names(n_columns: int) -> tuple[str, ...]:
    """Return names for a file without a header."""
    return tuple(f"column {position}" for position in range(n_columns))


def check_distinct(names: Sequence[str], source_name: str, hint: str = "") -> None:
    """Refuse names that occur twice."""
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"column names must differ, but {listed(twice)} {'occurs' if len(twice) == 1 else 'occur'} more than once "
            f"in {source_name}; rename the columns{hint}"
        )


def find_column(wanted: str | int, names: Sequence[str], what: str) -> int:
    """Return the position of a column given by name or index; negative counts from the end.

    Raises
    ------
    UsageError
        With the columns there are, and those with nearly the same name.
    """
    if isinstance(wanted, str):
        for candidate in (wanted, wanted.strip()):
            if candidate in names:
                return names.index(candidate)
        if not re.fullmatch(r"[+-]?\d{1,9}", wanted.strip()):
            raise UsageError(
                f"{what} {shown(wanted)} is no column{_near(wanted, names)}; there are {listed(names, 40)}"
            )
        wanted = int(wanted)
    if not -len(names) <= wanted < len(names):
        raise UsageError(
            f"{what} {wanted} is no column: there are {count(len(names), 'column')} (0 to {len(names) - 1}, "
            f"or -1 to {-len(names)} from the end): {listed(names, 40)}"
        )
    return wanted % len(names)


def _near(wanted: str, names: Sequence[str]) -> str:
    by_fold: dict[str, str] = {}
    for name in names:
        by_fold.setdefault(name.casefold().strip(), name)
    close = difflib.get_close_matches(wanted.casefold().strip(), by_fold, n=3, cutoff=0.6)
    return f" (did you mean {listed(by_fold[one] for one in close)}?)" if close else ""


def select(
    names: Sequence[str],
    target: str | int,
    options: ReaderOptions,
    plan: ReadingPlan | None,
    source_name: str,
    has_header: bool = True,
) -> Selection:
    """Resolve target, dropped and text columns, by the options or by the training file's plan."""
    if plan is not None:
        return _select_like(names, plan, source_name, has_header)
    where = find_column(target, names, "the target")
    dropped = {find_column(one, names, "--drop") for one in options.drop}
    text = {find_column(one, names, "--text") for one in options.text}
    for chosen, option in ((dropped, "--drop"), (text, "--text")):
        if where in chosen:
            raise UsageError(
                f"column {shown(names[where])} is the target and cannot be in {option}; leave it out there"
            )
    if both := dropped & text:
        raise UsageError(f"column {shown(names[min(both)])} is in --drop and in --text; leave it out in one of them")
    features = tuple(at for at in range(len(names)) if at != where and at not in dropped)
    if not features and not options.may_lack_features:
        raise DataError(
            f"0 feature(s) (shape=(N, 0)) while a minimum of 1 is required: {source_name} has no column left "
            f"beside the target {shown(names[where])}; drop fewer, or check --delimiter"
        )
    names = tuple(names)
    return Selection(
        names, where, features, frozenset(text), tuple(names[at] for at in sorted(dropped)), has_header=has_header
    )


def _select_like(names: Sequence[str], plan: ReadingPlan, source_name: str, has_header: bool) -> Selection:
    wanted = [column.name for column in plan.columns]
    known = {*wanted, plan.target_name, *plan.dropped}
    missing = [name for name in (plan.target_name, *wanted) if name not in names]
    extra = [name for name in names if name not in known]
    if missing or extra:
        parts = [f"{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"] if missing else []
        parts += [f"{listed(extra)} {'is' if len(extra) == 1 else 'are'} not in the training file"] if extra else []
        raise DataError(
            f"the columns of {source_name} must be those of the training file, but {' and '.join(parts)}; "
            "give both files the same columns"
        )
    place = {name: at for at, name in enumerate(names)}
    features = tuple(place[name] for name in wanted)
    notes: tuple[str, ...] = ()
    if list(features) != sorted(features):
        notes = (f"the columns of {source_name} come in another order; they were matched by name",)
    text = frozenset(place[column.name] for column in plan.columns if column.kind == "text")
    dropped = tuple(name for name in plan.dropped if name in place)
    return Selection(tuple(names), place[plan.target_name], features, text, dropped, notes, has_header)
