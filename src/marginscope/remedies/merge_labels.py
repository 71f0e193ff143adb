"""Give the spellings of one label one name."""

from __future__ import annotations

from dataclasses import dataclass

from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation

__all__ = ["MergeLabels"]


@dataclass(frozen=True)
class MergeLabels:
    """Train on the labels with doubtful spellings merged."""

    slug: str = "merge-labels"
    title: str = "one name per class"
    side_effects: str = "changes the labels: the spellings can no longer be told apart"
    acts_on: frozenset[str] = frozenset({"label-map"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "labels"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        if not situation.merges:
            raise CannotAct("no two labels look like spellings of one name")
        return (Recipe(self.slug, merges=situation.merges),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        labels = situation.labels.tolist()
        names = {labels[old]: labels[new] for old, new in situation.merges.items()}
        return f"spelling = {names!r}\ny = [spelling.get(label, label) for label in y]\nmodel.fit(X, y)"
