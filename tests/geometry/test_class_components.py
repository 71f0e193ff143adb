"""Classes that pairs connect."""

from __future__ import annotations

import numpy as np

from marginscope.geometry.class_components import class_components, rows_of_component


def test_components_are_those_of_the_graph():
    y = np.array([0, 0, 1, 2, 3, 4])
    pairs = np.zeros((6, 5), dtype=bool)
    pairs[0, 3] = pairs[4, 0] = pairs[3, 4] = True
    found = class_components(y, pairs)
    assert [one.tolist() for one in found] == [[0, 3], [2, 4]]
    rows, codes = rows_of_component(y, pairs, found[0])
    # row 1 is of class 0 but has no pair
    assert rows.tolist() == [0, 4]
    assert codes.tolist() == [0, 1]
    rows, codes = rows_of_component(y, pairs, found[1])
    assert rows.tolist() == [3]
    assert codes.tolist() == [0]


def test_without_pairs_there_is_none():
    assert class_components(np.array([0, 1]), np.zeros((2, 2), dtype=bool)) == []


def test_every_pair_lies_in_one_component():
    rng = np.random.default_rng(0)
    for _ in range(50):
        k = int(rng.integers(2, 8))
        y = rng.integers(0, k, 12)
        pairs = rng.random((12, k)) < 0.1
        pairs[np.arange(12), y] = False
        found = class_components(y, pairs)
        assert len(np.unique(np.concatenate([*found, []]))) == sum(len(one) for one in found)
        seen = np.zeros_like(pairs)
        for classes in found:
            rows, _ = rows_of_component(y, pairs, classes)
            seen[np.ix_(rows, classes)] = pairs[np.ix_(rows, classes)]
        assert np.array_equal(seen, pairs)
