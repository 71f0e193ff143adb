"""Losses, heads and optimizers for torch: the only place that imports it."""

from marginscope.torch.heads import ClassBranches, CosineHead
from marginscope.torch.optimizers import Muon, NormalizedDescent, NuclearDescent, SignDescent, SpectralDescent

__all__ = [
    "ClassBranches",
    "CosineHead",
    "Muon",
    "NormalizedDescent",
    "NuclearDescent",
    "SignDescent",
    "SpectralDescent",
]
