"""Of two interventions that do as much for a class, the one that needs no more training goes deeper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from marginscope.diagnosis.case import Case, NotTried
from marginscope.findings import Counterfactual

__all__ = ["claims_on", "kept_proofs", "proofs_of", "yielding"]

Claims = Mapping[str, Counterfactual]


def claims_on(claims: Claims, names: frozenset[str], otherwise: str) -> dict[str, Counterfactual]:
    """Return the claims, those on classes outside ``names`` no proof any more for the reason ``otherwise``."""
    return {
        name: one if name in names or not one.is_proof else replace(one, reason=otherwise)
        for name, one in claims.items()
    }


def proofs_of(case: Case, slug: str) -> dict[str, Counterfactual]:
    """Return what an intervention proves, by class; empty where it cannot act."""
    try:
        claims = [case.lab.claim(slug, code, name) for code, name in enumerate(case.names)]
    except NotTried:
        return {}
    return {one.label: one for one in claims if one is not None and one.is_proof}


def kept_proofs(case: Case, check: str) -> dict[str, Counterfactual]:
    """Return what a check that ran before has proved, by class; checks keep it in the notebook under their slug."""
    found: dict[str, Counterfactual] = case.notebook.get(check, {})
    return found


def yielding(claims: Claims, deeper: Claims, reason: str, equal: float) -> dict[str, Counterfactual]:
    """Return the claims, no proof any more where the deeper one does as much, up to ``equal`` recall."""
    return {
        name: replace(one, reason=reason)
        if one.is_proof and name in deeper and deeper[name].net >= one.net - equal
        else one
        for name, one in claims.items()
    }
