"""Give a block of rows the label of the class that they look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marginscope.remedies.changes import ALL
from marginscope.remedies.recipe import CannotAct, Recipe, Situation
from marginscope.remedies.shares import need_refit

__all__ = ["Relabel"]


@dataclass(frozen=True)
class Relabel:
    """Train with the rows in doubt under the name of the class that they cannot be told from."""

    slug: str = "relabel"
    title: str = "other labels for the rows in doubt"
    side_effects: str = "changes labels: look at the rows before you trust it"
    acts_on: frozenset[str] = frozenset({"mislabelled"})
    expects: float = 0.05
    changes: frozenset[str] = ALL
    family: str = "labels"
    fits: int = 1

    def recipes(self, situation: Situation) -> tuple[Recipe, ...]:
        """See ``Remedy``."""
        if not situation.relabelling:
            raise CannotAct("no block of rows looks like another class than its label")
        need_refit(situation)
        many = f"{len(situation.relabelling):,} rows"
        return (Recipe(f"{self.slug} {many}", relabelling=situation.relabelling, expression=many),)

    def snippet(self, situation: Situation, recipe: Recipe) -> str:
        """See ``Remedy``."""
        n_train = int(situation.counts.sum())
        labels = situation.labels.tolist()
        rows: dict[int, list[int]] = {}
        for row, code in sorted(situation.relabelling.items()):
            if row < n_train:
                rows.setdefault(code, []).append(row)
        changes = [f"y[{where}] = {labels[code]!r}  # look at these rows first" for code, where in rows.items()]
        dtype = np.asarray(situation.labels).dtype
        # Fixed-width text would cut a longer name.
        copy = "y = np.array(y, dtype=object)" if dtype.kind in "OUS" else "y = np.array(y)"
        counted = "# row numbers count from 0 over the whole file (all of y), in its order: relabel before any split"
        return "\n".join(["import numpy as np\n", copy, counted, *changes, "model.fit(X, y)"])
