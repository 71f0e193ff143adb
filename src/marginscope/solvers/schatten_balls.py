"""The unit balls of the spectral and the nuclear norm as slices of the semidefinite cone.

    spectral    X = [I  W; W' I],   S = [S1 -G/2; -G'/2 S2]
    nuclear     X = [P  W; W' Q],   S = [tau I -G; -G' tau I] / 2,    trace X = 2

X and S are positive semidefinite, and <X, S> is the gap. Both are scaled to one diagonal
matrix (Nesterov & Todd 1997), in which Newton's equations are well conditioned.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from marginscope.solvers.unit_ball import BallStep, back_to

__all__ = ["NuclearBall", "SchattenBall", "SpectralBall"]

Floats = NDArray[np.float64]


class SchattenBall:
    """X, S and their scaling: R^-1 X R^-T = R' S R = diag(values)."""

    tau_column: Floats | None = None
    tau_pivot = 0.0

    def __init__(self, shape: tuple[int, int]) -> None:
        self.n_rows = shape[0]
        self.degree = sum(shape)
        self.tau = 0.0
        self.X = self.S = self.identity = np.eye(self.degree)

    def gap(self) -> float:
        return float(np.vdot(self.X, self.S))

    def aim(self, target: float, predictor: BallStep | None = None) -> None:
        self.wanted = np.diag(target - self.values**2)
        if predictor is not None:
            dX, dS = self._scaled(predictor)
            self.wanted -= _symmetric(dX @ dS)

    def recentre(self, step: BallStep, primal: float, dual: float, target: float) -> None:
        dX, dS = self._scaled(step)
        diagonal = np.diag(self.values)
        products, turn = scipy.linalg.eigh(
            _symmetric((diagonal + primal * dX) @ (diagonal + dual * dS)), check_finite=False
        )
        self.wanted = self.wanted + (turn * back_to(target, products)) @ turn.T

    def longest_steps(self, step: BallStep) -> tuple[float, float]:
        root = 1.0 / np.sqrt(self.values)
        lowest = [
            float(scipy.linalg.eigh(_symmetric(D * np.outer(root, root)), eigvals_only=True, check_finite=False)[0])
            for D in self._scaled(step)
        ]
        primal, dual = (np.inf if low >= 0 else -1.0 / low for low in lowest)
        return primal, dual

    def gap_after(self, step: BallStep, primal: float, dual: float) -> float:
        return float(np.vdot(self.X + primal * step.primal[0], self.S + dual * step.dual[0]))

    def move(self, step: BallStep, primal: float, dual: float) -> None:
        self.X = self.X + primal * step.primal[0]
        self.S = self.S + dual * step.dual[0]
        self.tau += dual * step.tau

    def _scale(self) -> None:
        L = scipy.linalg.cholesky(self.X, lower=True, check_finite=False)
        N = scipy.linalg.cholesky(self.S, lower=True, check_finite=False)
        U, self.values, Vt = np.linalg.svd(N.T @ L)
        root = np.sqrt(self.values)
        self.R = (L @ Vt.T) / root
        self.R_inverse = ((N @ U) / root).T

    def _scaled(self, step: BallStep) -> tuple[Floats, Floats]:
        return self.R_inverse @ step.primal[0] @ self.R_inverse.T, self.R.T @ step.dual[0] @ self.R

    def _products(self) -> Floats:
        """Return the Y with (values Y + Y values) / 2 = wanted."""
        return np.asarray(2.0 * self.wanted / (self.values[:, None] + self.values))

    def _off(self, W: Floats) -> Floats:
        """Put W into the blocks off the diagonal."""
        K = self.n_rows
        out = np.zeros_like(self.identity)
        out[:K, K:] = W
        out[K:, :K] = W.T
        return out


class SpectralBall(SchattenBall):
    """All singular values are at most one."""

    def begin(self, G: Floats) -> None:
        level = float(np.linalg.norm(G, 2)) or 1.0
        self.X = self.identity
        self.S = level * self.identity - self._off(0.5 * G)

    def linearise(self, W: Floats, G: Floats) -> None:
        self._scale()
        self.V = self.R_inverse.T @ self.R_inverse
        # both are zero but for rounding
        self._slack_error = self.identity + self._off(W) - self.X
        self._dual_error = G + 2.0 * self.S[: self.n_rows, self.n_rows :]

    def curve(self, dW: Floats) -> Floats:
        A, B, C = _blocks(self.V, self.n_rows)
        return np.asarray(2.0 * (A @ dW @ B + C @ dW.T @ C))

    def curvature(self, turn: Floats) -> Floats:
        """Return the matrix of Z -> turn' curve(turn Z)."""
        A, B, C = _blocks(self.V, self.n_rows)
        A, C = 2.0 * turn.T @ A @ turn, turn.T @ C
        out: Floats = A[:, None, :, None] * B[None, :, None, :]
        out += (2.0 * C)[:, None, None, :] * C.T[None, :, :, None]
        return out.reshape(len(A) * len(B), -1)

    def force(self) -> tuple[Floats, float]:
        K = self.n_rows
        self._constant = self.R_inverse.T @ self._products() @ self.R_inverse
        rest = self._constant - self.V @ self._slack_error @ self.V
        return -2.0 * rest[:K, K:] - self._dual_error, 0.0

    def step(self, dW: Floats, dG: Floats, dtau: float) -> BallStep:
        dX = self._slack_error + self._off(dW)
        return BallStep((dX,), (_symmetric(self._constant - self.V @ dX @ self.V),), 0.0)


