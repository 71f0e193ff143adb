"""The code of docs/integrations.md runs and prints what the page says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "integrations.md"
BLOCKS = re.compile(r"```python\n(.*?)```\n\n```\n(.*?)```", re.DOTALL)


def printed(code: str, names: dict[str, object]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, names)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore")
def test_every_block_prints_what_the_page_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    blocks = BLOCKS.findall(text)
    assert len(blocks) == text.count("```python") == 4
    names: dict[str, object] = {}
    for code, said in blocks:
        if "import skore" in code and not _has_skore():
            continue
        # skore's progress bar leaves an empty line
        assert [line.rstrip() for line in printed(code, names).strip().splitlines()] == said.splitlines()


def _has_skore() -> bool:
    try:
        import skore  # noqa: F401
    except ImportError:
        return False
    return True


def test_the_page_names_what_exists() -> None:
    import marginscope as ms

    for name in re.findall(r"`ms\.((?:\w+\.)*\w+)", PAGE.read_text(encoding="utf-8")):
        found: object = ms
        for part in name.split("."):
            found = getattr(found, part)
