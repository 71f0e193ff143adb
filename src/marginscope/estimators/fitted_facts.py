"""The facts of a fit beside scikit-learn's diagram in a notebook."""

from __future__ import annotations

from typing import Any

from marginscope._display import fragment_of

__all__ = ["ShowsFacts"]


class ShowsFacts:
    """Mixin left of ``BaseEstimator``: a fitted estimator shows ``_facts()`` under its diagram.

    The text form stays scikit-learn's. scikit-learn asks for the HTML in two ways.
    """

    def _facts(self) -> dict[str, str]:
        """Return name and value of what the fit found; empty before."""
        raise NotImplementedError

    def _facts_html(self) -> str:
        facts = self._facts()
        return fragment_of("fitted_facts", facts) if facts else ""

    def _repr_html_inner(self) -> str:
        return str(super()._repr_html_inner()) + self._facts_html()  # type: ignore[misc]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if "text/html" in bundle:
            bundle["text/html"] += self._facts_html()
        return bundle
