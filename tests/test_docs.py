"""Every command, check and option is documented, and the documents are true to the program."""

from __future__ import annotations

import dataclasses
import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from marginscope.cli.explain import page, slugs, summary
from marginscope.cli.main import app, main

ROOT = Path(__file__).parents[1]
PROGRAM: Any = typer.main.get_command(app)
PAGE_MAKER = runpy.run_path(str(ROOT / "docs" / "make_cli_page.py"))
BY_NAME: dict[str, Any] = PAGE_MAKER["commands"](PROGRAM)
COMMANDS = list(BY_NAME)
SECTIONS = ["What it means", "What decides it", "Example", "What to do", "When it is wrong, or may be ignored"]


def test_these_are_the_commands_of_this_release() -> None:
    lab = ["separability", "margin", "limit", "tail", "sweep"]
    assert ["diagnose", "fix", *lab, "explain", "demo", "experiment list", "experiment run"] == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_with_a_worked_example(name: str) -> None:
    text = BY_NAME[name].help
    assert re.search(rf"^ *marginscope {name}\b", text, re.MULTILINE)
    assert all(one.help for one in BY_NAME[name].params)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_parse(name: str) -> None:
    for example in re.findall(r"^ *marginscope (.+)$", BY_NAME[name].help, re.MULTILINE):
        words = shlex.split(example)
        own = words[len(name.split()) :]
        assert words[: len(name.split())] == name.split()
        BY_NAME[name].make_context(name, own)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_eighty_columns(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*name.split(), "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_named_in_the_docs(name: str) -> None:
    assert f"marginscope {name}" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_the_reference_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == PAGE_MAKER["page"]()


def test_every_check_has_a_page_and_every_page_a_check() -> None:
    from marginscope.diagnosis.checks import CHECKS

    assert sorted(check.slug for check in CHECKS) == slugs()


@pytest.mark.parametrize("slug", slugs())
def test_a_page_is_complete_and_fits_the_screen(slug: str) -> None:
    lines = page(slug).splitlines()
    assert lines[0] == f"# {slug}"
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS
    assert 25 <= len(lines) <= 57
    assert max(map(len, lines)) <= 79
    assert len(summary(slug)) <= 59
    assert summary(slug).endswith(".")


@pytest.mark.parametrize("slug", slugs())
def test_a_page_names_only_what_exists(slug: str) -> None:
    from marginscope.remedies import REMEDIES

    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", page(slug)))
    assert named <= {*slugs(), *(remedy.slug for remedy in REMEDIES)}
    assert set(re.findall(r"`marginscope (\w+)", page(slug))) <= set(COMMANDS)


# Thresholds that a page states; the page must follow the code.
STATED = {
    "few-rows": ("least_rows", "widest", "good_recall"),
    "conflicting-labels": ("least_bound",),
    "label-map": ("told_apart", "level", "shift_gain", "restart_auc"),
    "knob-ignored": ("least_change",),
    "low-capacity": ("training_slack",),
    "no-signal": ("clear", "level", "n_permutations", "least_rows"),
    "rival-overlap": ("most_auc", "coincide"),
    "weights-vanish": ("angle",),
}


@pytest.mark.parametrize("slug", STATED)
def test_a_page_states_the_thresholds_of_its_check(slug: str) -> None:
    from marginscope.diagnosis.checks import CHECKS

    check = next(one for one in CHECKS if one.slug == slug)
    numbers = {float(one) for one in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", page(slug))}
    for field in STATED[slug]:
        assert abs(getattr(check, field)) in numbers, field


def test_the_docs_state_what_counts_as_proof() -> None:
    from marginscope.diagnosis.proof import Proof

    text = (ROOT / "docs" / "causes.md").read_text(encoding="utf-8")
    for value in dataclasses.astuple(Proof()):
        assert f"{value:g}" in text


@pytest.mark.parametrize("slug", slugs())
def test_a_page_is_linked_with_its_summary(slug: str) -> None:
    text = (ROOT / "docs" / "causes.md").read_text(encoding="utf-8")
    assert f"[{slug}](../src/marginscope/explain/{slug}.md) | {summary(slug)} |" in text


def test_contributing_names_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for path in re.findall(r"`((?:src|docs|tests)/[\w/.]+\.\w+)`", text):
        assert (ROOT / path).is_file(), path
    for name in ("CHECKS", "REMEDIES"):
        assert f"`{name}`" in text
