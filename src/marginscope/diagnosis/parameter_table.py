"""The coefficients of a linear model in one stated gauge, for the report."""

from __future__ import annotations

import numpy as np

from marginscope.diagnosis.case import Case
from marginscope.diagnosis.result import ParameterTable

__all__ = ["parameter_table"]


def parameter_table(case: Case) -> ParameterTable | None:
    """Return the coefficients class by feature; ``None`` where the model is not linear."""
    part = case.linear_part
    if part is None:
        return None
    names = {str(label): k for k, label in enumerate(part.classes.tolist())}
    infinite = None
    found = case.notebook.get("separation")
    if found is not None and found.certificate.infinite is not None:
        infinite = np.asarray(found.certificate.infinite, dtype=np.int8)
    return ParameterTable(
        classes=tuple(names),
        features=tuple(part.names),
        values=part.coef - part.coef.mean(axis=0),
        gauge="sum to zero over the classes",
        infinite=infinite,
    )
