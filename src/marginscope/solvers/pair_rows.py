"""The pair features of chosen pairs written out, one sparse row each, for linear and conic programmes."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from marginscope.geometry.margins import is_sparse

__all__ = ["pair_rows"]

Codes = NDArray[np.intp]


def pair_rows(Z: Any, rows: Codes, rivals: Codes, n_classes: int, own: Codes) -> Any:
    """Return the features of <w_own - w_rival, z> in W row by row, as CSR.

    Parameters
    ----------
    Z : (n_rows, n_columns) array or CSR matrix
    rows, rivals : (n_pairs,)
    n_classes : int
    own : (n_rows,) class codes
    """
    p = Z.shape[1]
    features = sp.coo_array(sp.csr_array(Z[rows]) if is_sparse(Z) else np.asarray(Z[rows]).reshape(-1, p))
    line, column = features.coords
    plus, minus = own[rows][line] * p + column, rivals[line] * p + column
    values = np.r_[features.data, -features.data]
    return sp.csr_array((values, (np.r_[line, line], np.r_[plus, minus])), shape=(len(rows), n_classes * p))
