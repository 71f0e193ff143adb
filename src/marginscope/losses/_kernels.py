"""Scores to signed weights in one pass, compiled, for the templates that have machine code.

    G_ik = omega_i / m_y q_ik for k != y,    G_iy = -sum_k G_ik

The NumPy form in ``LinearObjective`` says the same in five passes, and serves all templates.
This module imports numba: load it lazily.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from marginscope.losses.adjust import Adjustment
from marginscope.losses.lanes.compiling import code_for, compiled, has_wide_vectors, known_to_the_compiler, pointers
from marginscope.losses.lanes.signed_weights import Memory, WeighingPlan, write_signed_weights

__all__ = ["Goal", "SignedWeights"]

Floats = NDArray[Any]
Goal = Literal["value", "gradient", "scaled"]

# classes up to which a kernel of its own pays
_MOST_WRITTEN_OUT = 12

known_to_the_compiler(WeighingPlan, __file__)


def _write(typing: Any, plan: Any, arrays: Any) -> Any:
    signature = types.void(plan, arrays)

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        settings: WeighingPlan = signature.args[0].settings
        kinds = signature.args[1]
        scores = context.make_array(kinds[0])(context, builder, builder.extract_value(args[1], 0))
        n_classes, n_samples = (builder.extract_value(scores.shape, axis) for axis in range(2))
        memory = Memory(*pointers(context, builder, kinds, args[1]))
        write_signed_weights(code_for(builder, settings), settings, memory, n_classes, n_samples)
        return context.get_dummy_value()

    return signature, write


_run: Any = intrinsic(_write)


@compiled
def _signed_weights(plan: Any, arrays: Any) -> None:
    _run(plan, arrays)


class SignedWeights:
    """What the kernel needs of labels and adjustment, in the precision of the scores.

    Parameters
    ----------
    template : str
        ``"cross_entropy"``, ``"pair_logistic"`` or ``"exponential"``.
    y : (n_samples,) class codes
    n_classes : int
    adjustment : Adjustment
    dtype : float64 or float32
    """

    def __init__(self, template: str, y: NDArray[np.intp], n_classes: int, adjustment: Adjustment, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        bits = 8 * self._dtype.itemsize
        width = (512 if has_wide_vectors() else 256) // bits
        omega = np.exp(adjustment.log_sample_weights(y))
        margins = np.ones(n_classes) if adjustment.margins is None else adjustment.margins
        own = np.zeros(n_classes) if adjustment.own_shifts is None else adjustment.own_shifts
        adjusted = bool(np.any(omega != 1.0) or np.any(margins != 1.0) or np.any(own != 0.0))
        self._settings = {
            "template": template,
            "n_classes": n_classes if n_classes <= _MOST_WRITTEN_OUT else 0,
            "bits": bits,
            "width": width,
            "contract": True,
            "adjusted": adjusted,
        }
        self._n_samples, self._n_classes = len(y), n_classes
        self._length = -(-len(y) // width) * width
        self._y = self._padded(y, f"i{bits // 8}")
        per_sample = (own[y], 1.0 / margins[y], omega / margins[y], omega) if adjusted else [np.zeros(0)] * 4
        self._per_sample = tuple(self._padded(one, self._dtype) for one in per_sample)
        shifts = np.zeros(n_classes) if adjustment.shifts is None else adjustment.shifts
        self._shifts = shifts.astype(self._dtype)

    def scores(self, X: Floats, W: Floats) -> Floats:
        """Return W X' with columns added that weigh nothing."""
        room = np.empty((self._n_classes, self._length), self._dtype)
        inside = room[:, : self._n_samples]
        if self._dtype == np.float64:
            np.matmul(W, X.T, out=inside)
        else:
            inside[...] = (X @ W.T).T  # OpenBLAS takes half as long for this order in float32
        # a margin beyond all others for class 0
        room[:, self._n_samples :] = 0.0
        room[0, self._n_samples :] = np.finfo(self._dtype).max / 1e8
        return room

    def weigh(self, scores: Floats, intercept: Floats | None, goal: Goal) -> tuple[Floats, Floats]:
        """Turn scores into G exp(-m), in place; m is 0 unless the goal is ``"scaled"``.

        Returns
        -------
        G : (n_classes, n_samples)
        found : (3,)
            The value, if that is the goal; the largest weight, of G exp(-m); m.
        """
        offsets = self._shifts if intercept is None else self._shifts + intercept
        found = np.zeros(3, self._dtype)
        plan = WeighingPlan(**self._settings, goal=goal)
        _signed_weights(plan, (scores, self._y, offsets, *self._per_sample, found))
        return scores[:, : self._n_samples], found

    def _padded(self, values: Floats, dtype: Any) -> Floats:
        out = np.zeros(self._length if len(values) else 0, dtype)
        out[: len(values)] = values
        return out
