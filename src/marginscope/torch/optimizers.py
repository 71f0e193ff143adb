"""Optimizers that grow the margin of a norm of their own, where torch has none well kept.

    optimizer          Delta, the step of length one            norm whose margin grows
    SignDescent        sign(M)                                  largest entry
    NormalizedDescent  M / ||M||, all parameters together       Frobenius
    SpectralDescent    U V' of M = U S V'                       spectral
    Muon               the same, with its momentum              spectral
    NuclearDescent     u_1 v_1'                                 nuclear

On separable data with an exponential tail, a linear model and steps like t^-1/2 each tends to
the largest margin of its norm (Fan, Schmidt & Thrampoulidis, arXiv 2502.04664). In a network
the matrix methods take every tensor by itself: their norm is the largest over the tensors.

The length of a step does not fall with the gradient, so noise is followed as far as signal:
lower lr as training goes on, and stop once every margin is past about 36 in float64 or 16 in
float32, where the gradient of cross-entropy is rounding alone (`marginscope.descend` has no
such end). There is no foreach or fused form.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from marginscope.torch.linear_maximizers import (
    as_matrix,
    newton_schulz,
    normalized,
    polar_factor,
    rank_one,
    rank_tolerance_of,
)
from marginscope.torch.steepest import Move, Params, SteepestDescent

__all__ = ["Muon", "NormalizedDescent", "NuclearDescent", "SignDescent", "SpectralDescent"]


class SignDescent(SteepestDescent):
    """Descent by the signs of the gradient; with momentum it is Signum.

        W <- W - eta sign(M)

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
        What every entry moves by.
    momentum, nesterov, weight_decay, maximize
        See `SteepestDescent`.

    References
    ----------
    Bernstein, Wang, Azizzadenesheli & Anandkumar 2018, signSGD (Signum is its algorithm 2).

    Examples
    --------
    >>> import torch
    >>> W = torch.nn.Parameter(torch.tensor([[1.0, -2.0]]))
    >>> optimizer = SignDescent([W], lr=0.5)
    >>> (W**2).sum().backward()
    >>> optimizer.step()
    >>> W.tolist()
    [[0.5, -1.5]]
    """

    norm = "max"

    def directions(self, moves: list[Move]) -> list[Tensor]:
        return [ahead.sign() for _, _, ahead in moves]


class NormalizedDescent(SteepestDescent):
    """Steps along the gradient, of a length that is set and not the gradient's.

        W <- W - eta M / ||M||

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
        The Euclidean length of the step; groups may differ in it.
    per_tensor : bool
        ``False``, as in theory: ||M|| is the Euclidean norm of all parameters of all groups
        together. ``True``: every tensor by its own norm, which is another geometry: the
        largest of the Frobenius norms of the tensors.
    momentum, nesterov, weight_decay, maximize
        See `SteepestDescent`.
    """

    norm = "frobenius"

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        per_tensor: bool = False,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            maximize=maximize,
            own={"per_tensor": per_tensor},
        )

    def directions(self, moves: list[Move]) -> list[Tensor]:
        together = iter(normalized([ahead for group, _, ahead in moves if not group["per_tensor"]]))
        return [normalized([ahead])[0] if group["per_tensor"] else next(together) for group, _, ahead in moves]


class SpectralDescent(SteepestDescent):
    """Descent along the polar factor of the gradient: all its directions by the same length.

        W <- W - eta U V',    M = U S V'

    The exact factor is one singular value decomposition a step and tensor. A tensor is read
    as the matrix of its first axis against all others; a vector or a number is a matrix of
    one row, whose step is M / ||M||.

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
        The spectral norm of the step; there is no factor for the shape of the matrix.
    exact : bool
        ``False`` for five Newton-Schulz iterations instead, which need matrix products only.
        Their singular values are about 0.68 to 1.13 instead of 1 (up to 1.21 between two and
        ten thousandths of ||M||_F, and below 0.68 for smaller ones), so the norm whose margin
        grows is only nearly the spectral one. They run in float32 at least.
    rank_tolerance : float, optional
        Singular values of at most this share of the largest are noise and are left out of the
        exact factor. By default it follows the type of the parameter: 1e-10 for float64, 1e-5
        for float32, 2^-11 for float16, 2^-8 for bfloat16.
    momentum, nesterov, weight_decay, maximize
        See `SteepestDescent`.

    References
    ----------
    Carlson, Cevher & Carin 2015, stochastic spectral descent.
    """

    norm = "spectral"

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        exact: bool = True,
        rank_tolerance: float | None = None,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
            maximize=maximize,
            own={"exact": exact, "rank_tolerance": rank_tolerance},
        )

    def directions(self, moves: list[Move]) -> list[Tensor]:
        return [_polar(group, parameter, as_matrix(ahead)) for group, parameter, ahead in moves]


class Muon(SpectralDescent):
    """Muon with the exact polar factor: spectral descent with momentum that looks ahead.

        M <- b M + (1 - b) G,    W <- (1 - eta wd) W - eta U V'  of  (1 - b) G + b M

    `torch.optim.Muon` takes matrices only, runs Newton-Schulz in bfloat16 and multiplies the
    step by a factor of the shape; here the step has spectral norm ``lr``.

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr, momentum, nesterov, exact, rank_tolerance, weight_decay, maximize
        See `SpectralDescent`; ``exact=False`` is the iteration of the published code.

    References
    ----------
    Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks.
    """

    def __init__(
        self, params: Params, lr: float = 1e-3, *, momentum: float = 0.95, nesterov: bool = True, **settings: Any
    ) -> None:
        super().__init__(params, lr, momentum=momentum, nesterov=nesterov, **settings)


class NuclearDescent(SteepestDescent):
    """Descent by the leading pair of singular vectors: every step has rank one.

        W <- W - eta u_1 v_1'

    Tensors are read as matrices, as in `SpectralDescent`.

    Parameters
    ----------
    params : iterable of Tensor or of dict
    lr : float
        The nuclear norm of the step, which is its only singular value.
    momentum, nesterov, weight_decay, maximize
        See `SteepestDescent`.
    """

    norm = "nuclear"

    def directions(self, moves: list[Move]) -> list[Tensor]:
        return [rank_one(as_matrix(ahead)) for _, _, ahead in moves]


def _polar(group: dict[str, Any], parameter: Tensor, ahead: Tensor) -> Tensor:
    if not group["exact"]:
        return newton_schulz(ahead)
    tolerance = group["rank_tolerance"]
    return polar_factor(ahead, rank_tolerance_of(parameter.dtype) if tolerance is None else tolerance)
