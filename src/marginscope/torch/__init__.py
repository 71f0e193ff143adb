"""Losses, heads and optimizers for torch: the only place that imports it."""

from marginscope.torch.optimizers import Muon, NormalizedDescent, NuclearDescent, SignDescent, SpectralDescent

__all__ = ["Muon", "NormalizedDescent", "NuclearDescent", "SignDescent", "SpectralDescent"]
