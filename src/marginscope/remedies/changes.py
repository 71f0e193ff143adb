"""What a remedy can change: the table of remedies against implicit bias, as data.

On separable rows without a penalty training does not end: the norm of linear scores grows and
their direction tends to that of a hard-margin SVM. A remedy may move three things:

    path               what is predicted after finitely many steps
    penalised optimum  what is predicted at the optimum with a penalty that is kept
    limit              what training without a penalty would predict if it never ended

    remedy                                                  path   optimum   limit
    weights of classes, over-sampling, SMOTE                yes    yes       no
    logit adjustment, in the loss or afterwards             yes    yes       no
    additive margins on scores without a bound (LDAM)       yes    yes       no
    focal loss (measured, not proved)                       yes    yes       no
    a weaker penalty                                        yes    yes       no
    early stopping                                          yes    no        no
    under-sampling (it may drop support vectors)            yes    yes       yes
    label smoothing (the optimum is finite)                 yes    yes       yes
    class margins, class scales (CDT, VS)                   yes    yes       yes
    tau-normalisation, thresholds on rows left out          yes    yes       yes
    a stronger penalty (the optimum is finite)              yes    yes       yes
    other labels, features or models                        yes    yes       yes

Sources: Byrd and Lipton 2019; Xu, Ye and Ruan 2021; Kini et al. 2021; Kang et al. 2020.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ALL", "FAMILIES", "KINDS", "LIMIT", "OPTIMUM", "PATH", "as_words", "kind_of"]

PATH: Final = "path"
OPTIMUM: Final = "penalised optimum"
LIMIT: Final = "limit"
ALL: Final = frozenset({PATH, OPTIMUM, LIMIT})

# In the order in which a ledger shows them.
FAMILIES: Final = ("labels", "features", "decision", "weights", "rows", "loss", "penalty", "training", "model")

# What the farthest thing is that a remedy moves, in the order in which a ledger shows them.
KINDS: Final = {
    PATH: "moves the path only: what is predicted before training has ended",
    OPTIMUM: "moves the optimum with a penalty, not the limit",
    LIMIT: "moves the limit of training too",
}


def kind_of(changes: frozenset[str]) -> str:
    """Return the farthest of the three that a remedy moves, empty where nothing is known."""
    return next((one for one in reversed(KINDS) if one in changes), "")


def as_words(changes: frozenset[str]) -> str:
    """Return the three words in their order, or what there is of them."""
    return ", ".join(one for one in (PATH, OPTIMUM, LIMIT) if one in changes)
