"""The facts of a fit beside scikit-learn's diagram in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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

    # scikit-learn looks at every attribute for dir() and for its picture; neither shall solve anything

    def __dir__(self) -> list[str]:
        with self._looking():
            names = [str(name) for name in super().__dir__()]
        return names if "_is_looked_at" in vars(self) else [*names, *self._not_computed()]

    def _not_computed(self) -> tuple[str, ...]:
        """Return attributes that would be computed now; they raise while ``_is_looked_at`` is there."""
        return ()

    @contextmanager
    def _looking(self) -> Iterator[None]:
        before = vars(self).get("_is_looked_at")
        vars(self)["_is_looked_at"] = True
        try:
            yield
        finally:
            if before is None:
                del vars(self)["_is_looked_at"]

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        with self._looking():
            return super()._get_fitted_attr_html(doc_link)  # type: ignore[misc]

    def _repr_html_inner(self) -> str:
        return str(super()._repr_html_inner()) + self._facts_html()  # type: ignore[misc]

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        if "text/html" in bundle:
            bundle["text/html"] += self._facts_html()
        return bundle
