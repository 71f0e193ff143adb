"""The matrices of the label code, written out."""

from __future__ import annotations

import numpy as np


def reference_matrix(n_classes):
    """Return R = [-I | 1] of shape (n_classes - 1, n_classes)."""
    return np.hstack([-np.eye(n_classes - 1), np.ones((n_classes - 1, 1))])


def code_matrix(y, n_classes):
    """Return code(y), an involution of shape (n_classes - 1, n_classes - 1)."""
    code = np.eye(n_classes - 1)
    if y < n_classes - 1:
        code[:, y] = -1.0
    return code
