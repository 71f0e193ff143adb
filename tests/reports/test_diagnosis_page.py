from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import html5lib
import numpy as np
import pytest
from made_up_results import FEATURES, LABELS, make_bare, make_classes, make_diagnosis, make_large, make_ledger

from marginscope.diagnosis.result import Diagnosis
from marginscope.findings import Counterfactual, Evidence, Finding, Status, Verdict
from marginscope.reports import diagnosis_page
from marginscope.reports.class_card import class_card, fix_command
from marginscope.reports.confusion_table import confusion_table
from marginscope.reports.heat_map import heat_map
from marginscope.reports.palette import INKS
from marginscope.reports.verdict_table import VerdictRow, verdict_line, verdict_table

XHTML = "{http://www.w3.org/1999/xhtml}"


def words_of(page: str, tag: str = "body") -> str:
    root = html5lib.parse(page)
    parts = []
    for element in next(root.iter(XHTML + tag)).iter():
        if element.tag not in (XHTML + "script", XHTML + "style"):
            parts += [element.text or ""]
        parts += [element.tail or ""]
    return " ".join(" ".join(parts).split())


def island_of(page: str) -> object:
    found = re.search(r'<script type="application/json" id="[^"]+">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


def test_the_page_tells_everything(diagnosis: Diagnosis) -> None:
    words = words_of(diagnosis_page.page(diagnosis))
    for told in (
        "2 of 8 classes are not learned, 2 are weak and 1 is undecided.",
        "LogisticRegression on animals.csv, target species",
        "0.00 to 0.02",
        "shrinks lynx away",
        "best recall of 'lynx' along the path",
        "penalty C = 1",
        "no: permuted classes gain as much",
        "Ruled out few-rows , because 160 rows are enough",
        "marginscope fix animals.csv -t species --seed 0 --class lynx",
        "infinite-parameters",
        "Class weights fade after 12 000 steps",
        "Weaker penalty (C = 1) winner",
        "Could not act stronger-penalty the row is at zero already",
        "Gauge: coefficients of each feature sum to zero",
        "no finite value",
        "True class",
        "6 issues, 2 tips, 1 passed, 1 not applicable, 1 skipped, 1 errored",
        "least_lift",
        "marginscope diagnose animals.csv -t species --seed 0",
        "scikit-learn 1.6.1",
        "class_weight=balanced",
        "5-fold stratified cross-validation",
    ):
        assert told in words, told


def test_the_page_says_what_the_recall_is_of(diagnosis: Diagnosis) -> None:
    given = replace(diagnosis, recall_note="Recall is that of the given answers; references: 5-fold.")
    words = words_of(diagnosis_page.page(given))
    assert "Recall is that of the given answers; references: 5-fold. The band of the recall" in words
    assert "out of sample" not in words
    assert "out-of-sample" not in words.lower()
    assert "that of the given answers" in given.plot().axes[0].get_xlabel()


def test_the_confusion_says_that_it_is_a_mean(diagnosis: Diagnosis) -> None:
    assert "Scored rows: true class down" in words_of(diagnosis_page.page(diagnosis))
    words = words_of(diagnosis_page.page(replace(diagnosis, n_repeats=3)))
    assert "Scored rows, the mean of 3 repeats: true class down" in words


def one_card(diagnosis: Diagnosis, label: str, **cause: object) -> str:
    """The page of one class whose cause was found with these changes."""
    one = replace(diagnosis[label], **{"verdict": Verdict.WEAK})
    findings = tuple(replace(f, **cause) if f.slug == one.cause else f for f in diagnosis.findings)  # type: ignore[arg-type]
    return words_of(diagnosis_page.page(replace(diagnosis, classes=(one,), findings=findings)))


def test_a_remedy_that_was_refuted_for_the_class_is_not_what_to_do(diagnosis: Diagnosis) -> None:
    card = class_card(diagnosis, VerdictRow(3, diagnosis["marten"], None))
    assert [slug for slug, _ in card.remedies] == ["logit-adjustment", "class-weights"]
    tried = Counterfactual("class-weights", "marten", 0.1, 0.02, (-0.1, 0.1), 0.0, 0.0, 0.0, "too small")
    strong = replace(tried, intervention="logit-adjustment x10", reason="")
    claims = (tried, strong, replace(strong, reason="the placebo does as much"))
    findings = tuple(replace(f, counterfactuals=claims) if f.slug == "imbalance" else f for f in diagnosis.findings)
    card = class_card(replace(diagnosis, findings=findings), VerdictRow(3, diagnosis["marten"], None))
    assert [slug for slug, _ in card.remedies] == ["logit-adjustment"]


def test_without_a_remedy_the_advice_of_the_finding_is_what_to_do(diagnosis: Diagnosis) -> None:
    words = one_card(diagnosis, "owl", remedies=(), advice="Collect more rows: 30 are a start.")
    assert "What to do Collect more rows: 30 are a start." in words


def test_a_handful_of_rows_rules_nothing_out(diagnosis: Diagnosis) -> None:
    owl = replace(diagnosis["owl"], runner_up="imbalance", runner_up_reason="2 scored rows prove nothing")
    words = words_of(diagnosis_page.page(replace(diagnosis, classes=(owl,))))
    assert "Not proved imbalance , because 2 scored rows prove nothing" in words


def test_the_encoding_of_columns_is_no_parameter(diagnosis: Diagnosis) -> None:
    model = replace(diagnosis.model, params={"prepare__encode__categories": "['a', 'b']", "model__C": 0.5})
    words = words_of(diagnosis_page.page(replace(diagnosis, model=model)))
    assert "model__C=0.5" in words
    assert "prepare__" not in words


@pytest.mark.parametrize(
    ("status", "proved", "cause_proved", "head"),
    [
        (Status.ISSUE, True, True, "Second explanation"),
        (Status.ISSUE, False, True, "Ruled out"),
        (Status.ISSUE, False, False, "Second explanation"),
        (Status.PASSED, False, False, "Ruled out"),
    ],
)
def test_a_second_explanation_is_one_that_may_be_true(
    status: Status, proved: bool, cause_proved: bool, head: str, diagnosis: Diagnosis
) -> None:
    proof = Counterfactual("scaling", "marten", 0.1, 0.3, (0.2, 0.4), 0.0, 0.0, 0.0)
    second = Finding("low-capacity", status, "Trees.", ("marten",), counterfactuals=(proof,) if proved else ())
    first = Finding("imbalance", Status.ISSUE, "Shift.", ("marten",), counterfactuals=(proof,) if cause_proved else ())
    words = words_of(
        diagnosis_page.page(replace(diagnosis, classes=(diagnosis["marten"],), findings=(first, second), ledger=None))
    )
    assert f"{head} low-capacity" in words


def test_every_check_is_listed_once(diagnosis: Diagnosis) -> None:
    root = html5lib.parse(diagnosis_page.page(diagnosis))
    tables = [table for table in root.iter(XHTML + "table") if "ms-checks" in table.attrib.get("class", "")]
    slugs = [code.text for table in tables for code in table.iter(XHTML + "code")]
    assert sorted(slugs) == sorted(finding.slug for finding in diagnosis.findings)


def test_the_embedded_document_is_the_contract(diagnosis: Diagnosis) -> None:
    assert island_of(diagnosis_page.page(diagnosis)) == json.loads(diagnosis.to_json())


def test_num015_no_bare_nan_is_embedded(diagnosis: Diagnosis) -> None:
    odd = Finding("imbalance", Status.ISSUE, "", evidence=(Evidence("x", float("nan"), float("inf")),))
    page = diagnosis_page.page(replace(diagnosis, findings=(odd,)))
    document = island_of(page)
    assert isinstance(document, dict)
    assert document["findings"][0]["evidence"][0]["value"] is None


def test_num015_nothing_exists_and_the_page_still_stands() -> None:
    page = diagnosis_page.page(make_bare())
    assert "1 of 2 classes is not learned and 1 is undecided." in page
    assert "None" not in words_of(page)
    assert "nan" not in words_of(page).lower()
    assert "Nothing could act." in page
    assert "None" not in words_of(f"<body>{make_bare()._repr_html_()}")
    make_bare().plot()


def test_no_classes_at_all(diagnosis: Diagnosis) -> None:
    empty = replace(make_bare(), classes=(), labels=(), findings=())
    assert "No class was judged." in diagnosis_page.page(empty)
    diagnosis_page.figure(empty)


@pytest.mark.parametrize(
    ("verdicts", "line"),
    [
        ("HHH", "All 3 classes are learned."),
        ("UHH", "1 of 3 classes is not learned."),
        ("UAW", "2 of 3 classes are not learned and 1 is weak."),
        ("WWH", "2 of 3 classes are weak."),
        ("?HH", "1 of 3 classes is undecided."),
        ("W", "1 of 1 class is weak."),
    ],
)
def test_the_verdict_line(verdicts: str, line: str) -> None:
    known = dict(zip("HUAW?", ("healthy", "unlearned", "absent", "weak", "undecided"), strict=True))
    made = [replace(make_classes(LABELS)[0], verdict=Verdict(known[one])) for one in verdicts]
    assert verdict_line(made) == line


def test_healthy_classes_are_folded_only_when_many(diagnosis: Diagnosis) -> None:
    assert not verdict_table(diagnosis, 9).folded
    healthy = tuple(replace(diagnosis.classes[-1], label=f"h{k}") for k in range(20))
    many = replace(diagnosis, classes=(*diagnosis.classes[:5], *healthy))
    assert len(verdict_table(many, 9).folded) == 20
    assert "20 healthy classes" in words_of(diagnosis_page.page(many))


def test_each_class_shows_its_own_numbers_only(diagnosis: Diagnosis) -> None:
    shared = Finding(
        "imbalance",
        Status.ISSUE,
        "Prior shift.",
        ("lynx", "fox"),
        (
            Evidence("lift of 'lynx'", 0.11),
            Evidence("lift of 'fox'", 0.77),
            Evidence("prior used", 0.5),
            Evidence("why", None),
        ),
    )
    one = replace(diagnosis.classes[0], cause="imbalance", runner_up=None, findings=("imbalance",))
    page = diagnosis_page.page(replace(diagnosis, classes=(one,), findings=(shared,), ledger=None))
    card = words_of(page).partition("Why, class by class")[2].partition("Method and limits")[0]
    assert "lift of 'lynx' 0.11" in card
    assert "prior used 0.5" in card
    assert "0.77" not in card


def test_dat031_a_thousand_classes_fit_a_page(tmp_path: Path) -> None:
    large = make_large()
    large.save_html(tmp_path / "large.html")
    page = (tmp_path / "large.html").read_text("utf-8")
    assert len(page.encode()) < 2_000_000
    assert page.count("<td") + page.count("<th") < 10_000
    words = words_of(page)
    assert "500 of 1,000 classes are not learned." in words
    assert "Cards are drawn for the 30 worst classes; 470 more" in words
    assert "the whole matrix cannot be read" in words
    assert "the 40 of 300 features with the largest parameters" in words
    assert len(large._repr_html_()) < 500_000


def test_dat029_a_label_of_a_million_characters() -> None:
    names = ("x" * 1_000_000, *LABELS[1:])
    page = diagnosis_page.page(make_diagnosis(names))
    assert len(page) < 1_500_000
    assert "x" * 1000 not in page
    assert "too long for a page" in page
    assert len(make_diagnosis(names)._repr_html_()) < 200_000


def test_sec014_no_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", classmethod(lambda cls: cls("/home/ada")))
    private = make_diagnosis(file="/home/ada/my data/a.csv")
    private = replace(private, fix_words=("marginscope", "fix", "/home/ada/my data/a.csv", "-t", "y"))
    page = diagnosis_page.page(private)
    assert "/home/ada" not in page
    assert "marginscope fix ~/'my data/a.csv' -t y" in words_of(page)
    assert "/home/ada" not in private._repr_html_()


def test_the_line_to_type_quotes_what_it_must(diagnosis: Diagnosis) -> None:
    assert fix_command(diagnosis, "a b; rm") == "marginscope fix animals.csv -t species --seed 0 --class 'a b; rm'"
    assert fix_command(replace(diagnosis, fix_words=()), "it's") == 'diagnosis.remedy("it\'s")'


def test_infinite_parameters_are_hatched(diagnosis: Diagnosis) -> None:
    heat = heat_map(diagnosis)
    assert heat is not None
    assert [row.label for row in heat.rows] == list(LABELS)
    assert [cell.text for cell in heat.rows[5].cells[:3]] == ["+∞", "−∞", "+∞"]
    assert sum(cell.is_infinite for row in heat.rows for cell in row.cells) == 6
    assert heat.rows[7].cells[7].text == "–"
    assert diagnosis_page.page(diagnosis).count("ms-infinite") >= 7


def test_the_heat_map_keeps_infinite_features_first() -> None:
    large = make_large(30, 300)
    assert large.parameters is not None
    infinite = np.zeros(large.parameters.values.shape, dtype=np.int8)
    infinite[3, 250] = 1
    heat = heat_map(replace(large, parameters=replace(large.parameters, infinite=infinite)))
    assert heat is not None
    assert heat.features[0] == "word 250"
    assert len(heat.features) == 40


def test_the_confusion_matrix_counts(diagnosis: Diagnosis) -> None:
    table = confusion_table(diagnosis)
    assert table is not None
    assert diagnosis.confusion is not None
    assert [[count for count, _ in row] for row in table.cells] == diagnosis.confusion.tolist()
    large = confusion_table(make_large(60, 3))
    assert large is not None
    assert not large.cells
    counts = [mistake.rows for mistake in large.mistakes]
    assert counts == sorted(counts, reverse=True)
    assert all(mistake.true != mistake.predicted for mistake in large.mistakes)


def test_the_page_is_the_same_each_time() -> None:
    assert diagnosis_page.page(make_diagnosis()) == diagnosis_page.page(make_diagnosis())


def test_style_sheet_and_figures_use_the_same_colours() -> None:
    style = Path(diagnosis_page.__file__).with_name("templates").joinpath("page.css").read_text("utf-8")
    light = dict(re.findall(r"--ms-(\w+): (#\w+);", style.partition("@media")[0]))
    assert {name: light.get(name) for name in INKS} == INKS


def test_the_cell_of_a_notebook_is_scoped_and_small(diagnosis: Diagnosis) -> None:
    cell = diagnosis._repr_html_()
    assert len(cell) < 100_000
    assert "<script" not in cell
    style = cell.partition("<style>")[2].partition("</style>")[0]
    rules = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "", style, flags=re.S)
    assert all(
        part.strip().startswith(".ms") for line in rules.splitlines() for part in line.split(",") if part.strip()
    )
    root = html5lib.parse(cell)
    assert len(list(root.iter(XHTML + "details"))) >= 5
    assert not [one for one in root.iter() if "id" in one.attrib and not one.attrib["id"].startswith("m")]


