"""Made-up results of every shape, with names that a test may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from marginscope.diagnosis.result import DataSummary, Diagnosis, ModelSummary, ParameterTable
from marginscope.findings import (
    ClassDiagnosis,
    Counterfactual,
    Evidence,
    Finding,
    Panel,
    Series,
    Status,
    Verdict,
)
from marginscope.remedies.ledger import Change, RemedyLedger, RemedyTrial

LABELS = ("lynx", "wolverine", "fox", "marten", "owl", "otter", "beaver", "hare")
FEATURES = ("body mass", "tail length", "ear height", "whisker span", "paw width", "stride", "pelt hue", "activity")
Naming = Sequence[str]


def path_panel(label: str) -> Panel:
    x = tuple(10.0 ** np.arange(-5, 4))
    y = (0.0, 0.0, 0.12, 0.55, 0.81, 0.94, 0.97, 0.98, 0.98)
    return Panel(
        "path",
        f"Recall of {label} along the penalty path",
        "C (inverse penalty)",
        "recall",
        (
            Series(label, x, y, tuple(max(0, v - 0.07) for v in y), tuple(min(1, v + 0.05) for v in y)),
            Series("balanced recall", x, (0.52, 0.61, 0.70, 0.78, 0.84, 0.87, 0.87, 0.87, 0.86)),
        ),
        (("the model's C", 1e-5),),
        log_x=True,
    )


def forest_panel(label: str) -> Panel:
    names = ("logit adjustment", "class weights", "over-sampling")
    return Panel(
        "forest",
        f"What moves {label}",
        "change of recall",
        "",
        (
            Series("true labels", names, (0.41, 0.38, 0.35), (0.29, 0.25, 0.2), (0.53, 0.5, 0.49)),
            Series("permuted labels", names, (0.02, 0.03, -0.01), (-0.05, -0.04, -0.09), (0.08, 0.1, 0.07)),
        ),
        (("no change", 0.0),),
    )


def null_panel(label: str) -> Panel:
    null = tuple(float(v) for v in np.random.default_rng(5).normal(0.12, 0.05, 200))
    return Panel("null", f"Recall of {label} with permuted labels", "recall", "permutations", (Series("", null),),
                 (("observed", 0.14),))  # fmt: skip


def histogram_panel(label: str, rival: str) -> Panel:
    rng = np.random.default_rng(2)
    own, other = rng.normal(-0.4, 0.6, 60), rng.normal(0.9, 0.7, 900)
    series = (Series(label, tuple(map(float, own))), Series(rival, tuple(map(float, other))))
    return Panel("histogram", f"Margin against {rival}", "margin", "rows", series, (("boundary", 0.0),))


def counts_panel(labels: Naming) -> Panel:
    return Panel(
        "counts", "Spellings of one label", "rows", "", (Series("rows", tuple(labels[:3]), (212.0, 31.0, 7.0)),)
    )


def make_classes(names: Naming) -> tuple[ClassDiagnosis, ...]:
    a, b, c, d, e, f, g, h = names
    return (
        ClassDiagnosis(a, 160, 0.03, 0.0, (0.0, 0.02), None, f, Verdict.UNLEARNED, "over-regularised", "few-rows",
                       ("over-regularised", "imbalance"),
                       f"The penalty (C = 1e-5) shrinks {a} away: its recall is 0.98 at C = 0.02 and above.",
                       "160 rows are enough: the interval of the recall is 0.02 wide at the best penalty.",
                       path_panel(a)),
        ClassDiagnosis(b, 0, 0.0, None, None, None, None, Verdict.ABSENT, "class-absent", None, ("class-absent",),
                       f"{b} is declared but has no training row."),
        ClassDiagnosis(c, 1330, 0.25, 0.11, (0.09, 0.14), 0.31, f, Verdict.WEAK, "no-signal", "rival-overlap",
                       ("no-signal",),
                       f"No learner tried tells {c} from permuted labels in these features (p = 0.61).",
                       f"{f} takes most of its rows, but does so with permuted labels too.", null_panel(c)),
        ClassDiagnosis(d, 96, 0.018, 0.38, (0.28, 0.49), 0.71, e, Verdict.WEAK, "imbalance", "low-capacity",
                       ("imbalance",), f"Prior shift alone lifts {d} by 0.41; {e} loses 0.02.",
                       "A boosted forest lifts it by 0.09 less.", forest_panel(d)),
        ClassDiagnosis(e, 14, 0.003, 0.5, (0.27, 0.73), 0.5, d, Verdict.UNDECIDED, "few-rows", None, ("few-rows",),
                       f"{e} has 14 rows: its recall may be anything from 0.27 to 0.73.", "",
                       histogram_panel(e, d)),
        ClassDiagnosis(f, 1650, 0.31, 0.97, (0.96, 0.98), 0.82, c, Verdict.HEALTHY),
        ClassDiagnosis(g, 1900, 0.357, 0.93, (0.92, 0.94), 0.95, f, Verdict.HEALTHY),
        ClassDiagnosis(h, 170, 0.032, 1.0, (0.98, 1.0), 1.0, None, Verdict.HEALTHY),
    )  # fmt: skip


def make_findings(names: Naming) -> tuple[Finding, ...]:
    a, b, c, d, e, f, *_ = names

    def tried(what: str, label: str, lift: float, reason: str = "", placebo: float | None = 0.01) -> Counterfactual:
        return Counterfactual(what, label, 0.1, lift, (lift - 0.07, lift + 0.07), lift / 8, 0.02, placebo, reason)

    return (
        Finding("over-regularised", Status.ISSUE, f"The penalty keeps {a} at zero.", (a,),
                (Evidence(f"best recall of '{a}' along the path", 0.98, 0.1, (0.95, 1.0)),
                 Evidence("penalty of the model (C)", 1e-5), Evidence("norm of the class's row", 0.00213, 0.05)),
                ("weaker-penalty", "logit-adjustment"),
                (tried("penalty C = 1", a, 0.94), tried("placebo-like scaling", a, 0.02, "the lift is below 0.10")),
                {a: path_panel(a)}),
        Finding("imbalance", Status.ISSUE, f"{d} is recovered by a prior shift alone.", (d,),
                (Evidence("lift by logit adjustment", 0.41, 0.05, (0.29, 0.53)),),
                ("logit-adjustment", "class-weights"),
                (tried("logit adjustment", d, 0.41), tried("class weights", d, 0.38, f"{f} pays 0.30 for it", 0.31),
                 tried("class weights", a, 0.21, "permuted classes gain as much", 0.2)), {d: forest_panel(d)}),
        Finding("no-signal", Status.ISSUE, f"{c} cannot be told from permuted labels.", (c,),
                (Evidence("permutation p-value", 0.61, 0.05),), ("collect-features",), (), {c: null_panel(c)}),
        Finding("class-absent", Status.ISSUE, f"{b} has no training row.", (b,)),
        Finding("few-rows", Status.ISSUE, f"{e} has 14 rows.", (e,), (Evidence("width of the interval", 0.46, 0.3),),
                ("collect-rows",)),
        Finding("label-map", Status.TIP, f"{a!r} and {f!r} look like two spellings of one label.", (a, f),
                (Evidence("rows", 250.0),), ("merge-labels",), (), {"": counts_panel(names)}, tuple(range(40))),
        Finding("infinite-parameters", Status.ISSUE, "6 parameters have no finite value: their classes are separated.",
                (f, c), (Evidence("infinite parameters", 6.0, 0.0),), ("stronger-penalty",), (), {}, (), object()),
        Finding("weights-vanish", Status.TIP, "Class weights fade after 12 000 steps: they cannot change the limit."),
        Finding("unscaled-features", Status.PASSED, "The features have comparable spreads."),
        Finding("dead-units", Status.NOT_APPLICABLE, "The model has no hidden units."),
        Finding("overfit", Status.SKIPPED, "It needs refits; the budget of 10 seconds was spent."),
        Finding("mislabelled", Status.ERRORED, "The check failed: ValueError: nothing to compare."),
    )  # fmt: skip


def make_parameters(names: Naming, features: Naming) -> ParameterTable:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1.4, (len(names), len(features)))
    infinite = np.zeros(values.shape, dtype=np.int8)
    infinite[5, :3], infinite[2, :3] = (1, -1, 1), (-1, 1, -1)
    values[7, 7] = np.nan
    return ParameterTable(tuple(names), tuple(features), values, "coefficients of each feature sum to zero", infinite)


def make_ledger(names: Naming, n_targets: int = 2) -> RemedyLedger:
    a, _, c, d, e, f, g, h = names
    targets = (a, d)[:n_targets]

    def trial(slug: str, title: str, lift: float, other: float, **more: object) -> RemedyTrial:
        change = {label: Change(lift - 0.1 * k, (lift - 0.1 * k - 0.09, lift - 0.1 * k + 0.09))
                  for k, label in enumerate(targets)}  # fmt: skip
        recall = dict.fromkeys((*targets, c, e, f, g, h), 0.2 + lift)
        balanced = Change(lift / 6, (lift / 6 - 0.02, lift / 6 + 0.02))
        return RemedyTrial(slug, title, "tried", "", recall, change, balanced,
                           (f, other), -0.04, 0.012, targets if lift > 0.2 else (), 1.84,
                           snippet=f"model.set_params({slug.replace('-', '_')}=True)\nmodel.fit(X, y)", **more)  # type: ignore[arg-type]  # fmt: skip

    return RemedyLedger(
        targets,
        dict.fromkeys(names, 0.1),
        (
            trial("class-weights", "Class weights", 0.24, -0.19, side_effects="probabilities stop matching the shares"),
            trial("weaker-penalty", "Weaker penalty (C = 1)", 0.62, -0.01),
            trial("smote", "SMOTE", 0.08, -0.03),
            trial("under-sampling", "Under-sampling", -0.16, -0.44),
            RemedyTrial("stronger-penalty", "Stronger penalty", "could_not_act", "the row is at zero already"),
            RemedyTrial("richer-model", "Richer model", "failed", "the fit ended with LinAlgError: singular matrix"),
        ),
        "weaker-penalty",
        f"A weaker penalty (C = 1) lifts {a} by 0.62 and costs no other class more than 0.01.",
        notes=("5-fold cross-validation, the folds of the diagnosis.",),
        data={"file": None},
        provenance={"version": "0.1.0", "seed": 0},
    )  # fmt: skip


def make_diagnosis(names: Naming = LABELS, features: Naming = FEATURES, file: str | None = "animals.csv") -> Diagnosis:
    rng = np.random.default_rng(1)
    n = len(names)
    confusion = rng.integers(0, 12, (n, n))
    confusion[np.arange(n), np.arange(n)] += rng.integers(20, 400, n)
    confusion[1] = 0
    return Diagnosis(
        classes=make_classes(names),
        findings=make_findings(names),
        data=DataSummary(5320, len(features), n, file, "a3f1" * 16, "species"),
        model=ModelSummary("LogisticRegression", {"C": 1e-5, "class_weight": "balanced"}),
        labels=tuple(names),
        provenance={"version": "0.1.0", "seed": 0, "command": "marginscope diagnose animals.csv -t species --seed 0",
                    "packages": {"numpy": "2.1.0", "scikit-learn": "1.6.1"}},
        notes=("5-fold stratified cross-validation; 0 is the seed of the folds.", "Features were standardised."),
        confusion=confusion.astype(np.int64),
        parameters=make_parameters(names, features),
        thresholds={"imbalance": {"least_lift": 0.05}, "few-rows": {"widest_interval": 0.3, "rows": 30.0}},
        ledger=make_ledger(names),
        fix_words=("marginscope", "fix", "animals.csv", "-t", "species", "--seed", "0"),
    )  # fmt: skip


def make_large(n_classes: int = 1000, n_features: int = 300) -> Diagnosis:
    """A diagnosis of very many classes, half of them not learned."""
    rng = np.random.default_rng(9)
    names = tuple(f"class {k:05d}" for k in range(n_classes))
    classes = tuple(
        ClassDiagnosis(name, 20, 1 / n_classes, 0.05 if k < n_classes / 2 else 0.9, (0.0, 0.2), 0.4, names[k - 1],
                       Verdict.UNLEARNED if k < n_classes / 2 else Verdict.HEALTHY,
                       "imbalance" if k < n_classes / 2 else None, "few-rows", ("imbalance",), "A shift lifts it.",
                       "", path_panel(name) if k < n_classes / 2 else None)
        for k, name in enumerate(names)
    )  # fmt: skip
    features = tuple(f"word {j}" for j in range(n_features))
    return replace(
        make_diagnosis(),
        classes=classes,
        labels=names,
        findings=(Finding("imbalance", Status.ISSUE, "Prior shift.", names[: n_classes // 2]),),
        data=DataSummary(20 * n_classes, n_features, n_classes),
        confusion=rng.integers(0, 3, (n_classes, n_classes)),
        parameters=ParameterTable(names, features, rng.normal(size=(n_classes, n_features)), "sum to zero"),
        ledger=None,
    )


def make_bare() -> Diagnosis:
    """A diagnosis of predictions alone, in which nothing exists that may be missing."""
    none = ClassDiagnosis("0", 0, 0.0, None, None, None, None, Verdict.ABSENT)
    vague = ClassDiagnosis("1", 3, 1.0, None, None, None, None, Verdict.UNDECIDED)
    empty = Panel(
        "path", "", "", "", (Series("", (1.0,), (None,), (None,), (None,)),), (("nowhere", float("nan")),), True
    )
    return Diagnosis(
        classes=(none, replace(vague, panel=empty, cause="few-rows")),
        findings=(Finding("few-rows", Status.ISSUE, "", ("1",), (Evidence("rows", None),)),),
        data=DataSummary(3, 0, 2),
        model=ModelSummary("Predictions"),
        labels=("0", "1"),
        ledger=RemedyLedger((), {}, (), None, "Nothing could act."),
    )
