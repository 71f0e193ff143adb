"""Claims put to the test: an intervention, its effect on the same rows, and a placebo.

The only place that joins checks and remedies: a check names an intervention by
its slug, and gets back what it did to every class.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from marginscope.adapters.sklearn_model import SklearnModel
from marginscope.diagnosis.case import BUDGET_SPENT, BudgetSpent, Failed, NotTried
from marginscope.diagnosis.effects import Effect, called_rate, compare, recall_of, with_placebo
from marginscope.diagnosis.folds import Design
from marginscope.diagnosis.intervals import simultaneous_z
from marginscope.diagnosis.proof import Proof
from marginscope.diagnosis.trials import Subject, Trial, merge_codes, run_trial
from marginscope.exceptions import MarginscopeError
from marginscope.findings import Counterfactual
from marginscope.remedies import remedy
from marginscope.remedies.recipe import CannotAct, Recipe, Situation

__all__ = ["Laboratory", "say_nothing"]

# Two of five folds score two fifths of the rows; two of a hundred would score next to none.
_SHORT_SHARE = 0.3


def say_nothing(what: str) -> None:
    """Report no progress."""


@dataclass
class Laboratory:
    """Runs interventions on one set of rows and remembers them.

    Parameters
    ----------
    situation : Situation
        What remedies may look at.
    rows : ndarray of int
        Where the laboratory's rows stand in the data.
    raw, prepared : Subject
        The same rows as the user's X and as the feature matrix.
    design : Design
        Splits shared by all trials.
    base : Trial
        The present model on these rows.
    deadline : float or None
        Monotonic time after which nothing new is started.
    progress : callable
        Called with a sentence before each trial.
    """

    situation: Situation
    rows: NDArray[np.int64]
    raw: Subject
    prepared: Subject
    design: Design
    base: Trial
    rng: np.random.Generator
    deadline: float | None = None
    progress: Callable[[str], None] = say_nothing
    proof: Proof = field(default_factory=Proof)
    _effects: dict[str, tuple[Effect, ...] | NotTried] = field(default_factory=dict)
    _recipes: dict[str, Recipe] = field(default_factory=dict)
    _owed: set[str] = field(default_factory=set)
    _placebo_codes: NDArray[np.int64] | None = None
    _placebo_base: Trial | None = None

    @cached_property
    def base_recall(self) -> NDArray[np.float64]:
        """Recall of the present model on these rows."""
        return recall_of(self.base, self.raw.codes, self.n_classes)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return self.raw.n_classes

    def recipe(self, name: str) -> Recipe:
        """Return a recipe that was tried, by its name."""
        return self._recipes[name]

    def effects(self, slug: str) -> tuple[Effect, ...]:
        """Run an intervention (once) and return the effect of each of its recipes.

        Raises
        ------
        NotTried
            With the reason why there is nothing to see.
        """
        if slug not in self._effects:
            try:
                self._effects[slug] = self._run(slug)
            except Failed as reason:
                self._effects[slug] = reason
            except (CannotAct, MarginscopeError) as reason:
                self._effects[slug] = NotTried(str(reason))
        outcome = self._effects[slug]
        if isinstance(outcome, Exception):
            raise outcome
        if self.seconds_left(1.0) > 0 and any(one.name in self._owed for one in outcome):
            # There was no time for the placebo before; a ledger may have some of its own.
            outcome = tuple(self._paid(one) for one in outcome)
            self._effects[slug] = outcome
        return outcome

    def _paid(self, effect: Effect) -> Effect:
        if effect.name not in self._owed:
            return effect
        self._owed.discard(effect.name)
        return self._add_placebo(effect, self._recipes[effect.name])

    def reference(self) -> Trial | None:
        """Return the boosted reference, the base if that is as flexible, ``None`` if neither is to be had."""
        if self.situation.view.is_flexible():
            return self.base
        try:
            return self.effects("richer-model")[0].trial
        except NotTried:
            return None

    def tried(self) -> dict[str, tuple[Effect, ...]]:
        """Return all interventions that could be run so far, by slug."""
        return {slug: one for slug, one in self._effects.items() if not isinstance(one, Exception)}

    def can_act(self, slug: str) -> bool:
        """Say whether an intervention has something to turn on this model, as far as is known without running it."""
        try:
            self._check_model(remedy(slug).recipes(self.situation))
        except (CannotAct, MarginscopeError):
            return False
        return not isinstance(self._effects.get(slug), Exception)

    def _check_model(self, recipes: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
        if not self.situation.view.can_refit and any(one.posthoc is None and one.estimator is None for one in recipes):
            raise CannotAct("the model cannot be fitted again, or only its answers are known")
        if not self.situation.features.shape[1] and any(one.estimator is not None for one in recipes):
            raise CannotAct("no features are known that another model could be fitted on")
        return recipes

    def trial(self, recipe: Recipe, *, codes: NDArray[np.int64] | None = None, design: Design | None = None) -> Trial:
        """Fit a recipe on the laboratory's rows, or on permuted ``codes``."""
        self.check_time(recipe.name)
        design = design or self.design
        if recipe.posthoc is not None:
            fitted = self.base if codes is None else self._permuted_base()
            return self._read_through(recipe, fitted, codes, design)
        subject = self.prepared if recipe.reads_features else self.raw
        if codes is not None:
            subject = replace(subject, codes=codes)
        view = self.situation.view
        if recipe.estimator is not None:
            view = SklearnModel(recipe.estimator, seed=self.situation.seed)
        self.progress(recipe.name)
        relabelling = self._on_these_rows(recipe.relabelling)
        return run_trial(recipe.name, view, subject, design, merges=recipe.merges, relabelling=relabelling)

    def _on_these_rows(self, relabelling: Mapping[int, int] | None) -> dict[int, int]:
        """Translate rows of the data to rows of the laboratory."""
        place = {int(row): i for i, row in enumerate(self.rows)} if relabelling else {}
        return {place[row]: code for row, code in (relabelling or {}).items() if row in place}

    def _read_through(self, recipe: Recipe, fitted: Trial, codes: NDArray[np.int64] | None, design: Design) -> Trial:
        assert recipe.posthoc is not None
        if fitted.proba is None:
            raise CannotAct("the model gives no probabilities to adjust")
        labels = self.raw.codes if codes is None else codes
        predicted = np.full_like(fitted.predicted, -1)
        proba = np.zeros_like(fitted.proba)
        for split in design.splits:
            # Given answers have one repeat, whatever the splits of the refits are.
            r = min(split.repeat, fitted.predicted.shape[0] - 1)
            counts = np.bincount(labels[split.train], minlength=self.n_classes)
            rows = split.test[fitted.predicted[r, split.test] >= 0]
            scores = recipe.posthoc(fitted.proba[r, rows].astype(float), counts / counts.sum())
            predicted[r, rows] = scores.argmax(axis=1)
            proba[r, rows] = softmax(scores, axis=1)
        return Trial(recipe.name, predicted, proba, fitted.train_recall, 0.0)

    def _run(self, slug: str) -> tuple[Effect, ...]:
        recipes = self._check_model(remedy(slug).recipes(self.situation))
        z = simultaneous_z(int(self.proof.n_interventions) * self.n_classes)
        effects = []
        for one in recipes:
            self._recipes[one.name] = one
            trial = self.trial(one)
            if trial.failure:
                raise Failed(trial.failure if one.name == slug else f"{one.name}: {trial.failure}")
            effect = compare(self.base, trial, self.raw.codes, self.n_classes, z_simultaneous=z, merges=one.merges)
            if np.nanmax(effect.lift, initial=0.0) >= self.proof.least_lift:
                effect = self._add_placebo(effect, one)
            effects.append(effect)
        return tuple(effects)

    def _add_placebo(self, effect: Effect, recipe: Recipe) -> Effect:
        """Run the same recipe where the labels are permuted; without time or answers there is no placebo."""
        if recipe.relabelling:
            return self._add_wrong_rows(effect, recipe)
        try:
            if self._placebo_codes is None:
                self._placebo_codes = self._permute()
            before = called_rate(self._permuted_base(), self.n_classes)
            trial = self.trial(recipe, codes=self._placebo_codes, design=self.short_design())
        except BudgetSpent:
            self._owed.add(recipe.name)
            return effect
        except (MarginscopeError, NotTried):
            return effect
        if trial.failure:
            return effect
        after = called_rate(trial, self.n_classes)
        # A merged label is called by the name it was merged into.
        return with_placebo(effect, before, after[merge_codes(np.arange(self.n_classes), recipe.merges)])

    def _add_wrong_rows(self, effect: Effect, recipe: Recipe) -> Effect:
        """Relabel as many random rows of the same classes that are not in doubt: the placebo of relabelling."""
        doubtful = self._on_these_rows(recipe.relabelling)
        wrong: dict[int, int] = {}
        for (old, new), n in Counter((int(self.raw.codes[i]), code) for i, code in doubtful.items()).items():
            others = np.setdiff1d(np.flatnonzero(self.raw.codes == old), list(doubtful))
            drawn = self.rng.choice(others, min(n, others.size // 2), replace=False)
            wrong.update((int(self.rows[i]), new) for i in drawn)
        try:
            trial = self.trial(replace(recipe, relabelling=wrong))
        except BudgetSpent:
            self._owed.add(recipe.name)
            return effect
        except (MarginscopeError, NotTried):
            return effect
        if trial.failure:
            return effect
        after = recall_of(trial, self.raw.codes, self.n_classes)
        return replace(with_placebo(effect, self.base_recall, after), placebo_is_paid=False)

    def _permute(self) -> NDArray[np.int64]:
        # Scored rows and those that only train are permuted apart, so that no class changes its size in either.
        codes = self.raw.codes.copy()
        scored = self.design.scored
        for rows in (scored, ~scored):
            codes[rows] = self.rng.permutation(codes[rows])
        return codes

    def _permuted_base(self) -> Trial:
        if self._placebo_base is None:
            if not self.situation.view.can_refit:
                # Given answers do not change with the labels; their called rates are the placebo's start.
                self._placebo_base = self.base
            else:
                assert self._placebo_codes is not None
                self.check_time("the placebo")
                self.progress("placebo: permuted labels")
                subject = replace(self.raw, codes=self._placebo_codes)
                trial = run_trial("placebo", self.situation.view, subject, self.short_design())
                if trial.error is not None:
                    raise trial.error
                self._placebo_base = trial
        return self._placebo_base

    def short_design(self) -> Design:
        """Return two splits of the design, enough where all rows of a split speak for every class; more if small."""
        first = [split for split in self.design.splits if split.repeat == 0]
        scored = np.cumsum([split.test.size for split in first])
        n = int(np.searchsorted(scored, _SHORT_SHARE * scored[-1])) + 1
        return replace(self.design, splits=tuple(first[: max(2, n)]), n_repeats=1)

    def check_time(self, what: str) -> None:
        """Raise ``BudgetSpent`` if the time budget is used up."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise BudgetSpent(f"{BUDGET_SPENT} before {what} could be tried; allow more with --budget")

    def seconds_left(self, most: float) -> float:
        """Return what is left of the time budget, at most ``most``."""
        return most if self.deadline is None else min(most, max(0.0, self.deadline - time.monotonic()))

    def claim(self, slug: str, code: int, label: str) -> Counterfactual | None:
        """Return the best recipe of an intervention for one class, proof or not.

        ``None`` if the class is not scored. Raises like ``effects``.
        """
        options = [self.judge(effect, code, label) for effect in self.effects(slug) if not np.isnan(effect.lift[code])]
        if not options:
            return None
        return max(options, key=lambda one: (one.is_proof, one.net))

    def owes_placebo(self, effect: Effect) -> bool:
        """Say whether there was no time for the placebo of an effect."""
        return effect.name in self._owed

    def judge(self, effect: Effect, code: int, label: str) -> Counterfactual:
        """Hold one effect on one class against the rules of proof."""
        return self.proof.judge(effect, code, label, recall=float(self.base_recall[code]))
