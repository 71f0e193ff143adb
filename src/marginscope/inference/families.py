"""The three families of hypotheses, and the one that no feature matters.

    class row    theta_c = w_c - (1/K) sum_k w_k = 0, or w_c - w_r = 0      df = rank
    two classes  w_a - w_b = 0                                              df = rank
    feature j    w_kj equal over the classes k                              df = K - 1

w are slopes: intercepts stay free. The rank is that of the features, the intercept
not counted; a feature that others replace has no degree of freedom.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marginscope._display import display_order
from marginscope.exceptions import SizeError
from marginscope.inference.estimate import Estimate
from marginscope.inference.hypotheses import HypothesisTest, TestFamily

__all__ = ["class_row_family", "feature_family", "overall_test", "pair_family"]

Floats = NDArray[np.float64]

_MOST_PAIRS = 1000


def class_row_family(estimate: Estimate, classes: NDArray[Any], reference: int | None, note: str) -> TestFamily:
    """Test for each class that its row is zero in a gauge."""
    K = len(classes)
    tests = []
    for k in display_order(classes.tolist()):
        if k == reference:
            continue
        contrast = np.full(K, -1.0 / K) if reference is None else -np.eye(K)[reference]
        contrast[k] += 1.0
        tests.append(_test(estimate, str(classes[k]), estimate.equal_slopes(contrast)))
    rival = "the average of the classes" if reference is None else f"class {classes[reference]}"
    return TestFamily(
        "Rows of the classes",
        f"Each test assumes that the features act on the class as on {rival}; intercepts are free.",
        tuple(tests),
        note,
    )


def pair_family(estimate: Estimate, classes: NDArray[Any], note: str) -> TestFamily:
    """Test for every two classes that they have the same slopes.

    Raises
    ------
    SizeError
        If there are more than 1000 pairs.
    """
    K = len(classes)
    if K * (K - 1) // 2 > _MOST_PAIRS:
        raise SizeError(
            f"at most {_MOST_PAIRS} pairs of classes can be tested at once, but {K} classes have {K * (K - 1) // 2}; "
            "test rows of classes against one reference class"
        )
    order = display_order(classes.tolist())
    tests = []
    for place, a in enumerate(order):
        for b in order[place + 1 :]:
            contrast = np.eye(K)[a] - np.eye(K)[b]
            tests.append(_test(estimate, f"{classes[a]} - {classes[b]}", estimate.equal_slopes(contrast)))
    return TestFamily(
        "Pairs of classes",
        "Each test assumes that two classes have the same coefficients; intercepts are free.",
        tuple(tests),
        note,
    )


def feature_family(estimate: Estimate, names: tuple[str, ...], note: str) -> TestFamily:
    """Test for each feature that no class uses it."""
    tests = [
        _test(estimate, name, estimate.without_features(np.array([j], dtype=np.intp))) for j, name in enumerate(names)
    ]
    return TestFamily(
        "Features",
        "Each test assumes that the coefficient of the feature is the same in every class, so that it changes nothing.",
        tuple(tests),
        note,
    )


def overall_test(estimate: Estimate) -> HypothesisTest:
    """Test that no feature matters."""
    n_features = estimate.likelihood.design.span.shape[1]
    return _test(estimate, "all features", estimate.without_features(np.arange(n_features)))


def _test(estimate: Estimate, name: str, space: Floats) -> HypothesisTest:
    K, p = estimate.likelihood.shape
    df = (K - 1) * p - space.shape[1]
    if df == 0:
        return HypothesisTest(name, 0, None, None)
    return HypothesisTest(name, df, estimate.wald(space) if estimate.is_finite else None, estimate.ratio(space))
