"""Why does one class never win? One-vs-rest and multinomial on ten points.

Ten points in the plane, three classes, and class "b" has a single point between the other two.
The common explanation is that "b" is too rare. Run this file to see what decides instead.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

import marginscope as ms

X = np.array(
    [
        [-1.10, -0.73], [-0.78, 0.27], [-0.25, 0.13], [0.84, 0.86], [0.48, -0.45],
        [-0.75, -0.81], [-0.34, -0.05], [-0.97, -1.13], [0.31, -1.85], [-0.18, 0.43],
    ]
)  # fmt: skip
y = np.array(["c", "a", "a", "a", "c", "c", "b", "c", "c", "a"])


def main() -> None:
    print("1. Certificates, before any model is fitted")
    print(f"   the three classes together:   {ms.separability(X, y).status}")
    for label in "abc":
        rest = np.where(y == label, label, "rest")
        print(f"   {label!r} against the rest:       {ms.separability(X, rest).status}")

    print('\n2. The coefficients of "b", and whether its row is given "b"')
    print(f"   {'C':>8} {'weights':>9}   {'multinomial':<26} {'one-vs-rest':<26}")
    for C in (1.0, 100.0, 1e6):
        for weight in (None, "balanced"):
            cells = [f"({w[0]:6.2f}, {w[1]:6.2f})  {answer:<8}" for w, answer in fits_of_b(C, weight)]
            print(f"   {C:>8g} {weight or 'none':>9}   {cells[0]:<26} {cells[1]:<26}")

    best = ms.solve_hard_margin(X, y, fit_intercept=True)
    margin = worst_margin(multinomial(1e6).fit(X, y)) / best.margin
    print(f"\n3. Share of the largest margin at C = 1e6: multinomial {margin:.2f}, ", end="")
    print(f"one-vs-rest {worst_margin(one_vs_rest(1e6).fit(X, y)) / best.margin:.2f}")
    print(CONCLUSION)


def fits_of_b(C: float, weight: str | None) -> list[tuple[np.ndarray, str]]:
    """Return the coefficients of "b" and the answer on its row, of both models."""
    joint, apart = multinomial(C, weight).fit(X, y), one_vs_rest(C, weight).fit(X, y)
    rows = joint.coef_[1], apart.estimators_[1].coef_[0]
    return [(w, "yes" if model.predict(X[6:7]) == "b" else "no") for w, model in zip(rows, (joint, apart), strict=True)]


def multinomial(C: float, weight: str | None = None) -> LogisticRegression:
    return LogisticRegression(C=C, class_weight=weight, max_iter=100_000, tol=1e-10)


def one_vs_rest(C: float, weight: str | None = None) -> OneVsRestClassifier:
    return OneVsRestClassifier(multinomial(C, weight))


def worst_margin(model: LogisticRegression | OneVsRestClassifier) -> float:
    """Return the smallest lead of the own class over another, divided by the length of the coefficients."""
    scores, own = model.decision_function(X), np.searchsorted(["a", "b", "c"], y)
    rivals = np.where(np.arange(3) == own[:, None], -np.inf, scores).max(axis=1)
    parts = getattr(model, "estimators_", [model])
    # with the intercept, which is what the hard margin counts too
    length = np.sqrt(sum((one.coef_**2).sum() + (one.intercept_**2).sum() for one in parts))
    return float((scores[np.arange(10), own] - rivals).min() / length)


CONCLUSION = """
What this shows
   * "b" is rare, and at C = 1 nobody learns it. Weights repair the joint fit there, and so does a weaker
     penalty alone: rarity matters because the penalty does. One-vs-rest needs weights and a weaker penalty.
   * Together the classes are separable; "b" against the rest is not, whatever the weights. One-vs-rest never
     learns "b": its coefficients stay where they are from C = 100 on. At C = 1e6 the row is given "b" only
     because both other models, which are separable and grow for ever, say no louder.
   * Small multinomial coefficients do not mean "not learned". They are differences from the mean of the
     classes: at C = 100 those of "b" are the smallest of all, and its row is right.
   * Both fits classify all ten points at C = 1e6, with different margins: they tend to different limits.
"""


if __name__ == "__main__":
    main()
