"""Which message of which tool counts as naming which cause.

Read generously: a message counts for every cause it points at, tips count as much as
issues, and no rival is asked which class it means unless it says so itself. What speaks
against a rival on a healthy control are issues only, never tips.
"""

from __future__ import annotations

__all__ = ["ALARMS", "MESSAGES", "named"]

# tool -> (words in the message, causes it points at)
MESSAGES: dict[str, tuple[tuple[str, frozenset[str]], ...]] = {
    "scikit-learn": (
        # "Increase the number of iterations to improve the convergence or scale the data"
        (
            "ConvergenceWarning",
            frozenset({"not-converged", "unscaled-features", "infinite-parameters", "weights-vanish"}),
        ),
        (
            "failed to converge",
            frozenset({"not-converged", "unscaled-features", "infinite-parameters", "weights-vanish"}),
        ),
        ("least populated class", frozenset({"few-rows"})),
        ("collinear", frozenset({"non-identifiable", "overfit"})),
        ("ill-conditioned", frozenset({"non-identifiable", "overfit"})),
        ("Singular matrix", frozenset({"non-identifiable", "overfit"})),
        ("no true samples", frozenset({"share-drift"})),
        ("contains classes not in", frozenset({"class-absent", "label-map"})),
        ("unseen labels", frozenset({"class-absent", "label-map"})),
        # Says that a class is never predicted, which is the question and not a cause.
        ("no predicted samples", frozenset()),
    ),
    "skore": (
        ("SKD001 issue", frozenset({"overfit"})),
        (
            "SKD002 issue",
            frozenset(
                {
                    "over-regularised",
                    "low-capacity",
                    "not-converged",
                    "dead-units",
                    "flat-loss",
                    "shared-interference",
                    "one-vs-rest-masking",
                    "unscaled-features",
                    "no-signal",
                }
            ),
        ),
        ("SKD003 issue", frozenset({"few-rows", "overfit"})),
        ("SKD004 issue", frozenset({"imbalance", "few-rows", "knob-ignored", "share-drift"})),
        ("SKD005 issue", frozenset({"imbalance", "few-rows", "knob-ignored", "share-drift"})),
        ("SKD006 tip not standardized", frozenset({"unscaled-features"})),
        ("SKD008", frozenset({"non-identifiable"})),
        (
            "SKD009 significantly worse",
            frozenset(
                {"low-capacity", "over-regularised", "not-converged", "one-vs-rest-masking", "unscaled-features"}
            ),
        ),
        ("SKD012", frozenset({"no-signal"})),
        ("SKD014", frozenset({"over-regularised", "overfit"})),
        ("SKD015", frozenset({"over-regularised", "overfit"})),
        ("SKD016", frozenset({"over-regularised", "overfit"})),
    ),
    "cleanlab": (
        # Label issues whose given or suggested label is a planted class.
        ("label issues on a planted class", frozenset({"mislabelled", "label-map", "conflicting-labels"})),
        ("class_imbalance", frozenset({"imbalance", "few-rows", "knob-ignored", "share-drift"})),
        ("near_duplicate", frozenset({"conflicting-labels"})),
        ("non_iid", frozenset({"share-drift"})),
        ("underperforming_group", frozenset({"low-capacity", "rival-overlap", "no-signal"})),
        ("outlier", frozenset()),
        ("null", frozenset()),
    ),
}

# Words of messages that say something is wrong with a class or a fit, where all is well.
ALARMS: dict[str, tuple[str, ...]] = {
    "scikit-learn": ("ConvergenceWarning", "failed to converge", "no predicted samples", "least populated class"),
    "skore": ("SKD001 issue", "SKD002 issue", "SKD003 issue", "SKD004 issue", "SKD005 issue"),
    "cleanlab": ("class_imbalance", "a tenth of a class has label issues", "non_iid", "underperforming_group"),
}


def named(tool: str, messages: list[str]) -> set[str]:
    """All causes that the messages point at."""
    found: set[str] = set()
    for message in messages:
        for words, causes in MESSAGES[tool]:
            if all(word in message for word in words.split(" ")) or words in message:
                found |= causes
    return found
