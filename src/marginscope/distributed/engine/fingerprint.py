"""What two machines must have in common to give the same bits."""

from __future__ import annotations

import functools
import hashlib
import platform

import numpy as np

from marginscope.runs.environment import blas_read_back, package_versions

__all__ = ["differences", "fingerprint"]


@functools.cache
def _fingerprint() -> tuple[tuple[str, str], ...]:
    import scipy.linalg  # noqa: F401  (brings its own BLAS, which is read back too)
    from llvmlite.binding import get_host_cpu_name  # what numba compiles for

    kernels = sorted({f"{one['internal_api']} {one['architecture']}" for one in blas_read_back()})
    machine = f"{platform.machine()} {get_host_cpu_name()}"
    found = {**package_versions(), "machine": machine, "blas": ", ".join(kernels), "probe": _probe()}
    return tuple(sorted(found.items()))


def fingerprint() -> dict[str, str]:
    """Return versions, kernels of the BLAS, and the hash of a probe: the gradient of cross-entropy."""
    return dict(_fingerprint())


def differences(own: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return what differs, both values in words."""
    return [
        f"{key} ({own.get(key, 'none')[:60]} here, {other.get(key, 'none')[:60]} there)"
        for key in sorted({*own, *other})
        if own.get(key) != other.get(key)
    ]


def _probe() -> str:
    """Return the hash of a gradient: products, exponentials and sums, as descent takes them."""
    from threadpoolctl import threadpool_limits

    n, d, K = 193, 37, 5
    # integers in a fixed order, so that the data need no random stream
    X = ((np.arange(n * d) * 7919) % 1013).reshape(n, d) / 1013.0 - 0.5
    W = ((np.arange(K * d) * 104729) % 997).reshape(K, d) / 99.7 - 5.0
    with threadpool_limits(limits=1, user_api="blas"):
        scores = X @ W.T
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        gradient = p.T @ X
    logs = np.log1p(np.exp(-np.abs(scores)))
    return hashlib.sha256(gradient.tobytes() + logs.tobytes()).hexdigest()[:16]
