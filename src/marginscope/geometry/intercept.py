"""An intercept is the weight of a column of ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from marginscope.geometry.margins import is_sparse

__all__ = ["with_ones"]


def with_ones(X: Any) -> Any:
    """Return X with a last column of ones, dense or CSR as it came."""
    ones = np.ones((X.shape[0], 1))
    return sp.csr_array(sp.hstack([X, sp.csr_array(ones)])) if is_sparse(X) else np.column_stack([X, ones])
