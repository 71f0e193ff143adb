"""Labels that look like two spellings of one name, and labels that do not."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marginscope.diagnosis.spelling import spelling_pairs

SAME = [
    ("Cat", "CAT"),
    ("Cat", "cat "),
    ("cat", "\tcat"),
    ("cat\u00a0", "cat"),
    ("hid", "hId"),
    ("New York", "new  york"),
    ("self-harm", "self harm"),
    ("owl_barn", "owl barn"),
    ("Normal.", "normal"),
    ("don’t", "don't"),
    ("Straße", "STRASSE"),
    ("ﬁsh", "fish"),
    ("ＡＢＣ", "ABC"),
    (unicodedata.normalize("NFC", "Café"), unicodedata.normalize("NFD", "Café")),
    ("Café", "CafÃ©"),
    ("Müller", "MÃ¼ller"),
    ("São Paulo", "SÃ£o Paulo"),
    ("don’t", "donâ€™t"),
    ("1", "1.0"),
    ("1", "01"),
    ("0.5", "0.50"),
    ("1000", "1e3"),
    ("0", "-0"),
    ("Flow Proportioning Valve Close", "Fpv Close"),
    ("Radiator Flow", "Rad Flow"),
    ("virginica", "virg"),
]

DIFFERENT = [
    ("class1", "class2"),
    ("class1", "class10"),
    ("class1", "class199"),
    ("cluster1", "cluster10"),
    ("type2", "type21"),
    ("type2", "type2b"),
    ("class1 red", "class10 red"),
    ("class 1", "class 2"),
    ("male", "female"),
    ("a", "b"),
    ("yes", "no"),
    ("east", "west"),
    ("left", "right"),
    ("north east", "north west"),
    ("0", "1"),
    ("-1", "1"),
    ("-1.0", "+1"),
    ("1", "11"),
    ("1", "1.5"),
    ("positive", "negative"),
    ("acc", "unacc"),
    ("walking upstairs", "walking downstairs"),
    ("Iris-setosa", "Iris-versicolor"),
    ("type A", "type B"),
    ("grade I", "grade II"),
    ("猫", "犬"),
    ("😀", "😁"),
    ("?", "!"),
    ("", "x"),
]


def pair(one, other, counts):
    found = spelling_pairs([one, other], counts)
    return [(p.rarer, p.commoner, p.difference) for p in found]


@pytest.mark.parametrize("counts", [(100, 90), (100, 3), (3, 100)])
@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_are_a_pair_however_common(one, other, counts):
    ((rarer, commoner, difference),) = pair(one, other, counts)
    assert counts[rarer] < counts[commoner]
    assert difference


@pytest.mark.parametrize("counts", [(100, 90), (100, 3), (3, 100)])
@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_names_are_no_pair_however_rare(one, other, counts):
    assert pair(one, other, counts) == []


@pytest.mark.parametrize(
    ("one", "other"), [("setosa", "setsoa"), ("setosa", "Setsoa"), ("abnormal", "abnrmal"), ("walking", "wlking")]
)
def test_a_slip_of_one_letter_counts_only_for_a_rare_label(one, other):
    assert pair(one, other, (100, 5)) == [(1, 0, "one letter")]
    assert pair(one, other, (5, 100)) == [(0, 1, "one letter")]
    assert pair(one, other, (100, 60)) == []


def test_the_share_of_a_slip_is_a_parameter():
    assert spelling_pairs(["setosa", "setsoa"], [100, 40]) == ()
    assert len(spelling_pairs(["setosa", "setsoa"], [100, 40], typo_share=0.5)) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("cat", "car"), ("east", "eats"), ("sensor1", "sensor2"), ("Q1 low", "Q2 low")]
)
def test_short_words_and_digits_do_not_slip(one, other):
    assert pair(one, other, (100, 2)) == []


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("cat", "cat ", "surrounding blanks"),
        ("cat", "Cat", "case"),
        ("Café", "CafÃ©", "encoding"),
        ("1", "1.0", "number format"),
        ("Radiator Flow", "Rad Flow", "an abbreviation"),
    ],
)
def test_the_difference_is_named(one, other, difference):
    assert pair(one, other, (9, 5)) == [(1, 0, difference)]


def test_every_label_is_the_rarer_of_at_most_one_pair():
    labels = ["Cat", "cat", "CAT", "cat ", "dog", "Dog"]
    found = spelling_pairs(labels, [100, 30, 10, 5, 80, 2])
    rarer = [p.rarer for p in found]
    assert sorted(rarer) == [1, 2, 3, 5]
    assert len(set(rarer)) == len(rarer)
    assert {p.commoner for p in found if p.rarer == 5} == {4}


def test_spellings_of_one_name_end_at_one_name():
    """Following rarer to commoner from any spelling ends at the commonest."""
    counts = [100, 30, 10, 5]
    onto = {p.rarer: p.commoner for p in spelling_pairs(["Cat", "cat", "CAT", "cat "], counts)}
    for start in onto:
        at = start
        while at in onto:
            assert counts[onto[at]] > counts[at]
            at = onto[at]
        assert at == 0


def test_ids_that_differ_in_their_last_digit_are_two_ids_however_long():
    assert pair("9007199254740992", "9007199254740993", (50, 40)) == []
    assert pair(str(2**63 + 1), str(2**63 + 5), (50, 40)) == []


@pytest.mark.parametrize(
    ("one", "other"), [(">50K", "<=50K"), ("<50", ">50"), ("C++", "C#"), ("C", "C++"), ("A+", "A-")]
)
def test_signs_that_carry_the_meaning_are_not_punctuation(one, other):
    assert pair(one, other, (100, 60)) == []


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8, unique=True), st.data())
def test_any_labels_at_all_give_valid_pairs(labels, data):
    counts = data.draw(st.lists(st.integers(0, 50), min_size=len(labels), max_size=len(labels)))
    for found in spelling_pairs(labels, counts):
        assert found.rarer != found.commoner
        assert counts[found.rarer] <= counts[found.commoner]


@given(st.text(alphabet=st.characters(categories=("Lu", "Ll", "Nd")), min_size=1, max_size=12))
def test_blanks_around_a_name_never_make_another(name):
    padded = f" {name}  "
    assert pair(name, padded, (5, 2))[0][:2] == (1, 0)
