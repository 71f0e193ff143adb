"""class-absent: a class that is tested and has no training rows."""

from __future__ import annotations

import numpy as np

from benchmarks.gauntlet.clouds import Clouds, far_apart, shuffled
from benchmarks.gauntlet.datasets import load, some_rows, split_rows
from benchmarks.gauntlet.models import ALL, only
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def _without(rows: Rows, test: Rows, absent: tuple[str, ...]) -> Planted:
    keep = ~np.isin(rows.y, absent)
    healthy = tuple(sorted(set(rows.y.tolist()) - set(absent)))
    cured = Planted(rows, test, classes=absent)
    return Planted(Rows(rows.X[keep], rows.y[keep]), test, classes=absent, healthy=healthy, cured=cured)


def clouds(rng):
    population = Clouds(far_apart(rng, 3, 4, 6.0))
    return _without(population.draw(rng, [150] * 3), population.draw(rng, [80] * 3), ("c2",))


def satimage(rng):
    rows, rest = some_rows(rng, "satimage", {"1": 150, "2": 150, "3": 150, "5": 150})
    return _without(rows, Rows(rest.X[:500], rest.y[:500]), ("5",))


def attacks(rng):
    """Attacks of the test file that the training file has never seen."""
    known, _ = some_rows(rng, "nsl-kdd", {"normal": 200, "neptune": 200, "ipsweep": 150})
    new, rest = split_rows(rng, load("nsl-kdd-test"), {"mscan": 150, "apache2": 150})
    _, old = some_rows(rng, "nsl-kdd", {"normal": 200, "neptune": 200, "ipsweep": 150})
    rows = shuffled(rng, Rows(np.vstack([known.X, new.X]), np.append(known.y, new.y)))
    test = Rows(np.vstack([old.X[:400], rest.X[:300]]), np.append(old.y[:400], rest.y[:300]))
    return _without(rows, test, ("mscan", "apache2"))


CASES = (
    Case("class-absent", "clouds", "synthetic", clouds, ALL),
    Case("class-absent", "satimage", "satimage", satimage, only("boosted")),
    Case("class-absent", "new attacks", "nsl-kdd", attacks, only("linear")),
)
