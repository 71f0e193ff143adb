"""Labels, feature and file names that try to be more than words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from made_up_results import LABELS, make_diagnosis, make_ledger

from marginscope.diagnosis.result import Diagnosis
from marginscope.reports import diagnosis_page, environment, ledger_page
from marginscope.reports.json_island import as_island

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--",
    "--><script>alert(1)</script>",
    "<!--<script>",
    "]]><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "</svg><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</bdi></td></table><img src=x onerror=alert(1)>",
    '" onmouseover=alert(1) x="',
    "' onfocus=alert(1) autofocus x='",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "` onmouseover=alert(1)",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "&quot; onclick=alert(1)",
    "<iframe src=javascript:alert(1)>",
    "<object data=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<base href=//evil.invalid/>",
    "<link rel=stylesheet href=//evil.invalid/x.css>",
    "<meta http-equiv=refresh content=0;url=//evil.invalid>",
    "<form action=//evil.invalid><input name=q>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<details open ontoggle=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<plaintext>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{0.__class__.__mro__}",
    "%s%n%(x)s",
    "${alert(1)}",
    "\\u003cscript\\u003e",
    '\\";alert(1);//',
    "</textarea><script>alert(1)</script>",
    "url(//evil.invalid/x)",
    "url(#m0)",
    "expression(alert(1))",
    "; background: url(//evil.invalid)",
    "*/} body { display: none } /*",
    "\u2028alert(1)\u2029",
    "\x1b]0;evil\x07\x1b[2J",
    "\u202e<script>alert(1)</script>\u2066",
    "$\\href{//evil.invalid}{x}$",
    "\ud800<b>\udfff",
    "=cmd|' /C calc'!A1",
    "\x00<b>\x0b",
)


BATCHES = tuple(PAYLOADS[start : start + len(LABELS)] for start in range(0, len(PAYLOADS), len(LABELS)))


def twin_of(payload: str) -> str:
    """A harmless text of the same length, so that both are cut alike."""
    return ("abcdefghij" * (len(payload) // 10 + 1))[: len(payload)]


def hostile(payloads: Sequence[str]) -> Diagnosis:
    """Return a diagnosis with the payloads in every place where a name from outside may stand."""
    texts = [payloads[k % len(payloads)] for k in range(len(LABELS))]
    names = tuple(f"{text}{k}" for k, text in enumerate(texts))
    made = make_diagnosis(names, tuple(f"{text} {k}" for k, text in enumerate(texts)), file=f"{texts[0]}.csv")
    listed = {f"{k}{text}": text for k, text in enumerate(texts)}
    return replace(
        made,
        data=replace(made.data, target=texts[1], sha256=texts[2]),
        model=replace(made.model, kind=texts[3], params=listed),
        provenance={"version": texts[4], "seed": texts[5], "command": texts[6], "packages": listed, **listed},
        notes=tuple(texts),
        fix_words=("marginscope", "fix", *texts),
        thresholds={text: {text: 0.1} for text in listed},
    )


def anatomy(page: str) -> Counter[tuple[object, ...]]:
    """Count elements with the names of their attributes, and the values of all that could act."""
    parser = html5lib.HTMLParser(strict=False)
    found: Counter[tuple[object, ...]] = Counter()
    for element in parser.parse(page).iter():
        acting = {"class", "id", "href", "role", "scope", "type", "http-equiv", "name", "rowspan", "colspan"}
        kept = [(name, value if name in acting else "") for name, value in element.attrib.items()]
        kept = [(name, re.sub(r"m[0-9a-f]{8}-", "m-", value)) for name, value in kept]
        # How many ticks a picture has depends on the width of its words.
        is_drawing = "2000/svg" in str(element.tag)
        found[(str(element.tag), *(sorted(kept) if not is_drawing else sorted(element.attrib)))] += not is_drawing
    return found


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: str(PAYLOADS.index(batch[0])))
def test_sec005_a_name_adds_no_element_and_no_attribute(batch: Sequence[str]) -> None:
    bad, harmless = hostile(batch), hostile([twin_of(payload) for payload in batch])
    page = diagnosis_page.page(bad)
    page.encode("utf-8")
    assert anatomy(page) == anatomy(diagnosis_page.page(harmless))
    assert anatomy(bad._repr_html_()) == anatomy(harmless._repr_html_())


@pytest.mark.parametrize("payload", PAYLOADS[::4])
def test_sec005_the_ledger_page_too(payload: str) -> None:
    def ledger(text: str) -> str:
        names = tuple(f"{text}{k}" for k in range(len(LABELS)))
        made = make_ledger(names)
        made.sentence = text
        made.notes = (text,)
        return ledger_page.page(made) + ledger_page.fragment(made)

    assert anatomy(ledger(payload)) == anatomy(ledger(twin_of(payload)))


def test_sec005_the_embedded_document_has_no_markup() -> None:
    island = as_island({"a": "".join(PAYLOADS), "b\u2028<": ["</script>&\u2029", {"c": "<!--"}]})
    assert island is not None
    assert not set(island) & set("<>&\u2028\u2029")


def test_sec005_the_policy_allows_this_style_and_script_only() -> None:
    page = diagnosis_page.page(make_diagnosis())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert "default-src" in policy[1]
    assert "unsafe" not in policy[1]
    root = html5lib.parse(page)
    for element in root.iter():
        assert "style" not in element.attrib
        assert not [name for name in element.attrib if name.startswith("on")]


def test_sec013_no_page_names_an_address_to_fetch() -> None:
    for made in (
        diagnosis_page.page(make_diagnosis()),
        ledger_page.page(make_ledger(LABELS)),
        make_diagnosis()._repr_html_(),
    ):
        for element in html5lib.parse(made).iter():
            assert "src" not in element.attrib
            assert all(
                value.startswith("#")
                for name, value in element.attrib.items()
                if name in ("href", "{http://www.w3.org/1999/xlink}href", "action", "data", "poster", "srcset")
            )
        assert not re.search(r"https?:|url\((?!#)|@import", made)


def test_sec016_names_are_no_templates() -> None:
    page = diagnosis_page.page(hostile(["{{ 7 * 7 }}"]))
    assert "{{ 7 * 7 }}0" in page
    assert "{0.__class__}" in diagnosis_page.page(hostile(["{0.__class__}"]))


def test_dat028_a_name_is_isolated_from_its_neighbours() -> None:
    page = diagnosis_page.page(make_diagnosis(("מנהל", "\u202eevil", *LABELS[2:])))
    assert '<bdi class="ms-name">מנהל</bdi>' in page
    assert "\u202e" not in page.partition('<script type="application/json"')[0]
    assert "⟨U+202E⟩evil" in page


def test_escaping_is_switched_on_in_one_place() -> None:
    assert environment.environment().autoescape is True
    folder = Path(environment.__file__).parent
    for file in folder.rglob("*"):
        if file.suffix not in (".py", ".j2"):
            continue
        text = file.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|autoescape=False", text), file
        if file.name != "environment.py":
            assert not re.search(r"\b(Environment|Template|from_string)\(", text), file
        if file.name not in ("environment.py", "svg.py", "json_island.py"):
            assert "Markup(" not in text, file
