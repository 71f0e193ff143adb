"""The pages in a real browser, opened from disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest
from made_up_results import LABELS, make_classes, make_diagnosis, make_ledger
from test_hostile_names import BATCHES, PAYLOADS, hostile

import marginscope as ms
from marginscope.reports import diagnosis_page

pytestmark = pytest.mark.browser
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")


def open_page(browser: Any, path: Path) -> None:
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(path.as_uri())


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if "favicon" not in entry["message"]]


def requests(browser: Any) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event for event in events if event["method"] == "Network.requestWillBeSent"]
    urls = [event["params"]["request"]["url"] for event in sent]
    # a slow browser is still loading its own first tab: that, and what came before the page, no page asked for
    urls = [url for url in urls if not url.startswith("chrome:")]
    return list(dropwhile(lambda url: not url.startswith("file:"), urls))


def column(browser: Any, number: int) -> list[str]:
    script = (
        "return [...document.querySelector('.ms-classes').tBodies[0].rows].map(r => r.cells[arguments[0]].innerText)"
    )
    return list(browser.execute_script(script, number))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    make_diagnosis().save_html(path)
    return path


def test_sec013_it_opens_from_disk_without_a_word_or_a_request(browser: Any, page: Path) -> None:
    open_page(browser, page)
    assert complaints(browser) == []
    assert requests(browser) == [page.as_uri()]
    assert browser.find_element("css selector", "h1").text.startswith("2 of 8 classes are not learned")


def test_the_policy_lets_our_style_and_script_act(browser: Any, page: Path) -> None:
    open_page(browser, page)
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    assert browser.execute_script(script, ".ms-card", "borderTopStyle") == "solid"
    assert browser.execute_script(script, ".ms-plot path[stroke='var(--ms-accent)']", "stroke") == "rgb(42, 91, 215)"


def test_columns_sort_both_ways_with_what_does_not_exist_last(browser: Any, page: Path) -> None:
    open_page(browser, page)
    by_name = {button.text: button for button in browser.find_elements("css selector", ".ms-classes .ms-sort")}
    by_name["Recall"].click()
    recalls = [text.split("\n")[0] for text in column(browser, 2)]
    assert recalls == ["0.00", "0.11", "0.38", "0.50", "0.93", "0.97", "1.00", "–"]
    by_name["Recall"].click()
    assert [text.split("\n")[0] for text in column(browser, 2)] == [*recalls[-2::-1], "–"]
    head = browser.find_element("css selector", ".ms-classes th[aria-sort]")
    assert head.get_attribute("aria-sort") == "descending"
    by_name["Class"].click()
    assert column(browser, 0) == sorted(LABELS)
    by_name["Rows"].click()
    assert column(browser, 4)[0] == "0"
    by_name["Verdict"].click()
    assert column(browser, 0)[:2] == ["lynx", "wolverine"]
    assert len(browser.find_elements("css selector", "th[aria-sort]")) == 1


def test_folds_open_on_a_click_and_for_printing(browser: Any, page: Path) -> None:
    open_page(browser, page)
    fold = browser.find_element("css selector", "#method details")
    assert fold.get_attribute("open") is None
    summary = fold.find_element("css selector", "summary")
    browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", summary)
    summary.click()
    assert fold.get_attribute("open") is not None
    assert fold.find_element("css selector", "table").is_displayed()
    count = "return [document.querySelectorAll('details[open]').length, document.querySelectorAll('details').length]"
    is_open, total = browser.execute_script("dispatchEvent(new Event('beforeprint'));" + count)
    assert is_open == total > 2
    is_open, _ = browser.execute_script("dispatchEvent(new Event('afterprint'));" + count)
    assert is_open == 1


def test_links_lead_to_their_cards(browser: Any, page: Path) -> None:
    open_page(browser, page)
    script = "return [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))"
    targets = browser.execute_script(script)
    assert len(targets) > 12
    for target in set(targets):
        assert len(browser.find_elements("css selector", target)) == 1
    link = browser.find_element("css selector", ".ms-classes a")
    link.click()
    assert browser.find_element("css selector", ".ms-card:target h3").text == "lynx"


def test_identifiers_are_unique(browser: Any, page: Path) -> None:
    open_page(browser, page)
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_sticks_out_sideways(browser: Any, page: Path, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        open_page(browser, page)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _contrast(one: list[float], other: list[float]) -> float:
    def luminance(colour: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_in_light_and_dark(browser: Any, page: Path, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        open_page(browser, page)
        script = """
            const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
            const rgb = name => {
                canvas.fillStyle = getComputedStyle(document.body).getPropertyValue('--ms-' + name);
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
            };
            return Object.fromEntries(arguments[0].map(name => [name, rgb(name)]));"""
        names = ["paper", "ink", "soft", "accent", "healthy", "weak", "unlearned", "absent", "undecided"]
        colours = browser.execute_script(script, names)
        paper = colours.pop("paper")
        assert (sum(paper) > 380) == (scheme == "light")
        assert {
            name: round(_contrast(rgb, paper), 1) for name, rgb in colours.items() if _contrast(rgb, paper) < 4.0
        } == {}
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: str(PAYLOADS.index(batch[0])))
def test_sec005_no_name_acts(browser: Any, tmp_path: Path, batch: Sequence[str]) -> None:
    path = tmp_path / "report.html"
    hostile(batch).save_html(path)
    open_page(browser, path)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    for element in browser.find_elements("css selector", ".ms-classes bdi")[:3]:
        webdriver.ActionChains(browser).move_to_element(element).perform()
    # A dialog would make the next call fail.
    assert browser.execute_script("return document.title").endswith("marginscope")
    assert complaints(browser) == []
    assert requests(browser) == [path.as_uri()]


def test_sec005_no_name_acts_in_a_notebook(browser: Any, tmp_path: Path) -> None:
    """A notebook has no policy of ours: there only the escaping protects."""
    path = tmp_path / "notebook.html"
    cells = "".join(hostile(batch)._repr_html_() for batch in BATCHES)
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{cells}", "utf-8")
    open_page(browser, path)
    assert browser.execute_script("return document.querySelectorAll('script, img, iframe').length") == 0
    assert complaints(browser) == []
    assert requests(browser) == [path.as_uri()]


def test_the_embedded_document_can_be_read_back(browser: Any, tmp_path: Path) -> None:
    names = (*PAYLOADS[:4], *LABELS[4:])
    made = replace(make_diagnosis(names), classes=make_classes(names))
    path = tmp_path / "report.html"
    path.write_text(diagnosis_page.page(made), "utf-8")
    open_page(browser, path)
    script = "return JSON.parse(document.getElementById('marginscope-diagnosis').textContent)"
    assert browser.execute_script(script) == json.loads(made.to_json())


def test_the_ledger_page_opens(browser: Any, tmp_path: Path) -> None:
    make_ledger(LABELS).save_html(tmp_path / "ledger.html")
    open_page(browser, tmp_path / "ledger.html")
    assert complaints(browser) == []
    assert len(browser.find_elements("css selector", ".ms-ledger tbody")) == 4


def test_a_film_plays_from_disk_and_fetches_nothing(browser: Any, tmp_path: Path) -> None:
    X, y = [[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], ["a", "b", "<b>c</b>"]
    path = tmp_path / "film.html"
    ms.descend(X, y, n_steps=100, record=[1, 10]).animate(path)
    open_page(browser, path)
    shown = "return [...document.querySelectorAll('#film img')].map(f => !f.hidden && f.naturalWidth > 0)"
    assert browser.execute_script(shown) == [False, False, False, True]
    browser.execute_script(
        "const bar = document.getElementById('frame'); bar.value = 1; bar.dispatchEvent(new Event('input'))"
    )
    assert browser.execute_script(shown) == [False, True, False, False]
    button = browser.find_element("id", "play")
    browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant', block: 'center'})", button)
    button.click()
    assert button.text == "Pause"
    button.click()
    assert button.text == "Play"
    assert complaints(browser) == []
    assert [one for one in requests(browser) if not one.startswith("data:")] == [path.as_uri()]
    assert not browser.find_elements("css selector", "main b")
