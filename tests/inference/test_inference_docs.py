"""The code of docs/inference.md runs and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "inference.md"
BLOCKS = re.compile(r"```python\n(.*?)```\n\n```\n(.*?)```", re.DOTALL)


def printed_blocks(text):
    """Return what every block of code prints, run one after another, and what the page says."""
    names, found = {}, []
    for code, said in BLOCKS.findall(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        found.append((printed.getvalue(), said))
    return found


def test_every_block_prints_what_the_page_says():
    text = PAGE.read_text(encoding="utf-8")
    found = printed_blocks(text)
    assert len(found) == text.count("```python") == 10
    for printed, said in found:
        # trailing blanks are no part of a page
        assert [line.rstrip() for line in printed.splitlines()] == said.splitlines()
