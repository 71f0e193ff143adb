"""The remedy named best holds where it is fitted on all rows, or another one is named."""

import numpy as np
from sklearn.linear_model import LogisticRegression


class BreaksWhenWeighted(LogisticRegression):
    """Forgets everything where class weights meet more rows than any fold has."""

    def __init__(self, limit=10**9, class_weight=None):
        super().__init__(class_weight=class_weight)
        self.limit = limit

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        if self.class_weight is not None and len(X) > self.limit:
            self.coef_ = np.zeros_like(self.coef_)
        return self


def ledger_of(imbalanced, **options):
    X, y = np.vstack([imbalanced.X, imbalanced.X_test]), np.append(imbalanced.y, imbalanced.y_test)
    import marginscope as ms

    limit = int(0.9 * len(X)) if options.get("breaks") else 10**9
    found = ms.diagnose(BreaksWhenWeighted(limit), X, y, checks=["class-absent", "imbalance"], rng=0)
    return found.remedy("cow"), X, y


def test_a_remedy_that_breaks_on_all_rows_is_not_named(imbalanced):
    steady, X, y = ledger_of(imbalanced)
    assert steady.winner == "class-weights"
    ledger, X, y = ledger_of(imbalanced, breaks=True)
    assert ledger.winner not in (None, "class-weights")
    assert ledger["class-weights"].recall == steady["class-weights"].recall, "the folds do not know"
    said = [note for note in ledger.notes if note.startswith("class-weights reaches a balanced recall of")]
    assert len(said) == 1
    assert "its training is not stable" in said[0]
    right = ledger.best_estimator_.predict(X) == y
    assert np.mean(right[y == "cow"]) > 0.5


def test_a_steady_remedy_leaves_no_doubt(imbalanced):
    steady, _, _ = ledger_of(imbalanced)
    assert not any("not stable" in note for note in steady.notes)
