"""Small torch networks, sound and unsound, by name."""

from __future__ import annotations

from torch import nn

__all__ = ["NETWORKS"]


class Offset(nn.Linear):
    """A linear layer whose first biases are moved by ``offset``, all of them or the last one."""

    def __init__(self, n_in: int, n_out: int, offset: float, *, last_only: bool = False) -> None:
        self.offset, self.last_only = offset, last_only
        super().__init__(n_in, n_out)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        moved = self.bias.data[-1:] if self.last_only else self.bias.data
        moved += self.offset


class Quiet(nn.Linear):
    """A linear layer that starts at nearly nothing."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        self.weight.data *= 0.01
        self.bias.data *= 0.01


def quiet(d: int, k: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 32), nn.ReLU(), Quiet(32, k))


def plain(d: int, k: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, k))


def narrow(d: int, k: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 1), nn.ReLU(), nn.Linear(1, k))


def cold(d: int, k: int) -> nn.Module:
    return nn.Sequential(Offset(d, 32, -40.0), nn.ReLU(), nn.Linear(32, k))


def cold_second_layer(d: int, k: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 32), nn.ReLU(), Offset(32, 32, -40.0), nn.ReLU(), nn.Linear(32, k))


def hot_tanh(d: int, k: int) -> nn.Module:
    return nn.Sequential(Offset(d, 32, 40.0), nn.Tanh(), nn.Linear(32, k))


def last_class_late(d: int, k: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 32), nn.ReLU(), Offset(32, k, -12.0, last_only=True))


def last_class_never(d: int, k: int) -> nn.Module:
    return nn.Sequential(nn.Linear(d, 32), nn.ReLU(), Offset(32, k, -40.0, last_only=True))


NETWORKS = {
    "plain": plain,
    "quiet": quiet,
    "narrow": narrow,
    "cold": cold,
    "cold second layer": cold_second_layer,
    "hot tanh": hot_tanh,
    "last class late": last_class_late,
    "last class never": last_class_never,
}
