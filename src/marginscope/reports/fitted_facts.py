"""What a fit found, as a small table for a notebook."""

from __future__ import annotations

from collections.abc import Mapping

from marginscope.reports.environment import render_fragment

__all__ = ["fragment"]


def fragment(facts: Mapping[str, str]) -> str:
    """Return the cell of a notebook: one line for each fact."""
    return render_fragment("fitted_facts_fragment.html.j2", facts=facts)
