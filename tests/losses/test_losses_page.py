"""docs/losses.md is true to the program, and its code runs."""

import contextlib
import io
import re
import runpy
from pathlib import Path

from marginscope.losses import names
from marginscope.losses.adjust import MAKERS

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "losses.md").read_text(encoding="utf-8")


def test_the_tables_are_up_to_date():
    assert runpy.run_path(str(DOCS / "make_losses_page.py"))["page"]() == TEXT


def test_every_loss_and_every_named_adjustment_has_a_row():
    rows = {line.split("`")[1] for line in TEXT.splitlines() if line.startswith("| `")}
    assert rows == {*names(), *(maker.__name__ for maker in MAKERS)}


def test_the_code_runs_and_prints_what_the_page_says():
    blocks = re.findall(r"```(python)?\n(.*?)```", TEXT, re.DOTALL)
    assert [kind for kind, _ in blocks] == ["python", "python", ""]
    exec(blocks[0][1], {})
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(blocks[1][1], {})
    assert printed.getvalue() == blocks[2][1]


def test_the_page_names_files_that_exist():
    for path in re.findall(r"`((?:src|docs|tests|losses)/[\w/]+\.?\w*/?)`", TEXT):
        found = DOCS.parent / (f"src/marginscope/{path}" if path.startswith("losses/") else path)
        assert found.exists(), path