def test_the_figure_shows_recall_by_class(diagnosis: Diagnosis, tmp_path: Path) -> None:
    figure = diagnosis.plot()
    ax = figure.axes[0]
    assert [one.get_text() for one in ax.get_yticklabels()] == list(LABELS)
    assert [one.get_text() for one in ax.get_legend().get_texts()] == [
        "healthy",
        "weak",
        "unlearned",
        "absent",
        "undecided",
    ]
    recalls = [float(line.get_xdata()[0]) for line in ax.lines if len(line.get_xdata()) == 1]
    assert recalls == [one.recall for one in diagnosis.classes if one.recall is not None]
    figure.savefig(tmp_path / "recall.png")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert diagnosis.plot(ax=ax) is figure


def test_a_ledger_reaches_the_cards(diagnosis: Diagnosis) -> None:
    assert "tried: recall +0.62 (+0.53 to +0.71)" in words_of(diagnosis_page.page(diagnosis))
    without = words_of(diagnosis_page.page(replace(diagnosis, ledger=None)))
    assert "tried: recall" not in without
    assert make_ledger(LABELS).sentence not in without


def test_features_are_named(diagnosis: Diagnosis) -> None:
    words = words_of(diagnosis_page.page(diagnosis))
    assert all(feature in words for feature in FEATURES)


def test_every_count_has_commas_between_thousands() -> None:
    """Of rows, features, classes and what is left out, on the page, in the cell and as text."""
    large = make_large(2500, 5000)
    large = replace(large, classes=tuple(replace(one, label="k") for one in large.classes))
    large = replace(large, labels=("k",) * 2500)
    large = replace(large, findings=(), confusion=None)
    for text in (words_of(diagnosis_page.page(large)), words_of(diagnosis_page.fragment(large)), str(large)):
        assert (
            re.findall(r"(?<![\w.,])\d{4,}(?= (?:\w+ )?(?:rows|features|classes|healthy|unlearned|more))", text) == []
        )
        assert "1,250" in text
        assert "50,000 rows" in text
        assert "5,000 features" in text
