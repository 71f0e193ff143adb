"""Healthy controls: rare, overlapping, many, collinear, small, and learned all the same."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.gauntlet.clouds import Clouds, far_apart
from benchmarks.gauntlet.datasets import folder, some_rows
from benchmarks.gauntlet.models import ALL, boosted, forest, linear, only, torch_network
from benchmarks.gauntlet.planted import Case, Planted, Rows

__all__ = ["CASES"]


def _all_healthy(rows: Rows, test: Rows | None = None) -> Planted:
    return Planted(rows, test, healthy=tuple(sorted(set(rows.y.tolist()))))


def rare_but_learned(rng):
    centres = far_apart(rng, 3, 4, 6.0)
    centres[2] *= 3
    return _all_healthy(Clouds(centres).draw(rng, [450, 420, 30]))


def balanced_overlap(rng):
    return _all_healthy(Clouds(np.array([[0.0, 0, 0], [2.6, 0, 0], [0, 2.6, 0]])).draw(rng, [220] * 3))


def many_classes(rng):
    return _all_healthy(Clouds(far_apart(rng, 12, 8, 4.5)).draw(rng, [45] * 12))


def small_and_clean(rng):
    return _all_healthy(Clouds(far_apart(rng, 3, 4, 6.0)).draw(rng, [30] * 3))


def collinear(rng):
    """Every feature is there three times, with a little noise."""
    rows = Clouds(far_apart(rng, 4, 5, 5.0)).draw(rng, [150] * 4)
    copies = [rows.X + 0.01 * rng.standard_normal(rows.X.shape) for _ in range(3)]
    return _all_healthy(Rows(np.hstack(copies), rows.y))


def two_real_spellings(rng):
    """Two names that differ in case only, and are two classes: far from each other."""
    population = Clouds(far_apart(rng, 4, 5, 6.0), names=("hid", "hId", "had", "hed"))
    return _all_healthy(population.draw(rng, [140] * 4))


def same_shares(rng):
    """A rare class and a test file in the shares of the training file."""
    population = Clouds(far_apart(rng, 3, 4, 6.0))
    return _all_healthy(population.draw(rng, [400, 150, 50]), population.draw(rng, [240, 90, 30]))


def middle_learned(rng):
    """A class between two others that one-vs-rest does learn, because it also lies aside."""
    centres = np.array([[-4.0, 0, 0], [0, 4.0, 0], [4.0, 0, 0]])
    return _all_healthy(Clouds(centres).draw(rng, [180] * 3))


def penguins(rng):
    return _all_healthy(some_rows(rng, "penguins", {"Adelie": 140, "Chinstrap": 62, "Gentoo": 115})[0])


def dermatology(rng):
    return _all_healthy(some_rows(rng, "dermatology", {"1": 105, "3": 68, "2": 58, "4": 46, "5": 49, "6": 19})[0])


def pen_digits(rng):
    return _all_healthy(some_rows(rng, "pendigits", {str(k): 60 for k in range(10)})[0])


def clothes(rng):
    names = ("trouser", "sandal", "bag", "boot", "dress")
    return _all_healthy(some_rows(rng, "fashion-mnist", dict.fromkeys(names, 90))[0])


def shuttle(rng):
    """Eighty per cent of one class, as the set has it."""
    return _all_healthy(some_rows(rng, "shuttle", {"1": 800, "4": 155, "5": 57})[0])


@lru_cache(maxsize=1)
def _posts():
    frame = pd.read_csv(folder() / "newsgroups-mini/mini_newsgroups.csv.gz")
    bodies = frame["text"].str.split("\n\n", n=1).str[-1]
    return bodies.to_numpy(dtype=object), frame["group"].to_numpy(dtype=str)


def text(rng):
    """Posts of four groups without their headers, as word weights (sparse)."""
    bodies, groups = _posts()
    chosen = ["rec.sport.hockey", "sci.space", "talk.politics.mideast", "misc.forsale"]
    rows = rng.permutation(np.flatnonzero(np.isin(groups, chosen)))[:360]
    X = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=3000).fit_transform(bodies[rows])
    return _all_healthy(Rows(X.tocsr(), groups[rows]))


def _scaled(model):
    return lambda: make_pipeline(StandardScaler(), model())


def _ovr():
    return OneVsRestClassifier(LogisticRegression())


NETWORKS = {**ALL, "torch": lambda: torch_network("plain")}


def _control(name, source, draw, models):
    return Case("", name, source, draw, models, shown_by="control")


CASES = (
    _control("rare but learned", "synthetic", rare_but_learned, NETWORKS),
    _control(
        "balanced overlap",
        "synthetic",
        balanced_overlap,
        {"linear": linear, "forest": lambda: forest(min_samples_leaf=5)},
    ),
    _control("many classes", "synthetic", many_classes, {"linear": linear, "forest": forest}),
    _control("small and clean", "synthetic", small_and_clean, ALL),
    _control("harmless collinearity", "synthetic", collinear, only("linear", "boosted")),
    _control("two real spellings", "synthetic", two_real_spellings, only("linear", "network")),
    _control("same shares", "synthetic", same_shares, only("linear", "boosted")),
    _control("middle class learned", "synthetic", middle_learned, {"one-vs-rest logistic": _scaled(_ovr)}),
    _control("penguins", "penguins", penguins, ALL),
    _control("dermatology", "dermatology", dermatology, only("linear", "network")),
    _control("pen digits", "pendigits", pen_digits, {"boosted": boosted, "torch": NETWORKS["torch"]}),
    _control("clothes", "fashion-mnist", clothes, only("linear", "network")),
    _control("shuttle", "shuttle", shuttle, {"boosted": boosted, "forest": forest}),
    _control("text", "newsgroups-mini", text, {"linear": lambda: LogisticRegression(C=10.0, max_iter=500)}),
)
