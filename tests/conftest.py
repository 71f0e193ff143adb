"""Property tests draw the same examples in every run, so that a failure is one of the change under test.

``pytest --hypothesis-profile=fresh`` draws new ones.
"""

import contextlib
import io
import re

import pytest
from hypothesis import settings

_CODE_AND_OUTPUT = re.compile(r"```python\n(.*?)```.*?```\n(.*?)```", re.DOTALL)

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def outputs_of_page():
    """Run the blocks of code of a page one after another; return what each prints, and what the page says it does."""

    def run(text, skip=()):
        names, found = {}, []
        blocks = _CODE_AND_OUTPUT.findall(text)
        assert len(blocks) == text.count("```python") > 0, "every block of code is followed by what it prints"
        for code, said in blocks:
            if any(word in code for word in skip):
                continue
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(code, names)
            # blanks at the ends of lines, and of the whole, are no part of a page
            found.append(
                ([line.rstrip() for line in printed.getvalue().strip().splitlines()], said.strip().splitlines())
            )
        return found

    return run