class NuclearBall(SchattenBall):
    """The singular values have a sum of at most one."""

    def begin(self, G: Floats) -> None:
        self.tau = 2.0 * float(np.linalg.norm(G, 2)) or 1.0
        self.X = self.identity * (2.0 / self.degree)
        self.S = 0.5 * (self.tau * self.identity - self._off(G))

    def linearise(self, W: Floats, G: Floats) -> None:
        K = self.n_rows
        self._scale()
        # 2 S is moved by dtau I - off(dG), so the scaling of 2 S counts
        self.T = np.sqrt(0.5) * self.R @ self.R.T
        self._split_error = W - self.X[:K, K:]
        self._trace_error = 2.0 - float(np.trace(self.X))
        self._dual_error = self.tau * self.identity - self._off(G) - 2.0 * self.S
        A, B, C = _blocks(self.T, K)
        L, N = (scipy.linalg.cholesky(block, lower=True, check_finite=False) for block in (A, B))
        middle = scipy.linalg.solve_triangular(L, C, lower=True, check_finite=False)
        middle = scipy.linalg.solve_triangular(N, middle.T, lower=True, check_finite=False).T
        # U' L^-1 and V' N^-1 turn T into [I rho; rho' I], whose inverse splits into pairs of entries
        U, rho, Vt = np.linalg.svd(middle)
        self.left = scipy.linalg.solve_triangular(L, U, lower=True, trans="T", check_finite=False).T
        self.right = scipy.linalg.solve_triangular(N, Vt.T, lower=True, trans="T", check_finite=False).T
        self.coupling = np.outer(rho, rho)
        self.tau_column = self.curve((self.T @ self.T)[:K, K:])
        # trace T^2 / 2 less what the column explains, as a sum of squares
        away = self.T @ (self.identity - self._off(self.tau_column))
        self.tau_pivot = 0.5 * float(np.vdot(away.T, away))

    def curve(self, dW: Floats) -> Floats:
        m = len(self.coupling)
        Z = self.left @ dW @ self.right.T
        corner = Z[:m, :m]
        Z[:m, :m] = (corner - self.coupling * corner.T) / (1.0 - self.coupling**2)
        return np.asarray(self.left.T @ Z @ self.right)

    def curvature(self, turn: Floats) -> Floats:
        """Return the matrix of Z -> turn' curve(turn Z)."""
        m, left, right = len(self.coupling), self.left @ turn, self.right
        A, B = left.T @ left, right.T @ right
        n = len(A) * len(B)
        out: Floats = (A[:, None, :, None] * B[None, :, None, :]).reshape(n, n)
        corner = (left[:m, None, :, None] * right[None, :m, None, :]).reshape(m, m, n)
        q = (self.coupling / (1.0 - self.coupling**2))[:, :, None]
        change = q * (self.coupling[:, :, None] * corner - corner.transpose(1, 0, 2))
        out += corner.reshape(m * m, n).T @ change.reshape(m * m, n)
        return out

    def force(self) -> tuple[Floats, float]:
        K = self.n_rows
        self._constant = self.R @ self._products() @ self.R.T
        rest = self._constant - self.T @ self._dual_error @ self.T
        change = rest[:K, K:] - self._split_error
        rho = float(np.vdot(self.tau_column, change)) - 0.5 * (float(np.trace(rest)) - self._trace_error)
        return -self.curve(change), rho

    def step(self, dW: Floats, dG: Floats, dtau: float) -> BallStep:
        doubled = self._dual_error + dtau * self.identity - self._off(dG)
        return BallStep((_symmetric(self._constant - self.T @ doubled @ self.T),), (0.5 * doubled,), dtau)


def _symmetric(A: Floats) -> Floats:
    return np.asarray(0.5 * (A + A.T))


def _blocks(T: Floats, n_rows: int) -> tuple[Floats, Floats, Floats]:
    """Return both diagonal blocks and the upper block off the diagonal."""
    return T[:n_rows, :n_rows], T[n_rows:, n_rows:], T[:n_rows, n_rows:]
