"""Check ``one-vs-rest-masking``: fitting all classes together learns what one against the rest hides."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from marginscope.adapters.sklearn_model import SklearnModel
from marginscope.diagnosis.case import Case
from marginscope.diagnosis.claims import claims_of, settled
from marginscope.diagnosis.signal import auc
from marginscope.exceptions import CheckNotApplicable
from marginscope.findings import Evidence, Finding, Status

__all__ = ["OneVsRestMasking"]

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class OneVsRestMasking:
    """The class has no score of its own that stands out on its rows, but it has differences of scores that do.

    The joint form of the model, with the same pieces of loss and the same penalty, is tried if
    some class has a recall below ``learned``. What it lifts is masked if

    - it is missed in training too, with a recall below ``learned`` there;
    - unseen rows of the class are told from the rest by its own score with an area below
      ``most_area``, and the lead of its joint score over the best other leaves at most ``most_left``
      of what is missing there to one. A class that its own score tells well, or that is no
      better told together, is held back by something else.

    Of up to ``most_rows`` rows it is certified whether the class against the rest, and all
    classes together, are separable; the two solves take ``most_seconds`` each at most.
    """

    slug: str = "one-vs-rest-masking"
    title: str = "hidden by one against the rest"
    cost: str = "refit"
    learned: float = 0.85
    most_area: float = 0.97
    most_left: float = 0.7
    most_rows: int = 1000
    most_seconds: float = 5.0

    def examine(self, case: Case) -> Finding:
        """See ``Check``."""
        joint = case.view.joint_fit() if case.view.can_refit else None
        if joint is None or (case.counts > 0).sum() < 3:
            raise CheckNotApplicable("the model is not one against the rest of several classes, or has no joint form")
        missed = [k for k in range(case.n_classes) if case.counts[k] and case.scores.recall[k] < self.learned]
        if not missed:
            return Finding(
                self.slug,
                Status.PASSED,
                f"Every class has a recall of {self.learned:g} or more, so none is hidden by one against the rest.",
                evidence=(Evidence("smallest recall", float(np.nanmin(case.scores.recall)), self.learned),),
            )
        claims = claims_of(case, "joint-fit")
        extra: tuple[Evidence, ...] = ()
        if any(one.is_proof for one in claims.values()):
            own, together = self._areas(case, joint)
            for name, one in list(claims.items()):
                if not one.is_proof:
                    continue
                k = case.names.index(name)
                train = float(case.lab.base.train_recall[k])
                if train >= self.learned:
                    claims[name] = replace(one, reason=f"the model gets {train:.0%} of its training rows right")
                    continue
                allowed = 1 - self.most_left * (1 - own[k])
                if own[k] >= self.most_area or together[k] < allowed:
                    reason = (
                        f"its own score tells it from the rest about as well (area {own[k]:.2f}) as the joint one "
                        f"({together[k]:.2f})"
                    )
                    claims[name] = replace(one, reason=reason)
                    continue
                extra += (
                    Evidence(f"area of the own score of '{name:.60}' against the rest", float(own[k]), self.most_area),
                    Evidence(
                        f"area of the lead of the joint score of '{name:.60}'", float(together[k]), float(allowed)
                    ),
                    *self._certified(case, k),
                )
        return settled(
            case,
            self.slug,
            claims,
            remedies=("joint-fit",),
            issue="Fitted together with the others, with the same penalty, {names} "
            "is learned: one against the rest has no line between such a class and all others at once.",
            passed="Fitting all classes together recovers no class.",
            extra=extra,
        )

    def _areas(self, case: Case, joint: object) -> tuple[Reals, Reals]:
        """Area of every class against the rest on unseen rows: its own score, and its lead in the joint model."""
        lab = case.lab
        subject, splits = lab.raw, lab.short_design().splits
        areas = np.full((2, len(splits), case.n_classes), np.nan)
        for i, split in enumerate(splits):
            lab.check_time("the scores of both models")
            X, y = subject.take(split.train), subject.labels[subject.codes[split.train]]
            X_test, codes = subject.take(split.test), subject.codes[split.test]
            for side, view in enumerate((case.view, SklearnModel(joint, seed=case.seed))):
                fitted = view.fit(X, y)
                scores = view.scores(fitted, X_test, subject.labels)
                if scores is None:
                    scores = view.probabilities(fitted, X_test, subject.labels)
                if scores is None:
                    raise CheckNotApplicable("the model answers with labels only, so its scores cannot be compared")
                scores = np.nan_to_num(scores, neginf=-1e300)
                for k in np.unique(codes):
                    others = np.delete(scores, k, axis=1).max(axis=1) if side else 0.0
                    areas[side, i, k] = auc(scores[:, k] - others, codes == k)
        own, together = np.nanmean(areas, axis=1)
        return own, together

    def _certified(self, case: Case, k: int) -> tuple[Evidence, ...]:
        """Whether the class against the rest, and all classes together, can be separated."""
        part = case.linear_part
        if part is None or part.features.shape[0] > self.most_rows or part.features.shape[1] > 50:
            return ()
        from marginscope.solvers.separability import separability

        features = part.features
        X = np.asarray(features.toarray() if hasattr(features, "toarray") else features, dtype=np.float64)
        scale = X.std(axis=0)
        X = (X - (X.mean(axis=0) if part.has_intercept else 0.0)) / np.where(scale > 0, scale, 1.0)
        y = case.subject.codes[: case.n_train]
        rows = []
        for words, labels in ((f"'{case.names[k]:.60}' against the rest is", y == k), ("all classes together are", y)):
            limit = case.lab.seconds_left(self.most_seconds)
            status = separability(X, labels.astype(int), fit_intercept=part.has_intercept, time_limit=limit).status
            if status == "undecided":
                return ()
            rows.append(Evidence(f"{words} separable in training (certified, 1 is yes)", float(status == "complete")))
        return tuple(rows)
